"""The prices that one row has had, read from the history in a thread and kept for a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gputui.analytics.cost import COSTING
from gputui.models import Ref, Row
from gputui.models.resources import resource_of
from gputui.screens.base.session import Session

if TYPE_CHECKING:
    from gputui.models.spend import SeenPrice

_KEPT_SECONDS = 60.0


class PastPrices:
    """The recorded prices of the row that was read last. Sends no request."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked: tuple[Ref, float] | None = None
        self._read: Ref | None = None
        self._prices: Sequence[SeenPrice] | None = ()

    def of(self, ref: Ref) -> Sequence[SeenPrice] | None:
        """Return those of a row, none where they are not read yet; None where they cannot be read."""
        return self._prices if ref == self._read else ()

    def is_due(self, row: Row) -> bool:
        """Whether a row can have prices that were not asked for within the last minute."""
        if self._session.history is None or resource_of(row) not in COSTING:
            return False
        if self._asked is None or self._asked[0] != row.ref:
            return True
        return not 0 <= self._session.fleet.clock.monotonic() - self._asked[1] < _KEPT_SECONDS

    async def read(self, row: Row) -> bool:
        """Read those of a row, where that is due; returns whether they are others than before."""
        history, fleet = self._session.history, self._session.fleet
        if history is None or not self.is_due(row):
            return False
        before = self.of(row.ref)
        self._asked = row.ref, fleet.clock.monotonic()
        found = await asyncio.to_thread(history.spend.prices, row.ref, resource_of(row), fleet.now())
        if self._asked[0] != row.ref:
            return False  # the cursor has moved
        self._read, self._prices = row.ref, found
        return found != before
