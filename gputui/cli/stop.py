"""How instances of deployments are stopped: the choices of ``gputui stop``, and what comes in their place."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gputui.cli.actions import Plan, Planner
from gputui.deployment_words import Shape, shape
from gputui.errors import ConfigError
from gputui.models import Deployment, Instance, Ref, Resource, Row

if TYPE_CHECKING:
    from gputui.fleet import Fleet


def planner(args: argparse.Namespace) -> Planner:
    """Return what works out how to stop what is named, with the choices of the command line."""
    arguments = {
        name: value
        for name, value in (
            ("decrease_replicas", "true" if args.decrease_replicas else ""),
            ("no_cache", "true" if args.no_cache else ""),
            ("command", args.command_before_shutdown),
        )
        if value
    }

    def plan(runner: asyncio.Runner, fleet: Fleet, rows: Sequence[Row]) -> Plan:
        del runner
        if arguments:
            _check(fleet, rows)
        sets = _replica_sets(fleet)
        if args.decrease_replicas:
            _check_decrease(rows, sets)
        replaced = frozenset(row.ref for row in rows if isinstance(row, Instance) and row.parent in sets)
        return Plan(
            rows,
            {row.ref: arguments for row in rows},
            _lines(args, rows),
            replaced=frozenset() if args.decrease_replicas else replaced,
        )

    return plan


def _check(fleet: Fleet, rows: Sequence[Row]) -> None:
    """Raise when one of these is stopped in one way only."""
    problems = tuple(str(row.ref) for row in rows if not fleet.stop_options(row))
    if problems:
        raise ConfigError(
            "--decrease-replicas, --no-cache and --command-before-shutdown do not fit these:",
            problems=problems,
        )


def _check_decrease(rows: Sequence[Row], sets: frozenset[Ref]) -> None:
    problems = tuple(str(row.ref) for row in rows if isinstance(row, Instance) and row.parent not in sets)
    if problems:
        raise ConfigError(
            "--decrease-replicas is for instances of replica sets, and these are none:", problems=problems
        )


def _replica_sets(fleet: Fleet) -> frozenset[Ref]:
    """Return the deployments that put another instance in the place of one that ends."""
    rows = fleet.rows(Resource.DEPLOYMENTS).values()
    return frozenset(row.ref for row in rows if isinstance(row, Deployment) and shape(row) is Shape.REPLICAS)


def _lines(args: argparse.Namespace, rows: Sequence[Row]) -> list[str]:
    """Say what the choices mean."""
    lines = []
    if args.decrease_replicas:
        lines.append(f"Desired instances of its deployment: one less for each of these ({len(rows)}).")
    if args.no_cache:
        lines.append("What is stopped is not kept for reuse.")
    if args.command_before_shutdown:
        lines.append(f"Before it ends, this runs there for five seconds at most: {args.command_before_shutdown}")
    return lines
