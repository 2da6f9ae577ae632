"""Rows in general, how they change, and how far they can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gputui.models.values import Ref


class Row(Protocol):
    """Anything a table can show: it has a Ref."""

    @property
    def ref(self) -> Ref:
        """What it is called everywhere."""


@dataclass(frozen=True, slots=True)
class Change:
    """The difference between two states of a store, by Ref. Equal rows are in none of the three."""

    added: tuple[Row, ...] = ()
    updated: tuple[Row, ...] = ()
    removed: tuple[Ref, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.updated or self.removed)


class FeedState(StrEnum):
    """How far one list of one account can be believed."""

    LOADING = "loading"
    FRESH = "fresh"
    STALE = "stale"
    FAILED = "failed"


class HealthState(StrEnum):
    """The dot of an account in the header."""

    UNKNOWN = "unknown"
    OK = "ok"
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
