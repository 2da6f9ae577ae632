"""Values in the forms that screens and commands show: sizes, durations, ages, times, money."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from gputui.models import Money, Ref

SYMBOLS = {"USD": "$", "CNY": "¥", "EUR": "€"}
_NO_FIGURE = 2**63
"""From here on a figure is neither a size nor a span."""
_ABBREVIATIONS = frozenset({"vm", "gpu"})
_ABBREVIATION = re.compile(rf"\b({'|'.join(sorted(_ABBREVIATIONS))})(s?)\b")


def kind_noun(kind: str) -> str:
    """Write a kind of row as a noun of a sentence: ``pod``, ``VM``."""
    return kind.upper() if kind in _ABBREVIATIONS else kind


def thing_in_account(ref: Ref) -> str:
    """Write the kind of a row and its account, for a text whose title has the name: ``Container in lab``."""
    noun = kind_noun(ref.kind)
    return f"{noun[:1].upper()}{noun[1:]} in {ref.account}"


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


def usual_text(seconds: float | None) -> str:
    """Say how long a start takes usually, all its steps together: ``a start usually takes 31 s``; '' if unknown."""
    return "" if seconds is None else f"a start usually takes {seconds_text(seconds)}"


def status_text(status: str | None) -> str:
    """Write a status in lower case, but abbreviations: ``RUNNING`` and ``running`` of two vendors are one state."""
    return _ABBREVIATION.sub(lambda found: f"{found[1].upper()}{found[2]}", (status or "").lower())


def counted(number: int, noun: str) -> str:
    """Return a number of things: ``1 model``, ``30 models``, ``2 processes``."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Return the plural of a noun: ``models``, ``processes``."""
    return f"{noun}{'es' if noun.endswith('s') else 's'}"


def some_of(names: Sequence[str], most: int) -> str:
    """Write the first ``most`` names, and count the others: ``a, b and 3 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def format_money(money: Money | None) -> str:
    """Write an amount with its currency's sign: ``$1.80``, ``¥3.10``, ``2.00 GBP``, ``$0.0042``; '' when unknown.

    An estimate begins with ``~``. Below a cent two digits are written, below a millionth ``<$0.000001``.
    """
    if money is None:
        return ""
    symbol = SYMBOLS.get(money.currency)
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
    """Write how long something has taken: ``0:41``, ``12:05``; from an hour on no finer than minutes."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else format_minutes(minutes)


_COMPARABLE = 1000


def seconds_text(seconds: float | None) -> str:
    """Write how long a step took, so that steps compare at a glance: ``352 s``, ``3h 12m``; '' when unknown."""
    if seconds is not None and seconds < _COMPARABLE:
        return f"{max(0, round(seconds))} s"
    return format_duration(seconds)
