"""The fields of what an instance uses, and of what happens to it by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from gputui.analytics.gpu_use import GpuUse, gpu_use
from gputui.formatting import format_bytes, format_duration
from gputui.models import Instance, Phase
from gputui.presentation.actions import NO_GPUS, gpu_text
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column, plain_text
from gputui.presentation.columns.context import Context
from gputui.presentation.heat import load_bar

_BAR = 4
"""Cells of the bar of a load."""
_SOON = 3 * 86400.0
"""Within so many seconds an instance that is off is highlighted before its vendor releases it."""


def usage_columns(context: Context) -> Sequence[Column[Instance]]:
    """Return the fields, as far as a back end measures or reports them."""
    return [
        fields.detail("image received", lambda row: "" if row.progress is None else f"{row.progress:.0%}"),
        fields.figure(
            "cpuload",
            lambda row: row.usage and row.usage.cpu,
            lambda load: "" if load is None else f"{load:.0f}%",
            heading="CPU%",
            priority=6,
            when_filled=True,
            label="cpu load",
        ),
        fields.figure(
            "memused",
            lambda row: row.usage and row.usage.memory,
            format_bytes,
            heading="MEM",
            priority=6,
            when_filled=True,
            label="memory in use",
            detail=lambda row: (row.usage and fields.share(row.usage.memory, row.memory_limit)) or "",
        ),
        fields.detail("system disk", lambda row: (row.usage and fields.share(row.usage.disk, row.disk_size)) or ""),
        fields.detail(
            "data disk",
            lambda row: (row.usage and fields.share(row.usage.data_disk, row.usage.data_disk_size)) or "",
        ),
    ]


def deadline_columns(context: Context) -> Sequence[Column[Instance]]:
    """Return the fields of what happens to an instance by itself."""
    return [
        _until("release", "RELEASED IN", lambda row: row.release_at, context),
        _until("shutdown", "STOPS IN", lambda row: row.shutdown_at, context),
    ]


def gpu_use_columns(context: Context) -> Sequence[Column[Instance]]:
    """Return the fields of its GPUs' load and memory, by their readings and the processes on them."""

    def use(row: Instance) -> GpuUse:
        # Of a whole host all GPUs that are listed count: how many it has would have to be looked up.
        count = None if row.gpu_all else context.gpu_count(row)
        return gpu_use(row, context.gpus(row), context.processes(row), count)

    def load(row: Instance) -> Cell:
        found = use(row)
        if found.utilization is None:
            return ""
        drawn = load_bar(found.utilization / 100, _BAR)
        return [drawn, (f" {found.utilization:3.0f} %", ""), ("?" if found.lacks_load else " ", "muted")]

    def load_text(row: Instance) -> str:
        found = use(row)
        doubt = "?" if found.lacks_load else ""
        return "" if found.utilization is None else f"{found.utilization:.0f} %{doubt}"

    def memory(row: Instance) -> Cell:
        found = use(row)
        if found.memory_used is None:
            return ("?", "muted") if found.lacks_memory else ""
        if found.lacks_memory:
            return [(f"{format_bytes(found.memory_used)}+", ""), ("?", "muted")]
        if not found.memory_total:
            return format_bytes(found.memory_used)
        return f"{_gibibytes(found.memory_used)}/{_gibibytes(found.memory_total)}G"

    def memory_in_words(row: Instance) -> str:
        found = use(row)
        return plain_text(memory(row)) if found.lacks_memory else fields.share(found.memory_used, found.memory_total)

    return [
        fields.figure(
            "util",
            lambda row: use(row).utilization,
            cell=load,
            plain=load_text,
            width=_BAR + 7,
            bar=_BAR + 1,
            priority=1,
            when_filled=True,
            applies=uses_gpus,
            label="gpu utilisation",
        ),
        fields.figure(
            "gpumem",
            lambda row: use(row).memory_used,
            heading="GPU MEM",
            cell=memory,
            width=7,
            priority=1,
            when_filled=True,
            applies=uses_gpus,
            label="gpu memory used",
            detail=memory_in_words,
        ),
    ]


def uses_gpus(row: Instance) -> bool:
    """Return whether it uses GPUs now, as far as is known: their load and memory are figures then."""
    return row.phase in (Phase.RUNNING, Phase.UNKNOWN) and gpu_text(row) != NO_GPUS


def _gibibytes(size: int) -> str:
    """Write a size in GiB without its unit: ``0.4``, ``24``."""
    written = size / 2**30
    return f"{written:.0f}" if written >= 9.95 or written == int(written) else f"{written:.1f}"


def _until(key: str, heading: str, at: Callable[[Instance], datetime | None], context: Context) -> Column[Instance]:
    """Return the column of the time left until something happens by itself."""

    def seconds(row: Instance) -> float | None:
        return None if (end := at(row)) is None else (end - context.now()).total_seconds()

    def cell(row: Instance) -> Cell:
        left = seconds(row)
        return (format_duration(left), "warning" if left is not None and left < _SOON else "")

    def described(row: Instance) -> str:
        if (end := at(row)) is None:
            return ""
        return f"{fields.stamp(end, utc=context.utc)}   in {plain_text(cell(row))}"

    # Few rows have such a time: the names of all come before it.
    return fields.figure(key, seconds, heading=heading, cell=cell, priority=6, when_filled=True, detail=described)
