"""The deployments of all accounts: their states, their instances, their queues, and their scale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from gputui.analytics.prices import ByDeployment, by_deployment
from gputui.commands import Command, Condition
from gputui.models import Action, Change, Deployment, Resource, Role, Row
from gputui.presentation.actions import name_of
from gputui.presentation.deployments import is_settled, price_change
from gputui.screens import dialogs
from gputui.screens.base.fleet_context import FleetContext
from gputui.screens.base.refusals import refusal
from gputui.screens.base.session import Session
from gputui.screens.commands.action_flow import ActionCommands
from gputui.screens.commands.command_set import CommandSet, colored, in_worker
from gputui.screens.commands.create import CreateCommands
from gputui.screens.commands.inspect import OpenCommands
from gputui.screens.detail import subject_line
from gputui.screens.details.commands import WORDS, DetailPaneCommands
from gputui.screens.list.groups import GroupCommands
from gputui.screens.list.list_view import ListView

_TASKS = frozenset({Resource.TASKS})


class QueueCommands(CommandSet):
    """Show the tasks of a queue, submit one."""

    def conditions(self) -> Iterable[Condition]:
        """Some deployments take tasks, from accounts that may submit them."""
        row = self.view.row_here()
        if isinstance(row, Deployment) and self._takes_tasks(row):
            yield Condition.QUEUE
            if self.session.fleet.creatable(row.ref.account, _TASKS):
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


class ScaleCommands(ActionCommands):
    """Scale a deployment: by one, or to a number."""

    def do_scale_up(self, argument: str) -> None:
        """Scale up by one."""
        self._ask_number(by=1)

    def do_scale_down(self, argument: str) -> None:
        """Scale down by one."""
        self._ask_number(by=-1)

    def do_scale(self, argument: str) -> None:
        """Scale to the number that was typed, or begin with the number now."""
        if not argument:
            self._ask_number(by=0)
        elif argument.isascii() and argument.isdigit():
            self._ask_number(to=int(argument))
        else:
            self.view.notify(f"{argument} is not a number of instances; type :scale 4")

    def _ask_number(self, *, by: int = 0, to: int | None = None) -> None:
        rows = self.view.targets()
        row = rows[0] if rows else None
        if len(rows) > 1:
            self.view.notify("Scale one at a time: each has a number of its own.")
        elif not isinstance(row, Deployment) or Action.SCALE not in self.session.fleet.actions(row):
            self.view.notify(
                "Scale: there is no row here." if row is None else refusal(self.session, Action.SCALE, row)
            )
        elif row.desired is None:
            refresh = self.session.key_of("refresh")
            self.view.notify(f"Scale: how many {row.name} should have now is not known; {refresh} asks again.")
        else:
            self._scale(row, row.desired + by if to is None else to)

    @in_worker("dialog")
    async def _scale(self, row: Deployment, wanted: int) -> None:
        may_stop = Action.STOP in self.session.fleet.actions(row)
        dialog = dialogs.ScaleDialog(
            f"Scale {row.name} in {row.ref.account}?",
            current=row.desired or 0,
            wanted=wanted,
            subjects=[subject_line(row, account=False)],
            effect=lambda number: [*_effects(row, number), *self.staleness([row])],
            may_stop=may_stop,
        )
        answer = await self.app.push_screen_wait(colored(self.session, dialog, [row.ref.account]))
        if answer == 0:
            self.confirm_and_act(Action.STOP, [row])
        elif answer is not None:
            await self.act_on(Action.SCALE, [row], {"replicas": str(answer)})


def _effects(row: Deployment, number: int) -> list[str]:
    """Return the effects of another number: on the instances, then on the cost."""
    now = row.desired or 0
    if number == now:
        return ["+ and - change the number, or type it."]
    count = abs(number - now)
    if number > now:
        done = f"{count} more start{'s' if count == 1 else ''} as soon as there is a host."
    elif count == 1:
        done = "One instance ends; the server decides which. Unsaved work in it is lost."
    else:
        done = f"{count} instances end; the server decides which. Unsaved work in them is lost."
    return [line for line in (done, price_change(row, number)) if line]


class DeploymentCommands(OpenCommands):
    """Open a deployment."""

    def do_open(self, argument: str) -> None:
        """Show its instances."""
        if (row := self.row_for(argument)) is not None:
            self.session.navigator.go("instances", scope=row.ref)


class DeploymentContext(FleetContext):
    """The context of deployments: their instances, grouped when they are first asked for."""

    _instances: ByDeployment | None = None

    def by_deployment(self) -> ByDeployment:
        """Return the instances of deployments."""
        if self._instances is None:
            self._instances = by_deployment(self.session.fleet.rows(Resource.INSTANCES).values())
        return self._instances

    def forget_instances(self) -> None:
        """Group the instances again when they are next asked for."""
        self._instances = None


class DeploymentsView(ListView):
    """``2``: name, state, counts, GPUs, price; go into one, scale, stop, delete, create."""

    NAME = "deployments"
    HEADING = "Deployments"
    RESOURCE = Resource.DEPLOYMENTS
    RESOURCES = frozenset({Resource.DEPLOYMENTS})
    SORT: ClassVar[tuple[str | None, bool]] = ("name", False)
    SHOWS_AGE = True
    COMMAND_SETS = (
        *(DeploymentCommands, QueueCommands, ScaleCommands, GroupCommands, DetailPaneCommands),
        *ListView.COMMAND_SETS,
    )
    WORDS = WORDS
    FOOTER = (
        "open",
        "explain",
        "scale-up",
        "scale-down",
        "start",
        "stop",
        "logs",
        "new",
        "events-of",
        "tasks-of",
        "submit",
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.context: DeploymentContext = DeploymentContext(session)

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the instances as well: what they cost is what their deployment costs."""
        self.context.forget_instances()
        return (*super().follow(), self.session.fleet.subscribe(Resource.INSTANCES, self._instances_changed))

    def _instances_changed(self, change: Change) -> None:
        self.context.forget_instances()
        self.table.invalidate()

    def is_problem(self, row: Row) -> bool:
        """Failed, unknown, in transition, under way, or with fewer or more instances than wanted."""
        settled = isinstance(row, Deployment) and is_settled(row)
        return not settled or self.session.fleet.mutations.pending(row.ref) is not None

    def empty_text(self) -> str:
        """Return why there are no rows, and the key that creates one."""
        if not self.session.has_list(self.RESOURCE):
            instances = self.session.key_of("view.instances")
            return f"No deployments in {self.session.accounts_text}: there are instances only ({instances})."
        return super().empty_text()

    def creatable(self) -> list[str]:
        """The accounts in which something can be created, those with deployments first."""
        return sorted(super().creatable(), key=lambda name: not self.session.fleet.supports(name, self.RESOURCE))
