"""``gputui stop``: stop instances and deployments, with the options of instances of deployments."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gputui.cli import arguments, waiting
from gputui.cli.mutate import Plan, carry_out, keeping_up
from gputui.errors import ConfigError
from gputui.models import Action, Deployment, Instance, Ref, Row
from gputui.presentation.stop import stop_effects

if TYPE_CHECKING:
    from gputui.fleet import Fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_refs(parser)
    parser.add_argument(
        "--decrease-replicas",
        action="store_true",
        help="of an instance of a replica set: scale down by one, so that no other takes its place",
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="of an instance of a deployment: do not keep it for reuse"
    )
    parser.add_argument(
        "--command-before-shutdown",
        default="",
        metavar="COMMAND",
        help="of an instance of a deployment: run this in it first, for five seconds at most",
    )
    waiting.add_arguments(parser)
    arguments.add_change_options(parser)


def run(args: argparse.Namespace) -> int:
    """Stop all named rows; continues after a failure and returns the worst exit status."""
    waiting.check(args)
    options = {
        name: value
        for name, value in (
            ("decrease_replicas", "true" if args.decrease_replicas else ""),
            ("no_cache", "true" if args.no_cache else ""),
            ("command", args.command_before_shutdown),
        )
        if value
    }

    def plan(_runner: asyncio.Runner, fleet: Fleet, rows: Sequence[Row]) -> Plan:
        if options:
            _check(fleet, rows)
        keeps_up = keeping_up(fleet)
        instances = [row for row in rows if isinstance(row, Instance)]
        if args.decrease_replicas:
            _check_decrease(instances, keeps_up)
        effects = stop_effects(instances, keeps_up, less=args.decrease_replicas) if instances else ()
        return Plan(rows, {row.ref: options for row in rows}, _lines(args), effects=effects)

    return carry_out(args, Action.STOP, args.refs, plan)


def _check(fleet: Fleet, rows: Sequence[Row]) -> None:
    """Raise when one of these is stopped in one way only."""
    problems = tuple(str(row.ref) for row in rows if not fleet.options(row, Action.STOP))
    if problems:
        raise ConfigError(
            "--decrease-replicas, --no-cache and --command-before-shutdown do not fit these:",
            problems=problems,
        )


def _check_decrease(rows: Sequence[Instance], keeps_up: Mapping[Ref, Deployment]) -> None:
    problems = tuple(str(row.ref) for row in rows if row.parent not in keeps_up)
    if problems:
        raise ConfigError(
            "--decrease-replicas is for instances of replica sets, and these are none:", problems=problems
        )


def _lines(args: argparse.Namespace) -> list[str]:
    """Return the effects of the other options."""
    lines = []
    if args.no_cache:
        lines.append("The stopped containers are not kept for reuse.")
    if args.command_before_shutdown:
        lines.append(f"Before it ends, this runs there for five seconds at most: {args.command_before_shutdown}")
    return lines
