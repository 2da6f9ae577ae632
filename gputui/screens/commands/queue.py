"""Commands for the queue of a deployment that takes tasks."""

from __future__ import annotations

from collections.abc import Iterable

from gputui.commands import Command, Condition
from gputui.models import Deployment, Resource, Role, Row
from gputui.presentation.actions import name_of
from gputui.screens.commands.command_set import CommandSet
from gputui.screens.commands.create import CreateCommands

_TASKS = frozenset({Resource.TASKS})


class QueueCommands(CommandSet):
    """Show the tasks of a queue, submit one."""

    def conditions(self) -> Iterable[Condition]:
        """Some deployments take tasks, from accounts that may submit them."""
        row = self.view.row_here()
        if isinstance(row, Deployment) and self._takes_tasks(row):
            yield Condition.QUEUE
            account = row.ref.account
            if self.session.fleet.creatable(account, _TASKS) and not self.session.fleet.accounts[account].read_only:
                yield Condition.SUBMIT

    def refusal(self, command: Command) -> str:
        """Return that a deployment has no queue."""
        row = self.view.row_here()
        if command.id in ("tasks-of", "submit") and isinstance(row, Deployment) and not self._takes_tasks(row):
            return _no_queue(row)
        return ""

    def _takes_tasks(self, row: Deployment) -> bool:
        return row.takes_tasks and self.session.fleet.supports(row.ref.account, Resource.TASKS)

    def do_tasks_of(self, argument: str) -> None:
        """Show the tasks of its queue."""
        if isinstance(row := self.row_for(argument), Deployment):
            if self._takes_tasks(row):
                self.session.navigator.go("tasks", scope=row.ref)
            else:
                self.view.notify(_no_queue(row))

    def do_submit(self, argument: str) -> None:
        """Submit a task to its queue."""
        if isinstance(row := self.view.row_here(), Deployment):
            CreateCommands(self.view).create([row.ref.account], {Role.QUEUE: row.ref.id}, within=_TASKS)


def _no_queue(row: Row) -> str:
    return f"{name_of(row)} has no queue: only endpoints in QUEUE mode take tasks."
