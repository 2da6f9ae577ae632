"""Text for a terminal: remote strings made harmless, and money, sizes and ages in the forms the screens use."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

from gputui.models import Money

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_SYMBOLS = {"USD": "$", "CNY": "¥", "EUR": "€"}

REPLACEMENT = "\ufffd"


def _unsafe(character: str) -> bool:
    return character in _BIDI or unicodedata.category(character) in _UNSAFE_CATEGORIES


def clean(text: str, *, multiline: bool = False) -> str:
    """Make a remote text safe for a terminal.

    C0, C1 (ESC, CSI and OSC introducers among them), bidirectional controls, line and paragraph separators and
    lone surrogates become U+FFFD, so that what was there stays visible as damage and can neither move the cursor
    nor reorder a line. With ``multiline``, line feeds stay and tabs become spaces; CR LF becomes LF.
    """
    if text.isascii() and text.isprintable():
        return text
    if multiline:
        text = text.replace("\r\n", "\n").replace("\t", "    ")
        return "".join(REPLACEMENT if character != "\n" and _unsafe(character) else character for character in text)
    return "".join(REPLACEMENT if _unsafe(character) else character for character in text)


def format_bytes(size: int | None) -> str:
    """Write bytes as the screens do, in binary units: ``709M``, ``22.2G``; '' when unknown."""
    if size is None:
        return ""
    value = float(size)
    for unit in ("B", "K", "M", "G", "T"):
        if abs(value) < 1023.5 or unit == "T":
            digits = 1 if unit in "GT" and abs(value) < 99.95 else 0
            return f"{value:.{digits}f}{unit}"
        value /= 1024
    raise AssertionError("unreachable")


def format_duration(seconds: float | None) -> str:
    """Write a span in its two largest units: ``41s``, ``3m 12s``, ``3h 12m``, ``26d 17h``; '' when unknown."""
    if seconds is None:
        return ""
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


def format_age(since: datetime | None, now: datetime) -> str:
    """Write how long ago ``since`` was; '' when unknown."""
    return "" if since is None else format_duration((now - since).total_seconds())


def format_money(money: Money | None) -> str:
    """Write an amount with its currency's sign: ``$1.80``, ``¥3.10``, ``2.00 GBP``; '' when unknown."""
    if money is None:
        return ""
    symbol = _SYMBOLS.get(money.currency)
    return f"{symbol}{money.amount:.2f}" if symbol else f"{money.amount:.2f} {money.currency}"


def format_time(at: datetime, *, utc: bool = False) -> str:
    """Write a time of day, local or UTC, with the date when it is not today's."""
    shown = at.astimezone(UTC) if utc else at.astimezone()
    now = datetime.now(shown.tzinfo)
    return shown.strftime("%H:%M:%S" if shown.date() == now.date() else "%Y-%m-%d %H:%M:%S")
