"""The states that can be waited for, and whether a row has reached one, or never will. Pure."""

from __future__ import annotations

from enum import StrEnum

from gputui.errors import AuthError, ConfigError, ExitCode, ForbiddenError, GputuiError
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, Phase, Row
from gputui.presentation.actions import state_words


class Goal(StrEnum):
    """A state that can be waited for."""

    RUNNING = "running"
    SSH = "ssh"
    IDLE = "idle"
    GONE = "gone"
    STOPPED = "stopped"


UNTIL = {
    Goal.RUNNING: "runs",
    Goal.SSH: "accepts an SSH login",
    Goal.IDLE: "has idle GPUs",
    Goal.GONE: "is gone",
    Goal.STOPPED: "is stopped",
}


class Outcome(StrEnum):
    """The result of a look at something."""

    REACHED = "reached"
    NOT_YET = "timed out"
    """The state may still come. It is an end where the time is over."""
    NEVER = "never"
    UNREADABLE = "unreadable"


STATUS = {
    Outcome.REACHED: ExitCode.OK,
    Outcome.NEVER: ExitCode.REFUSED,
    Outcome.UNREADABLE: ExitCode.UNREACHABLE,
    Outcome.NOT_YET: ExitCode.UNKNOWN_OUTCOME,  # as of --wait after its time
}


@dataclass(frozen=True, slots=True)
class Look:
    """A look at something that is waited for: ``subject`` names it, ``state`` is its state in words.

    ``rows`` are those that it is about. ``error`` is why it ends the waiting, or why nothing could be read.
    ``moves``: its words have figures that change all the time.
    """

    subject: str
    outcome: Outcome
    state: str
    rows: tuple[Row, ...] = ()
    error: GputuiError | None = None
    moves: bool = False


def status_of(looks: list[Look]) -> ExitCode:
    """Return the exit status of the last looks: one that never ends the waiting counts most, then unreadable ones."""
    for outcome in (Outcome.NEVER, Outcome.UNREADABLE, Outcome.NOT_YET):
        if any(look.outcome is outcome for look in looks):
            return STATUS[outcome]
    return ExitCode.OK


def runs(row: Row | None) -> bool | None:
    """Return whether it runs, or never will; None while that is open. ``row`` None is one that is gone."""
    phase = getattr(row, "phase", None)
    if row is None or phase is Phase.FAILED:
        return False
    if isinstance(row, Deployment) and row.desired and (row.running or 0) < row.desired:
        return None
    return True if phase is Phase.RUNNING else None


def reaches(goal: Goal, row: Row | None) -> bool | None:
    """Return whether a row has the state, or never will; None while that is open.

    ``row`` None is one that is gone. For an SSH login and idle GPUs this is the condition for asking further.
    """
    if goal is Goal.GONE:
        return True if row is None else None
    phase = getattr(row, "phase", None)
    if row is None or phase is Phase.FAILED:
        return False
    if goal is Goal.STOPPED:
        return True if phase is Phase.STOPPED else None
    if isinstance(row, Deployment) and not row.desired:
        return None  # nothing runs, or it is not known how many should
    return runs(row)


def state_of(row: Row | None) -> str:
    """Return the state of a row in words; of a deployment how many instances run too."""
    if row is None:
        return "gone"
    state = state_words(row) or "state unknown"
    if isinstance(row, Deployment):
        running = "?" if row.running is None else row.running
        return f"{state}, {running} of {'?' if row.desired is None else row.desired} running"
    return state


def is_final(error: GputuiError) -> bool:
    """Return whether a failure stays the same until the user does something: waiting longer would not help."""
    return isinstance(error, AuthError | ForbiddenError | ConfigError)
