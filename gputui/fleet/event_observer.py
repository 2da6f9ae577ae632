"""Events derived by comparing successive lists of an account's instances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gputui.formatting import counted
from gputui.late_dataclasses import dataclass
from gputui.models import Event, Instance, Machine, Missing, Phase, Ref

GONE = "gone"
REBOOTED = "rebooted"


@dataclass(frozen=True, slots=True)
class _Seen:
    """The last state of an instance. ``since`` is when it was seen to enter its status, None when before that.

    While it cannot be read ``status`` is None, and ``reported`` is whether its appearance makes no event. ``boot_id``
    and ``gpus_lost`` are those of a machine; ``listed`` is whether the instances on it, whose ``parent`` it is, were
    ever listed, None of anything else.
    """

    name: str
    status: str | None
    since: datetime | None
    reported: bool = True
    boot_id: str = ""
    gpus_lost: int = 0
    listed: bool | None = None
    parent: Ref | None = None


class Observer:
    """Compares the lists of each account. The first one makes no events."""

    def __init__(self) -> None:
        self._known: dict[str, dict[Ref, _Seen]] = {}
        self._unread: dict[str, list[Missing]] = {}
        self._count = 0

    def start_from(self, account: str, instances: Iterable[Instance]) -> None:
        """Set the list of an earlier session as the last one."""
        self._known[account] = {
            row.ref: _with_facts(_Seen(row.name, None if _is_unread(row) else row.status, None), row, None)
            for row in instances
        }

    def observe(
        self,
        account: str,
        instances: Iterable[Instance],
        at: datetime,
        *,
        missing: Sequence[Missing] = (),
        observes: Callable[[str], bool] = lambda kind: True,
    ) -> list[Event]:
        """Compare a list with the last one and return the events in between.

        A row with a ``problem`` does not change the state of its instance: that was not read. One that was never read
        without a problem is not gone with its row, which may have represented a part of the list. Rows that may be
        among the ``missing`` ones are not gone either, and those of a part that was missing from the start are not
        new. The same holds for instances on a machine that does not list them. Of a machine, a new boot and the loss
        of GPUs are events as well. ``observes`` returns whether a kind of instances is compared at all.
        """
        known = self._known.get(account)
        first = known is None
        before = {ref: seen for ref, seen in (known or {}).items() if observes(ref.kind)}
        instances = [row for row in instances if observes(row.ref.kind)]
        never_read = {
            (part.kind, part.prefix): part for part in (missing if first else self._unread.get(account, ()))
        }
        seen: dict[Ref, _Seen] = {}
        unlisted = set[Ref]()
        events = []
        for row in instances:
            last = before.get(row.ref)
            if _is_unread(row):
                seen[row.ref] = last or _Seen(row.name, None, None, reported=first)
            elif last is not None and last.status == row.status:
                seen[row.ref] = last
            elif (
                first
                or (last is not None and last.status is None and last.reported)
                or (last is None and any(part.may_be(row.ref) for part in never_read.values()))
                or (last is None and _is_first_listed(row, before))
            ):
                seen[row.ref] = _Seen(row.name, row.status, None)
            else:
                events.append(self._event(row.ref, row.name, at, row.status, row.phase, last))
                seen[row.ref] = _Seen(row.name, row.status, at)
            if row.machine is not None:
                events += self._machine_events(row, row.machine, at, last)
                if not _lists_instances(row.machine):
                    unlisted.add(row.ref)
            seen[row.ref] = _with_facts(seen[row.ref], row, last)
        for ref, last in before.items():
            if ref in seen:
                continue
            if last.parent in unlisted or any(part.may_be(ref) for part in missing):
                seen[ref] = last
            elif last.status is not None:
                events.append(self._event(ref, last.name, at, GONE, Phase.STOPPED, last))
        self._known[account] = seen
        still = {(part.kind, part.prefix) for part in missing}
        self._unread[account] = [part for place, part in never_read.items() if place in still]
        return events

    def _machine_events(self, row: Instance, machine: Machine, at: datetime, last: _Seen | None) -> Iterator[Event]:
        """Yield the events of a machine that keeps its state."""
        if last is None or not machine.boot_id or not last.boot_id:
            return
        if machine.boot_id != last.boot_id:
            yield self._event(row.ref, row.name, at, REBOOTED, row.phase, last)
        elif (lost := machine.gpus_lost - last.gpus_lost) > 0:
            yield self._event(row.ref, row.name, at, f"{counted(lost, 'GPU')} lost", Phase.FAILED, last)

    def _event(self, instance: Ref, name: str, at: datetime, status: str, phase: Phase, last: _Seen | None) -> Event:
        self._count += 1
        return Event(
            ref=Ref(instance.account, "event", f"{int(at.timestamp() * 1000)}-{self._count}"),
            instance=instance,
            name=name,
            at=at,
            status=status,
            phase=phase,
            before=last.status if last else None,
            after_seconds=(at - last.since).total_seconds() if last and last.since else None,
        )


def _is_unread(row: Instance) -> bool:
    """Return whether the state of a row was not read; that a machine is not reachable is a state that was read."""
    return row.problem is not None and (row.machine is None or row.machine.reachable is None)


def _lists_instances(machine: Machine) -> bool:
    return machine.reachable is True and not machine.containers_problem


def _is_first_listed(row: Instance, before: Mapping[Ref, _Seen]) -> bool:
    """Return whether an instance is on a machine whose instances were unknown until now."""
    machine = before.get(row.parent) if row.parent is not None else None
    return machine is not None and machine.listed is False


def _with_facts(seen: _Seen, row: Instance, last: _Seen | None) -> _Seen:
    """Return what was seen, with the parent of an instance, the boot of a machine and its losses."""
    if row.parent != seen.parent:
        seen = replace(seen, parent=row.parent)
    if (machine := row.machine) is None:
        return seen
    return replace(
        seen,
        boot_id=machine.boot_id or seen.boot_id,
        gpus_lost=machine.gpus_lost,
        listed=_lists_instances(machine) or bool(last is not None and last.listed),
    )
