"""The fields of deployments."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.analytics.prices import price_key
from gputui.formatting import format_bytes, format_money
from gputui.models import Deployment, Phase, Resource
from gputui.presentation.actions import state_word
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context, Lists
from gputui.presentation.columns.leases import lease_column
from gputui.presentation.deployments import (
    Shape,
    counts_sentence,
    counts_text,
    cuda_range,
    gpus_text,
    is_settled,
    most_per_hour,
    price_range,
    progress,
    range_text,
    shape,
)
from gputui.presentation.glyphs import bar
from gputui.presentation.prices import UNKNOWN

_BAR = 4
_GPUS_LEAST = 16
"""Cells of GPUs: ``2 × RTX PRO 6000``."""
_PRICE, _TEMPLATE, _TIMES = "Price", "Template", "Times"


def deployment_columns(context: Context) -> Sequence[Column[Deployment]]:
    """Return the fields; the state shows what is under way."""
    return [
        fields.name(),
        fields.account(context, 1),
        fields.text("type", lambda row: row.type, priority=3, max_width=12, brief=lambda row: row.type),
        fields.state(
            context, lambda row: fields.state_cell(row, context, unread=False), width=9, max_width=16, brief=None
        ),
        Column(
            "counts",
            _counts,
            _share,
            heading="INSTANCES",
            width=14,
            max_width=22,
            bar=_BAR + 1,
            search=counts_text,
            number=lambda row: row.finished if shape(row) is Shape.JOB else row.running,
            plain=counts_text,
            detail=counts_sentence,
            brief=lambda row: f"{state_word(row)} {counts_text(row)}".rstrip(),
        ),
        Column(
            "gpu",
            lambda row: gpus_text(row, most=1) or (UNKNOWN, "muted"),
            lambda row: (row.gpu_models, row.gpu_count or 0) if gpus_text(row) else None,
            width=8,
            least=_GPUS_LEAST,
            max_width=22,
            flex=True,
            search=gpus_text,
            number=lambda row: row.gpu_count,
            plain=lambda row: gpus_text(row) or UNKNOWN,
            detail=gpus_text,
            label="gpus",
            group=_TEMPLATE,
            brief=gpus_text,
        ),
        fields.price(context, 2, group=_PRICE, brief=None),
        Column(
            "limit",
            lambda row: price_range(row.price_from, row.price_to),
            lambda row: price_key(row.price_to),
            heading="LIMIT/H",
            number=lambda row: fields.amount(row.price_to),
            right=True,
            priority=5,
            when_filled=True,
            label="price limit",
            detail=lambda row: _hourly(price_range(row.price_from, row.price_to)),
            group=_PRICE,
            brief=lambda row: f"{price_range(row.price_from, row.price_to)}/h" if row.price_to else "",
        ),
        fields.detail("estimate", lambda row: _hourly(_estimate(row)), _PRICE),
        fields.detail("at most", lambda row: _hourly(format_money(most_per_hour(row))), _PRICE),
        lease_column(context, priority=3),
        fields.age(context, 4),
        fields.text(
            "regions",
            lambda row: ", ".join(row.regions),
            priority=6,
            max_width=24,
            when_filled=True,
            group=_TEMPLATE,
        ),
        Column("cuda", cuda_range, lambda row: row.cuda_from, priority=7, when_filled=True, group=_TEMPLATE),
        fields.hidden(
            "cpu",
            lambda row: range_text(fields.text_of(row.cpu_from), fields.text_of(row.cpu_to)),
            label="cpus",
            group=_TEMPLATE,
        ),
        fields.hidden(
            "memory",
            lambda row: range_text(format_bytes(row.memory_from), format_bytes(row.memory_to)),
            label="",
            group=_TEMPLATE,
        ),
        fields.text(
            "image",
            lambda row: row.image or "",
            width=12,
            max_width=32,
            flex=True,
            priority=8,
            when_filled=True,
            group=_TEMPLATE,
        ),
        fields.hidden("port", _ports, label="ports", group=_TEMPLATE),
        fields.hidden(
            "reuse",
            lambda row: f"{fields.yes_no(row.reuse)} {row.reuse_scope}".strip(),
            label="reuse stopped",
            detail=lambda row: ", ".join(filter(None, (fields.yes_no(row.reuse), row.reuse_scope))),
            group=_TEMPLATE,
        ),
        fields.hidden("command", lambda row: row.command, label="", group=_TEMPLATE),
        fields.detail("pre-stop command", lambda row: row.shutdown_command, _TEMPLATE),
        fields.phase(),
        fields.problem(),
        fields.hidden("uuid", lambda row: row.ref.id, heading="ID"),
        fields.hidden("owner", lambda row: row.owner, label=""),
        fields.hidden("webhook", lambda row: row.webhook, label=""),
        fields.hidden("desired", lambda row: fields.text_of(row.desired)),
        fields.detail("addresses", lambda row: fields.addresses(row.services)),
        fields.time_detail("created", context, lambda row: row.created_at, _TIMES),
        fields.time_detail("updated", context, lambda row: row.updated_at, _TIMES),
        fields.time_detail("stopped", context, lambda row: row.stopped_at, _TIMES),
    ]


def _ports(row: Deployment) -> str:
    return " ".join(f"{port}/{protocol}" for port, protocol in row.ports)


def _estimate(row: Deployment) -> str:
    """Write the estimate of the server; one of zero only says that nothing runs."""
    return format_money(row.price_estimate) if row.price_estimate is not None and row.price_estimate.amount else ""


def _hourly(text: str) -> str:
    return f"{text}/h" if text else ""


def _counts(row: Deployment) -> Cell:
    got = progress(row)
    drawn = bar(got[0] / got[1], _BAR) if got else " " * _BAR
    style = "good" if is_settled(row) else "warning"
    if row.phase is Phase.STOPPED:
        style = "muted"
    # A bar of one cell shows no more than the number does.
    if shape(row) is Shape.SINGLE:
        drawn = " " * _BAR
    return ((drawn, style), (f" {counts_text(row)}", ""))


def _share(row: Deployment) -> float | None:
    got = progress(row)
    return None if got is None else got[0] / got[1]


LISTS: Lists = {
    Resource.DEPLOYMENTS: (
        deployment_columns,
        "name account type state counts gpu price lease limit age regions image uuid",
    ),
}
