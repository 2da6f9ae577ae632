"""The fields of what an instance uses, and of what happens to it by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from gputui.formatting import format_bytes, format_duration
from gputui.models import Instance
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column, plain_text
from gputui.presentation.columns.context import Context

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
        _until("release", "RELEASED IN", lambda row: row.release_at, context),
        _until("shutdown", "STOPS IN", lambda row: row.shutdown_at, context),
    ]


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

    return fields.figure(key, seconds, heading=heading, cell=cell, priority=2, when_filled=True, detail=described)
