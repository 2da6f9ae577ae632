"""``gputui get``: lists over all accounts, once or watched."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gputui.cli import session
from gputui.cli.columns import csv_columns, table_of
from gputui.cli.output import say, terminal_width, write_csv, write_json
from gputui.errors import ExitCode
from gputui.models import Resource, Row

if TYPE_CHECKING:
    from gputui.config import Account


def run(args: argparse.Namespace) -> int:
    """List one kind of thing; 3 when an account could not be reached, with what the others have printed."""
    config = session.load(args)
    resource = Resource(args.kind)
    accounts = session.choose(config, args.accounts)
    if args.watch:
        from gputui.cli.watch import watch

        return watch(config, accounts, resource, args.output, interval=args.interval)
    if resource is Resource.EVENTS:
        return _events(accounts, args.output)
    listing = asyncio.run(_list(accounts, resource))
    print_rows(resource, listing.rows, args.output)
    for name in listing.unsupported:
        if name in args.accounts:
            say(f"gputui: {name}: its kind of server has no {resource.value}.")
    if args.output == "table":
        _say_problems(listing.rows)
    status = listing.report()
    if not listing.rows and not listing.failures and args.output == "table":
        say(f"There are no {resource.value} in {', '.join(accounts) or 'any account'}.")
    return status


async def _list(accounts: dict[str, Account], resource: Resource) -> session.Listing:
    async with session.backends(accounts) as opened:
        return await session.list_rows(opened, resource)


def print_rows(resource: Resource, rows: Sequence[Row], output: str) -> None:
    """Print rows of one kind on stdout as ``table``, ``json`` or ``csv``."""
    if output == "table":
        if rows:
            sys.stdout.write(table_of(resource, rows, width=terminal_width(sys.stdout)))
        return
    from gputui.serial import to_plain

    plain = [to_plain(row) for row in rows]
    if output == "json":
        write_json(plain, sys.stdout)
    else:
        write_csv(csv_columns(resource), plain, sys.stdout)


def _say_problems(rows: Sequence[Row]) -> None:
    for row in rows:
        problem = getattr(row, "problem", None)
        if problem:
            say(f"gputui: {row.ref}: {problem}")


def _events(accounts: dict[str, Account], output: str) -> int:
    """Print what earlier sessions and watches observed: back ends that report no events have no other past."""
    with session.open_history() as history:
        print_rows(Resource.EVENTS, history.events(accounts=accounts), output)
        if history.problem:
            say(f"gputui: {history.problem}")
            return ExitCode.REFUSED
    return ExitCode.OK
