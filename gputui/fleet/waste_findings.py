"""The waste that was found, and the waste of which it is unknown now whether it still is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from gputui.analytics.waste import in_order
from gputui.late_dataclasses import dataclass
from gputui.models import FeedState, Instance, Phase, Ref, Resource
from gputui.models.waste import Waste, WasteReason

if TYPE_CHECKING:
    from gputui.fleet.rows import Rows

_RESTS_ON = {
    WasteReason.IDLE: (Resource.GPUS,),
    WasteReason.NO_REQUESTS: (Resource.QUEUES, Resource.TASKS),
}
"""The lists without which it is unknown whether a row that runs is waste for this reason."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The waste at a time. ``rows`` are waste, the most expensive first, ``snoozed`` those that are hidden.

    ``old`` were waste when the lists on which that depends were read last, and these cannot be read now.
    ``soon`` are instances that are idle, and deployments without instances, that were not seen so for long enough
    (:attr:`.Waste.seen`). ``unknown`` are billed instances that run on GPUs of unknown load,
    or ran when their list was read last.
    """

    rows: tuple[Waste, ...] = ()
    snoozed: tuple[Waste, ...] = ()
    soon: tuple[Waste, ...] = ()
    unknown: tuple[Ref, ...] = ()
    old: tuple[Waste, ...] = ()

    @property
    def with_old(self) -> tuple[Waste, ...]:
        """The waste and the old, the most expensive first."""
        return in_order([*self.rows, *self.old]) if self.old else self.rows

    def of(self, ref: Ref) -> Waste | None:
        """Return the waste that a resource is, snoozed or not; None where it is none."""
        return next((waste for waste in (*self.rows, *self.old, *self.snoozed) if waste.ref == ref), None)


def still_unknown(rows: Rows, last: Iterable[Waste], known: Collection[Ref]) -> Iterator[Waste]:
    """Yield the last waste that is not ``known`` now, as the lists that would say so were not read."""
    return (waste for waste in last if waste.ref not in known and _is_unknown(rows, waste))


def ran_last(rows: Rows) -> Iterator[Instance]:
    """Yield the instances that ran when the list of their account was read last, where it cannot be read now."""
    for account in rows.accounts:
        if rows.feed(account, Resource.INSTANCES).state is FeedState.STALE:
            for row in rows.rows(Resource.INSTANCES, account).values():
                if isinstance(row, Instance) and row.phase is Phase.RUNNING:
                    yield row


def not_read_since(rows: Rows, last: Iterable[Waste], at: datetime) -> tuple[Waste, ...]:
    """Return the last waste whose list was not read after a time: of the other it was unseen whether it ended."""
    return tuple(waste for waste in last if rows.known_at(waste.ref.account, rows.resource_of(waste.ref)) <= at)


def _is_unknown(rows: Rows, waste: Waste) -> bool:
    """Whether something may still be waste: it is listed, and what would say so was not read."""
    row = rows.get(waste.ref)
    if row is None:
        return False
    if rows.is_stale(row) or getattr(row, "problem", None) is not None:
        return True
    needed = _RESTS_ON.get(waste.reason, ()) if getattr(row, "phase", None) is Phase.RUNNING else ()
    return any(rows.feed(waste.ref.account, each).state is FeedState.STALE for each in needed)
