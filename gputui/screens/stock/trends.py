"""The recent changes of the stock, and its last day: from the history at first, then as the fleet reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.analytics.stock_trends import FADES_AFTER, SPAN, Trends
from gputui.models import FeedState, Offer, Ref, Resource
from gputui.screens.base.session import Session

if TYPE_CHECKING:
    from gputui.fleet import Fleet


class StockTrends:
    """Follows the idle counts of offers; ``news`` are the changes that are still to be shown."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._trends = Trends()
        self._fleet: Fleet | None = None
        self.news: Mapping[Ref, int] = {}

    def begin(self) -> bool:
        """Follow the fleet of now; returns whether it is a new one, for which the history has to be read."""
        before, self._fleet = self._fleet, self._session.fleet
        return before is not self._fleet

    async def read_past(self) -> None:
        """Read the samples of the last day, and of one more, for the stock when it began."""
        if (history := self._session.history) is not None:
            since = self._now() - 2 * SPAN
            self._trends = await asyncio.to_thread(
                lambda: Trends((sample.ref, sample.idle, sample.at) for sample in history.stock(since))
            )

    def _now(self) -> datetime:
        """Return when the stock was read last: a change is as old as it was then."""
        fleet = self._session.fleet
        known = [at for name in fleet.accounts if (at := fleet.feed(name, Resource.STOCK).fetched_at) is not None]
        return max(known, default=datetime.now(UTC))

    def note(self) -> None:
        """Compare the stock of now with that of before."""
        fleet = self._session.fleet
        for offer in fleet.all(Offer):
            feed = fleet.feed(offer.ref.account, Resource.STOCK)
            if feed.state is FeedState.FRESH and feed.fetched_at and not offer.problem:
                self._trends.note(offer.ref, offer.idle, feed.fetched_at)
        self.news = self._trends.news(self._now())

    def seconds_of_news(self) -> float:
        """Return the seconds until the oldest of the news fades; there has to be some."""
        oldest = min(change.at for ref in self.news if (change := self._trends.change(ref)) is not None)
        return (oldest + FADES_AFTER - self._now()).total_seconds()

    def series(self, ref: Ref, count: int) -> Sequence[int | None]:
        """Return the idle counts of an offer over the last day, at so many times."""
        return self._trends.series(ref, self._now(), count)
