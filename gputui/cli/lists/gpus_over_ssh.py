"""``gputui get gpus|processes --of REF``: what instances run on which GPUs, read over SSH where nobody else tells."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from gputui.cli import refs, session, ssh_login
from gputui.cli.columns import print_rows
from gputui.cli.lists.gpus import say_unknown
from gputui.cli.output import report_error, say
from gputui.config.paths import known_hosts_path, state_dir
from gputui.errors import ConflictError, ExitCode, GputuiError
from gputui.models import GpuDevice, GpuProcess, GpuReading, Instance, Phase, Ref, Resource, Row
from gputui.presentation.actions import may_be_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gputui.cli.lists.watch import Keep
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet
    from gputui.ssh.client import Connection
    from gputui.ssh.pool import ConnectionPool

_WHOSE = "PIDs as seen inside the container."


def run(args: argparse.Namespace, config: Config, accounts: Mapping[str, Account], resource: Resource) -> int:
    """List GPUs or processes of the instances named, once or watched; the status is that of the worst failure."""
    if args.watch:
        return _watch(args, config, accounts, resource)
    return asyncio.run(_once(args, config, accounts, resource))


async def _once(
    args: argparse.Namespace, config: Config, accounts: Mapping[str, Account], resource: Resource
) -> ExitCode:

    failed: list[Row] = []
    async with session.open_fleet(accounts) as fleet:
        instances, status = await _resolve(fleet, args.of)
        told = {one.ref.account for one in instances if fleet.runtime(one.ref.account).lists(resource)}
        lists = await session.read(fleet, [resource], told)
        status = max(status, lists.report())
        rows = [row for row in lists.rows if any(belongs(row, one) for one in instances)]
        for one, found in await _look(config, fleet, [one for one in instances if one.ref.account not in told]):
            if isinstance(found, GputuiError):
                status = max(status, report_error(found, about=str(one.ref)))
                if resource is Resource.PROCESSES:
                    failed.append(GpuProcess.unknown(one.ref, one.name, found.message))
                continue
            own_gpus = fleet.runtime(one.ref.account).lists(Resource.GPUS)
            rows += found.devices if resource is Resource.GPUS else _processes(found, one, own_gpus=own_gpus)
    print_rows(resource, [*rows, *failed], args.output)
    if resource is Resource.PROCESSES:
        status = max(status, say_unknown(rows))
    if args.output == "table":
        if resource is not Resource.PROCESSES:
            session.say_problems(rows)
        if any(isinstance(row, GpuProcess) and row.inside and row.pid is not None for row in rows):
            say(_WHOSE)
        if not rows and status is ExitCode.OK:
            say(f"There are no {resource.value} of {' and '.join(one.name for one in instances)}.")
    return status


async def _resolve(fleet: Fleet, texts: Sequence[str]) -> tuple[list[Instance], ExitCode]:
    only = "only instances can be inspected over SSH"
    matches, status = await refs.find(fleet, texts, [Resource.INSTANCES], only=only)
    refs.note_shortened(matches)
    return [match.row for match in matches if isinstance(match.row, Instance)], status


def _processes(found: GpuReading, instance: Instance, *, own_gpus: bool) -> Iterable[GpuProcess]:
    from gputui.fleet.probes import on_host

    return on_host(found.processes, instance) if own_gpus else found.processes


def belongs(row: Row, instance: Instance) -> bool:
    """Return whether a process is of an instance, or a GPU one that it may use."""
    if isinstance(row, GpuProcess):
        return may_be_of(row, instance)
    if not isinstance(row, GpuDevice) or row.ref.account != instance.ref.account:
        return False
    if row.through is not None:
        return row.through == instance.ref
    return instance.gpu_all or row.index in (instance.gpu_indices or ())


async def _look(
    config: Config, fleet: Fleet, instances: Sequence[Instance]
) -> list[tuple[Instance, GpuReading | GputuiError]]:
    """Log in one after the other, since that may ask, then look into all at once."""
    from gputui.ssh.known_hosts import KnownHosts
    from gputui.ssh.nvidia.reader import GpuReader

    hosts = KnownHosts(known_hosts_path(state_dir()))
    outcomes: dict[Ref, GpuReading | GputuiError] = {}
    async with AsyncExitStack() as stack:
        connections: dict[Ref, Connection] = {}
        for one in instances:
            try:
                _check_running(one)
                connections[one.ref] = await ssh_login.connect(config, one.ref, fleet, hosts)
                stack.push_async_callback(connections[one.ref].close)
            except GputuiError as error:
                outcomes[one.ref] = error

        @asynccontextmanager
        async def lease(instance: Instance) -> AsyncIterator[Connection]:
            yield connections[instance.ref]

        async def read(instance: Instance) -> None:
            try:
                outcomes[instance.ref] = await GpuReader(lease, lambda: datetime.now(UTC))(instance)
            except GputuiError as error:
                outcomes[instance.ref] = error

        await asyncio.gather(*(read(one) for one in instances if one.ref in connections))
    return [(one, outcomes[one.ref]) for one in instances]


def _check_running(instance: Instance) -> None:
    if instance.phase is not Phase.RUNNING:
        raise ConflictError(f"{instance.name} is {instance.status}: its GPUs can be read while it runs.")


# --- watched ------------------------------------------------------------------------------------------------------


def _watch(args: argparse.Namespace, config: Config, accounts: Mapping[str, Account], resource: Resource) -> int:
    from gputui.cli.lists.watch import watch
    from gputui.ssh.pool import ConnectionPool

    pool = ConnectionPool()

    async def prepare(fleet: Fleet) -> Keep:
        instances, _ = await _resolve(fleet, args.of)
        await _begin(config, fleet, pool, resource, instances)
        if resource is Resource.PROCESSES and args.output == "table" and fleet.probed_instances():
            say(_WHOSE)
        return lambda row: any(belongs(row, one) for one in instances)

    return watch(config, accounts, resource, args, prepare=prepare, end=pool.aclose)


async def _begin(
    config: Config, fleet: Fleet, pool: ConnectionPool, resource: Resource, instances: Sequence[Instance]
) -> None:
    """Log into each that has to be looked into; raises the last failure when there is nothing to watch then."""
    from gputui.fleet.ssh_gpu_reader import GpuProbe, connection_key
    from gputui.ssh.known_hosts import KnownHosts

    hosts = KnownHosts(known_hosts_path(state_dir()))
    probe = GpuProbe(lambda: fleet, pool, hosts, way_out="Start the command again to be asked.")
    failure: GputuiError | None = None
    watched = 0
    for one in instances:
        try:
            if not fleet.runtime(one.ref.account).lists(resource):
                _check_running(one)
                async with pool.lease(connection_key(one), partial(ssh_login.connect, config, one.ref, fleet, hosts)):
                    probe.start(one)
            watched += 1
        except GputuiError as error:
            if failure is not None:
                report_error(failure)
            failure = error
    if failure is not None and not watched:
        raise failure
    if failure is not None:
        report_error(failure)
