"""Showing what follows the cursor: at once, or when the cursor rests where a key is repeated."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gputui.screens.base.view import View

_PAUSE = 0.12
"""Seconds after a move of the cursor in which another one means that a key is repeated."""


class AtRest:
    """Calls ``show`` after moves of the cursor of a view."""

    def __init__(self, view: View, show: Callable[[], object]) -> None:
        self._view = view
        self._show = show
        self._moved = -_PAUSE
        self._waiting = False

    def moved(self) -> None:
        """Show now, or when the cursor rests."""
        now = self._view.session.fleet.clock.monotonic()
        rested, self._moved = now - self._moved >= _PAUSE, now
        if rested and not self._waiting:
            self._show()
        elif not self._waiting:
            self._waiting = True
            self._view.run_worker(self._show_at_rest(), group="at-rest", exit_on_error=False)

    async def _show_at_rest(self) -> None:
        clock = self._view.session.fleet.clock
        try:
            while (left := self._moved + _PAUSE - clock.monotonic()) > 0:
                await clock.sleep(left)
        finally:
            self._waiting = False
        self._show()
