"""``gputui get gpus|processes --of REF``: GPUs and processes of instances, over SSH where no server reports them."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from gputui.cli import refs, session, ssh_login
from gputui.cli.layout import Layout, layout_of
from gputui.cli.lists.gpus import report_unknown
from gputui.cli.output import notify, report_error
from gputui.errors import ConflictError, ExitCode, GputuiError
from gputui.formatting import status_text
from gputui.models import GpuDevice, GpuProcess, GpuReading, Instance, Phase, Ref, Resource, Row
from gputui.presentation.actions import may_be_of, may_use

if TYPE_CHECKING:
    from gputui.cli.lists.watch import Keep
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet

_WHOSE = "PIDs as seen inside the container."


def run(args: argparse.Namespace, config: Config, accounts: Mapping[str, Account], resource: Resource) -> int:
    """List GPUs or processes of the instances named, once or watched; the status is that of the worst failure."""
    if args.watch:
        return _watch(args, config, accounts, resource)
    layout = layout_of(args, resource)
    return session.with_fleet(accounts, lambda fleet: _once(fleet, args.of, resource, layout))


async def _once(fleet: Fleet, of: Sequence[str], resource: Resource, layout: Layout) -> ExitCode:
    from gputui.fleet.probes import on_host

    failed: list[Row] = []
    instances, status = await _resolve(fleet, of)
    reported = {one.ref.account for one in instances if fleet.runtime(one.ref.account).lists(resource)}
    lists = await session.read(fleet, [resource], reported)
    status = max(status, lists.report())
    rows = [row for row in lists.rows if any(belongs(row, one) for one in instances)]
    for one, found in await read_over_ssh(fleet, [one for one in instances if one.ref.account not in reported]):
        if isinstance(found, GputuiError):
            status = max(status, report_error(found, about=str(one.ref)))
            if resource is Resource.PROCESSES:
                failed.append(GpuProcess.unknown(one.ref, one.name, found.message))
        elif resource is Resource.GPUS:
            rows += found.devices
        else:
            own_gpus = fleet.runtime(one.ref.account).lists(Resource.GPUS)
            rows += on_host(found.processes, one) if own_gpus else found.processes
    layout.print([*rows, *failed])
    if resource is Resource.PROCESSES:
        status = max(status, report_unknown(rows))
    if layout.is_table:
        if resource is not Resource.PROCESSES:
            session.report_problems(rows)
        if any(isinstance(row, GpuProcess) and row.inside and row.pid is not None for row in rows):
            notify(_WHOSE)
        if not rows and status is ExitCode.OK:
            notify(f"There are no {resource.nouns} of {' and '.join(one.name for one in instances)}.")
    return status


async def _resolve(fleet: Fleet, texts: Sequence[str]) -> tuple[list[Instance], ExitCode]:
    only = "only instances can be inspected over SSH"
    matches, status = await refs.find(fleet, texts, [Resource.INSTANCES], only=only)
    refs.report_shortened(matches)
    return [match.row for match in matches if isinstance(match.row, Instance)], status


def belongs(row: Row, instance: Instance) -> bool:
    """Return whether a process is of an instance, or a GPU one that it may use."""
    if isinstance(row, GpuProcess):
        return may_be_of(row, instance)
    if not isinstance(row, GpuDevice) or row.ref.account != instance.ref.account:
        return False
    if row.through is not None:
        return row.through == instance.ref
    return bool(may_use(instance, row.host, row.index))


async def read_over_ssh(
    fleet: Fleet, instances: Sequence[Instance]
) -> list[tuple[Instance, GpuReading | GputuiError]]:
    """Log into all instances, with questions, then read their GPUs and processes at once."""
    from gputui.ssh.nvidia.reader import GpuReader

    async def read(instance: Instance) -> GpuReading | GputuiError:
        if instance.ref in failures:
            return failures[instance.ref]
        try:
            return await GpuReader(fleet.connections.lease, lambda: datetime.now(UTC))(instance)
        except GputuiError as error:
            return error

    failures = await _log_in(fleet, instances)
    readings = await asyncio.gather(*map(read, instances))
    return list(zip(instances, readings, strict=True))


async def _log_in(fleet: Fleet, instances: Sequence[Instance]) -> dict[Ref, GputuiError]:
    """Log into each instance, one after the other, since that may ask; returns the failures."""
    failures: dict[Ref, GputuiError] = {}
    for one in instances:
        try:
            if one.phase is not Phase.RUNNING:
                raise ConflictError(f"{one.name} is {status_text(one.status)}: its GPUs can be read while it runs.")
            async with fleet.connections.lease(one, partial(ssh_login.connect, fleet, one)):
                pass
        except GputuiError as error:
            failures[one.ref] = error
    return failures


def _watch(args: argparse.Namespace, config: Config, accounts: Mapping[str, Account], resource: Resource) -> int:
    from gputui.cli.lists.watch import watch

    async def prepare(fleet: Fleet) -> Keep:
        instances, _ = await _resolve(fleet, args.of)
        await _begin(fleet, resource, instances)
        if resource is Resource.PROCESSES and args.output == "table" and fleet.probed_instances():
            notify(_WHOSE)
        return lambda row: any(belongs(row, one) for one in instances)

    return watch(config, accounts, resource, args, prepare=prepare)


async def _begin(fleet: Fleet, resource: Resource, instances: Sequence[Instance]) -> None:
    """Log into each instance that is probed; raises the last failure when nothing is left to watch."""
    from gputui.fleet.ssh_gpu_reader import probe_gpus

    fleet.login_hint = "Start the command again to be asked."
    probed = [one for one in instances if not fleet.runtime(one.ref.account).lists(resource)]
    failures = await _log_in(fleet, probed)
    for one in probed:
        if one.ref not in failures:
            probe_gpus(fleet, one)
    if not failures:
        return
    *others, last = failures.values()
    for failure in others:
        report_error(failure)
    if len(failures) == len(instances):
        raise last
    report_error(last)
