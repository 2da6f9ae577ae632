"""``gputui get``: lists over all accounts, once or watched."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gputui.cli import filters, refs, session
from gputui.cli.columns import COST, print_rows
from gputui.cli.lists import cost, gpus, tasks
from gputui.cli.output import say
from gputui.errors import ConfigError, ExitCode
from gputui.models import Deployment, Resource, Row
from gputui.presentation.prices import by_deployment, may_cost, price_now

if TYPE_CHECKING:
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet


_NOUNS = {Resource.STOCK: "GPUs to be had", Resource.BLACKLIST: "blocked hosts"}


def run(args: argparse.Namespace) -> int:
    """List one kind of thing; 3 when an account could not be reached, with what the others have printed."""
    config = session.load(args)
    accounts = session.choose(config, args.accounts)
    if args.kind == COST:
        return cost.run(args, accounts)
    resource = Resource(args.kind)
    if args.of:
        return _of(args, config, accounts, resource)
    if args.watch:
        return _watch(args, config, accounts, resource)
    if resource is Resource.BALANCES and not args.filters:
        from gputui.cli.lists import balances

        return balances.run(accounts, args.output, args.accounts)
    if resource is Resource.EVENTS and not args.filters:
        from gputui.cli.lists import events

        return events.run(accounts, args.output, named=args.accounts)
    return _once(args, accounts, resource)


def _of(args: argparse.Namespace, config: Config, accounts: dict[str, Account], resource: Resource) -> int:
    """List what belongs to the things that ``--of`` names; only their accounts are asked, where it names them."""
    accounts = {name: accounts[name] for name in refs.accounts_for(args.of, list(accounts))}
    if resource in (Resource.GPUS, Resource.PROCESSES):
        if args.filters:
            raise ConfigError("--of and --filter do not go together.")
        from gputui.cli.lists import gpus_over_ssh

        return gpus_over_ssh.run(args, config, accounts, resource)
    if resource in (Resource.TASKS, Resource.QUEUES):
        return tasks.run(args, config, accounts, resource)
    if resource is not Resource.EVENTS:
        raise ConfigError("--of belongs to events, gpus, processes, tasks and queues: gputui get events --of REF")
    if len(args.of) > 1:
        raise ConfigError("Of events, --of takes one instance or deployment.")
    from gputui.cli.lists import events

    if not args.watch:
        return events.run(accounts, args.output, named=args.accounts, of=args.of[0])
    from gputui.cli.lists.watch import watch

    of = events.find(accounts, args.of[0])
    return watch(config, {of.account: accounts[of.account]}, resource, args, of=of)


def _once(args: argparse.Namespace, accounts: dict[str, Account], resource: Resource) -> int:
    table = args.output == "table"
    listing = asyncio.run(_list(accounts, resource, args.filters, table=table))
    print_rows(resource, listing.rows, args.output)
    on_gpus = resource in (Resource.GPUS, Resource.PROCESSES)
    status = gpus.say_unknown(listing.rows) if resource is Resource.PROCESSES else ExitCode.OK
    if not on_gpus:
        listing.report_unsupported(args.accounts, resource.value)
    if table and resource is not Resource.PROCESSES:
        session.say_problems(listing.rows)
    status = max(status, listing.report(args.accounts))
    if on_gpus:
        status = max(status, gpus.say_unsupported(listing, resource, args.accounts))
    if not listing.rows and status is ExitCode.OK and not listing.failures and table:
        able = [name for name in accounts if name not in listing.unsupported]
        say(f"There are no {_NOUNS.get(resource, resource.value)} in {', '.join(able) or 'these accounts'}.")
    return status


async def _list(
    accounts: dict[str, Account], resource: Resource, given: filters.Given, *, table: bool
) -> session.Listing:
    async with session.open_fleet(accounts) as fleet:
        able = filters.apply(fleet, resource, given)[0] if given else list(accounts)
        listing = await session.read(fleet, [resource], able)
        if resource is Resource.DEPLOYMENTS and table:
            listing.rows = await _with_prices(listing.rows, fleet)
        if resource is Resource.PROCESSES:
            await gpus.add_unreported(fleet, listing)
        if resource is Resource.TASKS and table:
            await tasks.say_older(fleet, able)
        return listing


async def _with_prices(rows: Sequence[Row], fleet: Fleet) -> list[Row]:
    """Return deployments with the price that their instances state, for a table. Where these cannot be listed, or
    lack a price, the estimate stays.
    """
    unpriced = {row.ref for row in rows if isinstance(row, Deployment) and row.price is None and may_cost(row)}
    instances = await session.read(fleet, [Resource.INSTANCES], {ref.account for ref in unpriced})
    prices = by_deployment(instances.rows)
    return [
        replace(row, price=price_now(row, prices)) if isinstance(row, Deployment) and row.ref in unpriced else row
        for row in rows
    ]


def _watch(args: argparse.Namespace, config: Config, accounts: dict[str, Account], resource: Resource) -> int:
    from gputui.cli.lists.watch import watch

    values: dict[str, str] = {}
    if args.filters:
        able, values = asyncio.run(_able(accounts, resource, args.filters))
        accounts = {name: accounts[name] for name in able}
    return watch(config, accounts, resource, args, values=values)


async def _able(
    accounts: dict[str, Account], resource: Resource, given: filters.Given
) -> tuple[list[str], dict[str, str]]:
    """Return the accounts that take these filters, and the values. Asks no server."""
    async with session.open_fleet(accounts) as fleet:
        return filters.apply(fleet, resource, given)
