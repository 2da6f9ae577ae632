"""For how long each offer had how many GPUs idle, from the lists of the stock as they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta

from gputui.late_dataclasses import dataclass
from gputui.models import Money, Offer, Ref, Row
from gputui.models.stock import StockSpan, idle_count

LONGEST_GAP = timedelta(seconds=90)
"""Answers of an account that are further apart say nothing of the time between them."""
_WAITING = 50_000


@dataclass(slots=True)
class _Held:
    """The offer as it was read last, with what is counted of it since ``begin``."""

    offer: Offer
    idle: int
    price: Money | None
    begin: datetime


@dataclass(slots=True)
class _Account:
    until: datetime
    held: dict[Ref, _Held] = field(default_factory=dict)


class StockObserver:
    """Makes spans of time from successive lists: a count holds until the next answer of its account.

    An offer that could not be read, or is not listed, is unknown: nothing is counted of it.
    """

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}
        self._spans: list[StockSpan] = []

    def take(self, account: str, offers: Mapping[Ref, Row], at: datetime) -> None:
        """Take the whole list of an account that was read at a time."""
        known = self._accounts.get(account)
        if known is not None and not timedelta(0) <= at - known.until <= LONGEST_GAP:
            self._close(known)
            known = None
        if known is None:
            known = self._accounts[account] = _Account(at)
        for ref, held in list(known.held.items()):
            offer = offers.get(ref)
            if offer is held.offer:
                continue
            if isinstance(offer, Offer) and (idle_count(offer), offer.price_from) == (held.idle, held.price):
                held.offer = offer
                continue
            self._add(held, at)
            del known.held[ref]
        known.until = at
        if len(known.held) == len(offers):
            return
        for ref, offer in offers.items():
            if ref not in known.held and isinstance(offer, Offer) and (idle := idle_count(offer)) is not None:
                known.held[ref] = _Held(offer, idle, offer.price_from, at)

    def collect(self) -> Sequence[StockSpan]:
        """Return what was observed since the last call."""
        for account in self._accounts.values():
            self._close(account)
        spans, self._spans = self._spans, []
        return spans

    def put_back(self, spans: Sequence[StockSpan]) -> None:
        """Return these with the next ones: they could not be written."""
        self._spans = [*spans, *self._spans][-_WAITING:]

    def _close(self, account: _Account) -> None:
        for held in account.held.values():
            self._add(held, account.until)

    def _add(self, held: _Held, end: datetime) -> None:
        if end > held.begin:
            offer = held.offer
            self._spans.append(
                StockSpan(
                    offer.ref,
                    offer.gpu_model,
                    offer.region,
                    held.idle,
                    held.begin,
                    end,
                    held.price,
                    offer.type_id,
                )
            )
        held.begin = max(end, held.begin)
