"""The columns of each kind of row, for tables and for CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from gputui.cli.output import format_table, say
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
from gputui.presentation.columns.lists import table_columns

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


def columns_of(resource: Resource) -> Sequence[Column]:
    """Return the columns of a table of this kind of row: those of the screen that are listed here."""
    return [Column(one.title, one.plain_cell, right=one.right) for one in table_columns(resource)]


def table_of(resource: Resource, rows: Sequence[Row], *, width: int | None) -> str:
    """Lay out rows of one kind as a table; columns in which every cell is empty are left out."""
    return table_with(columns_of(resource), rows, width=width)


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
