"""The stock over time: how many GPUs of an offer were idle, for how long, at which price."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from gputui.late_dataclasses import dataclass
from gputui.models.gpus import Offer
from gputui.models.values import Money, Ref

AVAILABLE = -1
"""The idle count of an offer that has some available, without a number."""


def idle_count(offer: Offer) -> int | None:
    """Return how many are idle, :data:`AVAILABLE` for some; None where that is unknown, or could not be read."""
    if offer.problem is not None:
        return None
    if offer.idle is not None:
        return max(offer.idle, 0)
    return None if offer.available is None else AVAILABLE if offer.available else 0


@dataclass(frozen=True, slots=True)
class StockSpan:
    """An offer was observed with the same count and price of a GPU an hour, from ``begin`` to ``end``.

    ``type_id`` is that of the offer.
    """

    ref: Ref
    model: str
    region: str
    idle: int
    begin: datetime
    end: datetime
    price: Money | None = None
    type_id: str = ""


class StockHour(NamedTuple):
    """The observations of an offer in one hour of UTC, which ``begin`` begins.

    ``seconds`` is for how long each count was seen, by count; those not in it were not observed. A large count is
    rounded down. ``price`` is the least of a GPU an hour in it, None where none was stated.
    """

    ref: Ref
    begin: datetime
    seconds: Mapping[int, int]
    price: Money | None = None


@dataclass(frozen=True, slots=True)
class StockPlace:
    """An offer of which the history has hours. ``model`` and ``region`` are '' where only older samples are known."""

    ref: Ref
    model: str
    region: str
    type_id: str = ""

    @property
    def name(self) -> str:
        """The model, else the id of the offer."""
        return self.model or self.ref.id
