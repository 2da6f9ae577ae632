"""The ends of what this session does: copies, commands, series of attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from gputui.late_dataclasses import dataclass
from gputui.redaction import redact
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.fleet.attempts import Attempt
    from gputui.fleet.remote_run import RemoteRun
    from gputui.fleet.transfer import Transfer
    from gputui.models import Ref

_LONGEST_COMMAND = 80

Work: TypeAlias = "Transfer | RemoteRun | Attempt"


@dataclass(frozen=True, slots=True)
class End:
    """The end of work: ``title`` says what has ended and how, ``text`` has the details.

    ``shown``: the app shows such an end by itself.
    """

    title: str
    text: str
    ref: Ref | None = None
    shown: bool = False


def end_of(work: Work) -> End | None:
    """Return the end of work; None while it runs, and where the user has ended it."""
    # Who has such an object has imported its module.
    from gputui.fleet.remote_run import RemoteRun
    from gputui.fleet.transfer import Transfer, TransferState

    if isinstance(work, Transfer):
        if not work.state.ended or work.state is TransferState.CANCELLED:
            return None
        text = f"{work.source.text} to {work.target.text}"
        reason = f": {work.error}" if work.error is not None else ""
        return End(f"copy {work.state}", f"{text}{reason}", next(iter(work.refs), None))
    if isinstance(work, RemoteRun):
        if work.running:
            return None
        succeeded = sum(result.succeeded for result in work.results)
        title = "command finished" if succeeded == len(work.refs) else "command failed"
        return End(title, f"succeeded in {succeeded} of {len(work.refs)}: {_beginning(work.order.text)}")
    from gputui.models.attempts import AttemptState

    if not work.over or work.state is AttemptState.STOPPED:
        return None
    return End(f"{work.action} {work.name}: {work.state}", work.answer or "The time is over.", work.made, shown=True)


def _beginning(command: str) -> str:
    """Return the beginning of a command without secrets: notifications leave this machine."""
    line = clean(redact(next(iter(command.strip().splitlines()), "")))
    return line if len(line) <= _LONGEST_COMMAND else f"{line[: _LONGEST_COMMAND - 1]}…"
