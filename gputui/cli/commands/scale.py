"""``gputui scale``: the desired number of instances of a deployment."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gputui.cli import arguments
from gputui.cli.mutate import Plan, carry_out
from gputui.cli.output import notify
from gputui.models import Action, Deployment, Row
from gputui.presentation.actions import name_of
from gputui.presentation.deployments import price_change

if TYPE_CHECKING:
    from gputui.fleet import Fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_ref(parser)
    parser.add_argument("replicas", type=arguments.count, metavar="N", help="the desired number")
    arguments.add_change_options(parser)


def run(args: argparse.Namespace) -> int:
    """Show the present and the desired number and the cost, confirm, and scale."""
    wanted: int = args.replicas

    def plan(_runner: asyncio.Runner, _fleet: Fleet, rows: Sequence[Row]) -> Plan:
        (row,) = rows
        before = row.desired if isinstance(row, Deployment) else None
        if before == wanted:
            notify(f"{row.ref} already has {wanted} desired instances.")
            return Plan(())
        step = f"from {'?' if before is None else before} to {wanted}"
        change = price_change(row, wanted) if isinstance(row, Deployment) else ""
        return Plan(
            rows,
            {row.ref: {"replicas": str(wanted)}},
            [line for line in (f"Desired instances: {step}.", change) if line],
            question=f"Scale {name_of(row)} in {row.ref.account} {step}?",
        )

    return carry_out(args, Action.SCALE, [args.ref], plan)
