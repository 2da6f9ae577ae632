"""Rules: watches of stock, with or without a grab, and leases (:mod:`.leases`).

A rule outlives the session that made it. It is kept in a file of its own (:mod:`gputui.rules.files`), what came of
it in a journal (:mod:`gputui.rules.journal`); its status is what both say together.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from gputui.late_dataclasses import dataclass
from gputui.models.leases import Lease
from gputui.models.values import Money, Ref

MINUTES_A_DAY = 24 * 60
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Quiet:
    """A time of each day in which a rule sends and says nothing: minutes after midnight, in local time.

    It may pass midnight. Both ends equal is no time at all.
    """

    begin: int
    end: int

    @classmethod
    def parse(cls, text: str) -> Quiet:
        """Read ``22:00-07:00``; raises ValueError."""
        match = _CLOCK.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text} is no time of the day, such as 22:00-07:00")
        first, second, third, fourth = (int(part) for part in match.groups())
        return cls(first * 60 + second, third * 60 + fourth)

    def has(self, minute: int) -> bool:
        """Return whether a minute of the day is in it."""
        if self.begin <= self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of one field of a form, as text."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that a grab may create, or an instance that it may start.

    ``values`` are those of the form of ``kind``, but for that of ``name_field``, which is ``name``, with the rule's
    id in it, and a number, and that of ``limit_field``, which is the highest price of an hour; '' where the API has
    no such parameter. ``parallel`` is the number of instances that run at the same time, ``gpus`` those of each, 0
    where they follow from the type of machine. ``models`` and ``regions`` are those of the offers it depends on,
    empty for any. ``start`` is the instance to start in place of a create, ``generation`` what distinguishes it from
    a later one of its name. ``template`` is what the values were read from, '' for none.
    """

    account: str
    kind: str
    name: str
    values: tuple[Setting, ...] = ()
    name_field: str = ""
    limit_field: str = ""
    gpus: int = 1
    parallel: int = 1
    models: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    template: str = ""
    start: Ref | None = None
    generation: str = ""


@dataclass(frozen=True, slots=True)
class Grab:
    """The creates of a watch once enough is idle: each of ``count`` exactly once, of the cheapest candidate first.

    ``ceiling`` is the most that an hour of one instance may cost. What is obtained counts as ``hours`` of its price
    against ``budget``, which is for the whole rule, and ``budget_day``, for any 24 hours; until its price is known,
    of the ceiling. ``unpriced``: where the price is not known and no request can limit it, it is created
    nevertheless, and ended again if it costs more. ``lease``: a lease ends each after these hours. All amounts are
    in one currency. ``dry_run`` sends nothing: it records the requests.
    """

    candidates: tuple[Candidate, ...]
    count: int
    ceiling: Money
    hours: Decimal = Decimal(1)
    budget: Money | None = None
    budget_day: Money | None = None
    unpriced: bool = False
    lease: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """Stock that is waited for, wherever no session is open either.

    Empty ``models``, ``accounts`` and ``regions`` are any. At least ``count`` must be idle in one place, and
    ``on_one_machine`` on one machine, where the API says. ``price_limit`` is for an hour of one GPU. ``notify`` are
    the ways of its notifications, empty for those of the configuration. ``once``: it ends with the first. ``grab``
    None notifies. ``scope`` is the configuration file of its accounts. ``revision`` counts its edits.
    """

    id: str
    scope: str
    user: str
    created: datetime
    models: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    count: int = 1
    on_one_machine: int | None = None
    price_limit: Money | None = None
    grab: Grab | None = None
    notify: tuple[str, ...] = ()
    once: bool = False
    expires: datetime | None = None
    quiet: Quiet | None = None
    paused: bool = False
    note: str = ""
    revision: int = 0


Rule: TypeAlias = Watch | Lease


class RuleState(StrEnum):
    """Where a rule is."""

    WAITING = "waiting"
    QUIET = "quiet"
    PAUSED = "paused"
    TRYING = "trying"
    CHECKING = "checking"
    UNKNOWN = "unknown"
    DONE = "done"
    EXPIRED = "expired"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it."""
        return self in {RuleState.DONE, RuleState.EXPIRED, RuleState.FAILED, RuleState.STOPPED}


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """A rule as it is now, a row of the list of rules.

    ``what`` is the rule in a few words. ``obtained`` of ``wanted`` things exist, ``refs``; ``spent`` is what they
    count against the budget. ``answer`` is the last answer, ``at`` its time, ``next_at`` when something is done next,
    None where that waits for stock. ``lines`` explain each outcome, the newest last. ``problem`` is why its file or
    journal cannot be used.
    """

    ref: Ref
    kind: str
    what: str
    state: RuleState
    accounts: tuple[str, ...] = ()
    wanted: int | None = None
    obtained: int = 0
    refs: tuple[Ref, ...] = ()
    spent: Money | None = None
    budget: Money | None = None
    ceiling: Money | None = None
    answer: str = ""
    at: datetime | None = None
    next_at: datetime | None = None
    expires: datetime | None = None
    user: str = ""
    created: datetime | None = None
    note: str = ""
    lines: tuple[str, ...] = ()
    problem: str = ""


DAY = timedelta(hours=24)
"""The time that a budget per day is for: any 24 hours."""
