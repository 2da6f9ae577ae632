"""Everything that is known of the odds of one offer. Pure."""

from __future__ import annotations

from datetime import datetime, tzinfo

from gputui.analytics.obtained import Obtained
from gputui.analytics.stock_odds import Chance, Odds, Slot, slot_of
from gputui.late_dataclasses import dataclass
from gputui.models import Ref
from gputui.models.stock import StockPlace


@dataclass(frozen=True, slots=True)
class PlaceOdds:
    """The odds of an offer at a time; hours of the week are those of ``zone``, None for that of this machine."""

    place: StockPlace
    odds: Odds
    obtained: Obtained
    at: datetime
    zone: tzinfo | None = None

    @property
    def ref(self) -> Ref:
        """The offer."""
        return self.place.ref

    @property
    def slot(self) -> Slot:
        """The hour of the week that it is."""
        return slot_of(self.at, self.zone)

    @property
    def now(self) -> Chance:
        """The chance in that hour of the week."""
        return self.odds.of(self.slot)
