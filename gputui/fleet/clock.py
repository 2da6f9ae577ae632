"""The clock of the fleet, which tests replace, and the warning where this machine's is wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Any

from gputui.formatting import format_duration

_SHOWN_FROM = 60.0
"""Ages are shown in minutes: a smaller difference, in seconds, changes none."""


class Clock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never jump, from an arbitrary start."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


async def within(clock: Clock, seconds: float, awaited: Awaitable[Any]) -> bool:
    """Wait for work so long, else cancel it; returns whether it ended. Its result and error are not raised here."""
    work = asyncio.ensure_future(awaited)
    limit = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({work, limit}, return_when=asyncio.FIRST_COMPLETED)
        return work.done()
    finally:
        limit.cancel()
        if work.done() and not work.cancelled():
            work.exception()
        else:
            work.cancel()


def clock_warning(ahead: Mapping[str, float | None]) -> str:
    """Say that this machine's clock is wrong, '' where it is not; ``ahead`` is how far each account's server is.

    One server's clock may be wrong itself: where there are several, most of them have to agree.
    """
    known = {name: seconds for name, seconds in ahead.items() if seconds is not None}
    if not known:
        return ""
    middle = sorted(known.values())[(len(known) - 1) // 2]
    agreeing = [name for name, seconds in known.items() if abs(seconds - middle) <= _SHOWN_FROM]
    if abs(middle) < _SHOWN_FROM or 2 * len(agreeing) <= len(known):
        return ""
    span = format_duration(60 * round(abs(middle) / 60))
    if len(known) == 1:
        return (
            f"The clocks of this machine and of the server of {agreeing[0]} differ by {span}: ages may be wrong. "
            "Check this machine's (timedatectl)."
        )
    return (
        f"This machine's clock is {span} {'behind' if middle > 0 else 'ahead of'} the servers' "
        f"({', '.join(agreeing)}): all ages are wrong by that. Set it (timedatectl)."
    )
