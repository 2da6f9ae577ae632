"""``gputui start``, ``restart``, ``delete`` and ``commit``."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gputui.cli import arguments, keep_trying, waiting
from gputui.cli.mutate import Plan, carry_out
from gputui.cli.output import notify, report_error
from gputui.errors import ConflictError, ExitCode, NoStockError
from gputui.models import Action, Instance, Ref, Row
from gputui.presentation import actions

if TYPE_CHECKING:
    from datetime import datetime

    from gputui.fleet import Fleet
    from gputui.fleet.attempts import Attempt
    from gputui.models import Money


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_refs(parser)
    waiting.add_arguments(parser)
    arguments.add_change_options(parser)


def run(args: argparse.Namespace) -> int:
    """Perform one action on all named rows; continues after a failure and returns the worst exit status."""
    waiting.check(args)
    return carry_out(args, Action(args.command), args.refs)


def add_start_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_refs(parser)
    keep_trying.add_arguments(parser)
    waiting.add_arguments(parser)
    arguments.add_change_options(parser)


def start(args: argparse.Namespace) -> int:
    """Start all named rows, again and again where there is no stock, if that is chosen."""
    keep_trying.check(args)
    waiting.check(args)

    async def no_stock(fleet: Fleet, row: Row, error: NoStockError) -> ExitCode:
        if not isinstance(row, Instance):
            return report_error(error, about=str(row.ref))
        instance = row

        def begin(until: datetime, limit: Money | None) -> Attempt:
            return fleet.work.attempts.start(instance, until=until, limit=limit)

        status, _ = await keep_trying.keep_trying(args, fleet, row.ref.account, error, begin)
        return status

    return carry_out(args, Action.START, args.refs, no_stock=no_stock)


def add_delete_arguments(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser)
    parser.add_argument("--force", action="store_true", help="running or paused ones too, where the server needs it")
    _add_stop_first(parser)


def delete(args: argparse.Namespace) -> int:
    """Delete all named rows; continues after a failure and returns the worst exit status."""
    waiting.check(args)

    def plan(_runner: asyncio.Runner, fleet: Fleet, rows: Sequence[Row]) -> Plan:
        wanted = [row for row in rows if "force" in fleet.options(row, Action.DELETE)]
        stopped, lines = _stopped_first(args, fleet, rows, Action.DELETE)
        if args.force:
            return Plan(rows, stopped | {row.ref: {"force": "true"} for row in wanted}, lines)
        needed = [f"{actions.force_needed(rows)} Give --force."] if wanted else []
        if args.yes and needed:
            notify(needed[0])  # the plan is not shown
        return Plan(rows, stopped, lines=() if args.yes else [*lines, *needed])

    return carry_out(args, Action.DELETE, args.refs, plan)


def _add_stop_first(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stop-first", action="store_true", help="stop those that have to be stopped for it, and wait until they are"
    )


def _stopped_first(
    args: argparse.Namespace, fleet: Fleet, rows: Sequence[Row], action: Action
) -> tuple[dict[Ref, dict[str, str]], list[str]]:
    """Return the arguments of the rows that have to be stopped first, and the lines of the plan about them.

    Raises ConflictError where the user has not chosen that.
    """
    wanted = [row for row in rows if "stop_first" in fleet.options(row, action)]
    if not wanted:
        return {}, []
    if not args.stop_first:
        names = ", ".join(str(row.ref) for row in wanted)
        raise ConflictError(
            f"{names}: {action.value} needs it to be stopped.",
            hint="Stop it, or give --stop-first. Nothing was done.",
        )
    return {row.ref: {"stop_first": "true"} for row in wanted}, actions.stop_first_steps(action, wanted)


def add_commit_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_ref(parser)
    parser.add_argument("--tag", default="", help="the image's tag")
    parser.add_argument("--message", default="", help="a note kept with the image")
    _add_stop_first(parser)
    arguments.add_change_options(parser)


def commit(args: argparse.Namespace) -> int:
    """Save an instance as an image."""
    given = {name: value for name, value in (("tag", args.tag), ("message", args.message)) if value}

    def plan(_runner: asyncio.Runner, fleet: Fleet, rows: Sequence[Row]) -> Plan:
        stopped, lines = _stopped_first(args, fleet, rows, Action.COMMIT)
        return Plan(rows, {row.ref: given | stopped.get(row.ref, {}) for row in rows}, lines)

    return carry_out(args, Action.COMMIT, [args.ref], plan)
