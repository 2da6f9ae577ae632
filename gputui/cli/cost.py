"""``gputui get cost``: what is paid for by the hour, by account, deployment and currency, and the volumes."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gputui import spending
from gputui.cli import session
from gputui.cli.columns import Column, table_with
from gputui.cli.output import say, terminal_width, write_csv, write_json
from gputui.errors import ConfigError
from gputui.models import Deployment, Instance, Money, Ref, Row, Volume
from gputui.text import format_money

if TYPE_CHECKING:
    from gputui.config import Account


@dataclass(frozen=True, slots=True)
class CostLine:
    """What the instances of one deployment, or those of an account without one, cost an hour in one currency.

    A line that has ``volumes`` tells of these instead.
    """

    account: str
    deployment: Ref | None
    name: str
    instances: int
    gpus: int
    per_hour: Money
    volumes: int = 0


KEYS = ("account", "deployment", "name", "instances", "gpus", "per_hour", "volumes")
"""The keys of the JSON and the columns of CSV, in their order."""

_COLUMNS = (
    Column("ACCOUNT", lambda line: line.account),
    Column("DEPLOYMENT", lambda line: line.name or ("" if line.volumes else "(none)")),
    Column("INSTANCES", lambda line: "" if line.volumes else str(line.instances), right=True),
    Column("GPUS", lambda line: "" if line.volumes else str(line.gpus), right=True),
    Column("VOLUMES", lambda line: str(line.volumes or ""), right=True),
    Column("PER HOUR", lambda line: format_money(line.per_hour), right=True),
)


def run(args: argparse.Namespace, accounts: dict[str, Account]) -> int:
    """Print the lines, the dearest of each account first; totals are said beside a table."""
    if args.watch or args.filters or args.of:
        raise ConfigError("cost is a sum: it takes neither --watch nor --filter nor --of.")
    listing = asyncio.run(_list(accounts))
    lines = cost_lines(listing.rows)
    if args.output == "table":
        if lines:
            sys.stdout.write(table_with(_COLUMNS, lines, width=terminal_width(sys.stdout)))
        say(_total(listing.rows))
        # What could not be read is not in the sum.
        session.say_problems([row for row in listing.rows if isinstance(row, Instance | Volume)])
    else:
        from gputui.serial import to_plain

        plain = [to_plain(line) for line in lines]
        if args.output == "json":
            write_json(plain, sys.stdout)
        else:
            write_csv(KEYS, plain, sys.stdout)
    return listing.report()


def cost_lines(rows: Sequence[Row]) -> list[CostLine]:
    """Sum up what costs by account, deployment and currency."""
    names = {row.ref: row.name for row in rows if isinstance(row, Deployment)}
    lines = [
        CostLine(
            part.account,
            part.deployment,
            _name(part.deployment, names),
            part.instances,
            part.gpus,
            part.per_hour,
            part.volumes,
        )
        for part in spending.parts(rows)
    ]
    order = {account: place for place, account in enumerate(dict.fromkeys(line.account for line in lines))}
    return sorted(lines, key=lambda line: (order[line.account], line.per_hour.currency, -line.per_hour.amount))


def _name(parent: Ref | None, names: Mapping[Ref, str]) -> str:
    return "" if parent is None else names.get(parent, parent.id)


def _total(rows: Sequence[Row]) -> str:
    totals = spending.hourly(rows).values()
    return (
        f"In all: {', '.join(format_money(total) for total in totals)} an hour." if totals else "Nothing costs money."
    )


async def _list(accounts: dict[str, Account]) -> session.Listing:
    async with session.backends(accounts) as opened:
        return await session.list_several(opened, spending.COSTING)
