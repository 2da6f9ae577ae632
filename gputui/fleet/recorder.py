"""Writes what the fleet learns into the history, now and then and off the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from gputui.fleet.clock import Clock
from gputui.models import Event, GpuSample, Offer, Ref, Resource, Row

if TYPE_CHECKING:
    from gputui.history.history import History

_INTERVAL = 15.0
_WAITING = 10_000
_KEPT = frozenset(Resource) - {
    Resource.PROCESSES,
    Resource.EVENTS,
    Resource.ACCOUNTS,
    # What people ask and get answered is theirs: it is not left on this machine.
    Resource.TASKS,
    Resource.QUEUES,
}


class Recorder:
    """Gathers what changed. Snapshots and the events between them are written in one transaction.

    After a crash the older snapshot then shows the lost changes again.
    """

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._snapshots: dict[tuple[str, Resource], tuple[datetime, Sequence[Row]]] = {}
        self._events: list[Event] = []
        self._stock: list[tuple[Offer, datetime]] = []
        self._gpus: list[tuple[Ref, GpuSample]] = []

    def snapshot(self, account: str, resource: Resource, rows: Sequence[Row], at: datetime) -> None:
        """Keep a list that changed."""
        if resource in _KEPT:
            self._snapshots[account, resource] = (at, rows)

    def events(self, events: Iterable[Event]) -> None:
        """Keep observed events."""
        self._events.extend(events)

    def stock(self, offers: Iterable[Row], at: datetime) -> None:
        """Keep a sample of each offer that changed."""
        self._stock.extend((offer, at) for offer in offers if isinstance(offer, Offer))

    def gpus(self, samples: Iterable[tuple[Ref, GpuSample]]) -> None:
        """Keep readings of GPUs."""
        self._gpus.extend(samples)

    async def run(self) -> None:
        """Write every so often until cancelled."""
        while True:
            await self._clock.sleep(_INTERVAL)
            await self.flush()

    async def flush(self) -> None:
        """Write what is there; what could not be written now is tried again the next time."""
        from gputui.history.history import Snapshot, StockSample

        if not (self._snapshots or self._events or self._stock or self._gpus):
            return
        changed, self._snapshots = self._snapshots, {}
        events, self._events = self._events, []
        stock, self._stock = self._stock, []
        gpus, self._gpus = self._gpus, []
        kept = await asyncio.to_thread(
            self._history.record,
            snapshots=[Snapshot(*key, at, rows) for key, (at, rows) in changed.items()],
            events=events,
            stock=[StockSample(offer.ref, at, offer.idle, offer.total) for offer, at in stock],
            gpus=gpus,
        )
        if not kept:
            self._snapshots = changed | self._snapshots
            self._events = [*events, *self._events][-_WAITING:]
            self._stock = [*stock, *self._stock][-_WAITING:]
            self._gpus = [*gpus, *self._gpus][-_WAITING:]
