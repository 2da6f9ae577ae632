"""Events of all kinds on one axis of time: moments of several lanes, and figures over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from gputui.late_dataclasses import dataclass
from gputui.models.values import Ref


class Lane(StrEnum):
    """The lanes, in their order."""

    EVENTS = "events"
    ACTIONS = "actions"
    RULES = "rules"
    STOCK = "stock"
    LOAD = "load"
    GAP = "gap"
    """Times in which an account was not observed. They are drawn in the lane of events."""


class Tone(StrEnum):
    """How much a moment matters."""

    QUIET = "quiet"
    NOTICE = "notice"
    """Something is open: a start, an unknown outcome, a warning."""
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened. ``ref`` is that of the moment itself; its account is '' where it is of none.

    ``name`` is what it happened to, ``about`` the Ref of that where there is one, ``parent`` its deployment.
    ``until`` is when something ended that took time. ``host`` and ``rule`` are those of it, '' for none. ``source``
    says who knows it: ``reported`` by a server, ``observed`` between two lists, a user. Texts are clean.
    """

    ref: Ref
    at: datetime
    lane: Lane
    name: str
    text: str
    tone: Tone = Tone.QUIET
    about: Ref | None = None
    parent: Ref | None = None
    until: datetime | None = None
    host: str = ""
    rule: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A time, from its begin to before its end."""

    begin: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end - self.begin).total_seconds()


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that is known of a time: moments from the oldest to the newest, and figures of equal parts of it.

    ``stock`` is the number of idle GPUs at the end of each part, ``load`` their mean utilisation in percent; None
    where that is unknown. ``observed`` are the times in which each account was observed. ``problems`` say what
    is missing, in sentences. ``oldest`` is the time of the oldest thing that is kept at all, None for nothing.
    """

    span: TimeSpan
    moments: tuple[Moment, ...] = ()
    stock: tuple[int | None, ...] = ()
    load: tuple[float | None, ...] = ()
    observed: Mapping[str, tuple[TimeSpan, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    oldest: datetime | None = None
    cut: Mapping[Lane, datetime] = field(default_factory=dict)
    """The time before which a lane was not read, where there is too much."""
