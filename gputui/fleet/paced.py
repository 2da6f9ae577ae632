"""Work that follows changes: done once for all that come together, and never most of the time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_SHARE = 1 / 20
"""The part of the time that the work takes in the long run: keys come in between."""
_BURST = 0.25
"""The seconds of work without pauses after a while without any: the first answers of all servers come at once."""

After = Callable[[float, Callable[[], None]], object]
"""Calls a function after some seconds; in turn with what happens now where these are 0."""


def _in_loop(seconds: float, call: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    if seconds:
        loop.call_later(seconds, call)
    else:
        loop.call_soon(call)


class Paced:
    """Calls ``work`` soon after changes; later, by the clock ``monotonic``, where it has taken long of late."""

    def __init__(self, work: Callable[[], object], monotonic: Callable[[], float], after: After = _in_loop) -> None:
        self._work = work
        self._monotonic = monotonic
        self._after = after
        self._left, self._counted_at = _BURST, 0.0
        self.is_waiting = False
        """Whether the work is to be done after a change."""

    def soon(self) -> None:
        """Do the work after a change, unless that is waiting already."""
        if not self.is_waiting:
            self.is_waiting = True
            self._after(max(0.0, -self._left_at(self._monotonic()) / _SHARE), self._do_awaited)

    def now(self) -> None:
        """Do the work, also for the changes for which it is waiting."""
        self.is_waiting = False
        begun = self._monotonic()
        left = self._left_at(begun)
        try:
            self._work()
        finally:
            ended = self._monotonic()
            self._left, self._counted_at = left - (ended - begun), ended

    def _left_at(self, now: float) -> float:
        """Return the seconds of work that need no pause by now; below 0 where one is due."""
        return min(_BURST, self._left + _SHARE * max(0.0, now - self._counted_at))

    def _do_awaited(self) -> None:
        if self.is_waiting:
            self.now()
