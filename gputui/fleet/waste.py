"""The resources of all accounts that cost money and do nothing now, apart from those that the user has snoozed.

They are found again after changes of the rows and samples on which that depends, while something listens; at rest
nothing is done. Nothing is concluded from rows of lists that are stale, or of which a filter shows a part only; waste
found before in a list that cannot be read now is kept apart, as old.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from gputui.analytics.cost import gpus_of, host_gpus
from gputui.analytics.gpu_idle import LONGEST_GAP, IdlePeriod, IdlePeriods, SeenGpus, load_of
from gputui.analytics.prices import price_now
from gputui.analytics.shortage import has_none
from gputui.analytics.starts import Start, starts_under_way
from gputui.analytics.startup_times import StartupBook
from gputui.analytics.waste import IDLE_AFTER, Evidence, find_waste, is_paid
from gputui.completion import complete, write_in_thread
from gputui.fleet.paced import Paced
from gputui.fleet.signals import Listeners
from gputui.fleet.waste_findings import Findings, not_read_since, ran_last, still_unknown
from gputui.models import (
    Change,
    Coverage,
    Deployment,
    Event,
    FeedState,
    GpuDevice,
    GpuSample,
    HostInfo,
    Instance,
    Package,
    Phase,
    Ref,
    Resource,
    Row,
    Task,
    TaskQueue,
    Volume,
)
from gputui.models.resources import BY_MODEL
from gputui.models.waste import Snooze, Waste, WasteReason
from gputui.own_name import own_name

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet
    from gputui.history.history import History

RowT = TypeVar("RowT", bound=Row)

READ = (
    Resource.INSTANCES,
    Resource.DEPLOYMENTS,
    Resource.VOLUMES,
    Resource.PACKAGES,
    Resource.HOSTS,
    Resource.GPUS,
    Resource.QUEUES,
    Resource.TASKS,
)
"""The lists on which it depends; events as well, where they are read anyway."""

_IN_TRANSITION = frozenset({Phase.PENDING, Phase.STOPPING})
_PAUSES = 50
"""Between two looks that nothing listens to pass so many times the time that one takes."""
_Key = tuple[Ref, WasteReason]


class FleetWaste:
    """Finds the waste of a fleet. ``idle_after`` is how long something does nothing before it is waste."""

    def __init__(
        self,
        fleet: Fleet,
        history: History | None,
        on_failure: Callable[[BaseException], None] | None = None,
        *,
        idle_minutes: float | None = None,
    ) -> None:
        self.idle_after = IDLE_AFTER if idle_minutes is None else timedelta(minutes=idle_minutes)
        self._fleet = fleet
        self._history = history
        self._listeners: Listeners[Findings] = Listeners(on_failure)
        self._listening = 0
        self._unsubscribe: list[Callable[[], None]] = []
        self._found = self._announced = Findings()
        self._outdated = True
        self._looks = Paced(self._look_once, fleet.clock.monotonic)
        self._periods = IdlePeriods()
        self._snoozes: dict[_Key, Snooze] = {}
        self._unstored: dict[_Key, tuple[Snooze, bool]] = {}
        """Snoozes that are not in the file yet, and with False those that are to be deleted there."""
        self._file = asyncio.Lock()
        self._first: dict[_Key, datetime] = {}
        """When something of unknown begin was seen first."""
        self._none: dict[Ref, tuple[datetime, datetime]] = {}
        """When a deployment was seen without an instance first and last, without a long gap between."""
        self._rested_at: datetime | None = None
        """When the last listener went."""
        self._book: StartupBook | None = None
        self._next_look = 0.0
        self._stopping: dict[Ref, datetime] = {}
        """When an instance was reported to stop."""

    # --- what is found ---------------------------------------------------------------------------------------

    @property
    def now(self) -> Findings:
        """The waste now."""
        if self._outdated or not self._listening:
            self._find()
        return self._found

    @property
    def found(self) -> Findings:
        """The same for what listens: as it was found last while it is about to be found again."""
        return self._found if self._listening and self._looks.is_waiting else self.now

    @property
    def rows(self) -> tuple[Waste, ...]:
        """The waste that is not snoozed, the most expensive of each currency first."""
        return self.now.rows

    def of(self, ref: Ref) -> Waste | None:
        """Return the waste that a resource is, snoozed or not; None where it is none."""
        return self.now.of(ref)

    def recent(self, ref: Ref) -> Waste | None:
        """Return the same as it was found last (:meth:`look_now_and_then`), immediately."""
        return self._found.of(ref)

    def look_now_and_then(self) -> None:
        """Find the waste of now, unless a look takes so long that the last one has to do."""
        if not self._listening and (begun := monotonic()) >= self._next_look:
            self._find()
            self._next_look = (ended := monotonic()) + _PAUSES * (ended - begun)

    def subscribe(self, listener: Callable[[Findings], None]) -> Callable[[], None]:
        """Call ``listener`` after each change of what is found; returns the function that removes it."""
        remove = self._listeners.add(listener)
        self._listening += 1
        if self._listening == 1:
            self._follow()

        def end() -> None:
            nonlocal remove
            remove()
            self._listening -= 1
            if not self._listening:
                self._rest()

        return end

    def look_again(self) -> None:
        """Find it again: time has passed, so that samples are too old, or a snooze has ended."""
        self._find()
        if self._found != self._announced:
            self._announced = self._found
            self._listeners.notify(self._found)

    def _follow(self) -> None:
        fleet = self._fleet
        self._unsubscribe = [
            *(fleet.subscribe(resource, self._changed) for resource in READ),
            fleet.subscribe(Resource.EVENTS, self._events_changed),
            fleet.subscribe_feeds(self._note),
            fleet.samples.subscribe(self._sampled),
        ]
        self._book = None  # events were missed
        if self._rested_at is not None:
            last = not_read_since(fleet, self._found.with_old, self._rested_at)
            self._found = Findings(last)
        if self._rested_at is not None and fleet.now() - self._rested_at > LONGEST_GAP:
            self._first.clear()  # it may have been no waste in between
        self._outdated = True
        for device in fleet.all(GpuDevice):
            self._periods.update(device.ref, fleet.samples.of(device.ref))

    def _rest(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []
        self._outdated = True
        self._rested_at = self._fleet.now()

    def _changed(self, change: Change) -> None:
        if change.removed:
            self._periods.keep(self._fleet.rows(Resource.GPUS))
        self._note()

    def _events_changed(self, change: Change) -> None:
        if self._book is not None:
            self._read_events(row for row in change.added if isinstance(row, Event))
            self._note()

    def _sampled(self, gpus: Collection[Ref]) -> None:
        for ref in gpus:
            self._periods.update(ref, self._fleet.samples.of(ref))
        self._note()

    def _note(self) -> None:
        """Find it again once, after all changes of this turn of the event loop."""
        self._outdated = True
        self._looks.soon()

    def _look_once(self) -> None:
        if self._listening:
            self.look_again()

    def _find(self) -> None:
        self._outdated = False
        if not self._listening:
            for device in self._fleet.all(GpuDevice):
                self._periods.update(device.ref, self._fleet.samples.of(device.ref))
        found, unknown = self._findings()
        now = self._fleet.now()
        snoozed = {key: snooze for key, snooze in self._snoozes.items() if snooze.until > now}
        last = (*self._found.with_old, *self._found.snoozed)
        old = list(still_unknown(self._fleet, last, {waste.ref for waste in found}))
        rows, kept = (
            [replace(waste, snooze=snoozed.get((waste.ref, waste.reason))) for waste in each]
            for each in (self._dated(found, now), old)
        )
        self._found = Findings(
            tuple(waste for waste in rows if waste.counts),
            tuple(waste for waste in (*rows, *kept) if waste.snooze is not None),
            tuple(waste for waste in rows if waste.snooze is None and waste.seen is not None),
            tuple(ref for ref in unknown if ref not in {waste.ref for waste in old}),
            tuple(waste for waste in kept if waste.counts),
        )

    def _dated(self, found: Sequence[Waste], now: datetime) -> list[Waste]:
        """Return waste of unknown begin with the time since when it is seen, while something listens."""
        if not self._listening:
            return list(found)
        keys = {(waste.ref, waste.reason) for waste in found}
        for key in self._first.keys() - keys:
            if self._fleet.would_list(key[0]):  # else it is only unknown now
                del self._first[key]
        return [
            waste
            if waste.since is not None
            else replace(waste, since=self._first.setdefault((waste.ref, waste.reason), now), at_least=True)
            for waste in found
        ]

    # --- the evidence ----------------------------------------------------------------------------------------

    def _findings(self) -> tuple[Sequence[Waste], tuple[Ref, ...]]:
        fleet, now = self._fleet, self._fleet.now()
        runtimes = fleet.runtimes
        bills = {name for name, runtime in runtimes.items() if runtime.bills}
        devices = self._known(GpuDevice)
        hosts = host_gpus([*self._known(HostInfo), *devices])
        instances, deployments = self._known(Instance), self._known(Deployment)
        idle: dict[Ref, IdlePeriod] = {}
        unknown: list[Ref] = []
        seen = SeenGpus(devices)
        for row in instances:
            if row.phase is not Phase.RUNNING:
                continue
            count = gpus_of(row, hosts)
            load = load_of(seen.of(row), count, self._periods.of, self._newest, now)
            if load.busy or count == 0 or not is_paid(row, price_now(row), bills):
                continue
            if load.idle is not None:
                idle[row.ref] = load.idle
            else:
                unknown.append(row.ref)
        unknown += [
            row.ref for row in ran_last(fleet) if gpus_of(row, hosts) != 0 and is_paid(row, price_now(row), bills)
        ]
        found = find_waste(
            Evidence(
                now=now,
                instances=instances,
                deployments=deployments,
                volumes=self._known(Volume),
                packages=self._known(Package),
                queues=self._known(TaskQueue, whole=True),
                tasks=self._known(Task, whole=True),
                idle=idle,
                hosts=hosts,
                starts=self._starts(instances),
                stopping=self._stops(instances),
                none_since=self._none_since(deployments, now),
                observed={name for name, runtime in runtimes.items() if runtime.observes},
                known_at={name: fleet.known_at(name, Resource.INSTANCES) for name in runtimes},
                bills=bills,
                bills_volumes={name for name, runtime in runtimes.items() if runtime.costs(Resource.VOLUMES)},
                idle_after=self.idle_after,
            )
        )
        return found, tuple(unknown)

    def _known(self, kind: type[RowT], *, whole: bool = False) -> list[RowT]:
        """Return the rows of a list, of the accounts of which it is up to date; ``whole``: and not filtered."""
        fleet, resource = self._fleet, BY_MODEL[kind]
        names = [
            name
            for name in fleet.accounts
            if fleet.feed(name, resource).state is FeedState.FRESH
            and not (whole and fleet.coverage(name, (Resource.TASKS, Resource.QUEUES)) & Coverage.FILTERED)
        ]
        return [row for name in names for row in fleet.rows(resource, name).values() if isinstance(row, kind)]

    def _none_since(self, deployments: Iterable[Deployment], now: datetime) -> Mapping[Ref, datetime]:
        """Return since when deployments are seen without an instance."""
        seen = {ref: times for ref, times in self._none.items() if now - times[1] <= LONGEST_GAP}
        for row in deployments:
            if has_none(row):
                seen[row.ref] = seen.get(row.ref, (now,))[0], now
            else:
                seen.pop(row.ref, None)
        self._none = seen
        return {ref: since for ref, (since, _) in seen.items()}

    def _newest(self, gpu: Ref) -> GpuSample | None:
        samples = self._fleet.samples.of(gpu)
        return samples[-1] if samples else None

    def _starts(self, instances: Iterable[Instance]) -> Mapping[Ref, Start]:
        """Return the starts that are under way."""
        moving = [row for row in instances if row.phase in _IN_TRANSITION]
        if moving and self._book is None:
            self._book = StartupBook()
            self._read_events(self._fleet.all(Event))
        known_at = partial(self._fleet.known_at, resource=Resource.INSTANCES)
        return {} if self._book is None else starts_under_way(moving, self._book, known_at)

    def _stops(self, instances: Iterable[Instance]) -> Mapping[Ref, datetime]:
        """Return when instances that stop began to."""
        found = {
            row.ref: self._stopping.get(row.ref) or row.updated_at for row in instances if row.phase is Phase.STOPPING
        }
        return {ref: at for ref, at in found.items() if at is not None}

    def _read_events(self, events: Iterable[Event]) -> None:
        known = list(events)
        if self._book is not None:
            self._book.add(known)
        for event in known:
            if event.phase is Phase.STOPPING:
                self._stopping[event.instance] = event.at
            else:
                self._stopping.pop(event.instance, None)

    # --- snoozes ---------------------------------------------------------------------------------------------

    def recall(self, snoozes: Iterable[Snooze], events: Iterable[Event]) -> None:
        """Take what earlier sessions have stored; for a fleet without a history of its own."""
        self._snoozes = {(one.ref, one.reason): one for one in snoozes}
        self._book = StartupBook()
        self._read_events(events)

    async def read_snoozes(self) -> None:
        """Read the snoozes of the history's file, those of other sessions among them."""
        if self._history is None:
            return
        async with self._file:
            found = await asyncio.to_thread(self._history.snoozes, self._fleet.now())
            if found is None:
                return
            known = {(one.ref, one.reason): one for one in found if (one.ref, one.reason) not in self._unstored}
            known |= {key: one for key, (one, hides) in self._unstored.items() if hides}
            changed, self._snoozes = known != self._snoozes, known
        if changed and self._listening:
            self.look_again()

    async def snooze(self, rows: Iterable[Waste], until: datetime, note: str) -> bool:
        """Hide waste until a time, for the reason ``note``; returns whether it is kept for later sessions."""
        now, user = self._fleet.now(), own_name()
        added = {(waste.ref, waste.reason): Snooze(waste.ref, waste.reason, until, note, now, user) for waste in rows}
        self._snoozes |= added
        return await self._store({key: (one, True) for key, one in added.items()})

    async def end_snooze(self, rows: Iterable[Waste]) -> bool:
        """Show waste again before its time; returns whether that is stored."""
        keys = [(waste.ref, waste.reason) for waste in rows]
        return await self._store({key: (one, False) for key in keys if (one := self._snoozes.pop(key, None))})

    async def _store(self, changes: Mapping[_Key, tuple[Snooze, bool]]) -> bool:
        """Write changes, and earlier ones that could not be written; returns whether all are."""
        if self._history is None:
            self.look_again()
            return True
        self._unstored |= changes
        self.look_again()
        return await complete(self._write_unstored(self._history))

    async def _write_unstored(self, history: History) -> bool:
        async with self._file:  # a reading that has begun before does not know them
            writing = dict(self._unstored)
            added = [one for one, hides in writing.values() if hides]
            ended = [one for one, hides in writing.values() if not hides]
            stored = not added or await write_in_thread(history.snooze, added)
            stored = (not ended or await write_in_thread(history.end_snoozes, ended)) and stored
            if stored:
                self._unstored = {key: each for key, each in self._unstored.items() if writing.get(key) != each}
        return stored
