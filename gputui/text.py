"""Text for a terminal: remote strings made harmless, and money, sizes and ages in the forms the screens use."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from gputui.models import Money

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters and marks that draw nothing, and what Unicode keeps free for more of the kind.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2065\u3164\uffa0") | frozenset(map(chr, range(0xFFF0, 0xFFF9)))
_JOINERS = frozenset("\u200c\u200d")
_SELECTORS = frozenset(map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
_SYMBOL_CATEGORIES = frozenset({"So", "Sk", "Sm"})
_SELECTED = frozenset("\u203c\u2049\u2139\u3030\u303d")
"""What takes an emoji form though it is no symbol by its category."""
_SYMBOLS = {"USD": "$", "CNY": "¥", "EUR": "€"}

REPLACEMENT = "\ufffd"
_NO_FIGURE = 2**63
"""From here on a figure is neither a size nor a span."""


_SHAPING = re.compile(f"[{''.join(sorted(_JOINERS | _SELECTORS))}]+")
_LONGEST_SHAPING = 8
"""Joiners and selectors in a row that are looked at one by one; two are the most that have an effect."""


@lru_cache(maxsize=4096)
def _unsafe(character: str) -> bool:
    """Whether a character controls the terminal, reorders a line or cannot be seen, wherever it stands."""
    return (
        unicodedata.category(character) in _UNSAFE_CATEGORIES
        or character in _BLANKS
        or "\U000e0000" <= character <= "\U000e0fff"
    )


def _is_symbol(character: str) -> bool:
    return character != REPLACEMENT and (
        character in _SELECTED or (character > "\x7f" and unicodedata.category(character) in _SYMBOL_CATEGORIES)
    )


def _is_joining(character: str) -> bool:
    """Whether it is of a script whose letters change their form by their neighbours: Arabic, India's, Mongolian."""
    known = "\u0600" <= character <= "\u109f" or "\u1780" <= character <= "\u18af"
    return (known or "\ufb50" <= character <= "\ufefc") and unicodedata.category(character)[0] in "LM"


def _belongs(text: str, index: int) -> bool:
    """Whether the joiner or selector at ``index`` has a visible effect: in an emoji, a keycap, or joining letters."""
    before, after = text[index - 1 : index], text[index + 1 : index + 2]
    if not before:
        return False
    if text[index] in _SELECTORS:
        ideograph = "\u2e80" <= before <= "\ua48f" or "\U00020000" <= before <= "\U0003ffff"
        return (
            _is_symbol(before) or ideograph or _is_joining(before) or (after == "\u20e3" and before in "0123456789#*")
        )
    if before in _SELECTORS:
        before = text[index - 2 : index - 1]
    if not before or not after:
        return False
    return (_is_symbol(before) and _is_symbol(after)) or (_is_joining(before) and _is_joining(after))


def _safe(text: str, index: int) -> str:
    character = text[index]
    if character in _JOINERS or character in _SELECTORS:
        return character if _belongs(text, index) else REPLACEMENT
    return REPLACEMENT if _unsafe(character) else character


_ASCII_LINES = {code: REPLACEMENT for code in (*range(0x20), 0x7F) if code != ord("\n")}
"""For whole texts of ASCII, of which there may be megabytes in short lines: all control characters are unsafe."""


def clean(text: str, *, multiline: bool = False) -> str:
    """Make a remote text safe for a terminal.

    C0, C1 (ESC, CSI and OSC introducers among them), bidirectional controls, line and paragraph separators and
    lone surrogates become U+FFFD, so that what was there stays visible as damage and can neither move the cursor
    nor reorder a line. So does what cannot be seen and would make two names look alike: format characters and
    fillers. Joiners and variation selectors stay where they shape an emoji or the letters of a joining script.
    With ``multiline``, line feeds stay and tabs become spaces; CR LF becomes LF.
    """
    if text.isascii() and text.isprintable():
        return text
    if multiline:
        text = text.replace("\r\n", "\n").replace("\t", "    ")
        if text.isascii():
            return text.translate(_ASCII_LINES)
        return "\n".join(_cleaned(line) for line in text.split("\n"))
    return _cleaned(text)


def _cleaned(text: str) -> str:
    """Look at each character of a line's alphabet once, and in their places at those that shape their neighbours."""
    if text.isascii() and text.isprintable():
        return text
    alphabet = set(text)
    placed = _SHAPING.sub(_shaped, text) if alphabet & (_JOINERS | _SELECTORS) else text
    bad = {ord(character): REPLACEMENT for character in alphabet - _JOINERS - _SELECTORS if _unsafe(character)}
    return placed.translate(bad) if bad else placed


def _shaped(run: re.Match[str]) -> str:
    if len(run[0]) > _LONGEST_SHAPING:
        return REPLACEMENT * len(run[0])
    return "".join(_safe(run.string, index) for index in range(run.start(), run.end()))


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def guarded_cell(text: str) -> str:
    """Return a text for a cell of CSV: one that a spreadsheet would run as a formula gets a leading apostrophe.

    Names and commands come from other people's machines.
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def format_bytes(size: int | None) -> str:
    """Write bytes as the screens do, in binary units: ``709M``, ``22.2G``; '' when unknown, ``?`` for no size."""
    if size is None:
        return ""
    if not abs(size) < _NO_FIGURE:
        return "?"
    value = float(size)
    for unit in ("B", "K", "M", "G", "T"):
        if abs(value) < 1023.5 or unit == "T":
            digits = 1 if unit in "GT" and abs(value) < 99.95 else 0
            return f"{value:.{digits}f}{unit}"
        value /= 1024
    raise AssertionError("unreachable")


def format_duration(seconds: float | None) -> str:
    """Write a span in its two largest units: ``41s``, ``3m 12s``, ``3h 12m``, ``26d 17h``.

    '' when unknown, ``?`` for what is no span: NaN, infinity, ages of the universe.
    """
    if seconds is None:
        return ""
    if not abs(seconds) < _NO_FIGURE:
        return "?"
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m {rest:02}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {minutes:02}m"
    days, hours = divmod(hours, 24)
    return f"{days}d {hours:02}h"


_SPAN = re.compile(r"(?:(\d+)\s*d)?\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*m(?:in)?)?", re.IGNORECASE)


def parse_span(text: str) -> int:
    """Read a span as people write it, ``90m``, ``6h``, ``7d``, ``1d 12h``, and return it in whole minutes.

    Raises ValueError for anything else, a number without a unit included.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ValueError("is not a span of time; write it as 90m, 6h or 7d")
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return (days * 24 + hours) * 60 + minutes


def format_minutes(minutes: int) -> str:
    """Write a span of whole minutes in its two largest units: ``45m``, ``23h 59m``, ``6d 4h``."""
    hours, rest = divmod(max(0, minutes), 60)
    if hours < 24:
        return f"{hours}h {rest:02}m" if hours else f"{rest}m"
    return f"{hours // 24}d {hours % 24:02}h"


def format_age(since: datetime | None, now: datetime) -> str:
    """Write how long ago ``since`` was: ``<1m``, ``41m``, ``3h``, ``26d``; '' when unknown.

    No finer than minutes, because a screen at rest is not redrawn for it more than once a minute.
    """
    if since is None:
        return ""
    minutes = max(0, int((now - since).total_seconds())) // 60
    if minutes < 60:
        return f"{minutes}m" if minutes else "<1m"
    return f"{minutes // 60}h" if minutes < 48 * 60 else f"{minutes // 1440}d"


_CENT = Decimal("0.01")
_LEAST_SHOWN = Decimal("0.000001")


def format_money(money: Money | None) -> str:
    """Write an amount with its currency's sign: ``$1.80``, ``¥3.10``, ``2.00 GBP``, ``$0.0042``; '' when unknown.

    An estimate begins with ``~``. Below a cent two digits are written, below a millionth ``<$0.000001``.
    """
    if money is None:
        return ""
    symbol = _SYMBOLS.get(money.currency)
    less = "<" if 0 < money.amount < _LEAST_SHOWN else ""
    figure = _amount(max(money.amount, _LEAST_SHOWN) if less else money.amount)
    written = f"{symbol}{figure}" if symbol else f"{figure} {money.currency}"
    return f"{'~' if money.estimated else ''}{less}{written}"


def _amount(amount: Decimal) -> str:
    if not 0 < abs(amount) < _CENT:
        return f"{amount:.2f}"
    digits = 1 - amount.adjusted()  # so that two of them are not zero
    return f"{amount:.{digits}f}".rstrip("0")


def format_time(at: datetime, *, utc: bool = False) -> str:
    """Write a time of day, local or UTC, with the date when it is not today's."""
    shown = at.astimezone(UTC) if utc else at.astimezone()
    now = datetime.now(shown.tzinfo)
    return shown.strftime("%H:%M:%S" if shown.date() == now.date() else "%Y-%m-%d %H:%M:%S")


def format_elapsed(seconds: float) -> str:
    """Write how long something has been going on: ``0:41``, ``12:05``; from an hour on no finer than minutes."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else format_minutes(minutes)


_EASY = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def made_up_secret(length: int) -> str:
    """Return a random secret of letters and digits that are not taken for one another."""
    import secrets

    return "".join(secrets.choice(_EASY) for _ in range(length))
