"""Facts about hosts, from the events of instances and their rows: starts, failed starts, lives, lost GPUs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gputui.analytics.startup_times import Startup, StartupBook
from gputui.models import Event, EventSource, Instance, Phase, Ref
from gputui.models.hosts import Fact, HostFact

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


class HostObserver:
    """Collects facts. Observed events from before ``begun`` are left out: another session has seen them."""

    def __init__(self, begun: datetime) -> None:
        self._begun = begun
        self._places: dict[Ref, _Place] = {}
        self._book = StartupBook()
        self._running: dict[Ref, datetime] = {}
        self._seen: set[tuple[str, str, str]] = set()
        self._day = ""
        self._facts: list[HostFact] = []

    def rows(self, instances: Iterable[Instance], now: datetime) -> None:
        """Take rows that are new or changed: they have the hosts of instances."""
        day = f"{now.astimezone(UTC):%Y-%m-%d}"
        if day != self._day:
            self._day = day
            self._seen.clear()
        for row in instances:
            if not row.host:
                continue
            group = str(row.parent) if row.parent is not None else f"{row.ref.kind} {row.gpu_model or ''}".strip()
            self._places.pop(row.ref, None)
            self._places[row.ref] = _Place(row.region or "", row.host, group, row.started_at)
            key = row.ref.account, row.region or "", row.host
            # The loss of a GPU would be seen on these alone.
            if row.machine is not None and row.machine.reachable and key not in self._seen:
                self._seen.add(key)
                self._facts.append(HostFact(*key, Fact.SEEN, None, day, now))
        while len(self._places) > _MOST:
            del self._places[next(iter(self._places))]

    def is_new_day(self, now: datetime) -> bool:
        """Return whether all rows have to be taken again: hosts are seen once a day."""
        return f"{now.astimezone(UTC):%Y-%m-%d}" != self._day

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
            occasion = f"{event.at.astimezone(UTC):%Y-%m-%d}"
        return HostFact(
            event.instance.account, place.region, place.host, fact, event.instance, occasion, event.at, seconds,
            place.group, detail,
        )  # fmt: skip

    def collect(self) -> Sequence[HostFact]:
        """Return the facts since the last call."""
        facts, self._facts = self._facts, []
        return facts

    def put_back(self, facts: Sequence[HostFact]) -> None:
        """Return these with the next ones: they could not be written."""
        self._facts = [*facts, *self._facts][-_MOST:]
