"""``gputui get tasks|queues --of REF``: the queue of one endpoint, and the tasks in it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gputui.cli import filters, refs, session
from gputui.cli.mutate import note_shortened
from gputui.cli.output import say
from gputui.cli.rows import print_rows
from gputui.errors import ConfigError, ExitCode, GputuiError
from gputui.models import Deployment, Ref, Resource, Row, Task, TaskQueue
from gputui.presentation.tasks import NEWEST, QUEUE

if TYPE_CHECKING:
    from gputui.api.capabilities import Backend
    from gputui.cli.lists.watch import Keep
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet

KINDS = frozenset({Resource.TASKS, Resource.QUEUES})


def run(args: argparse.Namespace, config: Config, accounts: Mapping[str, Account], resource: Resource) -> int:
    """List the tasks of one endpoint, or its queue, once or watched; raises GputuiError."""
    if len(args.of) > 1:
        raise ConfigError(f"Of {resource.value}, --of takes one endpoint.")
    (text,) = args.of
    named = refs.accounts_for([text], list(accounts))
    of, rows, values, status = asyncio.run(_once({name: accounts[name] for name in named}, text, resource, args))
    if args.watch:
        from gputui.cli.lists.watch import watch

        async def keep(fleet: Fleet) -> Keep:
            return lambda row: _belongs(row, of)

        chosen = {of.account: accounts[of.account]}
        return watch(config, chosen, resource, args.output, interval=args.interval, values=values, prepare=keep)
    print_rows(resource, rows, args.output)
    if args.output == "table":
        session.say_problems(rows)
        if not rows and status is ExitCode.OK:
            say(f"There are no {resource.value} of {text}.")
    return status


async def _once(
    accounts: Mapping[str, Account], text: str, resource: Resource, args: argparse.Namespace
) -> tuple[Ref, list[Row], dict[str, str], ExitCode]:
    """Return the endpoint that is meant, its rows unless they are to be watched, and what the server is asked for."""
    async with session.backends(accounts) as everywhere:
        opened = {name: backend for name, backend in everywhere.items() if _may_have(backend)}
        endpoints = await session.list_rows(opened, Resource.DEPLOYMENTS)
        status = endpoints.report()
        (match,) = await refs.resolve_among(
            [text],
            endpoints,
            (Resource.DEPLOYMENTS,) if len(opened) == len(everywhere) else (),
            lambda resources: session.list_several(everywhere, resources),
            only="only endpoints in QUEUE mode take tasks",
        )
        note_shortened([match])
        endpoint = match.row
        if not isinstance(endpoint, Deployment) or not endpoint.takes_tasks:
            raise ConfigError(
                f"{match.ref} has no queue: only endpoints in QUEUE mode take tasks.",
                hint="`gputui get queues` lists what has one.",
            )
        able, values = {match.ref.account: opened[match.ref.account]}, dict[str, str]()
        if args.filters:
            able, values = filters.apply(able, resource, args.filters)
        if (narrowed := _narrowed(able[match.ref.account], match.ref, values)) and resource is Resource.TASKS:
            values = narrowed
        if args.watch:
            return match.ref, [], values, status
        listing = await session.list_rows(able, resource)
        if resource is Resource.TASKS and args.output == "table":
            await say_older(able, match.ref)
        status = max(status, listing.report())
        return match.ref, [row for row in listing.rows if _belongs(row, match.ref)], values, status


def _narrowed(backend: Backend | GputuiError, endpoint: Ref, values: dict[str, str]) -> dict[str, str]:
    """Ask for the tasks of one queue alone, where that can be: the others need not answer. Returns the filter."""
    used = None if isinstance(backend, GputuiError) else backend.filters
    form = used.form(Resource.TASKS) if used is not None else None
    if used is None or form is None or QUEUE not in (field.name for field in form.fields):
        return {}
    narrowed = {QUEUE: endpoint.id, **values}
    used.use(Resource.TASKS, narrowed)
    return narrowed


def _may_have(backend: Backend | GputuiError) -> bool:
    return isinstance(backend, GputuiError) or Resource.TASKS in backend.listers


async def say_older(opened: Mapping[str, Backend | GputuiError], of: Ref | None = None) -> None:
    """Say on stderr that there are older tasks than those that are listed."""
    rows = (await session.list_rows(opened, Resource.QUEUES)).rows
    queues = [row for row in rows if isinstance(row, TaskQueue) and of in (None, row.deployment)]
    read, total = sum(queue.read for queue in queues), sum(queue.total or 0 for queue in queues)
    if total > read:
        say(f"These are the newest {read:,} of {total:,} tasks; --filter {NEWEST}=N reads more of each queue.")


def _belongs(row: Row, endpoint: Ref) -> bool:
    return (isinstance(row, Task) and row.queue == endpoint) or (
        isinstance(row, TaskQueue) and row.deployment == endpoint
    )
