"""``gputui exec``: one command in one instance or several, through the API."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence

from gputui.cli import arguments, prompts, refs, session
from gputui.cli.mutate import find_all, possible, refuse_shortened
from gputui.cli.output import notify, report_error
from gputui.errors import ExitCode, GputuiError
from gputui.models import Action, ActionResult, ExecResult, Ref, Row
from gputui.presentation import actions as wording

TIMED_OUT = 124
"""The exit status of a command that the time limit ended, as timeout(1) has it."""

_AT_ONCE = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "gputui exec [options] REF… -- COMMAND…"
    parser.description = (
        "Run a command in instances, through the API.\n"
        "A single word after -- is a shell command, unchanged; several are arguments and are quoted."
    )
    arguments.add_refs(parser)
    parser.add_argument(
        "--timeout", type=arguments.positive, metavar="SECONDS", help="end the command after this long"
    )
    parser.add_argument("--yes", action="store_true", help="skip the confirmation; needs full names")


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status is its own where it is one instance, else 1 when any failed."""
    command = command_text(args.remote)
    arguments = {"command": command} | ({"timeout": f"{args.timeout:g}"} if args.timeout else {})
    with session.command_fleet(refs.accounts(args, args.refs)) as (runner, fleet):
        matches = runner.run(find_all(fleet, Action.EXEC, args.refs))
        alone = len(matches) == 1
        matches, refused = possible(fleet, matches, Action.EXEC)
        if not matches:
            return refused
        if not _meant(matches, command, yes=args.yes):
            notify("Nothing was done.")
            return ExitCode.REFUSED
        runner.run(fleet.reread(match.row for match in matches if not match.whole))
        rows = [match.row for match in matches]
        outcomes = runner.run(fleet.act_on_all(Action.EXEC, rows, lambda _: arguments, at_once=_AT_ONCE))
        return max(refused, _print_all(outcomes, alone=alone))


def _meant(matches: Sequence[refs.Match], command: str, *, yes: bool) -> bool:
    """Return whether the rows are confirmed: full names are, shortened ones are confirmed by the user."""
    if all(match.whole for match in matches):
        return True
    if yes or not prompts.interactive():
        refuse_shortened(matches)
    rows = [match.row for match in matches]
    return prompts.confirm(
        [
            *(f"{match.ref}{'' if match.whole else f', from {match.text}'}" for match in matches),
            wording.effect(Action.EXEC, rows),
        ],
        question=f"Run {command!r} there?",
        typed=wording.confirmation_text(Action.EXEC, rows),
    )


def command_text(words: Sequence[str]) -> str:
    """Return the shell command: a single word unchanged, several words quoted as arguments."""
    return words[0] if len(words) == 1 else shlex.join(words)


def _print_all(outcomes: Sequence[tuple[Row, ActionResult | GputuiError]], *, alone: bool) -> int:
    statuses = []
    for row, outcome in outcomes:
        if not alone:
            notify(f"== {row.ref}")
        if isinstance(outcome, GputuiError):
            statuses.append(int(report_error(outcome, about=str(row.ref))))
            continue
        result = outcome.exec or ExecResult(None, outcome.message)
        sys.stdout.write(result.output)
        if result.output and not result.output.endswith("\n"):
            sys.stdout.write("\n")
        sys.stdout.flush()
        statuses.append(_status(row.ref, result, alone=alone))
    return max(statuses)


def _status(ref: Ref, result: ExecResult, *, alone: bool) -> int:
    if result.timed_out or result.exit_code is None:
        notify(f"gputui: {ref}: ended by the time limit.")
        return TIMED_OUT if alone else ExitCode.REFUSED
    if alone:
        return result.exit_code & 0xFF
    if result.exit_code:
        notify(f"gputui: {ref}: exit status {result.exit_code}.")
    return ExitCode.REFUSED if result.exit_code else ExitCode.OK
