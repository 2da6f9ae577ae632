"""Plans of hosts: hardware, system, jobs and containers."""

from __future__ import annotations

from dataclasses import dataclass, field

from gputui.sim.machines.hardware import GIB
from gputui.sim.machines.system import System

USER = "ops"
"""The user who logs in."""
FINETUNE = "/opt/conda/bin/python finetune.py --model llama-3.1-8b --lr 2e-5 --bf16"


@dataclass(frozen=True)
class Job:
    """A process on GPUs: its user, the share of each GPU's memory, its load, its age, the container it runs in."""

    user: str
    command: str
    gpus: tuple[int, ...]
    share: float
    load: float
    hours: float
    container: str = ""


@dataclass(frozen=True)
class Container:
    """A container of Docker on a host; ``gpus`` None for all."""

    name: str
    image: str
    gpus: tuple[int, ...] | None
    hours: float
    running: bool = True
    ports: tuple[int, ...] = ()


@dataclass(frozen=True)
class HostPlan:
    """A host to build. Memory in bytes. ``ecc_errors`` are the uncorrected errors of GPUs, by index.

    ``behind`` is the host to go through; ``password_only``: it accepts no key at first; ``code``: it asks for the
    password and this one-time code instead; ``flaky``: it has troubles in turn. ``rate`` is that of SFTP in bytes a
    second, 0 for no limit.
    """

    name: str
    model: str = "NVIDIA H100 80GB HBM3"
    gpu_memory: int = 80 * GIB
    gpus: int = 8
    system: System = field(default_factory=System)
    jobs: tuple[Job, ...] = ()
    containers: tuple[Container, ...] = ()
    lost: tuple[int, ...] = ()
    ecc_errors: tuple[tuple[int, int], ...] = ()
    behind: str = ""
    password_only: bool = False
    code: str = ""
    flaky: bool = False
    rate: int = 0


@dataclass(frozen=True)
class SshPlan:
    """An account of hosts. ``quiet``: no events without a command."""

    name: str = "hosts"
    hosts: tuple[HostPlan, ...] = ()
    quiet: bool = False
