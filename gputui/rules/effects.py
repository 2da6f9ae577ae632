"""The effects of a rule, one after the other, and their replies."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from gputui.late_dataclasses import dataclass
from gputui.models import Money, Ref
from gputui.models.rules import Candidate, RuleState, Watch
from gputui.rules.journal import Entry, EntryKind


@dataclass(frozen=True, slots=True)
class Now:
    """The time: ``at`` in UTC, ``minute`` of the day in local time.

    ``up`` are seconds since the start of the machine, sleep among them, which no setting of the clock changes;
    ``boot`` identifies that start.
    """

    at: datetime
    minute: int
    up: float
    boot: str


@dataclass(frozen=True, slots=True)
class Chance:
    """A candidate as the stock is now, by its number in the grab.

    ``price`` is for an hour of one instance, None where that is unknown; ``least`` is what it costs at least.
    ``enough``: whether enough is idle, None where nothing says so. ``why`` is why there is none.
    """

    candidate: int
    price: Money | None
    enough: bool | None
    why: str = ""
    least: Money | None = None


@dataclass(frozen=True, slots=True)
class Idle:
    """An offer that a watch is about, as it is now; ``text`` says what is idle, where ``enough``."""

    ref: Ref
    enough: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One create or start that was announced in the journal.

    ``candidate`` is None where an edit of the rule has removed it since. ``ref`` is what was obtained, or what is to
    be started. ``most`` is the highest price of an hour of one instance.
    """

    number: int
    account: str
    kind: str
    name: str
    candidate: Candidate | None
    ref: Ref | None
    generation: str
    most: Money | None


@dataclass(frozen=True, slots=True)
class Append:
    """Write an entry to the disk. The reply is None, or a :class:`Failure` where it is not there."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Send:
    """Send a create or a start, once. The reply is an :class:`Answer`."""

    order: Order


@dataclass(frozen=True, slots=True)
class Find:
    """List what a request may have made, by its name. The reply is :class:`Found`, or a :class:`Failure`."""

    order: Order


@dataclass(frozen=True, slots=True)
class Look:
    """Read what was obtained. The reply is :class:`Seen`, or a :class:`Failure`."""

    order: Order


@dataclass(frozen=True, slots=True)
class Undo:
    """End what was obtained and costs too much. The reply is None, or a :class:`Failure`."""

    order: Order


@dataclass(frozen=True, slots=True)
class SetLease:
    """Set the lease of what was obtained at a time. The reply is an :class:`Answer`, or a :class:`Failure`."""

    order: Order
    since: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """Announce an entry to the user. There is no reply."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until the stock or the rule changes, or for so many seconds. There is no reply."""

    seconds: float | None
    state: RuleState
    text: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request, as the kind of entry that it makes."""

    kind: EntryKind
    text: str
    ref: Ref | None = None
    generation: str = ""
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a name: all there are."""

    refs: Collection[Ref]


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of what was obtained, by its server: whether it is there, has ended, its price, and what it is.

    ``starts``: it does not run yet, and may have its price only then.
    """

    there: bool
    ended: bool = False
    price: Money | None = None
    ref: Ref | None = None
    starts: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Something could not be done now, for this reason."""

    text: str


Effect: TypeAlias = Append | Send | Find | Look | Undo | SetLease | Notice | Wait
Reply: TypeAlias = Answer | Found | Seen | Failure | None


class RuleContext(Protocol):
    """The rule that an engine follows, and what is known for it now."""

    def rule(self) -> Watch | None:
        """Return the rule as it is now; None where it was deleted."""

    def now(self) -> Now:
        """Return the time."""

    def chances(self) -> Sequence[Chance]:
        """Return the candidates of the rule as the stock is now."""

    def idle(self) -> Sequence[Idle]:
        """Return the offers that the rule is about, as far as they are known to be of now."""

    def missing(self) -> str:
        """Return the account of the rule that is no longer in the configuration; '' for none."""
