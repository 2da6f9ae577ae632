"""``gputui get tasks|queues --of REF``: the queue of one endpoint, and the tasks in it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gputui.cli import filters, refs, session
from gputui.cli.layout import Layout, layout_of
from gputui.cli.output import notify
from gputui.errors import ConfigError, ExitCode
from gputui.models import Deployment, Ref, Resource, Role, Row, Task, TaskQueue

if TYPE_CHECKING:
    from gputui.cli.lists.watch import Keep
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet


def run(args: argparse.Namespace, config: Config, accounts: Mapping[str, Account], resource: Resource) -> int:
    """List the tasks of one endpoint, or its queue, once or watched; raises GputuiError."""
    if len(args.of) > 1:
        raise ConfigError(f"Of {resource.value}, --of takes one endpoint.")
    (text,) = args.of
    layout = layout_of(args, resource)
    of, rows, values, status = session.with_fleet(accounts, lambda fleet: _once(fleet, text, resource, args, layout))
    if args.watch:
        from gputui.cli.lists.watch import watch

        async def keep(fleet: Fleet) -> Keep:
            return lambda row: _belongs(row, of)

        chosen = {of.account: accounts[of.account]}
        return watch(config, chosen, resource, args, values=values, prepare=keep)
    layout.print(rows)
    if layout.is_table:
        session.report_problems(rows)
        if not rows and status is ExitCode.OK:
            notify(f"There are no {resource.nouns} of {text}.")
    return status


async def _once(
    fleet: Fleet, text: str, resource: Resource, args: argparse.Namespace, layout: Layout
) -> tuple[Ref, list[Row], dict[str, str], ExitCode]:
    """Return the endpoint, its rows unless they are to be watched, the filter of the server, and the exit status."""
    runtimes = fleet.runtimes.items()
    able = [name for name, runtime in runtimes if runtime.lists(Resource.TASKS) or runtime.open_error]
    only = "only endpoints in QUEUE mode take tasks"
    (match,), status = await refs.find(fleet, [text], [Resource.DEPLOYMENTS], only=only, accounts=able)
    refs.report_shortened([match])
    of, endpoint = match.ref, match.row
    if not isinstance(endpoint, Deployment) or not endpoint.takes_tasks:
        raise ConfigError(
            f"{of} has no queue: only endpoints in QUEUE mode take tasks.",
            hint="`gputui get queues` lists what has one.",
        )
    values = filters.apply(fleet, resource, args.filters, [of.account])[1] if args.filters else {}
    if resource is Resource.TASKS and (form := fleet.server_filters.form(of.account, resource)) is not None:
        # The tasks of other queues are not needed.
        values = {**form.named({Role.QUEUE: of.id}), **values}
        fleet.server_filters.set(resource, values)
    if args.watch:
        return of, [], values, status
    listing = await session.read(fleet, [resource], [of.account])
    if resource is Resource.TASKS and layout.is_table:
        await report_older(fleet, [of.account], of)
    return of, [row for row in listing.rows if _belongs(row, of)], values, max(status, listing.report())


async def report_older(fleet: Fleet, accounts: Sequence[str], of: Ref | None = None) -> None:
    """Report that there are older tasks than those that are listed."""
    rows = (await session.read(fleet, [Resource.QUEUES], accounts)).rows
    queues = [row for row in rows if isinstance(row, TaskQueue) and of in (None, row.deployment)]
    read, total = sum(queue.read for queue in queues), sum(queue.total or 0 for queue in queues)
    if total > read:
        forms = [form for name in accounts if (form := fleet.server_filters.form(name, Resource.TASKS)) is not None]
        newest = next((field.name for form in forms if (field := form.field(Role.NEWEST)) is not None), "")
        more = f"; --filter {newest}=N reads more of each queue" if newest else ""
        notify(f"These are the newest {read:,} of {total:,} tasks{more}.")


def _belongs(row: Row, endpoint: Ref) -> bool:
    return (isinstance(row, Task) and row.queue == endpoint) or (
        isinstance(row, TaskQueue) and row.deployment == endpoint
    )
