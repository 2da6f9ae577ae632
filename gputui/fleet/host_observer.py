"""Facts about hosts, from the events of instances and their rows: starts, failed starts, lives, lost GPUs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from gputui.analytics.startup_times import Startup, StartupBook
from gputui.late_dataclasses import dataclass
from gputui.models import Event, EventSource, GpuDevice, Instance, Phase, Ref
from gputui.models.gpus import GPU_LOST, GPU_NEEDS_RESET
from gputui.models.hosts import EccReading, Fact, HostFact

_LOST = re.compile(r"(\d{1,3}) GPUs? lost")
_ENDS = frozenset({Phase.STOPPED, Phase.FAILED})
_MOST = 20_000
"""Instances that are remembered after they are gone."""
_MOST_STARTS = 5_000
"""Starts after which a process that runs for weeks forgets those before; one that is under way is no fact then."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an instance is, or was."""

    region: str
    host: str
    group: str
    begun: datetime | None
    is_machine: bool = False


class HostObserver:
    """Collects facts. Observed events from before ``begun`` are left out: another session has seen them."""

    def __init__(self, begun: datetime) -> None:
        self._begun = begun
        self._places: dict[Ref, _Place] = {}
        self._book = StartupBook()
        self._running: dict[Ref, datetime] = {}
        self._seen: set[tuple[str, str, str]] = set()
        self._broken: set[tuple[str, str, str, str]] = set()
        self._ecc: dict[tuple[str, str, str, str], int] = {}
        self._day = ""
        self._facts: list[HostFact | EccReading] = []
        self._machines: dict[tuple[str, str], Ref] = {}
        """The rows of machines, whose GPUs are not seen through another instance."""

    def rows(self, instances: Iterable[Instance], now: datetime) -> None:
        """Take rows that are new or changed: they have the hosts of instances."""
        if (day := _day(now)) != self._day:
            self._day = day
            self._seen.clear()
            self._broken.clear()
            self._ecc.clear()
        for row in instances:
            if not row.host:
                continue
            group = str(row.parent) if row.parent is not None else f"{row.ref.kind} {row.gpu_model or ''}".strip()
            self._places.pop(row.ref, None)
            self._places[row.ref] = _Place(row.region or "", row.host, group, row.started_at, row.machine is not None)
            if row.machine is not None:
                self._machines[row.ref.account, row.host] = row.ref
            # The loss of a GPU would be seen.
            if row.machine is not None and row.machine.reachable:
                self._see(row.ref.account, self._places[row.ref], now)
        while len(self._places) > _MOST:
            del self._places[next(iter(self._places))]

    def _see(self, account: str, place: _Place, now: datetime) -> None:
        """Note once a day that the GPUs of a host were read."""
        key = account, place.region, place.host
        if key not in self._seen:
            self._seen.add(key)
            self._facts.append(HostFact(*key, Fact.SEEN, None, _day(now), now))

    def gpus(self, devices: Iterable[GpuDevice], now: datetime) -> None:
        """Take GPUs as they were read: of machines, and over the SSH connections of instances on hosts."""
        for device in devices:
            account = device.ref.account
            through = device.through or self._machines.get((account, device.host))
            place = None if through is None else self._places.get(through)
            if place is None:
                continue
            if not place.is_machine:
                self._see(account, place, now)
            elif device.sample is None:
                continue  # as it was before the machine became unreachable
            key = account, place.region, place.host, device.uuid or f"{device.index}"
            errors, at = device.ecc_errors, None if device.sample is None else device.sample.at
            if errors is not None and at is not None and self._ecc.get(key) != errors:
                # Whether they are new is known to the history, into which other sessions write too.
                self._ecc[key] = errors
                self._facts.append(EccReading(*key, errors, at))
            problem = device.problem or ""
            # The losses of machines are events.
            lost = problem.startswith(GPU_LOST) and not place.is_machine
            if (lost or problem.startswith(GPU_NEEDS_RESET)) and key not in self._broken:
                self._broken.add(key)
                fact = Fact.LOST if lost else Fact.FAULT
                # The same GPU of a host has several instances.
                detail = "1" if lost else problem
                self._facts.append(HostFact(*key[:3], fact, None, f"{_day(now)} {key[3]}", now, detail=detail))

    def is_new_day(self, now: datetime) -> bool:
        """Return whether all rows have to be taken again: hosts are seen once a day."""
        return _day(now) != self._day

    def events(self, events: Iterable[Event]) -> None:
        """Take new events, after the rows of their instances."""
        for event in sorted(events, key=lambda one: one.at):
            place = self._places.get(event.instance)
            if event.source is EventSource.OBSERVED and event.at < self._begun:
                continue
            if lost := _LOST.fullmatch(event.status):
                if place is not None:
                    self._facts.append(self._fact(event, place, Fact.LOST, detail=lost[1]))
                continue
            if len(self._book.startups) >= _MOST_STARTS:
                self._book = StartupBook()
                self._running.clear()
            self._book.add([event])
            if place is not None:
                self._facts.extend(self._facts_of(event, place))
            if event.phase is Phase.RUNNING:
                self._running[event.instance] = event.at
            elif event.phase in _ENDS:
                self._running.pop(event.instance, None)

    def _facts_of(self, event: Event, place: _Place) -> Iterator[HostFact]:
        startup = self._book.startups.get(event.instance)
        if event.phase is Phase.RUNNING:
            if startup is not None and startup.seconds is not None:
                yield self._fact(event, place, Fact.START, startup, seconds=startup.seconds)
        elif event.phase in _ENDS:
            since = self._running.get(event.instance)
            if since is not None:
                seconds = (event.at - since).total_seconds()
                yield self._fact(event, place, Fact.LIFE, startup, seconds=seconds, detail=event.status)
            elif startup is not None and startup.over and startup.steps[-1].at == event.at:
                yield self._fact(event, place, Fact.FAILED, startup, detail=event.status)

    @staticmethod
    def _fact(
        event: Event,
        place: _Place,
        fact: Fact,
        startup: Startup | None = None,
        *,
        seconds: float | None = None,
        detail: str = "",
    ) -> HostFact:
        if event.source is EventSource.REPORTED:
            # The server's own times are the same for all who read them.
            occasion = f"{int((startup.steps[0].at if startup is not None else event.at).timestamp())}"
        elif place.begun is not None:
            occasion = f"{int(place.begun.timestamp())}"
        else:
            occasion = _day(event.at)
        return HostFact(
            event.instance.account, place.region, place.host, fact, event.instance, occasion, event.at, seconds,
            place.group, detail,
        )  # fmt: skip

    def collect(self) -> Sequence[HostFact | EccReading]:
        """Return the facts, and readings of memory errors, since the last call."""
        facts, self._facts = self._facts, []
        return facts

    def put_back(self, facts: Sequence[HostFact | EccReading]) -> None:
        """Return these with the next ones: they could not be written."""
        self._facts = [*facts, *self._facts][-_MOST:]


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d}"
