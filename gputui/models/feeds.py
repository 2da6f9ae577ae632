"""Rows in general, how they change, and how far they can be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import Flag, StrEnum, auto
from typing import Protocol, TypeVar

from gputui.late_dataclasses import dataclass
from gputui.models.values import Action, Ref
from gputui.text import join_reasons


class Row(Protocol):
    """Anything a table can show: it has a Ref."""

    @property
    def ref(self) -> Ref:
        """The reference."""


_R = TypeVar("_R", bound=Row)
_SHOWN_REASONS = 3


@dataclass(frozen=True, slots=True)
class Missing:
    """A gap in a list: ``count`` rows that cannot be read for a reason, or a part that did not answer (0).

    ``kind`` and ``prefix`` say which rows it may be, by their Refs; '' where it may be any.
    """

    reason: str
    count: int = 0
    kind: str = ""
    prefix: str = ""

    def may_be(self, ref: Ref) -> bool:
        """Whether this row may be among what is missing."""
        return self.kind in ("", ref.kind) and ref.id.startswith(self.prefix)


class PartialRows(list[_R]):
    """A list that lacks something its back end has.

    ``missing`` are rows that cannot be read and parts that did not answer, or whose rows are older ones. ``blank``
    says of rows which are listed why no more than their names could be read.
    """

    def __init__(self, rows: Iterable[_R] = (), missing: Iterable[Missing] = (), blank: Iterable[str] = ()) -> None:
        super().__init__(rows)
        self.missing = tuple(missing)
        self.blank = tuple(dict.fromkeys(blank))

    @property
    def is_of_parts(self) -> bool:
        """Whether all that is missing are parts that did not answer, each of which is named: nothing else is."""
        return all(missing.count == 0 and missing.kind and missing.prefix for missing in self.missing)

    @property
    def problem(self) -> str:
        """The missing rows and the reasons, in one line."""
        counts: Counter[str] = Counter()
        for missing in self.missing:
            counts[missing.reason] += missing.count
        reasons = [
            f"{count} {'row' if count == 1 else 'rows'} cannot be read: {reason}" if count else reason
            for reason, count in counts.items()
        ]
        reasons += self.blank
        more = len(reasons) - _SHOWN_REASONS
        return join_reasons(reasons[:_SHOWN_REASONS] + ([f"and {more} more"] if more > 0 else []))


@dataclass(frozen=True, slots=True)
class Change:
    """The difference between two states of a store, by Ref. Equal rows are in none of the three."""

    added: tuple[Row, ...] = ()
    updated: tuple[Row, ...] = ()
    removed: tuple[Ref, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.updated or self.removed)


@dataclass(frozen=True, slots=True)
class Pending:
    """A change of this process in flight, and when it was requested."""

    action: Action
    since: datetime


class FeedState(StrEnum):
    """How far one list of one account can be believed."""

    LOADING = "loading"
    FRESH = "fresh"
    STALE = "stale"
    FAILED = "failed"


class Coverage(Flag):
    """How far the rows of one list, or of several, are those that the servers have now: what they are short of."""

    COMPLETE = 0
    UNREAD = auto()
    """A list was not read once: it is awaited, or has failed."""
    STALE = auto()
    """Rows are those of an earlier time: their list could not be read since, or not yet in this session."""
    INCOMPLETE = auto()
    """A server, or the reading of its answer, left out rows."""
    BLANK = auto()
    """Of some rows no more than the names could be read."""
    AWAITED = auto()
    """Of some rows no more than the names is known before their first answer: whether they are well is not known."""
    FILTERED = auto()
    """The user has filters in force on a server."""
    ABSENT = auto()
    """An account has no such list, or may not use it: it counts as one without rows."""

    @property
    def is_complete(self) -> bool:
        """Whether all that there is has its row, as it is now: what is not found in them is none."""
        return not self & ~Coverage.ABSENT

    @property
    def lacks_rows(self) -> bool:
        """Whether there may be rows that are not known, by no choice of the user."""
        return bool(self & (Coverage.UNREAD | Coverage.INCOMPLETE))

    @property
    def is_current(self) -> bool:
        """Whether the known rows are as they were when their lists were due last."""
        return not self & (Coverage.UNREAD | Coverage.STALE)

    @property
    def names_all(self) -> bool:
        """Whether each thing that the servers have now has a row: what has none does not exist any more."""
        return not self & ~(Coverage.BLANK | Coverage.AWAITED)


class HealthState(StrEnum):
    """The dot of an account in the header; the later, the worse. ``DEGRADED``: some lists fail or lack rows."""

    UNKNOWN = "unknown"
    OK = "ok"
    DEGRADED = "degraded"
    SLOW = "slow"
    LIMITED = "rate limited"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Health:
    """An account's state as a whole. ``message`` is short enough for the header, ``since`` when this state began.

    ``until`` is when a rate limit ends; it belongs to ``LIMITED`` alone.
    """

    account: str
    state: HealthState
    message: str = ""
    since: datetime | None = None
    read_only: bool = False
    until: datetime | None = None
