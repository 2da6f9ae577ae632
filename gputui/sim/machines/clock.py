"""The simulator's time: real time scaled by a speed, or frozen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


class WorldClock:
    """World time in epoch seconds. ``speed`` 1 is real time, 10 ten times as fast, 0 freezes it.

    ``start`` is the world time at the beginning (default: now, in whole seconds); ``monotonic`` and ``sleep``
    are real seconds and injected by tests.
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        start: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if speed < 0:
            raise ValueError("a world does not run backwards: speed must be 0 or more")
        self.speed = speed
        self._start = float(int(time.time())) if start is None else start
        self._monotonic = monotonic
        self._origin = monotonic()
        self._sleep = sleep
        self._ended = asyncio.Event()

    def now(self) -> float:
        """World time in epoch seconds."""
        return self._start + (self._monotonic() - self._origin) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait world seconds. In a frozen world it returns immediately."""
        await wait_unless(self._ended, self._sleep(seconds / self.speed if self.speed else 0))

    def end(self) -> None:
        """End all waits, present and future: the simulator is closing."""
        self._ended.set()


async def wait_unless(ended: asyncio.Event, waiting: Awaitable[object]) -> None:
    """Wait for an awaitable or for the event, whichever is first."""
    first = asyncio.ensure_future(waiting)
    second = asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        first.cancel()
        second.cancel()
