"""``gputui get waste``: resources that cost money and do nothing, with the samples of GPUs that the history has."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.analytics.waste import so_far, totals
from gputui.cli import session
from gputui.cli.layout import make_layout
from gputui.cli.output import Plain, notify
from gputui.errors import ConfigError
from gputui.fleet.waste import READ
from gputui.fleet.waste_findings import Findings
from gputui.formatting import counted
from gputui.models.serialize import to_plain
from gputui.models.waste import Waste
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import pick
from gputui.presentation.columns.waste import REASONS, WASTE_TABLE, waste_columns
from gputui.presentation.prices import sum_parts

if TYPE_CHECKING:
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet
    from gputui.history.history import History

KEYS = (
    *("ref", "name", "reason", "since", "at_least", "per_hour", "so_far", "gpus", "gpu_model", "memory_in_use"),
    *("text", "owner"),
)
"""The keys of the JSON and the columns of CSV, in their order."""


def run(args: argparse.Namespace, config: Config, accounts: Mapping[str, Account]) -> int:
    """Print the rows, the most expensive of each currency first; a table is followed by the total on stderr."""
    if args.watch or args.filters or args.of:
        raise ConfigError("waste is found from several lists: it takes neither --watch nor --filter nor --of.")
    minutes = config.waste.idle_minutes if args.idle is None else args.idle
    columns = waste_columns(Context())
    layout = make_layout(
        "waste", columns, pick(columns, WASTE_TABLE), KEYS, args.output, args.columns, args.sort, args.filter
    )

    async def read(fleet: Fleet) -> tuple[session.Listing, Findings]:
        fleet.idle_minutes = minutes
        recall(fleet, history)
        listing = await session.read(fleet, READ)
        return listing, fleet.waste.now

    with session.open_history() as history:
        listing, found = session.with_fleet(accounts, read)
    found = replace(found, rows=tuple(layout.print(found.rows, plain)))
    if layout.is_table:
        for line in notes(found, listing):
            notify(line)
    return listing.report(args.accounts)


def recall(fleet: Fleet, history: History) -> None:
    """Give a fleet what earlier sessions have seen: samples of GPUs, events, and what is snoozed."""
    now = fleet.now()
    names = tuple(fleet.accounts)
    fleet.samples.restore(history.gpu_samples(names, now))
    fleet.waste.recall(history.snoozes(now) or (), history.events(accounts=names))


def plain(waste: Waste) -> Plain:
    """Return a row as JSON, with what it has cost so far."""
    spent = so_far(waste, datetime.now(UTC))
    made = to_plain(waste) | {"so_far": None if spent is None else to_plain(spent)}
    return {key: made[key] for key in KEYS}


def notes(found: Findings, listing: session.Listing) -> list[str]:
    """Return the total, and what is not known or left out."""
    sums, unpriced = totals(found.rows)
    parts = sum_parts(sums.values(), unpriced)
    silent = dict.fromkeys(account for account, _ in listing.failures)
    lines = []
    if parts:
        lines.append(f"Total: {' + '.join(parts)}")
    elif not found.rows:
        lines.append("Nothing is known to cost money and do nothing.")
    lines += [f"{one.ref}: {REASONS[one.reason]}, {one.text}." for one in found.soon]
    if found.unknown:
        lines.append(f"The GPU load of {counted(len(found.unknown), 'running instance')} is unknown.")
    if found.snoozed:
        lines.append(f"Left out: {len(found.snoozed)} snoozed.")
    if silent:
        lines.append(f"Not included: {', '.join(silent)} did not answer in full.")
    return lines
