"""Commands for tasks: read one, submit one, read older ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from gputui.commands import Condition
from gputui.errors import GputuiError
from gputui.known_secrets import MASK
from gputui.models import Ref, Resource, Role, Task
from gputui.presentation.tasks import NEWEST, resubmitted
from gputui.screens import dialogs
from gputui.screens.commands.command_set import in_worker
from gputui.screens.commands.create import CreateCommands
from gputui.screens.commands.inspect import OpenCommands
from gputui.screens.detail.task import facts, sections

if TYPE_CHECKING:
    from gputui.screens.tasks.view import TasksView

_MORE = (2.0, 1.5, 1.25)
"""How many times as many are read with each "older": the first that the servers take."""


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
            self.view.notify(
                f"Secrets in the input of {again.name} are hidden: enter them again where {MASK} stands."
            )
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
        """Read a task: how it stands, what went in and came out."""
        if isinstance(row := self.row_for(argument), Task):
            self._read_one(row)

    @in_worker("describe")
    async def _read_one(self, task: Task) -> None:
        reader = dialogs.JsonReaderDialog(f"Task {task.name} in {task.ref.account}", task.name)
        self.view.reading = task.ref, reader
        show_task(reader, task, utc=self.session.utc)
        self.app.push_screen(reader, self._closed)
        try:
            fresh = await self.session.fleet.detail(task.ref)
        except GputuiError as error:
            reader.show_hint(f"stale: {error}")
            return
        if isinstance(fresh, Task):
            show_task(reader, fresh, utc=self.session.utc)

    def _closed(self, nothing: None) -> None:
        self.view.reading = None

    def do_older(self, argument: str) -> None:
        """Read twice as many of each queue, or as many as the servers let one."""
        fleet = self.session.fleet
        most = max((queue.read for queue in self.view.queues()), default=0)
        problems: Mapping[str, str] = {}
        for factor in _MORE:
            values = {**fleet.filters(Resource.TASKS), NEWEST: str(int(factor * most))}
            if not (problems := fleet.check_filter(Resource.TASKS, values)):
                fleet.set_filter(Resource.TASKS, values)
                self.view.choices_changed()
                return
        self.view.notify(f"No older tasks can be read: {NEWEST} {'; '.join(problems.values())}")


def show_task(reader: dialogs.JsonReaderDialog, task: Task, *, utc: bool) -> None:
    """Show a task in the dialog that reads it."""
    reader.set_content(facts(task, utc=utc), sections(task), task.raw)
