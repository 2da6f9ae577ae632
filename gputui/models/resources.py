"""The lists that back ends have, and what is the same for all rows of one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from gputui.late_dataclasses import dataclass
from gputui.models.accounts import AccountInfo, Image
from gputui.models.deployments import Balance, Block, Deployment, Package
from gputui.models.feeds import Row
from gputui.models.gpus import GpuDevice, GpuProcess, HostInfo, Offer
from gputui.models.instances import Event, Instance
from gputui.models.storage import RegistryCredential, Volume
from gputui.models.tasks import Task, TaskQueue


class Resource(StrEnum):
    """A list that a back end has and the fleet polls; the KIND of ``gputui get``."""

    INSTANCES = "instances"
    GPUS = "gpus"
    PROCESSES = "processes"
    HOSTS = "hosts"
    STOCK = "stock"
    IMAGES = "images"
    EVENTS = "events"
    DEPLOYMENTS = "deployments"
    BLACKLIST = "blacklist"
    PACKAGES = "packages"
    BALANCES = "balances"
    VOLUMES = "volumes"
    CREDENTIALS = "credentials"
    TASKS = "tasks"
    QUEUES = "queues"
    ACCOUNTS = "accounts"

    @property
    def words(self) -> str:
        """The name of the list in sentences: ``GPUs``, ``stock``."""
        return RESOURCES[self].words or self.value

    @property
    def nouns(self) -> str:
        """The name of the rows in sentences, in the plural: ``GPUs``, ``available GPUs``."""
        return RESOURCES[self].nouns or self.words


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """A kind of list.

    ``model`` is the type of its rows, ``view`` the name of the view that shows them. ``named``: commands accept the
    names of its rows. ``recorded``: the last list is kept in the history, for the first frame of the next session.
    ``library`` explains a part of the library that needs no view class of its own; '' for all others. ``words`` names
    the list in sentences, where that is not its value; ``nouns`` its rows, where they are called otherwise.
    """

    model: type[Any]
    view: str = ""
    named: bool = False
    recorded: bool = True
    library: str = ""
    words: str = ""
    nouns: str = ""


RESOURCES: Mapping[Resource, ResourceSpec] = {
    Resource.INSTANCES: ResourceSpec(Instance, "instances", named=True),
    Resource.DEPLOYMENTS: ResourceSpec(Deployment, "deployments", named=True),
    Resource.IMAGES: ResourceSpec(Image, "library", named=True),
    Resource.VOLUMES: ResourceSpec(Volume, "volumes", named=True, library="Persistent volumes"),
    Resource.CREDENTIALS: ResourceSpec(RegistryCredential, "credentials", named=True, library="Registry logins"),
    # Inputs and outputs are private to the user: they are not stored on this machine.
    Resource.TASKS: ResourceSpec(Task, "tasks", recorded=False),
    Resource.QUEUES: ResourceSpec(TaskQueue, "tasks", recorded=False),
    Resource.STOCK: ResourceSpec(Offer, "stock", nouns="available GPUs"),
    Resource.GPUS: ResourceSpec(GpuDevice, "gpus", words="GPUs"),
    Resource.PROCESSES: ResourceSpec(GpuProcess, "gpus", recorded=False, nouns="GPU processes"),
    Resource.HOSTS: ResourceSpec(HostInfo),
    Resource.EVENTS: ResourceSpec(Event, "events", recorded=False),
    Resource.BLACKLIST: ResourceSpec(Block, "blacklist", nouns="blocked hosts"),
    Resource.PACKAGES: ResourceSpec(Package, "cost"),
    Resource.BALANCES: ResourceSpec(Balance, "cost"),
    Resource.ACCOUNTS: ResourceSpec(AccountInfo, recorded=False),
}

NAMED = tuple(resource for resource, spec in RESOURCES.items() if spec.named)
LIBRARY = {spec.view: resource for resource, spec in RESOURCES.items() if spec.view == "library" or spec.library}
"""The parts of the library in their order: the view of each, and the list that it shows."""

BY_MODEL: Mapping[type[Any], Resource] = {spec.model: resource for resource, spec in RESOURCES.items()}
"""The list that has rows of a type."""


def resource_of(row: Row) -> Resource:
    """Return the list that a row is of."""
    return BY_MODEL[type(row)]
