"""The entities of a simulated Yotta account: VMs, pods, endpoints with workers and tasks, volumes, credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hosts import Host

from .logs import LogBook
from .stock import GpuType

INITIALIZING, RUNNING, STOPPING, STOPPED = "initializing", "running", "stopping", "stopped"
TERMINATED, FAILED = "terminated", "failed"
ALIVE = (INITIALIZING, RUNNING)
MODES = ("ALB", "QUEUE", "CUSTOM")
QUEUE = "QUEUE"
STORAGE_TYPES = ("S3", "CEPH", "VENDOR", "R2")
SIZED = ("CEPH", "VENDOR")
"""Storage types whose volumes have a size."""
CREDENTIAL_TYPES = ("DOCKER_HUB", "GCR", "ECR", "ACR", "PRIVATE")
HUB = "https://index.docker.io/v1/"
"""The default registry."""


@dataclass(frozen=True)
class RentalOrder:
    """A VM or a pod to create. ``regions`` empty: any; ``mounts`` are ids of volumes."""

    name: str
    kind: GpuType
    gpus: int
    regions: tuple[str, ...] = ()
    image: str = ""
    registry: str = HUB
    env: dict[str, str] = field(default_factory=dict)
    mounts: tuple[int, ...] = ()
    expose: tuple[tuple[int, str], ...] = ()
    """Ports with their protocols."""
    spot: bool = False


@dataclass
class Rental:
    """A VM or a pod. It has a shell while it runs, see ssh_access."""

    id: int
    order: RentalOrder
    region: str
    created: float
    status: str = INITIALIZING
    protected: bool = False
    """May not be terminated with this key."""
    host: Host | None = None
    shell: Pod | None = None
    transition: object = None
    """A token of the scheduled change; another token cancels it."""


@dataclass(frozen=True)
class Resource:
    """GPUs a worker can run on."""

    region: str
    kind: GpuType
    gpus: int


@dataclass
class EndpointOrder:
    """The definition of an endpoint."""

    name: str
    image: str
    resources: tuple[Resource, ...]
    workers: int
    mode: str
    webhook: str | None = None
    registry: str = HUB


@dataclass
class Worker:
    """A worker of an endpoint. ``where`` is the resource of its GPUs, None until it has some."""

    id: str
    created: float
    log: LogBook
    status: str = INITIALIZING
    where: Resource | None = None
    task: str = ""
    """The task it works at, "" for none."""


@dataclass
class Task:
    """A task of a QUEUE endpoint; ``delivery`` is the state of the call of its webhook."""

    id: str
    input: Any
    port: int
    uri: str
    created: float
    updated: float
    webhook: str | None = None
    headers: dict[str, str] | None = None
    status: str = "PROCESSING"
    worker: str = ""
    output: dict[str, Any] | None = None
    error: str | None = None
    delivery: str = "INIT"
    attempts: int = 0
    delivered: float | None = None


@dataclass
class Endpoint:
    """An endpoint. ``workers`` by id, the failed ones until they are cleared away."""

    id: int
    order: EndpointOrder
    created: float
    status: str = INITIALIZING
    workers: dict[str, Worker] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    deleted: bool = False

    @property
    def alive(self) -> list[Worker]:
        """The workers that run or are starting."""
        return [worker for worker in self.workers.values() if worker.status in ALIVE]

    @property
    def running(self) -> list[Worker]:
        """The workers that run."""
        return [worker for worker in self.workers.values() if worker.status == RUNNING]

    @property
    def cost(self) -> float:
        """USD an hour for the workers that run now."""
        return sum(worker.where.kind.price * worker.where.gpus for worker in self.running if worker.where)


@dataclass
class Volume:
    """A volume. ``size`` in GB, None where the type has none."""

    id: int
    name: str
    kind: str
    created: float
    size: int | None = None
    region: str | None = None
    vendor: str | None = None
    status: str = "creating"

    @property
    def cost(self) -> float:
        """USD an hour."""
        return (self.size or 0) * 0.0001


@dataclass
class Credential:
    """Access to a registry. The password is never in an answer."""

    id: int
    name: str
    kind: str
    username: str
    password: str
    created: float
