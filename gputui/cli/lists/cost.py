"""``gputui get cost``: what is paid for by the hour, by account, deployment and currency, and the volumes.

A line, and every sum, says what has no price.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gputui.analytics import cost
from gputui.cli import session
from gputui.cli.columns import Column, print_records
from gputui.cli.output import say
from gputui.errors import ConfigError
from gputui.formatting import format_money
from gputui.models import Deployment, Instance, Money, Ref, Row, Volume
from gputui.presentation.prices import UNKNOWN, money_text

if TYPE_CHECKING:
    from gputui.config.loader import Account


@dataclass(frozen=True, slots=True)
class CostLine:
    """What the instances of one deployment, or those of an account without one, cost an hour in one currency.

    A line that has ``volumes`` tells of these instead. ``per_hour`` is None where their price is not known.
    ``gpus`` are those of all but ``gpus_unknown`` of the instances, whose number of GPUs is not known.
    """

    account: str
    deployment: Ref | None
    name: str
    instances: int
    gpus: int
    per_hour: Money | None
    volumes: int = 0
    gpus_unknown: int = 0


KEYS = ("account", "deployment", "name", "instances", "gpus", "per_hour", "volumes", "gpus_unknown")
"""The keys of the JSON and the columns of CSV, in their order."""

_COLUMNS = (
    Column("ACCOUNT", lambda line: line.account),
    Column("DEPLOYMENT", lambda line: line.name or ("" if line.volumes else "(none)")),
    Column("INSTANCES", lambda line: "" if line.volumes else str(line.instances), right=True),
    Column("GPUS", lambda line: "" if line.volumes else cost.gpus_text(line.gpus, line.gpus_unknown), right=True),
    Column("VOLUMES", lambda line: str(line.volumes or ""), right=True),
    Column("PER HOUR", lambda line: UNKNOWN if line.per_hour is None else money_text(line.per_hour), right=True),
)


def run(args: argparse.Namespace, accounts: Mapping[str, Account]) -> int:
    """Print the lines, the dearest of each account first; totals are said beside a table."""
    if args.watch or args.filters or args.of:
        raise ConfigError("cost is a sum: it takes neither --watch nor --filter nor --of.")
    listing, billing = asyncio.run(_list(accounts))
    lines = cost_lines(listing.rows, billing)
    print_records(lines, args.output, _COLUMNS, KEYS)
    if args.output == "table":
        for line in _totals(listing, billing, accounts):
            say(line)
        # What could not be read is not in the sum.
        session.say_problems([row for row in listing.rows if isinstance(row, Instance | Volume)])
    return listing.report(args.accounts)


def cost_lines(rows: Sequence[Row], billing: Collection[str] = ()) -> list[CostLine]:
    """Sum up what costs by account, deployment and currency; what has no price comes last in its account.

    ``billing`` are the accounts whose instances are billed: of others only what has a price is in it.
    """
    names = {row.ref: row.name for row in rows if isinstance(row, Deployment)}
    counted = cost.billed(cost.by_account(rows), billing)
    lines = [
        CostLine(
            part.account,
            part.deployment,
            _name(part.deployment, names),
            part.instances,
            part.gpus,
            part.per_hour,
            part.volumes,
            part.unsure,
        )
        for part in cost.parts(rows)
        if part.account in counted
    ]
    order = {account: place for place, account in enumerate(dict.fromkeys(line.account for line in lines))}

    def key(line: CostLine) -> tuple[object, ...]:
        price = line.per_hour
        return (order[line.account], *((True, "", 0) if price is None else (False, price.currency, -price.amount)))

    return sorted(lines, key=key)


def _name(parent: Ref | None, names: Mapping[Ref, str]) -> str:
    return "" if parent is None else names.get(parent, parent.id)


def _totals(listing: session.Listing, billing: Collection[str], accounts: Mapping[str, Account]) -> list[str]:
    """Say the sums and what they lack: things without a price, accounts that gave no answer or state no price."""
    totals = cost.by_account(listing.rows)
    counted = cost.billed(totals, billing)
    total = cost.in_order(counted, accounts)
    silent = list(dict.fromkeys(account for account, _ in listing.failures))
    unstated = [account for account in totals if account not in counted]
    lines = []
    if total.amounts:
        lines.append(f"In all: {', '.join(map(format_money, total.amounts.values()))} an hour.")
    elif silent or total.lacking:
        lines.append("The cost is not known.")
    elif not unstated:
        lines.append("Nothing costs money.")
    if total.lacking:
        unpriced = cost.unpriced_text(total)
        gpus = f" ({unpriced})" if unpriced else ""
        lines.append(f"{total.priced} of {total.things} instances have a price{gpus}.")
    if silent:
        lines.append(f"Not included: {', '.join(silent)} did not answer in full.")
    if unstated:
        tables = ", ".join(f"[accounts.{name}]" for name in unstated)
        lines.append(
            f"Not included: {', '.join(unstated)}: no price stated; write price, or price = 0, into {tables}."
        )
    return lines


async def _list(accounts: Mapping[str, Account]) -> tuple[session.Listing, set[str]]:
    async with session.open_fleet(accounts) as fleet:
        listing = await session.read(fleet, cost.COSTING)
        # Where hosts and GPUs cannot be listed, the number of GPUs is unknown, which the table says.
        unsized = {row.ref.account for row in listing.rows if isinstance(row, Instance) and row.gpu_all}
        sizes = await session.read(fleet, cost.SIZING, [name for name in accounts if name in unsized])
        listing.rows += sizes.rows
        return listing, {name for name in accounts if fleet.runtime(name).bills}
