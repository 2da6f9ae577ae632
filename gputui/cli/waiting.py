"""``--wait``: after a change, wait until its effect shows: an instance runs, is stopped, or is gone."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from gputui.cli import arguments
from gputui.cli.output import notify, report_error
from gputui.cli.waits.goals import runs, state_of
from gputui.errors import ConfigError, ExitCode, GputuiError, NotFoundError, UnknownOutcomeError
from gputui.formatting import format_duration
from gputui.models import Action, Phase, Ref, Row

if TYPE_CHECKING:
    from gputui.fleet import Fleet

_PAUSE = 3.0
_APPEARS = 30.0
"""The seconds in which something that was created may not exist yet."""
_DEFAULT_MINUTES = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--wait", action="store_true", help="wait until it runs, is stopped, or is gone")
    parser.add_argument(
        "--timeout",
        type=arguments.seconds,
        metavar="SPAN",
        help=f"with --wait: how long at most, 30s, 90m, 6h (default: {_DEFAULT_MINUTES}m)",
    )


def check(args: argparse.Namespace) -> None:
    """Raise ConfigError for options that have no effect."""
    if args.timeout is not None and not args.wait:
        raise ConfigError("--timeout has no effect without --wait.")


async def wait_for(
    args: argparse.Namespace,
    fleet: Fleet,
    action: Action,
    refs: Sequence[Ref],
    before: Mapping[Ref, Row] = MappingProxyType({}),
) -> ExitCode:
    """Wait for the effect of an action on each row, where the user has asked for that; returns the worst status.

    ``before`` are the rows before the action: one that is restarted runs again once it has started since.
    """
    if not args.wait:
        return ExitCode.OK
    seconds = args.timeout or 60.0 * _DEFAULT_MINUTES
    return max([await _wait(fleet, action, ref, before.get(ref), seconds) for ref in refs], default=ExitCode.OK)


async def _wait(fleet: Fleet, action: Action, ref: Ref, before: Row | None, seconds: float) -> ExitCode:
    backend, clock, shown = fleet.runtime(ref.account).backend, fleet.clock, ""
    begun = clock.monotonic()
    end = begun + seconds
    while True:
        row: Row | None = None
        try:
            row = await backend.fetch(ref)
            state = state_of(row)
        except NotFoundError:
            state = "gone"
        except GputuiError as error:
            state = error.message  # the next answer may be better
        if state != shown:
            notify(f"{ref}: {state}")
            shown = state
        # Something that was just created may not be listed yet.
        unseen = row is None and action is Action.CREATE and clock.monotonic() < begun + _APPEARS
        if (row is not None or state == "gone") and not unseen:
            outcome = _GOALS[action](row)
            if outcome and action is Action.RESTART and not _started_since(row, before):
                outcome = None
            if outcome is not None:
                return ExitCode.OK if outcome else report_error(_failed(ref, action, state))
        if clock.monotonic() + _PAUSE > end:
            return report_error(
                UnknownOutcomeError(
                    f"{ref}: {action} has not shown after {format_duration(seconds)}: {state}.",
                    hint="It may still: look at its state.",
                )
            )
        await clock.sleep(_PAUSE)


def _failed(ref: Ref, action: Action, state: str) -> GputuiError:
    return GputuiError(f"{ref}: {action} has failed: {state}.", hint="Look at its events or its log.")


def _started_since(row: Row | None, before: Row | None) -> bool:
    """Return whether a row has started since; True where its server does not report when."""
    now, then = getattr(row, "started_at", None), getattr(before, "started_at", None)
    return now is None or then is None or now > then


def _stopped(row: Row | None) -> bool | None:
    return True if row is None or getattr(row, "phase", None) in (Phase.STOPPED, Phase.FAILED) else None


def _gone(row: Row | None) -> bool | None:
    return True if row is None else None


_GOALS: Mapping[Action, Callable[[Row | None], bool | None]] = {
    Action.CREATE: runs,
    Action.START: runs,
    Action.RESTART: runs,
    Action.STOP: _stopped,
    Action.DELETE: _gone,
}
