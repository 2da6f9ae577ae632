"""Creates and starts that are tried again while there is no stock. They exist in this process alone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from gputui.late_dataclasses import dataclass
from gputui.models.values import Action, Money, Ref


class AttemptState(StrEnum):
    """Where a series of attempts is."""

    WAITING = "waiting"
    TRYING = "trying"
    CHECKING = "checking the price"
    DONE = "done"
    EXPIRED = "expired"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A series of attempts as it is now: ``action`` is create or start, of what is called ``name``.

    ``tries`` is the number of requests sent. ``next_at`` is when the next one is, ``until`` when the series ends, and
    ``limit`` the highest price of an hour that is accepted, None for any. ``answer`` is the last answer, ``made`` the
    row that was created or started.
    """

    ref: Ref
    name: str
    action: Action
    state: AttemptState
    tries: int
    since: datetime
    until: datetime
    next_at: datetime | None = None
    limit: Money | None = None
    answer: str = ""
    made: Ref | None = None
