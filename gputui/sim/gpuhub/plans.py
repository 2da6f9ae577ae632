"""Plans of clouds: their regions, machines, deployments and instances."""

from __future__ import annotations

from dataclasses import dataclass

from .entities import GpuModel

DAY_SECONDS = 86400.0


@dataclass(frozen=True)
class InitialDeployment:
    """An initial deployment. ``model`` is an index among the cloud's models."""

    name: str
    kind: str
    containers: int
    model: int = 0
    gpus: int = 1
    replicas: int = 0
    reuse: bool = False
    stopped: bool = False
    unseen: bool = False
    """Processes are not visible in the containers."""
    newest_cuda: int = 130
    """The upper end of its CUDA versions: 120 is CUDA 12.0."""
    runs: int = 0
    """Seconds a Job's command takes, 0 for the usual minutes."""


@dataclass(frozen=True)
class InitialInstance:
    """A container instance of an account. ``age`` is how long it has been in its state, in seconds."""

    name: str
    spec: str
    status: str
    age: float
    gpus: int = 1
    extra_disk: int = 0
    command: str = ""


@dataclass(frozen=True)
class CloudPlan:
    """A cloud to build. Prices are in ``currency``; ``preset`` is the preset of the account."""

    name: str
    token: str
    currency: str
    regions: tuple[str, ...]
    models: tuple[GpuModel, ...]
    initial: tuple[InitialDeployment, ...]
    machines: int = 2
    """Machines of each model in a region that has it."""
    everywhere: bool = False
    """Every model in every region; else each region has a part of them."""
    instances: tuple[InitialInstance, ...] = ()
    specs: tuple[str, ...] = ()
    """The specs of instances that its cloud has; with none, it has no calls for them."""
    private: bool = False
    personal: bool = False
    """The account is not verified as a company: it may not use deployments."""
    quiet: bool = False
    """No events without a request: no other customers, no crashes."""
    preset: str = ""
    uid: int = 60
