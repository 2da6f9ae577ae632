"""Starts that are under way: since when, the usual time, and whether one is slow or stuck; stops likewise. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from gputui.analytics.startup_times import Medians, Startup, StartupBook, is_slow, slow_from
from gputui.late_dataclasses import dataclass
from gputui.models import Instance, Phase, Ref

STUCK_SECONDS = 20 * 60.0
"""A start without others to compare it with, and a stop, is stuck from here on."""
_LEAST_STUCK_SECONDS = 5 * 60.0
"""A start that is short is not stuck, however fast others are."""


@dataclass(frozen=True, slots=True)
class Start:
    """The start of an instance that is under way.

    ``since`` is when it began, None where that is unknown. ``usual`` is the median of the deployment's starts in
    seconds, None without any; ``slow`` is whether it takes clearly longer than that, ``stuck`` whether it takes so
    long that its money is wasted. ``step`` is its present status where that alone takes clearly longer than usual,
    with the median of it in ``usual_step``.
    """

    instance: Instance
    since: datetime | None
    usual: float | None = None
    slow: bool = False
    stuck: bool = False
    step: str = ""
    usual_step: float | None = None

    @property
    def is_problem(self) -> bool:
        """Whether it is slow or stuck."""
        return self.slow or self.stuck


def starts_under_way(
    rows: Iterable[Instance], book: StartupBook, known_at: Callable[[str], datetime]
) -> dict[Ref, Start]:
    """Return the starts of those of the rows that are starting.

    ``known_at`` returns when the rows of an account were current: whether one has ended since is unknown, so none
    becomes slow or stuck after that.
    """
    return {row.ref: _start(row, book, known_at(row.ref.account)) for row in rows if row.phase is Phase.PENDING}


def _start(row: Instance, book: StartupBook, now: datetime) -> Start:
    known = book.startups.get(row.ref)
    if known is None or known.over:
        known = None  # events of an earlier start
    since = known.steps[0].at if known is not None else row.updated_at or row.created_at
    usual = book.usual(row.parent, excluding=row.ref)
    seconds = None if since is None else (now - since).total_seconds()
    slow, step, usual_step = is_slow(seconds, usual.total), "", None
    if known is not None and not slow and _is_slow_now(known, usual, now):
        slow, step = True, known.steps[-1].status
        usual_step = usual.steps[step]
    stuck = seconds is not None and seconds >= _stuck_from(usual.total)
    return Start(row, since, usual.total, slow, stuck, step, usual_step)


def _stuck_from(usual: float | None) -> float:
    """Return the seconds from which a start with this usual duration is stuck."""
    return STUCK_SECONDS if usual is None else max(_LEAST_STUCK_SECONDS, slow_from(usual))


def is_stuck_stop(since: datetime | None, now: datetime) -> bool:
    """Return whether a stop that began at a time is stuck; not where the time is unknown."""
    return since is not None and (now - since).total_seconds() >= STUCK_SECONDS


def _is_slow_now(startup: Startup, usual: Medians, now: datetime) -> bool:
    """Return whether the step that it is in takes clearly longer than those of the others."""
    step = startup.steps[-1]
    return is_slow((now - step.at).total_seconds(), usual.steps.get(step.status))
