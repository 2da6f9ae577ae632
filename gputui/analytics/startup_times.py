"""Start-ups of instances: the steps of each, their durations, and the medians of the deployment."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from operator import attrgetter

from gputui.formatting import seconds_text, status_text
from gputui.late_dataclasses import dataclass
from gputui.models import Event, Phase, Ref

SLOW_FACTOR = 3
SLOW_SECONDS = 30
"""Clearly slow is at least this many times the median, and this many seconds more: 6 s against 1 s is noise."""

_BEGINNING = "creating"
_ENDING = frozenset({Phase.STOPPING, Phase.STOPPED, Phase.FAILED})


@dataclass(frozen=True, slots=True)
class Step:
    """A status of an instance during its start-up. ``seconds`` is the duration, None for the last one so far."""

    status: str
    at: datetime
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Startup:
    """The latest start-up of an instance, successful or not.

    The last of ``steps`` is the result: ``running``, a failure, a stop, or the present step. ``seconds`` is from
    ``creating``, else from the first known step, to running; None when it is not running. ``over`` is whether the
    last step is an end, good or bad.
    """

    instance: Ref
    name: str
    parent: Ref | None
    steps: tuple[Step, ...]
    seconds: float | None = None
    over: bool = False


@dataclass(frozen=True, slots=True)
class Medians:
    """The median of each step by status, in their order, and of the whole start-up, in seconds.

    ``count`` is the number of start-ups that reached running; ``total`` is None when none did.
    """

    steps: Mapping[str, float] = field(default_factory=dict)
    total: float | None = None
    count: int = 0


def startups(events: Iterable[Event]) -> dict[Ref, Startup]:
    """Return the latest start-up of each instance; events may be in any order and repeated."""
    book = StartupBook()
    book.add(events)
    return book.startups


def medians(startups: Iterable[Startup]) -> Medians:
    """Return the medians of these start-ups. One in progress counts with its completed steps."""
    known = _Durations()
    for startup in startups:
        known.add(startup)
    return known.without(None)


def is_slow(seconds: float | None, median: float | None) -> bool:
    """Return whether this is clearly slower than the median; an unknown duration is not slow."""
    return seconds is not None and median is not None and seconds >= slow_from(median)


def slow_start(instance: Ref, events: Iterable[Event]) -> str:
    """Return the evidence of a start-up or a step of it that is clearly slower than those of other instances.

    '' where there is none. ``events`` are those of its deployment.
    """
    others = startups(events)
    startup = others.pop(instance, None)
    if startup is None:
        return ""
    usual = medians(others.values())
    slow = is_slow(startup.seconds, usual.total)
    slow = slow or any(is_slow(step.seconds, usual.steps.get(step.status)) for step in startup.steps)
    return evidence(startup, usual) if slow else ""


def evidence(startup: Startup, medians: Medians) -> str:
    """Format in one line how slow a start-up was, as the reason of a block; '' when nothing is known.

    Of one that never reached running it is the slowest step: ``starting took 352 s, median 31 s``.
    """
    if startup.seconds is not None:
        first = next((step.status for step in startup.steps if step.status == _BEGINNING), startup.steps[0].status)
        return _took(f"{status_text(first)}→{status_text(startup.steps[-1].status)}", startup.seconds, medians.total)
    done = [step for step in startup.steps if step.seconds is not None]
    if not done:
        return ""
    worst = max(done, key=lambda step: (step.seconds or 0) - medians.steps.get(step.status, 0))
    said = _took(status_text(worst.status), worst.seconds or 0, medians.steps.get(worst.status))
    return f"{said}, then {status_text(startup.steps[-1].status)}"


def _took(what: str, seconds: float, usual: float | None) -> str:
    comparison = "" if usual is None else f", median {seconds_text(usual)}"
    return f"{what} took {seconds_text(seconds)}{comparison}"


def slow_from(median: float) -> float:
    """Return the seconds from which a duration is clearly slower than a median."""
    return max(SLOW_FACTOR * median, median + SLOW_SECONDS)


class StartupBook:
    """Start-ups and medians, updated event by event: the cost of an event depends on its own instance alone."""

    def __init__(self) -> None:
        self._tracks: dict[Ref, _Track] = {}
        self._durations: dict[Ref, _Durations] = {}
        self.startups: dict[Ref, Startup] = {}

    def add(self, events: Iterable[Event]) -> set[Ref]:
        """Add events, in any order; returns the deployments whose medians may have changed."""
        grouped: dict[Ref, list[Event]] = {}
        for event in events:
            grouped.setdefault(event.instance, []).append(event)
        parents: set[Ref] = set()
        for instance, group in grouped.items():
            track = self._tracks.setdefault(instance, _Track())
            if track.add(group):
                parents |= self._renew(instance, track)
        return parents

    def drop(self, events: Iterable[Event]) -> None:
        """Remove old events. A start-up made of them is kept while its instance has any other event."""
        for event in events:
            track = self._tracks.get(event.instance)
            if track is None or not track.drop(event):
                continue
            del self._tracks[event.instance]
            if (startup := self.startups.pop(event.instance, None)) is not None and startup.parent is not None:
                self._durations[startup.parent].remove(startup)

    def usual(self, parent: Ref | None, *, excluding: Ref | None = None) -> Medians:
        """Return the medians of a deployment, optionally without one instance."""
        durations = None if parent is None else self._durations.get(parent)
        if durations is None:
            return Medians()
        startup = None if excluding is None else self.startups.get(excluding)
        return durations.without(startup if startup is not None and startup.parent == parent else None)

    def usual_step(self, parent: Ref, status: str) -> float | None:
        """Return the median of one step of a deployment without the slowest, for comparison with slow ones."""
        durations = self._durations.get(parent)
        return None if durations is None else durations.but_slowest(status)

    def _renew(self, instance: Ref, track: _Track) -> set[Ref]:
        old, new = self.startups.get(instance), track.latest()
        if new is None or new == old:
            return set()
        self.startups[instance] = new
        parents = set()
        if old is not None and old.parent is not None:
            self._durations[old.parent].remove(old)
            parents.add(old.parent)
        if new.parent is not None:
            self._durations.setdefault(new.parent, _Durations()).add(new)
            parents.add(new.parent)
        return parents


_AT = attrgetter("at")


class _Track:
    """The events of one instance in time order, with the position of the latest start-up."""

    __slots__ = ("_begin", "_events", "_size")

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._begin = 0
        self._size = 0

    def add(self, events: Iterable[Event]) -> bool:
        """Add events; returns whether any was new."""
        before = self._size
        for event in events:
            if not self._events or event.at > self._events[-1].at:
                self._events.append(event)
            elif self._find(event) is None:
                # A late event may belong to an earlier start-up, or divide one in two.
                self._begin = 0 if event.at < self._events[-1].at else self._begin
                insort(self._events, event, key=_AT)
            else:
                continue
            self._size += 1
        return self._size != before

    def drop(self, event: Event) -> bool:
        """Remove an event; those of the latest start-up are kept. Returns whether no other is left."""
        index = self._find(event)
        if index is not None:
            self._size -= 1
            if index < self._begin:
                del self._events[index]
                self._begin -= 1
        return self._size == 0

    def _find(self, event: Event) -> int | None:
        index = bisect_left(self._events, event.at, key=_AT)
        while index < len(self._events) and self._events[index].at == event.at:
            if self._events[index].ref == event.ref:
                return index
            index += 1
        return None

    def latest(self) -> Startup | None:
        """Return the latest start-up, None where only ends are known."""
        steps: list[Event] = []
        up = down = False
        for index, event in enumerate(self._events[self._begin :], self._begin):
            running = event.phase is Phase.RUNNING
            if event.phase in _ENDING:
                if steps and not (up or down):
                    steps.append(event)
                up, down = False, True
            elif not steps or down or _begins_again(event, steps, up=up):
                steps, up, down = [event], running, False
                self._begin = index
            elif not up:
                if event.status != steps[-1].status:
                    steps.append(event)
                up = running
        return _startup(steps) if steps else None


def _begins_again(event: Event, steps: Sequence[Event], *, up: bool) -> bool:
    """Return whether the event begins another start-up, though no end was reported before it."""
    if up:
        return event.phase is Phase.PENDING
    return len(steps) > 1 and event.status == steps[0].status


def _startup(events: Sequence[Event]) -> Startup:
    last = events[-1]
    ends = [*(event.at for event in events[1:]), None]
    steps = tuple(
        Step(event.status, event.at, None if end is None else (end - event.at).total_seconds())
        for event, end in zip(events, ends, strict=True)
    )
    begin = next((step for step in steps if step.status == _BEGINNING), steps[0])
    came_up = last.phase is Phase.RUNNING and len(steps) > 1
    seconds = (last.at - begin.at).total_seconds() if came_up else None
    over = last.phase is Phase.RUNNING or last.phase in _ENDING
    return Startup(last.instance, last.name, last.parent, steps, seconds, over)


class _Durations:
    """The durations of many start-ups, sorted, by status, so that a median is one look-up."""

    def __init__(self) -> None:
        self._steps: dict[str, list[float]] = {}
        self._totals: list[float] = []

    def add(self, startup: Startup) -> None:
        for status, seconds in _spent(startup).items():
            insort(self._steps.setdefault(status, []), seconds)
        if startup.seconds is not None:
            insort(self._totals, startup.seconds)

    def remove(self, startup: Startup) -> None:
        for status, seconds in _spent(startup).items():
            values = self._steps[status]
            del values[bisect_left(values, seconds)]
        if startup.seconds is not None:
            del self._totals[bisect_left(self._totals, startup.seconds)]

    def without(self, startup: Startup | None) -> Medians:
        """Return the medians of all starts but this one."""
        spent = {} if startup is None else _spent(startup)
        found = ((status, _median(values, spent.get(status))) for status, values in self._steps.items())
        total = None if startup is None else startup.seconds
        count = len(self._totals) - (total is not None)
        steps = {status: value for status, value in found if value is not None}
        return Medians(steps, _median(self._totals, total), count)

    def but_slowest(self, status: str) -> float | None:
        """Return the median of one step over all starts but the slowest."""
        values = self._steps.get(status)
        return _median(values, values[-1]) if values else None


def _spent(startup: Startup) -> dict[str, float]:
    """Return the duration of each status of a start-up; a repeated one is added up."""
    spent: dict[str, float] = {}
    for step in startup.steps:
        if step.seconds is not None:
            spent[step.status] = spent.get(step.status, 0.0) + step.seconds
    return spent


def _median(values: Sequence[float], excluded: float | None) -> float | None:
    """Return the median of sorted values, of all but one of them where that is named; None of none."""
    count = len(values) - (excluded is not None)
    if count <= 0:
        return None
    skipped = len(values) if excluded is None else bisect_left(values, excluded)
    low, high = (values[index + (index >= skipped)] for index in ((count - 1) // 2, count // 2))
    return (low + high) / 2
