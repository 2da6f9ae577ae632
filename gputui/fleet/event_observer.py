"""Events derived by comparing successive lists of an account's instances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gputui.models import Event, Instance, Missing, Phase, Ref

GONE = "gone"


@dataclass(frozen=True, slots=True)
class _Seen:
    """The last state of an instance. ``since`` is when it was seen to enter its status, None when before that.

    While it cannot be read ``status`` is None, and ``reported`` is whether its appearance makes no event.
    """

    name: str
    status: str | None
    since: datetime | None
    reported: bool = True


class Observer:
    """Compares the lists of each account. The first one makes no events."""

    def __init__(self) -> None:
        self._known: dict[str, dict[Ref, _Seen]] = {}
        self._unread: dict[str, list[Missing]] = {}
        self._count = 0

    def start_from(self, account: str, instances: Iterable[Instance]) -> None:
        """Set the list of an earlier session as the last one."""
        self._known[account] = {
            row.ref: _Seen(row.name, None if row.problem else row.status, None) for row in instances
        }

    def observe(
        self,
        account: str,
        instances: Iterable[Instance],
        at: datetime,
        *,
        missing: Sequence[Missing] = (),
    ) -> list[Event]:
        """Compare a list with the last one and return the events in between.

        A row with a ``problem`` does not change the state of its instance: that was not read. One that was never read
        without a problem is not gone with its row, which may have represented a part of the list. Rows that may be
        among the ``missing`` ones are not gone either, and those of a part that was missing from the start are not
        new.
        """
        known = self._known.get(account)
        first = known is None
        before = known or {}
        never_read = {
            (part.kind, part.prefix): part for part in (missing if first else self._unread.get(account, ()))
        }
        seen: dict[Ref, _Seen] = {}
        events = []
        for row in instances:
            last = before.get(row.ref)
            if row.problem is not None:
                seen[row.ref] = last or _Seen(row.name, None, None, reported=first)
            elif last is not None and last.status == row.status:
                seen[row.ref] = last
            elif (
                first
                or (last is not None and last.status is None and last.reported)
                or (last is None and any(part.may_be(row.ref) for part in never_read.values()))
            ):
                seen[row.ref] = _Seen(row.name, row.status, None)
            else:
                events.append(self._event(row.ref, row.name, at, row.status, row.phase, last))
                seen[row.ref] = _Seen(row.name, row.status, at)
        for ref, last in before.items():
            if ref in seen:
                continue
            if any(part.may_be(ref) for part in missing):
                seen[ref] = last
            elif last.status is not None:
                events.append(self._event(ref, last.name, at, GONE, Phase.STOPPED, last))
        self._known[account] = seen
        still = {(part.kind, part.prefix) for part in missing}
        self._unread[account] = [part for place, part in never_read.items() if place in still]
        return events

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
