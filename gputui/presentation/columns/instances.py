"""The columns of instances."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.formatting import format_bytes, format_elapsed
from gputui.models import Instance
from gputui.presentation.actions import gpu_text, name_of, ports_text
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.shared import (
    account_column,
    age_column,
    hidden,
    hidden_state_columns,
    name_column,
    price_column,
    region_column,
    state_cell,
    state_column,
    text_of,
    time_column,
)

_STATE_RESERVE = 22
"""Cells of a state in transition with the time in it: ``◐ shutting_down  0:41``."""


def instance_columns(context: Context) -> Sequence[Column[Instance]]:
    """Return the columns; the state shows what is under way, the GPU memory what the processes hold."""

    def state(row: Instance) -> Cell:
        shown = state_cell(row, context)
        if row.problem or context.pending(row.ref) is not None or (since := context.in_state_since(row)) is None:
            return shown
        elapsed = format_elapsed((context.now() - since).total_seconds())
        return [shown, (f"  {elapsed}", "muted")]  # type: ignore[list-item]  # a state is one span

    def memory_used(row: Instance) -> int | None:
        known = [used for each in context.processes(row) if (used := each.gpu_memory_used) is not None]
        return sum(known) if known else None

    def gpu_memory(row: Instance) -> Cell:
        used = format_bytes(memory_used(row))
        if all(process.gpu_memory_used is not None for process in context.processes(row)):
            return used
        return [(f"{used}+" if used else "", ""), ("?", "muted")]

    def deployment(row: Instance) -> str:
        if row.parent is None:
            return ""
        parent = context.get(row.parent)
        return f"{name_of(parent)} {row.parent.id}" if parent is not None else row.parent.id

    return [
        name_column(least=18),
        account_column(context, 0),
        Column("kind", "KIND", lambda row: row.ref.kind, lambda row: row.ref.kind, priority=9),
        state_column(context, state, width=13, reserve=_STATE_RESERVE),
        Column(
            "gpu",
            "GPUS",
            gpu_text,
            lambda row: natural_key(gpu_text(row)),
            width=4,
            max_width=18,
            number=context.gpu_count,
        ),
        Column(
            "gpumem",
            "GPU MEM",
            gpu_memory,
            memory_used,
            number=memory_used,
            width=7,
            right=True,
            priority=1,
            when_filled=True,
        ),
        price_column(context, 1),
        Column(
            "image",
            "IMAGE",
            lambda row: row.image or "",
            lambda row: row.image or "",
            width=14,
            max_width=36,
            flex=True,
            priority=4,
        ),
        Column("ports", "PORTS", ports_text, ports_text, max_width=24, priority=6, when_filled=True),
        Column(
            "cpu",
            "CPU",
            lambda row: text_of(row.cpu_count),
            lambda row: row.cpu_count,
            right=True,
            priority=7,
            when_filled=True,
        ),
        Column(
            "memory",
            "MEM LIMIT",
            lambda row: format_bytes(row.memory_limit),
            lambda row: row.memory_limit,
            number=lambda row: row.memory_limit,
            right=True,
            priority=7,
            when_filled=True,
        ),
        age_column(context, 5, context.created_at),
        region_column(),
        Column(
            "host",
            "HOST",
            lambda row: row.host or "",
            lambda row: natural_key(row.host or ""),
            priority=8,
            max_width=24,
            middle=True,
        ),
        *hidden_state_columns(),
        Column("deployment", "DEPLOYMENT", deployment, deployment, shown=False),
        hidden("spot", lambda row: "" if row.spot is None else "yes" if row.spot else "no"),
        Column(
            "disk",
            "DISK",
            lambda row: format_bytes(row.disk_size),
            lambda row: row.disk_size,
            shown=False,
            number=lambda row: row.disk_size,
        ),
        Column("version", "VERSION", lambda row: row.version, lambda row: row.version, shown=False),
        hidden("services", lambda row: " ".join(one.url for one in row.services)),
        time_column("created", context, lambda row: row.created_at),
        time_column("started", context, lambda row: row.started_at),
        time_column("stopped", context, lambda row: row.stopped_at),
        time_column("updated", context, lambda row: row.updated_at),
    ]
