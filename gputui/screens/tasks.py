"""The tasks of the queues of all accounts: their progress, their results, and the delivery of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from gputui.commands import Condition
from gputui.errors import GputuiError, InvalidError
from gputui.known_secrets import MASK
from gputui.models import Change, Ref, Resource, Role, Row, Task, TaskQueue
from gputui.presentation.columns.context import Context
from gputui.presentation.tasks import processing_text, read_text, resubmitted, wants_attention
from gputui.screens import dialogs
from gputui.screens.commands.command_set import in_worker
from gputui.screens.commands.create import CreateCommands
from gputui.screens.commands.inspect import OpenCommands
from gputui.screens.commands.server_filters import filter_form
from gputui.screens.detail import facts, sections
from gputui.screens.details.commands import WORDS, DetailPaneCommands
from gputui.screens.list.groups import GroupCommands
from gputui.screens.list.list_view import ListView

_MORE = (2.0, 1.5, 1.25)
"""Factors of the number read with each "older": the first that the servers accept is used."""


class NewTaskCommands(CreateCommands):
    """Submit a task."""

    view: TasksView

    def do_new(self, argument: str) -> None:
        """Submit a task: to the queue that is looked at, or like the one under the cursor, under an id of its own."""
        row = self.view.row_here()
        again = row if isinstance(row, Task) else None
        queue = self.view.scope if again is None else again.queue
        if argument or queue is None or queue.account not in self.view.creatable():
            super().do_new(argument)
            return
        values: dict[Role, str] = {} if again is None else resubmitted(again)
        if again is not None and MASK in values.get(Role.INPUT, ""):
            self.view.notify(f"Secrets in the input of {again.name} are hidden: enter them again in place of {MASK}.")
        self.create([queue.account], {Role.QUEUE: queue.id, **values})

    def scope_for(self, created: Ref) -> Ref | None:
        """Stay in the queue that is looked at, where the task went to that."""
        scope = self.view.scope
        return scope if scope is not None and created.id.startswith(f"{scope.id}/") else None


class TaskCommands(OpenCommands):
    """Read a task, read older ones."""

    view: TasksView

    def conditions(self) -> Iterable[Condition]:
        """Older tasks can be read where there are some."""
        yield from super().conditions()
        if any((queue.total or 0) > queue.read for queue in self.view.queues()):
            yield Condition.OLDER

    def do_open(self, argument: str) -> None:
        """Read a task: its state, its input and its output."""
        if isinstance(row := self.row_for(argument), Task):
            self._read_one(row)

    @in_worker("describe")
    async def _read_one(self, task: Task) -> None:
        reader = dialogs.JsonReaderDialog(f"Task {task.name} in {task.ref.account}", task.name)
        self.view.reading = task.ref, reader
        show_task(reader, task, self.view.context)
        self.app.push_screen(reader, self._closed)
        try:
            fresh = await self.session.fleet.detail(task.ref)
        except GputuiError as error:
            reader.show_hint(f"stale: {error}")
            return
        if isinstance(fresh, Task):
            show_task(reader, fresh, self.view.context)

    def _closed(self, nothing: None) -> None:
        self.view.reading = None

    def do_older(self, argument: str) -> None:
        """Read twice as many of each queue, or as many as the servers let one."""
        fleet, form = self.session.fleet, filter_form(self.session, Resource.TASKS)
        most = max((queue.read for queue in self.view.queues()), default=0)
        problem = "no server filters by their number."
        for factor in _MORE:
            newest = form.named({Role.NEWEST: str(int(factor * most))}) if form is not None else {}
            if not newest:
                break
            try:
                fleet.server_filters.set(Resource.TASKS, {**fleet.server_filters.values(Resource.TASKS), **newest})
            except InvalidError as error:
                problem = "; ".join(f"{name} {text}" for name, text in error.fields.items())
            else:
                self.view.choices_changed()
                return
        self.view.notify(f"No older tasks can be read: {problem}")


def show_task(reader: dialogs.JsonReaderDialog, task: Task, context: Context) -> None:
    """Show a task in the dialog that reads it."""
    reader.set_content(facts(task, context), sections(task), task.raw)


class TasksView(ListView):
    """``8``: the tasks of all queues, or of the one that it is limited to; read one, submit one."""

    NAME = "tasks"
    HEADING = "Tasks"
    RESOURCE = Resource.TASKS
    RESOURCES = frozenset({Resource.TASKS, Resource.QUEUES})
    CREATES = frozenset({Resource.TASKS})
    COMMAND_SETS = (TaskCommands, NewTaskCommands, GroupCommands, DetailPaneCommands, *ListView.COMMAND_SETS)
    WORDS = WORDS
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
            if (task := self.session.fleet.find(Task, ref)) is not None:
                show_task(reader, task, self.context)

    def queues(self) -> list[TaskQueue]:
        """Return the queues whose tasks are shown."""
        queues = self.session.fleet.all(TaskQueue)
        return [
            row
            for row in queues
            if self.session.shows_account(row.ref.account) and self.scope in (None, row.deployment)
        ]

    # --- what is shown ---------------------------------------------------------------------------------------

    def in_scope(self, row: Row, scope: Ref) -> bool:
        """Whether a task is in the queue that the view is limited to."""
        return isinstance(row, Task) and row.queue == scope

    def is_problem(self, row: Row) -> bool:
        """Failed, not delivered, unknown, or worked on for very long."""
        return isinstance(row, Task) and wants_attention(row)

    def breadcrumbs(self) -> list[str]:
        """Return the way to all queues, or to one."""
        names = {queue.deployment: queue.name for queue in self.queues()}
        if self.scope is None or self.scope not in names:
            return super().breadcrumbs()
        return [names[self.scope], self.HEADING]

    def counts(self) -> str:
        """Return how many are in progress, and how many of all are shown."""
        queues = self.queues()
        parts = (
            processing_text(queues, self.feeds.coverage((Resource.QUEUES,), self.scope)),
            read_text(self.table.row_count, self._read, queues, self.coverage()),
        )
        return "   ".join(filter(None, parts))

    @property
    def _read(self) -> int:
        """The number of tasks of these queues that were read."""
        rows = self.session.fleet.rows(Resource.TASKS).values()
        return sum(
            self.session.shows_account(row.ref.account) and (self.scope is None or self.in_scope(row, self.scope))
            for row in rows
        )

    def _has_none(self) -> bool:
        unlimited = self._query is None and not self.problems_only
        return unlimited and (self.scope is not None or bool(self.session.only)) and not self._read

    def empty_text(self) -> str:
        """Return why there are no rows: no queue, or no task in it; and the key that creates one."""
        where = self.session.accounts_text
        if not self.session.has_list(self.RESOURCE):
            return f"No tasks in {where}: nothing there has a queue for them."
        queues = self.queues()
        if not queues:
            return (
                f"No queue in {where}: only endpoints in QUEUE mode take tasks. Create one among the "
                f"deployments ({self.session.key_of('view.deployments')})."
            )
        of = f" of {queues[0].name}" if len(queues) == 1 else "s"
        return f"No tasks in the queue{of}." + (
            f" Press {self.session.key_of('new')} to submit one." if self.creatable() else ""
        )
