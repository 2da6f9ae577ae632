"""Rows in general, how they change, and how far they can be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
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
