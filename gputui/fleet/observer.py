"""Events made by comparing an account's successive snapshots of its instances."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gputui.models import Event, Instance, Phase, Ref

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
        self._count = 0

    def start_from(self, account: str, instances: Iterable[Instance]) -> None:
        """Take an earlier session's snapshot as what was seen last."""
        self._known[account] = {
            row.ref: _Seen(row.name, None if row.problem else row.status, None) for row in instances
        }

    def observe(self, account: str, instances: Iterable[Instance], at: datetime) -> list[Event]:
        """Compare a whole, successful list with the last one and return what happened in between.

        An instance whose row has a ``problem`` has not changed its state: it was not seen.
        """
        known = self._known.get(account)
        first = known is None
        before = known or {}
        seen: dict[Ref, _Seen] = {}
        events = []
        for row in instances:
            last = before.get(row.ref)
            if row.problem is not None:
                seen[row.ref] = last or _Seen(row.name, None, None, told=first)
            elif last is not None and last.status == row.status:
                seen[row.ref] = last
            elif first or (last is not None and last.status is None and last.told):
                seen[row.ref] = _Seen(row.name, row.status, None)
            else:
                events.append(self._event(row.ref, row.name, at, row.status, row.phase, last))
                seen[row.ref] = _Seen(row.name, row.status, at)
        for ref, last in before.items():
            if ref not in seen:
                events.append(self._event(ref, last.name, at, GONE, Phase.STOPPED, last))
        self._known[account] = seen
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
