"""Writes rows, events and samples into the history, at intervals and in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from gputui.completion import complete, write_in_thread
from gputui.fleet.clock import Clock
from gputui.fleet.host_observer import HostObserver
from gputui.fleet.spend_book import GAP_PACES, LEAST_PACE
from gputui.fleet.stock_observer import StockObserver
from gputui.history.observed import Observation, write_observed
from gputui.models import RESOURCES, Event, GpuSample, Offer, Ref, Resource, Row

if TYPE_CHECKING:
    from gputui.history.history import History

_FIRST_SECONDS = 10.0
"""The first writing of a session: one that is killed soon leaves something too."""
_INTERVAL = 15.0
_COUNT_EVERY = 4
"""Intervals after which the observed stock and time are counted, and the facts about hosts written."""
_WAITING = 10_000


class Recorder:
    """Collects changes. Snapshots and their events are written in one transaction, so that a crash repeats both."""

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._snapshots: dict[tuple[str, Resource], tuple[datetime, Sequence[Row]]] = {}
        self._events: list[Event] = []
        self._stock: list[tuple[Offer, datetime]] = []
        self._gpus: list[tuple[Ref, GpuSample]] = []
        self._observer = StockObserver()
        self._observation = Observation()
        self._writing = asyncio.Lock()
        self.hosts = HostObserver(clock.now())
        """The facts about hosts."""

    def snapshot(self, account: str, resource: Resource, rows: Sequence[Row], at: datetime) -> None:
        """Record a changed list."""
        if RESOURCES[resource].recorded:
            self._snapshots[account, resource] = (at, rows)

    def events(self, events: Iterable[Event]) -> None:
        """Record derived events."""
        self._events.extend(events)

    def stock(self, offers: Iterable[Row], at: datetime) -> None:
        """Record a sample of each changed offer."""
        self._stock.extend((offer, at) for offer in offers if isinstance(offer, Offer))

    def stock_read(self, account: str, offers: Mapping[Ref, Row], at: datetime) -> None:
        """Note the whole stock of an account as it was read; nothing where a part of it was."""
        self._observer.take(account, offers, at)

    def observed(self, account: str, at: datetime, pace: float | None) -> None:
        """Note that the instances of an account were read; ``pace`` is the interval in seconds, None without one."""
        if pace is not None:
            self._observation.note(account, at, GAP_PACES * max(LEAST_PACE, pace))

    @property
    def observed_now(self) -> Sequence[tuple[str, float, float]]:
        """The times in which accounts were observed and that may not be written yet: account, begin, end."""
        return self._observation.spans

    def gpus(self, samples: Iterable[tuple[Ref, GpuSample]]) -> None:
        """Record samples of GPUs."""
        self._gpus.extend(samples)

    async def run(self) -> None:
        """Write at intervals until cancelled, soon for the first time."""
        await self._clock.sleep(_FIRST_SECONDS)
        await self.flush()
        await self._count()
        while True:
            for _ in range(_COUNT_EVERY):
                await self._clock.sleep(_INTERVAL)
                await self.flush()
            await self._count()

    async def close(self) -> None:
        """Write all that was collected, after what is being written."""
        await self.flush()
        await self._count()

    async def _count(self) -> None:
        await complete(self._write_counts())

    async def _write_counts(self) -> None:
        async with self._writing:
            due = self._observation.due()
            rows = [(account, begin, end) for (account, begin), end in due.items()]
            if rows:
                written = await write_in_thread(write_observed, self._history, rows)
                if written:
                    self._observation.written(due)
            spans = self._observer.collect()
            if spans and not await write_in_thread(self._history.stock_hours.add, spans, self._clock.now()):
                self._observer.put_back(spans)
            facts = self.hosts.collect()
            if facts and not await write_in_thread(self._history.host_facts.add, facts, self._clock.now()):
                self.hosts.put_back(facts)

    async def flush(self) -> None:
        """Write the collected changes; after a failure they are written with the next ones."""
        await complete(self._write_changes())

    async def _write_changes(self) -> None:
        from gputui.history.history import Snapshot, StockSample

        async with self._writing:
            if not (self._snapshots or self._events or self._stock or self._gpus):
                return
            changed, self._snapshots = self._snapshots, {}
            events, self._events = self._events, []
            stock, self._stock = self._stock, []
            gpus, self._gpus = self._gpus, []
            kept = await write_in_thread(
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
