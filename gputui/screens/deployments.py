"""The deployments of all accounts: what keeps instances alive, how far each is, and how many it should be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from gputui.models import Change, Deployment, Resource, Row
from gputui.presentation.deployments import (
    is_settled,
)
from gputui.presentation.prices import ByDeployment, by_deployment
from gputui.screens.base.session import Session
from gputui.screens.commands.inspect import OpenCommands
from gputui.screens.commands.queue import QueueCommands
from gputui.screens.commands.scale import ScaleCommands
from gputui.screens.list.fleet_context import FleetContext
from gputui.screens.list.list_view import ListView


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
    COMMAND_SETS = (DeploymentCommands, QueueCommands, ScaleCommands, *ListView.COMMAND_SETS)

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
            return f"No deployments in {self.session.accounts_text}: there are instances only (3)."
        return self.none_text("deployments")

    def creatable(self) -> list[str]:
        """The accounts in which something can be created, those with deployments first."""
        return sorted(super().creatable(), key=lambda name: not self.session.fleet.supports(name, self.RESOURCE))
