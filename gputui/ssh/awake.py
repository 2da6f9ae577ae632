"""Timeouts that do not count the time in which this process slept: suspended, or on a machine too busy to run it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_TICK_SECONDS = 1.0
"""A delay of the event loop beyond this is taken for sleep."""


@asynccontextmanager
async def awake_timeout(seconds: float | None) -> AsyncIterator[asyncio.Timeout]:
    """Raise TimeoutError after ``seconds`` in which the event loop ran; None waits as long as it takes.

    The timeout can be rescheduled, and paused.

    After ``ctrl+z`` and ``fg`` an answer that has come meanwhile is read, and one under way has the time that was
    left: the other side is not taken for one that hangs.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(seconds) as timeout:
        if seconds is None:
            yield timeout
            return

        def tick(due: float) -> None:
            # It is due before the timeout, and therefore runs before that where both are late.
            late = loop.time() - due
            if late > _TICK_SECONDS and not timeout.expired() and (end := timeout.when()) is not None:
                timeout.reschedule(end + late)
            begin()

        def begin() -> None:
            due = loop.time() + _TICK_SECONDS
            ticks[:] = [loop.call_at(due, tick, due)]

        ticks: list[asyncio.TimerHandle] = []
        begin()
        try:
            yield timeout
        finally:
            ticks[0].cancel()
