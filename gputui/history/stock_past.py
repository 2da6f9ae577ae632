"""The past of offers as it is in the history: the odds, and what creates obtained."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import field
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from gputui.analytics.obtained import Request, obtained
from gputui.analytics.place_odds import PlaceOdds
from gputui.analytics.stock_odds import Slot, odds
from gputui.history.stock_hours import KEPT_DAYS
from gputui.late_dataclasses import dataclass
from gputui.models import Ref
from gputui.models.stock import StockHour, StockPlace

if TYPE_CHECKING:
    from gputui.history.history import History

_REQUESTS = 5_000
"""The newest entries of the audit log that are looked at."""
_AT_ONCE = 50
"""Offers that are read together: their hours are in memory at once."""


@dataclass(frozen=True, slots=True)
class Past:
    """The hours of an offer, with the creates of its account and the regions of that.

    ``slots`` is shared by offers that are read together, as in :func:`.stock_odds.odds`.
    """

    place: StockPlace
    hours: Sequence[StockHour]
    requests: Sequence[Request] = ()
    regions: Collection[str] = ()
    slots: dict[tzinfo | None, dict[datetime, Slot]] = field(default_factory=dict, compare=False, repr=False)

    def odds(self, count: int, now: datetime, zone: tzinfo | None) -> PlaceOdds:
        """Return the odds of a number of GPUs."""
        got = obtained(self.requests, self.place, self.hours, count, self.regions)
        return PlaceOdds(self.place, odds(self.hours, count, zone, self.slots), got, now, zone)


def read_past(history: History, places: Sequence[StockPlace], now: datetime) -> Iterator[Past]:
    """Yield the past of some offers, in their order, read as they are taken: many have more than fits. Blocks."""
    regions: dict[str, set[str]] = {}
    for place in history.stock_hours.places():
        regions.setdefault(place.ref.account, set()).add(place.region)
    requests = [
        Request(entry.account, entry.at, entry.action, entry.summary, entry.outcome, entry.detail)
        for entry in history.audit_log.entries(limit=_REQUESTS)
    ]
    slots: dict[tzinfo | None, dict[datetime, Slot]] = {}
    for begin in range(0, len(places), _AT_ONCE):
        some = places[begin : begin + _AT_ONCE]
        refs = {place.ref for place in some}
        hours = history.stock_hours.read(refs, now - timedelta(days=KEPT_DAYS), now)
        by_offer: dict[Ref, list[StockHour]] = {place.ref: [] for place in some}
        for hour in hours:
            by_offer[hour.ref].append(hour)
        for place in some:
            yield Past(place, by_offer[place.ref], requests, regions.get(place.ref.account, set()) - {""}, slots)
