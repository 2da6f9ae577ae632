"""The past of offers as it is in the history: the odds, and what creates obtained."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from gputui.analytics.obtained import Request, obtained
from gputui.analytics.place_odds import PlaceOdds
from gputui.analytics.stock_odds import odds
from gputui.history.stock_hours import KEPT_DAYS
from gputui.models.stock import StockHour, StockPlace

if TYPE_CHECKING:
    from gputui.history.history import History

_REQUESTS = 5_000
"""The newest entries of the audit log that are looked at."""
_AT_ONCE = 50
"""Offers that are read together: their hours are in memory at once."""


@dataclass(frozen=True, slots=True)
class Past:
    """The hours of an offer, with the creates of its account and the regions of that."""

    place: StockPlace
    hours: Sequence[StockHour]
    requests: Sequence[Request] = ()
    regions: Collection[str] = ()

    def odds(self, count: int, now: datetime, zone: tzinfo | None) -> PlaceOdds:
        """Return the odds of a number of GPUs."""
        got = obtained(self.requests, self.place, self.hours, count, self.regions)
        return PlaceOdds(self.place, odds(self.hours, count, zone), got, now, zone)


def read_past(history: History, places: Sequence[StockPlace], now: datetime) -> Iterator[Past]:
    """Yield the past of some offers, in their order, read as they are taken: many have more than fits. Blocks."""
    regions: dict[str, set[str]] = {}
    for place in history.stock_hours.places():
        regions.setdefault(place.ref.account, set()).add(place.region)
    requests = [
        Request(entry.account, entry.at, entry.action, entry.summary, entry.outcome, entry.detail)
        for entry in history.audit(limit=_REQUESTS)
    ]
    for begin in range(0, len(places), _AT_ONCE):
        some = places[begin : begin + _AT_ONCE]
        refs = {place.ref for place in some}
        hours = history.stock_hours.read(refs, now - timedelta(days=KEPT_DAYS), now)
        by_offer = {
            ref: list(group) for ref, group in groupby(sorted(hours, key=attrgetter("ref")), attrgetter("ref"))
        }
        for place in some:
            yield Past(place, by_offer.get(place.ref, []), requests, regions.get(place.ref.account, set()) - {""})
