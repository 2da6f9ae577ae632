"""The state of each list, and the health of an account derived from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from gputui.errors import AuthError, GputuiError, IncompleteError, RateLimitedError
from gputui.late_dataclasses import dataclass
from gputui.models import Coverage, FeedState, HealthState, Instance, PartialRows, Resource, Row

_SLOW_ANSWER = 2.0
SAME_OUTAGE = 10.0
"""Lists that were answered so many seconds before another failed say that the account still answers."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One list of one account. ``fetched_at`` is when its rows were current, None when there have been none.

    ``error`` is why they are not current now; rows of an earlier session are stale without one. ``lacking`` is why
    the rows are incomplete.
    """

    state: FeedState
    fetched_at: datetime | None = None
    error: GputuiError | None = None
    lacking: GputuiError | None = None

    @property
    def coverage(self) -> Coverage:
        """How far the rows are those that the server has now, of an account that has such a list."""
        found = _BY_STATE.get(self.state, Coverage.COMPLETE)
        lacking = self.lacking
        if lacking is not None:
            blank = isinstance(lacking, IncompleteError) and lacking.all_named
            found |= Coverage.BLANK if blank else Coverage.INCOMPLETE
        if isinstance(lacking, IncompleteError) and lacking.awaits:
            found |= Coverage.AWAITED
        return found


_BY_STATE = {
    FeedState.LOADING: Coverage.UNREAD,
    FeedState.FAILED: Coverage.UNREAD,
    FeedState.STALE: Coverage.STALE,
}
_SECONDS_A_ROW = 0.002
"""The highest cost of a row that takes a separate request."""


@dataclass(slots=True)
class FeedLog:
    """The results of the requests. ``answered`` and ``failing_since`` are monotonic; ``waited`` is how long the last
    request took until its answer, in seconds: a list may be of a hundred.

    ``cost`` is the upper limit of the processing time of the last answer in seconds: a short list that took long was
    delayed elsewhere.
    """

    fetched_at: datetime | None = None
    error: GputuiError | None = None
    answered: float | None = None
    failing_since: float | None = None
    waited: float = 0.0
    cost: float = 0.0
    outstanding: bool = False
    lacking: GputuiError | None = None

    def feed(self) -> Feed:
        """Return the state of the list."""
        if self.error is not None:
            state = FeedState.STALE if self.fetched_at else FeedState.FAILED
        elif self.answered is not None:
            state = FeedState.FRESH
        else:
            state = FeedState.STALE if self.fetched_at else FeedState.LOADING
        return Feed(state, self.fetched_at, self.error, self.lacking)

    def succeed(
        self,
        at: datetime,
        monotonic: float,
        seconds: float,
        rows: int,
        lacking: GputuiError | None = None,
        *,
        latency: float | None = None,
    ) -> None:
        """Record a list that took ``seconds``, whole unless something is ``lacking``.

        ``latency`` is how long its last request took, None where that is not known.
        """
        self.lacking = lacking
        self.cost = min(seconds, rows * _SECONDS_A_ROW)
        self.fetched_at, self.answered = at, monotonic
        self.waited = seconds if latency is None else min(seconds, latency)
        self.error, self.failing_since, self.outstanding = None, None, False

    def fail(self, error: GputuiError, monotonic: float, seconds: float) -> None:
        """Record a failure."""
        self.error, self.waited, self.outstanding = error, seconds, False
        if self.failing_since is None:
            self.failing_since = monotonic


def assess(logs: Mapping[Resource, FeedLog], *, limited: bool) -> tuple[HealthState, str]:
    """Return the state of an account from its polled lists, and a message.

    One list that fails while others are answered makes an account ``DEGRADED``, or ``DOWN`` for wrong credentials.
    ``limited`` is whether a rate limit applies now.
    """
    failing = {resource: log for resource, log in logs.items() if log.error is not None}
    if limited or any(isinstance(log.error, RateLimitedError) for log in failing.values()):
        return HealthState.LIMITED, "slowed down"
    if failing:
        outage = min(log.failing_since or 0.0 for log in failing.values())
        alive = [
            log
            for log in logs.values()
            if log.error is None and log.answered is not None and log.answered >= outage - SAME_OUTAGE
        ]
        errors = [log.error for log in failing.values() if log.error is not None]
        rejected = [error for error in errors if isinstance(error, AuthError)]
        if rejected or not alive:
            return HealthState.DOWN, [*rejected, *errors][0].title.lower()
    reports = {resource: log.error.title.lower() for resource, log in failing.items() if log.error}
    reports |= {
        resource: "incomplete" for resource, log in logs.items() if log.error is None and log.lacking is not None
    }
    message = ", ".join(f"{resource.words}: {what}" for resource, what in reports.items())
    if any(log.outstanding or (log.answered is not None and log.waited > _SLOW_ANSWER) for log in logs.values()):
        return HealthState.SLOW, message
    if any(log.answered is not None for log in logs.values()):
        return HealthState.DEGRADED if message else HealthState.OK, message
    return HealthState.UNKNOWN, message


def incomplete(account: str, resource: Resource, rows: Iterable[Row]) -> IncompleteError | None:
    """Return what is wrong with a list that lacks something; None for a whole one."""
    if not isinstance(rows, PartialRows):
        return None
    problem = rows.problem
    end = "" if problem.endswith((".", "?", "!")) else "."
    return IncompleteError(
        f"{account}: the list of {resource.nouns} is incomplete: {problem}{end}",
        all_named=not rows.missing,
        of_parts=rows.is_of_parts,
        awaits=any(isinstance(row, Instance) and row.is_awaited for row in rows),
    )
