"""``gputui block``: block the hosts of instances for a time."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gputui.cli import arguments, session
from gputui.cli.mutate import Plan, carry_out
from gputui.cli.output import notify, report_error
from gputui.errors import ExitCode, GputuiError
from gputui.formatting import format_minutes, format_time
from gputui.models import Action, Block, Instance, Ref, Resource, Row
from gputui.models.renewals import BlockRenewal
from gputui.presentation.blocks import Place, one_of_each_host, place_of
from gputui.presentation.columns.blocks import time_left

if TYPE_CHECKING:
    from gputui.fleet import Fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_refs(parser)
    parser.add_argument(
        "--for",
        type=arguments.span,
        default=24 * 60,
        dest="minutes",
        metavar="SPAN",
        help="how long: 90m, 6h, 7d (default: 24h)",
    )
    parser.add_argument(
        "--reason",
        "--comment",
        dest="comment",
        metavar="REASON",
        help="reason (default: the evidence of bad-hosts, else how slowly it started, where its events show that)",
    )
    parser.add_argument(
        "--renew", action="store_true", help="renew it once for the same time before it ends; the agent does that"
    )
    arguments.add_change_options(parser)


def run(args: argparse.Namespace) -> int:
    """Block the host of each named instance; a host of several is blocked once."""
    minutes: int = args.minutes
    blocked: list[tuple[Instance, str]] = []

    def plan(runner: asyncio.Runner, fleet: Fleet, rows: Sequence[Row]) -> Plan:
        instances = one_of_each_host(row for row in rows if isinstance(row, Instance))
        known = runner.run(_blocks(fleet, instances))
        comments = dict.fromkeys((row.ref for row in instances), args.comment or "")
        if args.comment is None:
            comments = runner.run(_evidence(fleet, instances))
        blocked.extend((row, comments[row.ref]) for row in instances)
        return Plan(
            instances,
            {ref: {"minutes": str(minutes), "comment": comment} for ref, comment in comments.items()},
            [line for row in instances for line in _lines(row, minutes, comments[row.ref], known)],
        )

    status = carry_out(args, Action.BLOCK, args.refs, plan)
    if args.renew and not args.dry_run and status == ExitCode.OK:
        _renew(args, blocked)
    return status


def _renew(args: argparse.Namespace, blocked: Sequence[tuple[Instance, str]]) -> None:
    """Have the agent renew these blocks once; raises GputuiError where that cannot be."""
    from gputui.cli.leases import ensure_agent
    from gputui.cli.program import config_file
    from gputui.own_name import own_name

    now = datetime.now(UTC)
    until = now + timedelta(minutes=args.minutes)
    with session.open_history() as history:
        for row, comment in blocked:
            account, region, host = place_of(row)
            renewal = BlockRenewal(
                str(config_file(args)), account, region, host, args.minutes, comment, until, now, own_name()
            )
            if not history.block_renewals.add(renewal):
                why = f": {history.problem}" if history.problem else ""
                raise GputuiError(f"The renewal of the block of {host} cannot be stored{why}.")
            notify(f"{host}: renewed once before {format_time(until)}.")
    ensure_agent(args)


def _lines(row: Instance, minutes: int, comment: str, known: Mapping[Place, Block]) -> list[str]:
    """Return the lines about one host: until when, why, and whether it is already blocked."""
    host = f"Host {row.host or 'of ' + row.name} in {row.region or row.ref.account}"
    until = format_time(datetime.now(UTC) + timedelta(minutes=minutes))
    lines = [f"{host}: for {format_minutes(minutes)}, until {until}."]
    block = known.get(place_of(row))
    if block is not None and block.until is not None:
        left = time_left(block, datetime.now(UTC))
        lines.append(f"It is already blocked, until {format_time(block.until)} ({left} left): this extends that.")
    if comment:
        lines.append(f"Reason: {comment}")
    return lines


async def _blocks(fleet: Fleet, rows: Sequence[Instance]) -> dict[Place, Block]:
    """Return the present blocks by account, region and host; failures are reported."""
    listing = await session.read(fleet, [Resource.BLACKLIST], {row.ref.account for row in rows})
    for account, error in listing.failures:
        notify(f"gputui: {account}: the blocked hosts are unknown: {error}")
    return {(row.ref.account, row.region, row.host): row for row in listing.rows if isinstance(row, Block)}


async def _evidence(fleet: Fleet, rows: Sequence[Instance]) -> dict[Ref, str]:
    """Return the evidence against the host of each instance: that of weeks, as bad-hosts has it.

    Where nothing was recorded against it, how slowly the instance started, compared with the others.
    """
    from gputui.fleet.host_evidence import HostEvidence

    evidence = HostEvidence(fleet, _report_unread)
    with session.open_history() as history:
        known = await evidence.recorded(history, rows, datetime.now(UTC))
    others = [row for row in rows if row.ref not in known]
    starts = await asyncio.gather(*map(evidence.slow_start, others))
    return known | {row.ref: said for row, said in zip(others, starts, strict=True)}


def _report_unread(ref: Ref, error: GputuiError) -> None:
    report_error(error, about=f"{ref}: its events could not be read")
