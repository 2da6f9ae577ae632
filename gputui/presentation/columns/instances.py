"""The fields of instances."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.formatting import format_bytes, format_duration, format_elapsed
from gputui.models import GpuProcess, Instance, Resource
from gputui.presentation.actions import gpu_text, name_of, ports_text
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.columns.context import Context, Lists
from gputui.presentation.columns.leases import lease_column
from gputui.presentation.columns.machines import machine_columns
from gputui.presentation.columns.usage import deadline_columns, gpu_use_columns, usage_columns
from gputui.presentation.prices import UNKNOWN

_NAME_LEAST, _GPUS_LEAST = 14, 12
"""Cells of a name, ``llama-…9f3c2a``, and of GPUs, ``1 RTX 4090D``, for which 80 columns have room."""
_GPUS_RESERVE = 8
"""Cells of GPUs while few rows have arrived."""
_STATE_LEAST = 15
"""Cells of a state on a narrow terminal: ``◐ shutting_down``."""
_STATE_RESERVE = 22
"""Cells of a state in transition with the time in it: ``◐ shutting_down  0:41``."""


def instance_columns(context: Context) -> Sequence[Column[Instance]]:
    """Return the fields; the state shows what is under way, the GPU memory what the processes use."""

    def state(row: Instance) -> Cell:
        # Whether a machine can be reached is its state: a problem there is not that nothing was read.
        is_known = row.machine is not None and row.machine.reachable is not None
        shown = fields.state_cell(row, context, unread=not is_known)
        lost = row.machine.gpus_lost if row.machine is not None else 0
        if is_known and (row.problem or lost) and row.machine is not None and row.machine.reachable:
            return [shown, ("  !", "warning")]  # type: ignore[list-item]  # a state is one span
        if row.progress is not None and row.progress < 1 and context.pending(row.ref) is None:
            shown = (f"{shown[0]} {row.progress:.0%}", str(shown[1]))
        if row.problem or context.pending(row.ref) is not None:
            return shown
        if context.started_slowly(row):
            return [shown, ("  slow start", "warning")]  # type: ignore[list-item]  # a state is one span
        if (since := context.in_state_since(row)) is None:
            return shown
        elapsed = format_elapsed((context.now() - since).total_seconds())
        return [shown, (f"  {elapsed}", "muted")]  # type: ignore[list-item]  # a state is one span

    def deployment(row: Instance) -> str:
        if row.parent is None or _is_on_machine(row):
            return ""
        parent = context.get(row.parent)
        return name_of(parent) if parent is not None else row.parent.id

    def name_and_id(row: Instance) -> str:
        name = deployment(row)
        return f"{name} {row.parent.id}" if row.parent is not None and name not in ("", row.parent.id) else name

    return [
        fields.name(least=_NAME_LEAST, reserve=_NAME_LEAST),
        fields.account(context),
        fields.text("kind", lambda row: row.ref.kind, priority=9, label=None),
        fields.state(context, state, width=13, flex=True, least=_STATE_LEAST, reserve=_STATE_RESERVE),
        fields.problem(),
        Column(
            "gpu",
            lambda row: gpu_text(row) or (UNKNOWN, "muted"),
            lambda row: natural_key(gpu_text(row)),
            heading="GPUS",
            width=4,
            least=_GPUS_LEAST,
            reserve=_GPUS_RESERVE,
            max_width=18,
            flex=True,
            number=context.gpu_count,
            detail=gpu_text,
            brief=lambda row: (gpus := gpu_text(row)) and f"GPUs: {gpus}",
        ),
        *gpu_use_columns(context),
        fields.detail("gpu memory", lambda row: format_bytes(row.gpu_memory)),
        fields.price(context, 2),
        lease_column(context),
        fields.age(context, 4, context.created_at),
        fields.name_like("host", lambda row: row.host, priority=3, flex=True, least=10, max_width=24, middle=True),
        *deadline_columns(context),
        fields.text(
            "image",
            lambda row: row.image or "",
            width=10,
            least=14,
            max_width=36,
            flex=True,
            priority=6,
            # All instances of a deployment have the same image: it identifies none of them.
            brief=lambda row: "" if row.parent is not None else (row.image or "", "muted"),
        ),
        fields.text("ports", ports_text, max_width=24, priority=7, when_filled=True),
        fields.hidden("services", lambda row: " ".join(one.url for one in row.services)),
        fields.detail("addresses", lambda row: fields.addresses(row.services)),
        fields.detail("ssh", _ssh),
        fields.figure("cpu", lambda row: row.cpu_count, priority=7, when_filled=True, label="cpus"),
        fields.figure(
            "memory",
            lambda row: row.memory_limit,
            format_bytes,
            heading="MEM LIMIT",
            priority=7,
            when_filled=True,
            label="memory limit",
            detail=lambda row: "" if row.machine is not None else format_bytes(row.memory_limit) or "unknown",
        ),
        fields.detail("shared memory", lambda row: format_bytes(row.shm_size)),
        *usage_columns(context),
        *machine_columns(context),
        fields.figure(
            "disk",
            lambda row: row.disk_size,
            format_bytes,
            shown=False,
            detail=lambda row: "" if row.machine is not None else format_bytes(row.disk_size),
        ),
        fields.detail("disk beyond price", lambda row: format_bytes(row.paid_disk)),
        fields.region(priority=7),
        fields.phase(),
        fields.detail("networks", lambda row: ", ".join(row.networks)),
        fields.detail("container", lambda row: row.container_id or ""),
        fields.detail("other names", lambda row: ", ".join(row.aliases)),
        fields.name_like(
            "deployment",
            deployment,
            search=name_and_id,
            shown=False,
            max_width=24,
            middle=True,
            detail=lambda row: "" if row.parent is None or _is_on_machine(row) else str(row.parent),
        ),
        fields.hidden("spot", lambda row: fields.yes_no(row.spot), label="", detail=_spot),
        fields.text("version", lambda row: row.version, shown=False),
        fields.time("created", context, lambda row: row.created_at),
        fields.time("started", context, lambda row: row.started_at),
        fields.time("stopped", context, lambda row: row.stopped_at),
        fields.time("updated", context, lambda row: row.updated_at),
        fields.detail("processes", lambda row: "\n".join(map(process_text, context.processes(row))), "Processes"),
    ]


def _is_on_machine(row: Instance) -> bool:
    """Return whether its parent is the machine through which it is entered, not a deployment."""
    return row.ssh is not None and row.ssh.host_row == row.parent


def _ssh(row: Instance) -> str:
    if row.ssh is None:
        return "port 22 is not mapped" if row.parent is None else "no address now"
    if row.ssh.enter:
        return f"{row.ssh.enter[0]} exec -it {row.ssh.enter[-1][:12]} sh   on {row.host or 'the host'}"
    if row.ssh.alias and row.ssh.alias == row.ssh.host:
        return f"ssh {row.ssh.alias}"
    user = f"{row.ssh.user}@" if row.ssh.user else ""
    created = "" if user or row.machine is not None else "   as the user it was created with"
    return f"ssh -p {row.ssh.port} {user}{row.ssh.host}{created}"


def _spot(row: Instance) -> str:
    return "yes: it can be reclaimed at any time" if row.spot else fields.yes_no(row.spot)


def process_text(process: GpuProcess) -> str:
    """Return the line of a process in the description of its instance."""
    gpu = "?" if process.gpu_index is None else process.gpu_index
    if process.processes is None:
        return f"GPU {gpu}  processes unknown: {process.problem or ''}"
    return (
        f"GPU {gpu}  {process.pid or '?':>8}  {process.user or '?':<8}"
        f"  {format_bytes(process.gpu_memory_used) or '?':>7}  {format_duration(process.uptime):>9}"
        f"  {process.command}"
    )


LISTS: Lists = {
    Resource.INSTANCES: (
        instance_columns,
        "name account kind state gpu memory ports price lease release age region host image",
    ),
}
