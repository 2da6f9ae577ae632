"""``gputui get``: lists over all accounts, once or watched."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gputui.cli import filters, session, unknown_processes
from gputui.cli.columns import COST
from gputui.cli.lists import cost, tasks
from gputui.cli.output import say
from gputui.cli.rows import print_rows
from gputui.errors import ConfigError, ExitCode, GputuiError
from gputui.models import Deployment, Ref, Resource, Row
from gputui.presentation.prices import by_deployment, may_cost, price_now

if TYPE_CHECKING:
    from gputui.api.capabilities import Backend
    from gputui.config.loader import Account, Config


_NOUNS = {Resource.STOCK: "GPUs to be had", Resource.BLACKLIST: "blocked hosts"}


def run(args: argparse.Namespace) -> int:
    """List one kind of thing; 3 when an account could not be reached, with what the others have printed."""
    config = session.load(args)
    accounts = session.choose(config, args.accounts)
    if args.kind == COST:
        return cost.run(args, accounts)
    resource = Resource(args.kind)
    if args.of and resource in (Resource.GPUS, Resource.PROCESSES):
        if args.filters:
            raise ConfigError("--of and --filter do not go together.")
        from gputui.cli.lists import gpus_over_ssh

        return gpus_over_ssh.run(args, config, accounts, resource)
    if args.of and resource in tasks.KINDS:
        return tasks.run(args, config, accounts, resource)
    of = _of(args, accounts, resource)
    if args.watch:
        return _watch(args, config, accounts, resource, of)
    if resource is Resource.BALANCES and not args.filters:
        from gputui.cli.lists import balances

        return balances.run(accounts, args.output, args.accounts)
    if resource is Resource.EVENTS and not args.filters:
        return _events(accounts, of, args.output, args.accounts)
    return _once(args, accounts, resource)


def _once(args: argparse.Namespace, accounts: dict[str, Account], resource: Resource) -> int:
    listing = asyncio.run(_list(accounts, resource, args.filters, args.output))
    print_rows(resource, listing.rows, args.output)
    if resource is Resource.PROCESSES:
        return _processes_status(args, listing)
    if resource is not Resource.GPUS:
        for name in listing.unsupported:
            if name in args.accounts:
                say(f"gputui: {name}: its kind of server has no {resource.value}.")
    if args.output == "table":
        session.say_problems(listing.rows)
    status = listing.report(args.accounts)
    if resource is Resource.GPUS:
        status = max(status, _gpus_status(args, listing))
    if not listing.rows and status is ExitCode.OK and not listing.failures and args.output == "table":
        able = [name for name in accounts if name not in listing.unsupported]
        say(f"There are no {_NOUNS.get(resource, resource.value)} in {', '.join(able) or 'these accounts'}.")
    return status


def _processes_status(args: argparse.Namespace, listing: session.Listing) -> int:
    """Say what is unknown and what failed; 3 where processes are unknown, since an empty list would say none."""
    status = max(unknown_processes.say_unknown(listing.rows), listing.report(args.accounts))
    if listing.unsupported:
        unknown_processes.say_unsupported(listing.unsupported, "GPU processes")
        status = max(status, ExitCode.UNREACHABLE)
    if not listing.rows and status is ExitCode.OK and args.output == "table":
        say(f"There are no processes in {', '.join(args.accounts) or 'these accounts'}.")
    return status


def _gpus_status(args: argparse.Namespace, listing: session.Listing) -> ExitCode:
    """Name the accounts whose API lists no GPUs, in one line; 3 where an empty list would say there are none."""
    silent = listing.unsupported
    if not silent:
        return ExitCode.OK
    unknown_processes.say_unsupported(silent, "GPUs")
    meant = not listing.rows or any(name in args.accounts for name in silent)
    return ExitCode.UNREACHABLE if meant else ExitCode.OK


def _of(args: argparse.Namespace, accounts: dict[str, Account], resource: Resource) -> Ref | None:
    """Return the thing whose events are meant, if any."""
    if not args.of:
        return None
    if resource is not Resource.EVENTS:
        raise ConfigError("--of belongs to events, gpus, processes, tasks and queues: gputui get events --of REF")
    if len(args.of) > 1:
        raise ConfigError("Of events, --of takes one instance or deployment.")
    from gputui.cli.lists.events import find

    return find(accounts, args.of[0])


async def _list(
    accounts: dict[str, Account], resource: Resource, given: filters.Given, output: str
) -> session.Listing:
    async with session.backends(accounts) as opened:
        able = filters.apply(opened, resource, given)[0] if given else opened
        listing = await session.list_rows(able, resource)
        if resource is Resource.DEPLOYMENTS and output == "table":
            listing.rows = await _with_prices(listing.rows, able)
        if resource is Resource.PROCESSES:
            await unknown_processes.add_unreported(listing, able)
        if resource is Resource.TASKS and output == "table":
            await tasks.say_older(able)
        return listing


async def _with_prices(rows: Sequence[Row], opened: Mapping[str, Backend | GputuiError]) -> list[Row]:
    """Return deployments with the price that their instances state, for a table. Where these cannot be listed, or
    lack a price, the estimate stays.
    """
    unpriced = [row for row in rows if isinstance(row, Deployment) and row.price is None and may_cost(row)]
    asked, refs = {row.ref.account for row in unpriced}, {row.ref for row in unpriced}
    able = {name: backend for name, backend in opened.items() if name in asked}
    instances = by_deployment((await session.list_rows(able, Resource.INSTANCES)).rows) if able else {}
    return [
        replace(row, price=price_now(row, instances)) if isinstance(row, Deployment) and row.ref in refs else row
        for row in rows
    ]


def _watch(
    args: argparse.Namespace, config: Config, accounts: dict[str, Account], resource: Resource, of: Ref | None
) -> int:
    from gputui.cli.lists.watch import watch

    values: dict[str, str] = {}
    if args.filters:
        accounts, values = asyncio.run(_able(accounts, resource, args.filters))
    if of is not None:
        accounts = {of.account: accounts[of.account]}
    return watch(config, accounts, resource, args.output, interval=args.interval, values=values, of=of)


async def _able(
    accounts: dict[str, Account], resource: Resource, given: filters.Given
) -> tuple[dict[str, Account], dict[str, str]]:
    """Return the accounts that take these filters, and the values. Asks no server."""
    async with session.backends(accounts) as opened:
        able, values = filters.apply(opened, resource, given)
        return {name: accounts[name] for name in able}, values


def _events(accounts: dict[str, Account], of: Ref | None, output: str, named: Sequence[str]) -> int:
    from gputui.cli.lists.events import list_events

    rows, status = list_events(accounts, of, named)
    print_rows(Resource.EVENTS, rows, output)
    return status
