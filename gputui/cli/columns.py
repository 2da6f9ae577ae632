"""The columns of each kind of row, for tables and for CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from gputui.cli.output import format_table, say
from gputui.formatting import format_age, format_bytes, format_duration, format_minutes, format_money
from gputui.models import (
    Balance,
    Block,
    Deployment,
    Event,
    GpuDevice,
    GpuProcess,
    HostInfo,
    Image,
    Instance,
    Offer,
    Package,
    RegistryCredential,
    Resource,
    Row,
    Task,
    TaskQueue,
    Volume,
)
from gputui.presentation.actions import gpu_text, ports_text, state_words
from gputui.presentation.deployments import counts_text, gpus_text, price_range
from gputui.presentation.prices import figure_name, price_text
from gputui.presentation.storage import registry_text, size_text, storage_text
from gputui.presentation.tasks import delivery_text, took_text

KINDS: tuple[Resource, ...] = (
    Resource.STOCK,
    Resource.DEPLOYMENTS,
    Resource.INSTANCES,
    Resource.EVENTS,
    Resource.GPUS,
    Resource.PROCESSES,
    Resource.HOSTS,
    Resource.BLACKLIST,
    Resource.IMAGES,
    Resource.PACKAGES,
    Resource.BALANCES,
    Resource.VOLUMES,
    Resource.CREDENTIALS,
    Resource.TASKS,
    Resource.QUEUES,
)
"""What ``gputui get`` can list."""

COST = "cost"
"""What it can sum up beside that."""

MODELS: dict[Resource, type[Any]] = {
    Resource.INSTANCES: Instance,
    Resource.GPUS: GpuDevice,
    Resource.PROCESSES: GpuProcess,
    Resource.HOSTS: HostInfo,
    Resource.EVENTS: Event,
    Resource.IMAGES: Image,
    Resource.STOCK: Offer,
    Resource.DEPLOYMENTS: Deployment,
    Resource.BLACKLIST: Block,
    Resource.PACKAGES: Package,
    Resource.BALANCES: Balance,
    Resource.VOLUMES: Volume,
    Resource.CREDENTIALS: RegistryCredential,
    Resource.TASKS: Task,
    Resource.QUEUES: TaskQueue,
}

_NOT_PRINTED = frozenset({"raw", "series"})
_ADDED = {Resource.BALANCES: ("runs_out", "runs_out_is")}
"""Keys that a command adds to those of the model."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, and the text of a row's cell."""

    heading: str
    cell: Callable[[Any], str]
    right: bool = False

    def text(self, row: object) -> str:
        """Return the text of a row's cell, ``?`` with a line on stderr where that fails: the others are printed."""
        try:
            return self.cell(row)
        except Exception as error:  # noqa: BLE001  (one bad cell must not take the others)
            from gputui.redaction import describe_fault

            about = getattr(row, "ref", type(row).__name__)
            say(f"gputui: {about}: {self.heading} cannot be shown ({describe_fault(error)}). Please report this.")
            return "?"


def _text(value: object) -> str:
    return "" if value is None else str(value)


def state_text(row: Instance | Deployment | Volume) -> str:
    """Write the phase of a thing, with the vendor's own word beside it where that says more."""
    return state_words(row)


def _age(row: Instance) -> str:
    return format_age(row.created_at or row.started_at, datetime.now(UTC))


def time_left(row: Block) -> str:
    """Write how long a host is still kept out, in whole minutes."""
    if row.until is None:
        return ""
    minutes = int((row.until - datetime.now(UTC)).total_seconds()) // 60
    return format_minutes(minutes) if minutes >= 0 else "over"


def hours_text(seconds: int | None) -> str:
    """Write GPU time as it is sold: ``120.5 h``; '' when unknown."""
    if seconds is None:
        return ""
    return f"{seconds / 3600:.1f} h" if abs(seconds) < 2**63 else "?"


def _figure(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.0f} {unit}"


def _sampled(name: str, unit: str) -> Callable[[GpuDevice], str]:
    """Return the cell that shows a figure of a GPU's newest reading."""
    return lambda row: "" if row.sample is None else _figure(getattr(row.sample, name), unit)


def _memory(used: int | None, total: int | None) -> str:
    if total is None:
        return format_bytes(used)
    return f"{format_bytes(used) or '?'}/{format_bytes(total)}"


def _gpu_memory(row: GpuDevice) -> str:
    return _memory(row.memory_used, row.memory_total) + (" shared" if row.memory_shared else "")


def _stamp(at: datetime | None) -> str:
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _idle(row: Offer) -> str:
    if row.idle is None and row.available is not None:
        return "yes" if row.available else "no"
    return _text(row.idle)


_TABLES: dict[Resource, tuple[Column, ...]] = {
    Resource.INSTANCES: (
        Column("NAME", lambda row: row.name),
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("KIND", lambda row: row.ref.kind),
        Column("STATE", state_text),
        Column("GPU", gpu_text),
        Column("MEMORY", lambda row: format_bytes(row.memory_limit), right=True),
        Column("PORTS", ports_text),
        Column("PRICE/H", price_text, right=True),
        Column("AGE", _age, right=True),
        Column("REGION", lambda row: _text(row.region)),
        Column("HOST", lambda row: _text(row.host)),
        Column("IMAGE", lambda row: _text(row.image)),
    ),
    Resource.GPUS: (
        Column("HOST", lambda row: row.host),
        Column("GPU", lambda row: str(row.index), right=True),
        Column("MODEL", lambda row: f"{_text(row.model)} {row.mig}".strip()),
        Column("UTIL", _sampled("utilization", "%"), right=True),
        Column("GPU MEM", _gpu_memory, right=True),
        Column("POWER", _sampled("power", "W"), right=True),
        Column("TEMP", _sampled("temperature", "°C"), right=True),
        Column("FAN", _sampled("fan", "%"), right=True),
        Column("PROCESSES", lambda row: "?" if row.process_count is None else str(row.process_count), right=True),
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("INSTANCES", lambda row: " ".join(row.instances)),
    ),
    Resource.PROCESSES: (
        Column("PID", lambda row: "?" if row.pid is None else str(row.pid), right=True),
        Column("INSTANCE", lambda row: row.instance_name or ("?" if row.pid is None else "(host)")),
        Column("HOST", lambda row: row.host),
        Column("GPU", lambda row: "?" if row.gpu_index is None else str(row.gpu_index), right=True),
        Column("GPU MEM", lambda row: format_bytes(row.gpu_memory_used), right=True),
        Column("MEM", lambda row: format_bytes(row.memory_used), right=True),
        Column("UPTIME", lambda row: format_duration(row.uptime), right=True),
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("COMMAND", lambda row: "processes unknown" if row.processes is None else row.command),
    ),
    Resource.HOSTS: (
        Column("HOST", lambda row: row.name),
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("GPUS", lambda row: _text(row.gpu_count), right=True),
        Column("CPUS", lambda row: _text(row.cpu_count), right=True),
        Column("MEMORY FREE", lambda row: format_bytes(row.memory_available), right=True),
        Column("MEMORY", lambda row: format_bytes(row.memory_total), right=True),
        Column("CLOCK AHEAD", lambda row: _figure(row.clock_ahead, "s"), right=True),
    ),
    Resource.EVENTS: (
        Column("TIME", lambda row: _stamp(row.at)),
        Column("ACCOUNT", lambda row: row.instance.account),
        Column("INSTANCE", lambda row: row.name),
        Column("BEFORE", lambda row: row.before or "-"),
        Column("STATUS", lambda row: row.status),
        Column("AFTER", lambda row: format_duration(row.after_seconds), right=True),
        Column("SOURCE", lambda row: row.source.value),
    ),
    Resource.IMAGES: (
        Column("NAME", lambda row: row.name),
        Column("TAG", lambda row: _text(row.tag)),
        Column("SIZE", lambda row: format_bytes(row.size), right=True),
        Column("CREATED", lambda row: _stamp(row.created_at)),
        Column("OWN", lambda row: "yes" if row.own else ""),
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("ID", lambda row: "" if row.ref.id in (row.name, row.reference) else row.ref.id),
        Column("DESCRIPTION", lambda row: row.description),
    ),
    Resource.STOCK: (
        Column("GPU", lambda row: row.gpu_model),
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("REGION", lambda row: row.region),
        Column("IDLE", _idle, right=True),
        Column("TOTAL", lambda row: _text(row.total), right=True),
        Column("VRAM", lambda row: format_bytes(row.gpu_memory), right=True),
        Column("PRICE/H", lambda row: price_range(row.price_from, row.price_to), right=True),
    ),
    Resource.DEPLOYMENTS: (
        Column("NAME", lambda row: row.name),
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("TYPE", lambda row: row.type),
        Column("STATE", state_text),
        Column("RUNNING", counts_text),
        Column("GPU", gpus_text),
        Column("PRICE/H", price_text, right=True),
        Column("LIMIT/H", lambda row: price_range(row.price_from, row.price_to), right=True),
        Column("AGE", lambda row: format_age(row.created_at, datetime.now(UTC)), right=True),
        Column("REGIONS", lambda row: " ".join(row.regions)),
        Column("IMAGE", lambda row: _text(row.image)),
        Column("ID", lambda row: row.ref.id),
    ),
    Resource.BLACKLIST: (
        Column("HOST", lambda row: row.host),
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("REGION", lambda row: row.region),
        Column("LEFT", time_left, right=True),
        Column("UNTIL", lambda row: _stamp(row.until)),
        Column("SINCE", lambda row: _stamp(row.created_at)),
        Column("COMMENT", lambda row: row.comment),
    ),
    Resource.PACKAGES: (
        Column("GPU", lambda row: row.gpu_model),
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("LEFT", lambda row: hours_text(row.balance), right=True),
        Column("TOTAL", lambda row: hours_text(row.total), right=True),
        Column("REGIONS", lambda row: " ".join(row.regions)),
    ),
    Resource.BALANCES: (
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("AVAILABLE", lambda row: format_money(row.available), right=True),
        Column("OTHER FIGURES", lambda row: ", ".join(f"{figure_name(name)} {figure}" for name, figure in row.parts)),
    ),
    Resource.VOLUMES: (
        Column("NAME", lambda row: row.name),
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("TYPE", storage_text),
        Column("STATE", state_text),
        Column("SIZE", size_text, right=True),
        Column("REGION", lambda row: row.region),
        Column("MOUNTS", lambda row: _text(row.mounts), right=True),
        Column("PRICE/H", price_text, right=True),
        Column("AGE", lambda row: format_age(row.created_at, datetime.now(UTC)), right=True),
        Column("ID", lambda row: row.ref.id),
    ),
    Resource.CREDENTIALS: (
        Column("NAME", lambda row: row.name),
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("REGISTRY", registry_text),
        Column("CREATED", lambda row: _stamp(row.created_at)),
        Column("ID", lambda row: row.ref.id),
    ),
    Resource.TASKS: (
        Column("TASK", lambda row: row.name),
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("QUEUE", lambda row: row.queue_name or row.queue.id),
        Column("STATUS", lambda row: row.status),
        Column("DELIVERY", delivery_text),
        Column("CREATED", lambda row: _stamp(row.created_at)),
        Column("TOOK", took_text, right=True),
        Column("WORKER", lambda row: row.worker_url),
        Column("ERROR", lambda row: " ".join(row.error.split())),
    ),
    Resource.QUEUES: (
        Column("QUEUE", lambda row: row.name),
        Column("ACCOUNT", lambda row: row.ref.account),
        Column("PROCESSING", lambda row: _text(row.processing), right=True),
        Column("TASKS", lambda row: _text(row.total), right=True),
        Column("READ", lambda row: _text(row.read), right=True),
        Column("OF", lambda row: str(row.deployment)),
    ),
}


def columns_of(resource: Resource) -> tuple[Column, ...]:
    """Return the columns of a table of this kind of row."""
    return _TABLES[resource]


def table_of(resource: Resource, rows: Sequence[Row], *, width: int | None) -> str:
    """Lay out rows of one kind as a table; columns in which every cell is empty are left out."""
    return table_with(_TABLES[resource], rows, width=width)


def table_with(columns: Sequence[Column], rows: Sequence[Any], *, width: int | None) -> str:
    """Lay out anything with the given columns, leaving out those in which every cell is empty."""
    cells = [[column.text(row) for row in rows] for column in columns]
    kept = [index for index in range(len(columns)) if not rows or any(cells[index])]
    return format_table(
        [columns[index].heading for index in kept],
        zip(*(cells[index] for index in kept), strict=True),
        right=frozenset(place for place, index in enumerate(kept) if columns[index].right),
        width=width,
    )


def csv_columns(resource: Resource) -> tuple[str, ...]:
    """Return the columns of CSV: the keys that the JSON of this kind of row has."""
    names = tuple(entry.name for entry in fields(MODELS[resource]) if entry.name not in _NOT_PRINTED)
    return names + _ADDED.get(resource, ())
