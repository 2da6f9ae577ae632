"""A command on several instances: the state and the output of each."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from gputui.late_dataclasses import dataclass
from gputui.models.instances import Instance
from gputui.models.values import Ref


class RunState(StrEnum):
    """The state of a command in one instance.

    FAILED and SKIPPED: certain to have run nothing there, by a failure or because the user ended the run before.
    UNKNOWN: it was sent, and its end was not seen.
    """

    WAITING = "waiting"
    LOGIN = "logging in"
    RUNNING = "running"
    ENDED = "ended"
    FAILED = "not run"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


class Way(StrEnum):
    """The way a command takes to an instance."""

    SSH = "ssh"
    API = "api"


class EndedBy(StrEnum):
    """Who ended a command that did not end by itself."""

    TIMEOUT = "timeout"
    USER = "user"


MOVING = frozenset({RunState.WAITING, RunState.LOGIN, RunState.RUNNING})
"""The states before the end."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A command in one instance.

    ``status`` is its exit status; None after a ``signal`` (``KILL``), where the time limit of an API ended it, and
    while it is unknown. The output is that of the process, unsafe for a terminal; ``dropped`` bytes of it were not
    kept. Through an API, errors are among ``stdout``. ``problem`` says why nothing was run or the end is unknown,
    ``note`` what else there is to know. ``seconds`` are those from ``began`` to its end.
    """

    ref: Ref
    name: str
    state: RunState = RunState.WAITING
    way: Way | None = None
    status: int | None = None
    signal: str = ""
    ended_by: EndedBy | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    dropped: int = 0
    problem: str = ""
    note: str = ""
    began: datetime | None = None
    seconds: float | None = None

    @property
    def moving(self) -> bool:
        """Whether it has not come to its end."""
        return self.state in MOVING

    @property
    def succeeded(self) -> bool:
        """Whether it has ended with the status 0."""
        return self.state is RunState.ENDED and self.status == 0

    @property
    def retryable(self) -> bool:
        """Whether it has come to another end, that is known: nothing of it still runs."""
        return not self.moving and self.state is not RunState.UNKNOWN and not self.succeeded


@dataclass(frozen=True, slots=True)
class RunRow:
    """A command of this session as it is now in all its instances.

    ``results`` are in the order of ``instances``; those under way are without their output. ``seconds`` are those
    from ``began``, its last start, to its end, or to now while it is ``running``.
    """

    ref: Ref
    command: str
    instances: tuple[Instance, ...]
    results: tuple[RunResult, ...]
    running: bool
    began: datetime
    seconds: float

    @property
    def moving(self) -> int:
        """In how many instances it has not come to its end."""
        return sum(result.moving for result in self.results)

    @property
    def failed(self) -> int:
        """In how many instances it has come to another end than the exit status 0."""
        return sum(not result.moving and not result.succeeded for result in self.results)
