"""From the rows of GPUhub's event list to events: each once, in the time order of its container.

Uses call 7 of the elastic deployment API, "List Container Events".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import NamedTuple

from gputui.api.common.readers import read_time
from gputui.late_dataclasses import dataclass
from gputui.models import Event, EventSource, Phase, Ref
from gputui.text import clean

_PHASES = {
    "creating": Phase.PENDING,
    "created": Phase.PENDING,
    "starting": Phase.PENDING,
    "oss_merged": Phase.PENDING,
    "running": Phase.RUNNING,
    "shutting_down": Phase.STOPPING,
    "shutdown": Phase.STOPPED,
    "stopped": Phase.STOPPED,
    "released": Phase.STOPPED,
}


class EventRow(NamedTuple):
    """A row of the event list, by the wire's names, as it came.

    A row that cannot be read has no container: it still counts for the offsets in the list.
    """

    deployment_container_uuid: str
    status: str
    created_at: str | None


Key = tuple[str, str, str]
"""The identity of an event: container, status, and time as the server writes it."""


@dataclass(slots=True)
class _Change:
    """A state that a container entered. ``reported``: the server gave the time; ``order`` breaks ties."""

    at: datetime
    order: int
    reported: bool
    event: Event


@dataclass(slots=True)
class _Chain:
    """The events of one container, in time order."""

    instance: Ref
    name: str
    changes: list[_Change] = field(default_factory=list)


class EventLog:
    """The known events of the containers of one deployment."""

    def __init__(self, deployment: Ref, name: str, now: Callable[[], datetime]) -> None:
        self._deployment = deployment
        self._name = name
        self._now = now
        self._known: set[Key] = set()
        self._chains: dict[str, _Chain] = {}
        self._in_transition: dict[str, datetime] = {}
        self._latest: datetime | None = None
        self._count = 0

    def add(self, rows: Sequence[EventRow]) -> list[Event]:
        """Add rows in the server's order and return the new events, in time order.

        A known event whose predecessor came only now is among them again, corrected.
        """
        unknown = [(key, row.created_at) for row in rows if (key := row_key(row))[0] and self._is_new(key)]
        times = self._times([(key[0], read_time(written)) for key, written in unknown])
        changed: dict[Ref, _Change] = {}
        for (key, _), (at, reported) in zip(unknown, times, strict=True):
            for change in self._insert(key, at, reported):
                changed[change.event.ref] = change
        return [change.event for change in sorted(changed.values(), key=_place)]

    def in_transition(self, since: datetime) -> bool:
        """Whether a container is starting or stopping that came into this state after ``since``."""
        return any(at > since for at in self._in_transition.values())

    def events(self) -> list[Event]:
        """Return everything in time order."""
        changes = (change for chain in self._chains.values() for change in chain.changes)
        return [change.event for change in sorted(changes, key=_place)]

    def _is_new(self, key: Key) -> bool:
        if key in self._known:
            return False
        self._known.add(key)
        return True

    def _times(self, rows: Sequence[tuple[str, datetime | None]]) -> list[tuple[datetime, bool]]:
        """Give each row a time: where the server gives none, that of its neighbour in the list.

        That is the row before it of the same container, else the one after, else those of other containers; for a
        list without any times, now.
        """
        known = ((container, self._chains.get(container)) for container, at in rows if at is None)
        before = {container: chain.changes[-1].at for container, chain in known if chain is not None}
        own = _filled(rows, before)
        fallback = self._latest or next((at for at in own if at), None) or self._now()
        times = []
        for (_, reported), near in zip(rows, own, strict=True):
            fallback = near or fallback
            times.append((fallback, reported is not None))
        if times:
            self._latest = fallback
        return times

    def _insert(self, key: Key, at: datetime, reported: bool) -> list[_Change]:
        """Insert an event into its chain; return it, and the next one where that changes."""
        container, status, _ = key
        chain = self._chains.get(container)
        if chain is None:
            instance = Ref(self._deployment.account, "container", container)
            chain = self._chains[container] = _Chain(instance, container_name(self._name, container))
        self._count += 1
        changes = chain.changes
        index = bisect_right(changes, (at, self._count), key=_place)
        before, seconds = _since(changes[index - 1] if index else None, at, reported)
        event = Event(
            ref=Ref(self._deployment.account, "event", ":".join(key)),
            instance=chain.instance,
            name=chain.name,
            at=at,
            status=status,
            phase=container_phase(status),
            before=before,
            after_seconds=seconds,
            source=EventSource.REPORTED,
            parent=self._deployment,
        )
        change = _Change(at, self._count, reported, event)
        changes.insert(index, change)
        if index + 1 < len(changes):
            late = changes[index + 1]
            before, seconds = _since(change, late.at, late.reported)
            late.event = replace(late.event, before=before, after_seconds=seconds)
            return [change, late]
        if event.phase in (Phase.PENDING, Phase.STOPPING):
            self._in_transition[container] = at
        else:
            self._in_transition.pop(container, None)
        return [change]


def _place(change: _Change) -> tuple[datetime, int]:
    return change.at, change.order


def _since(last: _Change | None, at: datetime, reported: bool) -> tuple[str | None, float | None]:
    """Return the status before, and how long it lasted in seconds where both times are the server's."""
    if last is None:
        return None, None
    return last.event.status, (at - last.at).total_seconds() if reported and last.reported else None


def row_key(row: EventRow) -> Key:
    """Return what identifies a row."""
    return clean(row.deployment_container_uuid), clean(row.status) or "unknown", clean(row.created_at or "")


def container_name(deployment: str, uuid: str) -> str:
    """Return the name of a container: its deployment's name and the last part of its uuid."""
    return f"{deployment}-{uuid.rpartition('-')[2]}"


def container_phase(status: str) -> Phase:
    """Return the phase of a container by the vendor's status; UNKNOWN for any other."""
    word = status.strip().lower()
    if word in _PHASES:
        return _PHASES[word]
    return Phase.FAILED if "fail" in word or "error" in word else Phase.UNKNOWN


def _filled(rows: Sequence[tuple[str, datetime | None]], before: dict[str, datetime]) -> list[datetime | None]:
    """Fill the gaps in the times of each container: from the row before, else from the one after."""
    times: list[datetime | None] = []
    last = dict(before)
    for container, at in rows:
        if at is not None:
            last[container] = at
        times.append(last.get(container))
    following: dict[str, datetime] = {}
    for index in range(len(rows) - 1, -1, -1):
        container, at = rows[index]
        if at is not None:
            following[container] = at
        elif times[index] is None:
            times[index] = following.get(container)
    return times
