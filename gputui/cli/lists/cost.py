"""``gputui get cost``: the hourly cost by account, deployment and currency, with the number of unpriced rows."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from gputui.analytics import cost
from gputui.analytics.cost_lines import CostLine, parts
from gputui.cli import session
from gputui.cli.layout import make_layout
from gputui.cli.output import Plain, notify
from gputui.errors import ConfigError
from gputui.formatting import format_money
from gputui.models import Instance, Volume
from gputui.models.serialize import to_plain
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.cost import COST_TABLE, cost_columns
from gputui.presentation.columns.lists import pick
from gputui.presentation.prices import unpriced_gpus_text, unstated_text

if TYPE_CHECKING:
    from gputui.config.loader import Account
    from gputui.fleet import Fleet

KEYS = ("account", "deployment", "name", "instances", "gpus", "per_hour", "volumes", "gpus_unknown")
"""The keys of the JSON and the columns of CSV, in their order."""


def run(args: argparse.Namespace, accounts: Mapping[str, Account]) -> int:
    """Print the lines, the most expensive of each account first; totals are printed with a table."""
    if args.watch or args.filters or args.of:
        raise ConfigError("cost is a sum: it takes neither --watch nor --filter nor --of.")
    columns = cost_columns(Context())
    layout = make_layout("cost", columns, pick(columns, COST_TABLE), KEYS, args.output, args.columns, args.sort)
    listing, billing = session.with_fleet(accounts, read)
    layout.print(parts(listing.rows, billing), plain)
    if layout.is_table:
        for line in totals(listing, billing, accounts):
            notify(line)
        # Rows that could not be read are not in the sum.
        billed = (row for row in listing.rows if isinstance(row, Instance | Volume))
        session.report_problems(billed, listing.failures)
    return listing.report(args.accounts)


def plain(line: CostLine) -> Plain:
    """Return a line as JSON."""
    made = to_plain(line)
    return {key: made[key] for key in KEYS}


def totals(listing: session.Listing, billing: Collection[str], accounts: Mapping[str, Account]) -> list[str]:
    """Return the sums, the old rows in them, and what they lack: rows and accounts without a price, failures."""
    sums = cost.by_account(listing.rows)
    counted = cost.billed(sums, billing)
    total = cost.in_order(counted, accounts, (account.currency for account in accounts.values()))
    silent = list(dict.fromkeys(account for account, _ in listing.failures))
    unstated = [account for account in sums if account not in counted]
    lines = []
    if total.amounts:
        lines.append(f"Total: {', '.join(f'{format_money(money)}/h' for money in total.amounts.values())}")
    elif silent or total.lacking:
        lines.append("The cost is not known.")
    elif not unstated:
        lines.append("Nothing costs money.")
    if total.lacking:
        unpriced = unpriced_gpus_text(total)
        gpus = f" ({unpriced})" if unpriced else ""
        lines.append(f"{total.priced} of {total.things} instances have a price{gpus}.")
    lines += (f"Included: rows of {name} as of {at:%Y-%m-%d %H:%M} UTC." for name, at in listing.old.items())
    if silent := [name for name in silent if name not in listing.old]:
        lines.append(f"Not included: {', '.join(silent)} did not answer in full.")
    if unstated:
        lines.append(f"Not included: {unstated_text(unstated)}")
    return lines


async def read(fleet: Fleet, accounts: Collection[str] | None = None) -> tuple[session.Listing, set[str]]:
    """Read what may cost something, and the numbers of GPUs; return it with the accounts that are billed."""
    names = list(fleet.accounts if accounts is None else accounts)
    listing = await session.read(fleet, cost.COSTING, names)
    # Where hosts and GPUs cannot be listed, the number of GPUs is unknown, which the table says.
    unsized = {row.ref.account for row in listing.rows if isinstance(row, Instance) and row.gpu_all}
    sizes = await session.read(fleet, cost.SIZING, [name for name in names if name in unsized])
    listing.rows += sizes.rows
    return listing, {name for name in names if fleet.runtime(name).bills}
