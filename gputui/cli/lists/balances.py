"""``gputui get balances``: the balances of accounts, and when they run out at the present cost."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.analytics import cost
from gputui.analytics.run_out import Lasting, lasting
from gputui.cli import session
from gputui.cli.layout import layout_of
from gputui.cli.output import Plain, notify
from gputui.models import Balance, Package, Ref, Resource
from gputui.models.serialize import to_plain
from gputui.presentation.columns.column import Column, plain_text
from gputui.presentation.prices import runs_out_text

if TYPE_CHECKING:
    from gputui.config.loader import Account
    from gputui.fleet import Fleet

_SPENT = (*cost.COSTING, Resource.PACKAGES)


def run(args: argparse.Namespace, accounts: Mapping[str, Account]) -> int:
    """Print the balances; 3 or 1 when one could not be read. Where the cost is unknown, so is the end."""
    ends: dict[Ref, Lasting | None] = {}
    now = datetime.now(UTC)
    column: Column[Balance] = Column("out", lambda row: _text(ends[row.ref], now), heading="RUNS OUT", right=True)
    layout = layout_of(args, Resource.BALANCES, {2: column})
    money, spent = session.with_fleet(accounts, _read)
    balances = [row for row in money.rows if isinstance(row, Balance)]
    packages = [row for row in spent.rows if isinstance(row, Package)]
    unsure = {account for account, _ in spent.failures} | {row.ref.account for row in cost.not_read(spent.rows)}
    found = {row.ref: lasting(row, spent.rows, packages, now) for row in balances}
    ends |= {ref: end and replace(end, at_most=end.at_most or ref.account in unsure) for ref, end in found.items()}

    def plain(row: Balance) -> Plain:
        return {**to_plain(row), **_end(ends[row.ref])}

    layout.print(balances, plain)
    if layout.is_table and not (balances or money.failures):
        able = [name for name in accounts if name not in money.unsupported]
        notify(f"There are no balances in {', '.join(able) or 'these accounts'}.")
    money.report_unsupported(args.accounts, "balances")
    return money.report()


def _end(found: Lasting | None) -> Plain:
    """Return when a balance runs out: exactly, as an estimate, or at most, because something has no price."""
    if found is None:
        return {"runs_out": None, "runs_out_is": None}
    kind = "at most" if found.at_most else "estimate" if found.estimated else "exact"
    return {"runs_out": to_plain(found)["until"], "runs_out_is": kind}


def _text(found: Lasting | None, now: datetime) -> str:
    return plain_text(runs_out_text(found, now)).removeprefix("✗ ")


async def _read(fleet: Fleet) -> tuple[session.Listing, session.Listing]:
    return await asyncio.gather(session.read(fleet, [Resource.BALANCES]), session.read(fleet, _SPENT))
