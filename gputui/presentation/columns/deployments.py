"""The columns of deployments."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.formatting import format_bytes
from gputui.models import Deployment, Phase
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.shared import (
    account_column,
    age_column,
    amount,
    hidden,
    name_column,
    price_column,
    state_cell,
    state_column,
    text_of,
)
from gputui.presentation.deployments import (
    Shape,
    counts_text,
    cuda_range,
    gpus_text,
    is_settled,
    price_range,
    progress,
    range_text,
    shape,
)
from gputui.presentation.glyphs import bar
from gputui.presentation.prices import price_key

_BAR = 4


def deployment_columns(context: Context) -> Sequence[Column[Deployment]]:
    """Return the columns; the state shows what is under way."""
    return [
        name_column(),
        account_column(context, 1),
        Column("type", "TYPE", lambda row: row.type, lambda row: row.type, priority=3, max_width=12),
        state_column(context, lambda row: state_cell(row, context, unread=False), width=9, max_width=16),
        Column(
            "counts",
            "INSTANCES",
            _counts,
            _share,
            width=14,
            max_width=22,
            search=counts_text,
            number=_have,
            plain=counts_text,
        ),
        Column(
            "gpu",
            "GPU",
            lambda row: gpus_text(row, most=1),
            lambda row: (row.gpu_models, row.gpu_count or 0) if gpus_text(row) else None,
            width=8,
            max_width=22,
            search=gpus_text,
            number=lambda row: row.gpu_count,
            plain=gpus_text,
        ),
        price_column(context, 2),
        Column(
            "limit",
            "LIMIT/H",
            lambda row: price_range(row.price_from, row.price_to),
            lambda row: price_key(row.price_to),
            number=lambda row: amount(row.price_to),
            right=True,
            priority=5,
            when_filled=True,
        ),
        age_column(context, 4),
        Column(
            "regions",
            "REGIONS",
            lambda row: ", ".join(row.regions),
            lambda row: row.regions or None,
            priority=6,
            max_width=24,
            when_filled=True,
        ),
        Column("cuda", "CUDA", cuda_range, lambda row: row.cuda_from, priority=7, when_filled=True),
        Column(
            "image",
            "IMAGE",
            lambda row: row.image or "",
            lambda row: row.image or "",
            width=12,
            max_width=32,
            flex=True,
            priority=8,
            when_filled=True,
        ),
        hidden("phase", lambda row: row.phase.value),
        hidden("uuid", lambda row: row.ref.id, "ID"),
        hidden("cpu", lambda row: range_text(str(row.cpu_from or ""), str(row.cpu_to or ""))),
        hidden("memory", lambda row: range_text(format_bytes(row.memory_from), format_bytes(row.memory_to))),
        hidden("command", lambda row: row.command),
        hidden("reuse", lambda row: "" if row.reuse is None else f"{'yes' if row.reuse else 'no'} {row.reuse_scope}"),
        hidden("port", lambda row: " ".join(f"{port}/{protocol}" for port, protocol in row.ports)),
        hidden("owner", lambda row: row.owner),
        hidden("webhook", lambda row: row.webhook),
        hidden("desired", lambda row: text_of(row.desired)),
    ]


def _counts(row: Deployment) -> Cell:
    got = progress(row)
    drawn = bar(got[0] / got[1], _BAR) if got else " " * _BAR
    style = "good" if is_settled(row) else "warning"
    if row.phase is Phase.STOPPED:
        style = "muted"
    # A bar of one cell's worth says nothing that the number does not.
    if shape(row) is Shape.SINGLE:
        drawn = " " * _BAR
    return ((drawn, style), (f" {counts_text(row)}", ""))


def _share(row: Deployment) -> float | None:
    got = progress(row)
    return None if got is None else got[0] / got[1]


def _have(row: Deployment) -> float | None:
    """Return the number of instances that run, or of a job have finished."""
    return row.finished if shape(row) is Shape.JOB else row.running
