"""The clock of the fleet, which tests replace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any


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
