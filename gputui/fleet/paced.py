"""Work that follows changes: done once for all that come together, and never most of the time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_PAUSES = 20
"""Between two rounds of the work pass so many times the seconds that one takes: keys come in between."""
_UNNOTICED = 0.005
"""Work that takes no longer, in seconds, needs no pauses."""

After = Callable[[float, Callable[[], None]], object]
"""Calls a function after some seconds; in turn with what happens now where these are 0."""


def _in_loop(seconds: float, call: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    if seconds:
        loop.call_later(seconds, call)
    else:
        loop.call_soon(call)


class Paced:
    """Calls ``work`` soon after changes, later where it takes long by the clock ``monotonic``."""

    def __init__(self, work: Callable[[], object], monotonic: Callable[[], float], after: After = _in_loop) -> None:
        self._work = work
        self._monotonic = monotonic
        self._after = after
        self._not_before = 0.0
        self.is_waiting = False
        """Whether the work is to be done after a change."""

    def soon(self) -> None:
        """Do the work after a change, unless that is waiting already."""
        if not self.is_waiting:
            self.is_waiting = True
            self._after(max(0.0, self._not_before - self._monotonic()), self._do_awaited)

    def now(self) -> None:
        """Do the work, also for the changes for which it is waiting."""
        self.is_waiting = False
        begun = self._monotonic()
        try:
            self._work()
        finally:
            took = (ended := self._monotonic()) - begun
            self._not_before = ended + _PAUSES * took if took > _UNNOTICED else 0.0

    def _do_awaited(self) -> None:
        if self.is_waiting:
            self.now()
