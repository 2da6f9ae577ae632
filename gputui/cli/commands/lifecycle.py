"""``gputui start``, ``restart``, ``delete`` and ``commit``."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gputui.cli import arguments
from gputui.cli.mutate import Plan, carry_out
from gputui.cli.output import notify
from gputui.models import Action, Row
from gputui.presentation import actions

if TYPE_CHECKING:
    from gputui.fleet import Fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_refs(parser)
    arguments.add_change_options(parser)


def run(args: argparse.Namespace) -> int:
    """Perform one action on all named rows; continues after a failure and returns the worst exit status."""
    return carry_out(args, Action(args.command), args.refs)


def add_delete_arguments(parser: argparse.ArgumentParser) -> None:
    add_arguments(parser)
    parser.add_argument("--force", action="store_true", help="running or paused ones too, where the server needs it")


def delete(args: argparse.Namespace) -> int:
    """Delete all named rows; continues after a failure and returns the worst exit status."""

    def plan(_runner: asyncio.Runner, fleet: Fleet, rows: Sequence[Row]) -> Plan:
        wanted = [row for row in rows if fleet.options(row, Action.DELETE)]
        if args.force:
            return Plan(rows, {row.ref: {"force": "true"} for row in wanted})
        needed = [f"{actions.force_needed(rows)} Give --force."] if wanted else []
        if args.yes and needed:
            notify(needed[0])  # the plan is not shown
        return Plan(rows, lines=() if args.yes else needed)

    return carry_out(args, Action.DELETE, args.refs, plan)


def add_commit_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_ref(parser)
    parser.add_argument("--tag", default="", help="the image's tag")
    parser.add_argument("--message", default="", help="a note kept with the image")
    arguments.add_change_options(parser)


def commit(args: argparse.Namespace) -> int:
    """Save an instance as an image."""
    given = {name: value for name, value in (("tag", args.tag), ("message", args.message)) if value}

    def plan(_runner: asyncio.Runner, _fleet: Fleet, rows: Sequence[Row]) -> Plan:
        return Plan(rows, {row.ref: given for row in rows})

    return carry_out(args, Action.COMMIT, [args.ref], plan)
