"""The entities of a simulated cloud: machines, templates, deployments, containers, events, images, blocks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hardware import GIB
from gputui.sim.machines.hosts import Host

STARTING = ("creating", "created", "starting", "oss_merged")
ACTIVE = (*STARTING, "running")
REPLICA_SET, JOB, CONTAINER = "ReplicaSet", "Job", "Container"
KINDS = (REPLICA_SET, JOB, CONTAINER)
UNIT_CPUS, UNIT_MEMORY = 16, 90 * GIB
"""Defaults of a machine's resources for each GPU."""


class Span(NamedTuple):
    """A closed range of numbers."""

    low: float = 0
    high: float = float("inf")

    def __contains__(self, number: object) -> bool:
        return isinstance(number, (int, float)) and self.low <= number <= self.high


ANYTHING = Span()
_ANY_CUDA, _ANY_CPUS, _ANY_MEMORY, _ANY_PRICE = Span(0, 999), Span(1, 256), Span(GIB, 2048 * GIB), Span(0, 100_000)


@dataclass(frozen=True)
class GpuModel:
    """A kind of GPU on the market. ``memory`` in bytes, ``price`` per GPU and hour in thousandths of the currency."""

    name: str
    memory: int
    price: int


@dataclass
class Machine:
    """A host with GPUs for rent. ``cpus`` and ``memory`` (bytes) are for each GPU; ``cuda`` 118 is CUDA 11.8."""

    id: str
    region: str
    model: GpuModel
    gpus: int
    cuda: int
    price: int
    cpus: int = UNIT_CPUS
    memory: int = UNIT_MEMORY
    others: int = 0
    """GPUs other customers have."""
    habit: int = 0
    """How many they have on a usual day."""
    slowness: float = 1.0
    """How many times longer than elsewhere containers take to start."""
    broken: bool = False
    """Containers fail to start here."""
    ours: set[int] = field(default_factory=set)
    """Indices of the GPUs of the account's containers."""
    host: Host | None = None
    """The host of its containers' shells, once there are any."""

    @property
    def idle(self) -> int:
        """The number of free GPUs."""
        return self.gpus - self.others - len(self.ours)

    def suits(self, template: Template) -> bool:
        """Whether a container of the template may run here, free GPUs or not."""
        count = template.gpu_num
        return (
            self.cuda in template.cuda
            and self.cpus * count in template.cpus
            and self.memory * count in template.memory
            and self.price * count in template.price
        )

    def take(self, count: int) -> list[int]:
        """Give GPUs to a container; their indices."""
        free = [index for index in range(self.gpus) if index not in self.ours][:count]
        self.ours.update(free)
        return free


@dataclass(frozen=True)
class Template:
    """The template of a deployment's containers. ``memory`` in bytes, ``price`` in thousandths an hour for each."""

    regions: tuple[str, ...]
    models: tuple[str, ...]
    gpu_num: int
    image: str
    cmd: str
    cuda: Span = _ANY_CUDA
    cpus: Span = _ANY_CPUS
    memory: Span = _ANY_MEMORY
    price: Span = _ANY_PRICE
    cmd_before_shutdown: str = ""
    protocols: tuple[str, str] = ("http", "http")
    """How ports 6006 and 6008 are mapped: http or tcp."""


@dataclass(frozen=True)
class Order:
    """A request for a deployment."""

    name: str
    kind: str
    template: Template
    replicas: int = 1
    parallelism: int = 0
    reuse: bool = False
    reuse_scope: str = "all"


class Event(NamedTuple):
    """A change of a container's state, at a world time."""

    container: str
    status: str
    at: float


@dataclass
class Container:
    """One container on its machine. Times are world times, None when not reached; ``price`` in thousandths/h."""

    number: int
    uuid: str
    deployment: Deployment
    machine: Machine
    gpu_ids: list[int]
    price: int
    created: float
    updated: float
    version: str
    password: str
    status: str = ""
    started: float | None = None
    stopped: float | None = None
    released: bool = False
    no_cache: bool = False
    last_command: str = ""
    """The command that ran before the shutdown."""
    pod: Pod | None = None
    """The container's shell, while it runs."""
    transition: object = None
    """A token of the scheduled transitions; another token cancels them."""
    encoded: str = ""
    """The cached JSON, "" after a change."""

    @property
    def active(self) -> bool:
        """Whether it runs or is starting."""
        return self.status in ACTIVE

    @property
    def region(self) -> str:
        """The region of the machine."""
        return self.machine.region


@dataclass
class Deployment:
    """Something that keeps containers alive. Change ``order`` through the cloud only."""

    number: int
    uuid: str
    order: Order
    created: float
    updated: float
    version: str
    replicas: int
    status: str = "running"
    stopped: float | None = None
    finished: int = 0
    unseen: bool = False
    """nvidia-smi in the containers lists no processes: the process ids of the host are not visible."""
    steady: bool = False
    """It never changes by itself."""
    hourly: int = 0
    """The price of its active containers, in thousandths an hour."""
    containers: dict[str, Container] = field(default_factory=dict)
    kept: dict[str, Container] = field(default_factory=dict)
    """Those not released, oldest first."""
    events: list[Event] = field(default_factory=list)
    events_of: dict[str, list[Event]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def starting(self) -> int:
        """The number of containers that are starting."""
        return sum(self.counts[status] for status in STARTING)

    @property
    def running(self) -> int:
        """Containers that run."""
        return self.counts["running"]

    @property
    def wanted(self) -> int:
        """How many containers should be active now."""
        if self.status != "running":
            return 0
        if self.order.kind == REPLICA_SET:
            return self.replicas
        left = max(0, self.replicas - self.finished)
        return min(self.order.parallelism, left) if self.order.kind == JOB else left


@dataclass
class CloudImage:
    """An image of the account. ``size`` is in bytes."""

    number: int
    uuid: str
    name: str
    created: float
    status: str = "finished"
    size: int = 8 * GIB


@dataclass
class Block:
    """A machine blocked for the account's containers until a world time."""

    machine: Machine
    created: float
    updated: float
    expires: float
    comment: str
