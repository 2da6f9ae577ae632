"""The fields of tasks and of their queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gputui.formatting import format_age, format_duration, status_text
from gputui.models import Phase, Resource, Task, TaskQueue
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context, Lists
from gputui.presentation.glyphs import PHASE_GLYPHS, PHASE_STYLES
from gputui.presentation.tasks import delivery_failed, delivery_text, indented, takes_long, took

DOCUMENTS = ("error", "output", "input", "headers")
"""The texts of a task that can be long, most of them JSON."""

# A task that stopped is done, unlike an instance.
_GLYPHS = {**PHASE_GLYPHS, Phase.STOPPED: "✓"}
_STYLES = {**PHASE_STYLES, Phase.STOPPED: "good", Phase.RUNNING: "accent"}


def task_columns(context: Context) -> Sequence[Column[Task]]:
    """Return the fields; on a narrow screen the task, its state, and since when."""

    def age(row: Task) -> Cell:
        text = format_age(row.created_at, context.now())
        return (text, "warning") if takes_long(row) else text

    def status(row: Task) -> Cell:
        return (f"{_GLYPHS[row.phase]} {status_text(row.status)}", _STYLES[row.phase])

    return [
        Column(
            "task",
            lambda row: row.name,
            lambda row: row.name,
            width=12,
            flex=True,
            max_width=40,
            middle=True,
            search=lambda row: f"{row.name} {row.ref.id}",
            detail=lambda row: (row.name, "strong"),
        ),
        fields.account(context, 3),
        fields.text("queue", lambda row: row.queue_name or row.queue.id, priority=2, max_width=24, middle=True),
        Column(
            "status",
            status,
            lambda row: (fields.PHASE_ORDER[row.phase], status_text(row.status)),
            width=12,
            max_width=16,
            search=lambda row: f"{row.phase} {row.status}",
            plain=lambda row: status_text(row.status),
            detail=status,
        ),
        Column(
            "delivery",
            _delivery,
            lambda row: (not delivery_failed(row), text) if (text := delivery_text(row)) else None,
            width=9,
            max_width=22,
            search=lambda row: f"{delivery_text(row)} {row.delivery}",
            plain=delivery_text,
            detail=lambda row: (
                _delivery(row) if row.webhook else (delivery_text(row) or "no webhook to deliver to", "muted")
            ),
        ),
        replace(fields.age(context, 0), cell=age, when_filled=False),
        fields.time("created", context, lambda row: row.created_at),
        fields.time_detail("updated", context, lambda row: row.updated_at),
        fields.time_detail("delivered", context, lambda row: row.delivered_at),
        fields.figure("took", took, format_duration, priority=4, width=6),
        Column(
            "error",
            lambda row: (_error(row), "bad"),
            _error,
            width=12,
            flex=True,
            priority=5,
            max_width=70,
            when_filled=True,
            detail=_document("error"),
            group="Error",
        ),
        fields.text(
            "worker",
            lambda row: row.worker_url.partition("://")[2] or row.worker_url,
            priority=6,
            max_width=32,
            when_filled=True,
            middle=True,
            plain=lambda row: row.worker_url,
        ),
        fields.text("webhook", lambda row: row.webhook, shown=False),
        fields.detail("problem", lambda row: (row.problem or "", "bad")),
        *(fields.detail(name, _document(name), name.capitalize()) for name in DOCUMENTS[1:]),
    ]


def _document(name: str) -> Callable[[Task], str]:
    return lambda row: indented(getattr(row, name))


def _delivery(row: Task) -> Cell:
    return (f"✗ {delivery_text(row)}", "bad") if delivery_failed(row) else (delivery_text(row), "muted")


def _error(row: Task) -> str:
    return " ".join((row.problem or row.error).split())


def queue_columns(context: Context) -> Sequence[Column[TaskQueue]]:
    """Return the fields of queues."""
    return [
        Column("queue", lambda row: row.name),
        fields.account(context),
        fields.figure("processing", lambda row: row.processing, applies=fields.always),
        fields.figure("tasks", lambda row: row.total, applies=fields.always),
        fields.figure("read", lambda row: row.read),
        Column("of", lambda row: str(row.deployment)),
        fields.problem(),
    ]


LISTS: Lists = {
    Resource.TASKS: (task_columns, "task account queue status delivery created took worker error"),
    Resource.QUEUES: (queue_columns, "queue account processing tasks read of"),
}
