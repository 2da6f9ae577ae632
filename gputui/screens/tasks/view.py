"""The tasks of the queues of all accounts: what is worked on, what came of it, and whether that was delivered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from gputui.models import Change, Ref, Resource, Row, Task, TaskQueue
from gputui.presentation.tasks import (
    processing_text,
    read_text,
    wants_attention,
)
from gputui.screens import dialogs
from gputui.screens.list.list_view import ListView
from gputui.screens.tasks.commands import NewTaskCommands, TaskCommands, show_task


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
        where = self.session.accounts_text
        if not self.session.has_list(self.RESOURCE):
            return f"No tasks in {where}: nothing there has a queue for them."
        queues = self.queues()
        if not queues:
            return (
                f"No queue in {where}: only endpoints in QUEUE mode take tasks. Create one among the deployments (2)."
            )
        of = f" of {queues[0].name}" if len(queues) == 1 else "s"
        return f"No tasks in the queue{of}." + (" Press n to submit one." if self.creatable() else "")
