"""Events made by comparing an account's successive snapshots of its instances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gputui.models import Event, Instance, Missing, Phase, Ref

GONE = "gone"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was last seen of an instance. ``since`` is when it was seen to enter its status, None when before that.

    ``status`` is None, and ``told`` says whether its appearance is no news, while it could not be read.
    """

    name: str
    status: str | None
    since: datetime | None
    told: bool = True


class Observer:
    """Remembers each account's instances. An account's first snapshot is where it starts from, not news."""

    def __init__(self) -> None:
        self._known: dict[str, dict[Ref, _Seen]] = {}
        self._unread: dict[str, list[Missing]] = {}
        self._count = 0

    def start_from(self, account: str, instances: Iterable[Instance]) -> None:
        """Take an earlier session's snapshot as what was seen last."""
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
        """Compare a successful list with the last one and return what happened in between.

        An instance whose row has a ``problem`` has not changed its state: it was not seen. One that never was seen
        without a problem is not gone when its row is: that row may have stood for a part of the list. What may be
        among the rows that are ``missing`` in the list is not gone either, and what comes out of a part that was
        missing from the start is not new.
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
                seen[row.ref] = last or _Seen(row.name, None, None, told=first)
            elif last is not None and last.status == row.status:
                seen[row.ref] = last
            elif (
                first
                or (last is not None and last.status is None and last.told)
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
