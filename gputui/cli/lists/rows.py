"""``gputui get``: the rows of one kind, as the servers list or filter them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gputui.analytics.prices import by_deployment, may_cost, price_now
from gputui.cli import filters, leases, selection, session
from gputui.cli.layout import Layout, layout_of
from gputui.cli.lists import gpus, tasks
from gputui.cli.output import Plain, notify
from gputui.errors import AccountDeniedError, ExitCode
from gputui.models import Deployment, Resource, Row

if TYPE_CHECKING:
    from gputui.cli.saved_view import ListOfView
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet


_LEASED = (Resource.INSTANCES, Resource.DEPLOYMENTS)


def run(
    args: argparse.Namespace, accounts: Mapping[str, Account], resource: Resource, view: ListOfView | None = None
) -> int:
    """Print the rows of one kind; 3 when an account could not be reached, with those that the others have.

    ``view`` is the saved view that limits them.
    """
    layout = layout_of(args, resource)
    if view is not None:
        layout = view.complete(layout)
    table = layout.is_table
    listing, read = session.with_fleet(accounts, lambda fleet: _read(fleet, resource, args.filters, layout))
    if view is not None:
        listing.rows = view.matching(listing.rows, layout)
    plain = _with_lease(args, layout) if resource in _LEASED else None
    listing.rows = layout.print(listing.rows, plain)
    on_gpus = resource in (Resource.GPUS, Resource.PROCESSES)
    status = gpus.report_unknown(listing.rows) if resource is Resource.PROCESSES else ExitCode.OK
    if not on_gpus:
        listing.report_unsupported(args.accounts, resource.words)
    if table and resource is not Resource.PROCESSES:
        session.report_problems(listing.rows, listing.failures)
    status = max(status, listing.report(args.accounts))
    if on_gpus:
        status = max(status, gpus.report_unsupported(listing, resource, args.accounts))
    if not listing.rows and status is ExitCode.OK and not listing.failures and table:
        able = ", ".join(name for name in read if name not in listing.unsupported) or "these accounts"
        limited = args.filters or args.saved_view or args.filter is not None
        nouns = resource.nouns
        notify(f"No {nouns} in {able} match the filter." if limited else f"There are no {nouns} in {able}.")
        if args.filter is not None and selection.is_selector(args.filter):
            notify("NAME=VALUE compares the whole text of a column; NAME:VALUE finds a part of it.")
    return status


def _with_lease(args: argparse.Namespace, layout: Layout) -> Callable[[Row], Plain]:
    """Read the leases into the layout, and return what makes the JSON of a row with its lease."""
    from gputui.models.serialize import to_plain

    layout.context.leases = leases.of_rows(args)

    def plain(row: Row) -> Plain:
        view = layout.context.leases.get(row.ref)
        return {**to_plain(row), "lease": None if view is None else leases.plain(view)}

    return plain


async def _read(
    fleet: Fleet, resource: Resource, given: filters.Given, layout: Layout
) -> tuple[session.Listing, list[str]]:
    """Return the rows, and the accounts that were read: the others cannot filter so."""
    able = filters.apply(fleet, resource, given)[0] if given else list(fleet.accounts)
    listing = await session.read(fleet, [resource], able)
    layout.context.own = frozenset(filter(fleet.owns, fleet.accounts))
    await add_needed(fleet, layout, listing)
    if resource is Resource.DEPLOYMENTS and (layout.is_table or layout.chosen or layout.matches):
        listing.rows = await with_prices(listing.rows, fleet)
    if resource is Resource.PROCESSES:
        await gpus.add_unreported(fleet, listing)
    if resource is Resource.TASKS and layout.is_table:
        await tasks.report_older(fleet, able)
    return listing, able


async def add_needed(fleet: Fleet, layout: Layout, listing: session.Listing) -> None:
    """Read the other lists that the columns need, of the accounts with rows; their failures are the listing's.

    It is none that an account may not use such a list: it has none of these rows.
    """
    if layout.needs:
        accounts = dict.fromkeys(row.ref.account for row in listing.rows)
        others = await session.read(fleet, layout.needs, accounts)
        layout.context.add(others.rows)
        listing.failures += [each for each in others.failures if not isinstance(each[1], AccountDeniedError)]


async def with_prices(rows: Sequence[Row], fleet: Fleet) -> list[Row]:
    """Return deployments with the price of their instances; the estimate stays where that is unknown."""
    unpriced = {row.ref for row in rows if isinstance(row, Deployment) and row.price is None and may_cost(row)}
    instances = await session.read(fleet, [Resource.INSTANCES], {ref.account for ref in unpriced})
    prices = by_deployment(instances.rows)
    return [
        replace(row, price=price_now(row, prices)) if isinstance(row, Deployment) and row.ref in unpriced else row
        for row in rows
    ]


def watch_filtered(
    args: argparse.Namespace, config: Config, accounts: Mapping[str, Account], resource: Resource
) -> int:
    """Follow the rows of one kind."""
    from gputui.cli.lists.watch import watch

    async def accepted(fleet: Fleet) -> tuple[list[str], dict[str, str]]:
        return filters.apply(fleet, resource, args.filters)

    values: dict[str, str] = {}
    if args.filters:
        able, values = session.with_fleet(accounts, accepted)
        accounts = {name: accounts[name] for name in able}
    return watch(config, accounts, resource, args, values=values)
