"""The times of a grab: when something is done again about an order, and for how long an order is looked for."""

from __future__ import annotations

from collections.abc import Iterable

from gputui.rules.effects import Now
from gputui.rules.orders import LOST, UNSETTLED, Orders, Record, Stage, age

SETTLE = 600.0
"""How long after a request a server may still perform it, in seconds: longer than any request is awaited."""
LATE = 3600.0
"""How long after the request what was absent is looked for nevertheless, in seconds: nothing is delayed by that."""
SENT_WITHIN = 120.0
"""How long after its entry a request is sent at the latest: the age of its decision, the audit log, a connection."""
_WORK = {Stage.OPEN: "find", Stage.UNDOING: "undo", Stage.OBTAINED: "look", Stage.SEEN: "look"}
"""The work on an order in each stage of those that are not settled."""


class Schedule:
    """When the work on ``orders`` is due; times are in seconds since the start of the machine."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._due: dict[tuple[str, int], float] = {}
        self._asked: dict[int, float] = {}
        """When the last request about an order was answered, or given up."""

    def put_off(self, work: str, number: int, until: float) -> None:
        """Do some work on an order not before this time."""
        self._due[work, number] = until

    def asked(self, number: int, at: float) -> None:
        """Note when the request of an order was answered, or given up."""
        self._asked[number] = at

    def waits(self, work: str, number: int, now: Now) -> bool:
        """Return whether some work on an order is not due yet."""
        return self.left_of(work, number, now) > 0

    def left_of(self, work: str, number: int, now: Now) -> float:
        """Return in how many seconds some work on an order is due; not above 0 for now."""
        return self._due.get((work, number), 0.0) - now.up

    def first(self, stages: set[Stage], work: str, now: Now) -> Record | None:
        """Return the first order in one of these stages whose time has come."""
        found = (one for one in self._orders.of(frozenset(stages)) if not self.waits(work, one.number, now))
        return next(found, None)

    def pauses(self, leases: Iterable[int], now: Now) -> list[float]:
        """Return in how many seconds the work on each order that is put off is due; ``leases`` are owed too."""
        keys = [(_WORK[one.stage], one.number) for one in self._orders.of(UNSETTLED)]
        keys += [("lease", number) for number in leases]
        return [self._due[key] - now.up for key in keys if key in self._due]

    # Requests whose outcome is not known, or whose thing was absent.

    def left(self, record: Record, now: Now) -> float:
        """Return for how many seconds a server may still perform the request of an order."""
        if (asked := self._asked.get(record.number)) is not None:
            return SETTLE - (now.up - asked)
        if record.intent.boot == now.boot:  # an earlier run sent it soon after the entry, or not at all
            return SETTLE + SENT_WITHIN - age(record.intent, now)
        return SETTLE - now.up  # it was sent before the machine started

    def left_absent(self, record: Record, now: Now) -> float:
        """Return for how many seconds what was absent is still looked for: a server may be very late."""
        return self.left(record, now) + LATE - SETTLE

    def absent(self, now: Now) -> list[Record]:
        """Return what was absent and is still looked for."""
        return [one for one in self._orders.of(LOST) if self.left_absent(one, now) > 0]

    def first_absent(self, now: Now) -> Record | None:
        """Return what was absent and is to be looked for now, though nothing is sent."""
        return next((one for one in self.absent(now) if self.absent_in(one, now) <= 0), None)

    def absent_in(self, record: Record, now: Now) -> float:
        """Return in how many seconds what was absent is looked for again."""
        return max(self.left_of(work, record.number, now) for work in ("late", "find"))
