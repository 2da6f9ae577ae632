"""The columns of tasks and of their queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gputui.formatting import format_age
from gputui.models import Phase, Task, TaskQueue
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.shared import PHASE_ORDER, account_column, age_column, text_of, time_column
from gputui.presentation.glyphs import PHASE_GLYPHS
from gputui.presentation.tasks import delivery_failed, delivery_text, takes_long, took, took_text

TABLE_STYLES = {
    Phase.PENDING: "warning",
    Phase.RUNNING: "accent",
    Phase.STOPPING: "warning",
    Phase.STOPPED: "good",
    Phase.FAILED: "bad",
    Phase.UNKNOWN: "warning",
}
"""The style of a status in a table, by its phase."""


def status_glyph(task: Task) -> str:
    """Return the glyph of its status: a finished task is done, unlike an instance that stopped."""
    return "✓" if task.phase is Phase.STOPPED else PHASE_GLYPHS[task.phase]


def task_columns(context: Context) -> Sequence[Column[Task]]:
    """Return the columns; on a narrow screen the task, its state, and since when."""

    def age(row: Task) -> Cell:
        text = format_age(row.created_at, context.now())
        return (text, "warning") if takes_long(row) else text

    return [
        Column(
            "task",
            "TASK",
            lambda row: row.name,
            lambda row: row.name,
            width=12,
            flex=True,
            max_width=40,
            middle=True,
            search=lambda row: f"{row.name} {row.ref.id}",
        ),
        account_column(context, 3),
        Column("queue", "QUEUE", _queue, _queue, priority=2, max_width=24, middle=True),
        Column(
            "status",
            "STATUS",
            lambda row: (f"{status_glyph(row)} {row.status}", TABLE_STYLES[row.phase]),
            lambda row: (PHASE_ORDER[row.phase], row.status),
            width=12,
            max_width=16,
            search=lambda row: f"{row.phase} {row.status}",
            plain=lambda row: row.status,
        ),
        Column(
            "delivery",
            "DELIVERY",
            _delivery,
            lambda row: (not delivery_failed(row), text) if (text := delivery_text(row)) else None,
            width=9,
            max_width=22,
            search=lambda row: f"{delivery_text(row)} {row.delivery}",
            plain=delivery_text,
        ),
        replace(age_column(context, 0), cell=age, when_filled=False),
        Column("took", "TOOK", took_text, took, right=True, priority=4, width=6, number=took),
        Column(
            "error",
            "ERROR",
            lambda row: (_error(row), "bad"),
            _error,
            width=12,
            flex=True,
            priority=5,
            max_width=70,
            when_filled=True,
        ),
        Column(
            "worker",
            "WORKER",
            _worker,
            _worker,
            priority=6,
            max_width=32,
            when_filled=True,
            middle=True,
            plain=lambda row: row.worker_url,
        ),
        Column("webhook", "WEBHOOK", lambda row: row.webhook, lambda row: row.webhook, shown=False),
        time_column("created", context, lambda row: row.created_at),
    ]


def _queue(row: Task) -> str:
    return row.queue_name or row.queue.id


def _delivery(row: Task) -> Cell:
    return (f"✗ {delivery_text(row)}", "bad") if delivery_failed(row) else (delivery_text(row), "muted")


def _error(row: Task) -> str:
    return " ".join((row.problem or row.error).split())


def _worker(row: Task) -> str:
    return row.worker_url.partition("://")[2] or row.worker_url


def queue_columns(context: Context) -> Sequence[Column[TaskQueue]]:
    """Return the columns of queues."""
    return [
        Column("queue", "QUEUE", lambda row: row.name),
        account_column(context),
        Column("processing", "PROCESSING", lambda row: text_of(row.processing), right=True),
        Column("tasks", "TASKS", lambda row: text_of(row.total), right=True),
        Column("read", "READ", lambda row: text_of(row.read), right=True),
        Column("of", "OF", lambda row: str(row.deployment)),
    ]
