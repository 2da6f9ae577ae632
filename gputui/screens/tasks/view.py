"""The tasks of the queues of all accounts: what is worked on, what came of it, and whether that was delivered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, cast

from gputui.formatting import format_age
from gputui.models import Change, Phase, Ref, Resource, Row, Task, TaskQueue
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.tasks import (
    delivery_failed,
    delivery_text,
    processing_text,
    read_text,
    takes_long,
    took,
    took_text,
    wants_attention,
)
from gputui.screens import dialogs
from gputui.screens.detail.task import TABLE_STYLES, status_glyph
from gputui.screens.list.list_view import ListView
from gputui.screens.list.shared_columns import account_column, age_order, age_seconds
from gputui.screens.tasks.commands import NewTaskCommands, TaskCommands, show_task

_ORDER = {phase: number for number, phase in enumerate((Phase.FAILED, Phase.UNKNOWN, *Phase))}


class TasksView(ListView):
    """``8``: the tasks of all queues, or of the one that it is limited to; read one, submit one."""

    NAME = "tasks"
    HEADING = "Tasks"
    RESOURCE = Resource.TASKS
    RESOURCES = frozenset({Resource.TASKS, Resource.QUEUES})
    CREATES = frozenset({Resource.TASKS})
    COMMAND_SETS = (TaskCommands, NewTaskCommands, *ListView.COMMAND_SETS)
    SORT: ClassVar[tuple[str | None, bool]] = ("age", False)
    SHOWS_AGE = True

    reading: tuple[Ref, dialogs.JsonReaderDialog] | None = None
    """The task that is read, and the dialog that shows it."""

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns; on a narrow screen the task, how it stands, and since when."""
        columns: list[Column[Task]] = [
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
            account_column(self.session, 3),
            Column("queue", "QUEUE", _queue, _queue, priority=2, max_width=24, middle=True),
            Column(
                "status",
                "STATUS",
                _status,
                lambda row: (_ORDER[row.phase], row.status),
                width=12,
                max_width=16,
                search=lambda row: f"{row.phase} {row.status}",
            ),
            Column(
                "delivery",
                "DELIVERY",
                _delivery,
                lambda row: (not delivery_failed(row), text) if (text := delivery_text(row)) else None,
                width=9,
                max_width=22,
                search=lambda row: f"{delivery_text(row)} {row.delivery}",
            ),
            Column(
                "age",
                "AGE",
                _age,
                lambda row: age_order(row.created_at),
                number=lambda row: age_seconds(row.created_at),
                right=True,
            ),
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
            Column("worker", "WORKER", _worker, _worker, priority=6, max_width=32, when_filled=True, middle=True),
            Column("webhook", "WEBHOOK", lambda row: row.webhook, lambda row: row.webhook, shown=False),
        ]
        return cast("Sequence[Column[Row]]", columns)

    # --- following the fleet ---------------------------------------------------------------------------------

    def follow(self) -> Sequence[Callable[[], None]]:
        """Take every change of the queues into the title as well."""
        return (*super().follow(), self.session.fleet.subscribe(Resource.QUEUES, self._queues_changed))

    def _queues_changed(self, change: Change) -> None:
        self._show_placeholder()
        self.frame.show()

    def _changed(self, change: Change) -> None:
        super()._changed(change)
        if self.reading is not None and any(row.ref == self.reading[0] for row in (*change.added, *change.updated)):
            ref, reader = self.reading
            if isinstance(task := self.session.fleet.get(ref), Task):
                show_task(reader, task, utc=self.session.utc)

    def queues(self) -> list[TaskQueue]:
        """Return the queues whose tasks are shown."""
        return [
            row
            for row in self.session.fleet.rows(Resource.QUEUES).values()
            if isinstance(row, TaskQueue)
            and self.session.shows_account(row.ref.account)
            and self.scope in (None, row.deployment)
        ]

    # --- what is shown ---------------------------------------------------------------------------------------

    def in_scope(self, row: Row, scope: Ref) -> bool:
        """Whether a task is in the queue that the view is limited to."""
        return isinstance(row, Task) and row.queue == scope

    def is_problem(self, row: Row) -> bool:
        """Failed, not delivered, unknown, or worked on for very long."""
        return isinstance(row, Task) and wants_attention(row)

    def breadcrumbs(self) -> list[str]:
        """Where one is: in all queues, or in one."""
        names = {queue.deployment: queue.name for queue in self.queues()}
        if self.scope is None or self.scope not in names:
            return super().breadcrumbs()
        return [names[self.scope], self.HEADING]

    def counts(self) -> str:
        """Return how many are in progress, and how many of all are shown."""
        queues = self.queues()
        return "   ".join(
            filter(None, (processing_text(queues), read_text(self.table.row_count, self._read, queues)))
        )

    @property
    def _read(self) -> int:
        """How many of the tasks of these queues were read."""
        rows = self.session.fleet.rows(Resource.TASKS).values()
        return sum(
            self.session.shows_account(row.ref.account) and (self.scope is None or self.in_scope(row, self.scope))
            for row in rows
        )

    def _has_none(self) -> bool:
        unlimited = self._query is None and not self.session.problems_only
        return unlimited and (self.scope is not None or self.session.account is not None) and not self._read

    def empty_text(self) -> str:
        """Return why there are no rows: no queue, or no task in it; and the key that creates one."""
        fleet = self.session.fleet
        shown = [name for name in fleet.accounts if self.session.shows_account(name)]
        where = self.session.account or "any account"
        if not any(fleet.supports(name, self.RESOURCE) for name in shown):
            return f"No tasks in {where}: nothing there has a queue for them."
        queues = self.queues()
        if not queues:
            return (
                f"No queue in {where}: only endpoints in QUEUE mode take tasks. Create one among the deployments (2)."
            )
        of = f" of {queues[0].name}" if len(queues) == 1 else "s"
        return f"No tasks in the queue{of}." + (" Press n to submit one." if self.creatable() else "")


def _queue(row: Task) -> str:
    return row.queue_name or row.queue.id


def _status(row: Task) -> Cell:
    return (f"{status_glyph(row)} {row.status}", TABLE_STYLES[row.phase])


def _age(row: Task) -> Cell:
    age = format_age(row.created_at, datetime.now(UTC))
    return (age, "warning") if takes_long(row) else age


def _delivery(row: Task) -> Cell:
    return (f"✗ {delivery_text(row)}", "bad") if delivery_failed(row) else (delivery_text(row), "muted")


def _error(row: Task) -> str:
    return " ".join((row.problem or row.error).split())


def _worker(row: Task) -> str:
    return row.worker_url.partition("://")[2] or row.worker_url
