"""How far a server's clock is ahead of ours, by the ``Date`` of its answers."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache

_COARSENESS = 2.0
"""How old a ``Date`` may be when it leaves, in seconds: it has whole seconds, and servers renew it once a second."""
_LARGEST = 100 * 365 * 86400.0
"""A ``Date`` further away than this is ignored, in seconds: a clock without a battery is half a century behind."""
_LONGEST = 100
"""A date has 29 characters, with a zone a few more."""


@lru_cache(maxsize=16)  # answers of the same second have the same date
def http_date(text: str) -> float | None:
    """Return a date of HTTP in Unix time; None for any other text."""
    try:
        at = parsedate_to_datetime(text[:_LONGEST])
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None  # OverflowError among them, for years that no clock reaches


class ServerClock:
    """The difference between two clocks, to the precision of whole seconds.

    ``ahead`` is in seconds, None before the first answer with a date. It stays what it is for as long as the answers
    agree with it, and is 0.0 where they agree with two clocks that are the same.
    """

    def __init__(self) -> None:
        self.ahead: float | None = None

    def note(self, date: str, *, sent: float, received: float) -> None:
        """Note an answer: its ``Date``, and when it was requested and received by our clock, in Unix time."""
        seconds = http_date(date)
        if seconds is None or abs(seconds - received) > _LARGEST:
            return
        least, most = seconds - received, seconds + _COARSENESS - sent
        if least > most:
            return  # our own clock was set back meanwhile
        if self.ahead is None or not least <= self.ahead <= most:
            self.ahead = 0.0 if least <= 0 <= most else (least + most) / 2
