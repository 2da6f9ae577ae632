"""``gputui get balances``: the money of accounts, and when it runs out at what is spent now."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.analytics import cost
from gputui.cli import session
from gputui.cli.columns import Column, columns_of, csv_columns, print_records
from gputui.cli.output import Plain, say
from gputui.formatting import format_minutes
from gputui.models import Balance, Package, Resource

if TYPE_CHECKING:
    from gputui.config.loader import Account

EXACT, ESTIMATE, AT_MOST = "exact", "estimate", "at most"
"""What the time is: of exact prices alone, of an estimate, or too late because something has no price."""
_SPENT = (*cost.COSTING, Resource.PACKAGES)


def run(accounts: Mapping[str, Account], output: str, named: Sequence[str]) -> int:
    """Print the balances; 3 or 1 when one could not be read. What is spent may be unknown: so is the end then."""
    money, spent = asyncio.run(_list(accounts))
    balances = [row for row in money.rows if isinstance(row, Balance)]
    packages = [row for row in spent.rows if isinstance(row, Package)]
    unsure = {account for account, _ in spent.failures} | cost.not_read(spent.rows)
    now = datetime.now(UTC)
    ends = {row.ref: _end(row, cost.lasting(row, spent.rows, packages, now), unsure) for row in balances}
    columns = list(columns_of(Resource.BALANCES))
    columns.insert(2, Column("RUNS OUT", lambda row: _text(ends[row.ref], now), right=True))

    def plain(row: Balance) -> Plain:
        from gputui.models.serialize import to_plain

        return to_plain(row) | to_plain(ends[row.ref])

    print_records(balances, output, columns, csv_columns(Resource.BALANCES), plain)
    if output == "table" and not (balances or money.failures):
        able = [name for name in accounts if name not in money.unsupported]
        say(f"There are no balances in {', '.join(able) or 'these accounts'}.")
    money.report_unsupported(named, "balances")
    return money.report()


@dataclass(frozen=True, slots=True)
class _End:
    """When a balance runs out; None where that is not known. The names are those of the JSON."""

    runs_out: datetime | None = None
    runs_out_is: str | None = None


def _end(balance: Balance, found: cost.Lasting | None, unsure: Collection[str]) -> _End:
    if found is None:
        return _End()
    if found.at_most or balance.ref.account in unsure:
        return _End(found.until, AT_MOST)
    return _End(found.until, ESTIMATE if found.estimated else EXACT)


def _text(end: _End, now: datetime) -> str:
    if end.runs_out is None:
        return ""
    minutes = int((end.runs_out - now).total_seconds()) // 60
    sign = {AT_MOST: "≤ ", ESTIMATE: "~"}.get(end.runs_out_is or "", "")
    return f"{sign}{format_minutes(minutes)}" if minutes > 0 else "used up"


async def _list(accounts: Mapping[str, Account]) -> tuple[session.Listing, session.Listing]:
    async with session.open_fleet(accounts) as fleet:
        return await asyncio.gather(session.read(fleet, [Resource.BALANCES]), session.read(fleet, _SPENT))
