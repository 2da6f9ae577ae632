"""The odds of the offer under the cursor in this hour of the week, read when the cursor rests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from textual.worker import WorkType

from gputui.analytics.stock_odds import odds, slot_of
from gputui.history.stock_hours import KEPT_DAYS
from gputui.presentation.odds import percent
from gputui.screens.base.at_rest import AtRest

if TYPE_CHECKING:
    from gputui.models import Ref
    from gputui.screens.stock.view import StockView

_SECONDS = 300.0
"""So long what was read is shown; the hours of the past do not change."""


class OddsNow:
    """Reads the odds of one GPU of the offer under the cursor, and calls ``show`` when they are known."""

    def __init__(self, view: StockView, show: Callable[[], object]) -> None:
        self._view = view
        self._show = show
        self._rest = AtRest(view, self._read_soon)
        self._known: dict[Ref, tuple[float, str]] = {}

    def moved(self) -> None:
        """Follow the cursor."""
        offer = self._view.map.offer
        if offer is not None and self._view.session.history is not None and not self.text(offer.ref):
            self._rest.moved()

    def text(self, ref: Ref) -> str:
        """Return the odds in words; '' where they are not known."""
        read, text = self._known.get(ref, (0.0, ""))
        return text if text and self._now() - read < _SECONDS else ""

    def _now(self) -> float:
        return self._view.session.fleet.clock.monotonic()

    def _read_soon(self) -> None:
        # Not a coroutine: one that is replaced before it begins would never be awaited.
        read: WorkType[None] = self._read
        self._view.run_worker(read, group="odds", exclusive=True, exit_on_error=False)

    async def _read(self) -> None:
        session, offer = self._view.session, self._view.map.offer
        history = session.history
        if offer is None or history is None:
            return
        now, zone = session.fleet.now(), UTC if session.utc else None
        since = now - timedelta(days=KEPT_DAYS)
        hours = await asyncio.to_thread(history.stock_hours.read, {offer.ref}, since, now)
        chance = odds(hours, 1, zone).of(slot_of(now, zone))
        if chance.share is not None:
            self._known[offer.ref] = self._now(), f"idle at this hour of the week {percent(chance)}"
            self._show()
