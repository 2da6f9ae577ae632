"""Simulated machines with an SSH server of their own: how they are built, and events that occur by themselves."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hardware import Gpu
from gputui.sim.machines.hosts import Host, hexadecimal
from gputui.sim.machines.world import World

from .plans import FINETUNE, USER, Container, HostPlan, Job

_ACTIVITY_SECONDS, _TROUBLE_SECONDS = 50.0, 90.0
_DOWN_SECONDS = (25.0, 45.0)


class SshHost(Host):
    """A machine with an SSH server of its own. ``mood`` is how that answers, as in endpoints.Door."""

    mood = ""

    def lose_gpu(self, index: int) -> None:
        """Let a GPU fall off the bus; what runs on it ends."""
        self.system.lost_gpus.add(index)
        for process in self.on_gpu(index):
            self.end(process.pid)

    def reboot(self) -> None:
        """Come up again with all GPUs, without processes and memory errors, and with another boot id."""
        for pid in list(self.processes):
            self.end(pid)
        self.system.lost_gpus.clear()
        self.system.ecc_errors.clear()
        self.system.boot_id = _boot_id(self.rng)
        self.system.booted = self.world.time


def build_host(world: World, plan: HostPlan, seed: int, *, quiet: bool = False) -> SshHost:
    """Build a host. It has its own random generator, so that other hosts do not change."""
    rng = random.Random(f"{plan.name} {seed}")  # noqa: S311  a pretend host has no secrets
    host = SshHost(world, plan.name, rng=rng)
    host.user = USER
    host.system = replace(
        plan.system,
        name=plan.name,
        boot_id=_boot_id(rng),
        booted=world.time - rng.uniform(3, 60) * 86_400,
        lost_gpus=set(plan.lost),
        ecc_errors=dict(plan.ecc_errors),
        sftp_rate=plan.rate,
    )
    for index in range(plan.gpus):
        uuid = "GPU-" + "-".join(hexadecimal(rng, digits) for digits in (8, 4, 4, 4, 12))
        host.gpus.append(Gpu(index, uuid, plan.model, plan.gpu_memory))
    for container in plan.containers:
        _add_container(host, container)
    for job in plan.jobs:
        start(host, job)
    if plan.flaky and not quiet:
        _Troubles(host, plan.jobs)
    if plan.gpus and not quiet:
        world.repeat(lambda: _some_work(host), _ACTIVITY_SECONDS, rng)
    return host


def start(host: Host, job: Job) -> None:
    """Start a job's process, which began hours ago."""
    memory = int(host.gpus[job.gpus[0]].memory * job.share)
    process = host.spawn(host.pods.get(job.container), job.command, job.gpus, memory)
    process.user, process.load = job.user, job.load
    process.started = max(host.world.time - job.hours * 3600, host.system.up_since(host.world.time) + 60)


def _add_container(host: Host, plan: Container) -> None:
    now = host.world.time
    began = max(now - plan.hours * 3600, host.system.up_since(now) + 30)
    gpus = None if plan.gpus is None else list(plan.gpus)
    pod = Pod("", plan.name, plan.image, hexadecimal(host.rng, 64), began - 5, began, ports=plan.ports, gpu_ids=gpus)
    pod.status = "running" if plan.running else "exited"
    pod.finished = None if plan.running else began + 3 * 3600
    host.add(pod)


def _boot_id(rng: random.Random) -> str:
    return "-".join(hexadecimal(rng, digits) for digits in (8, 4, 4, 4, 12))


def _some_work(host: Host) -> None:
    """A user starts a job on the last GPU, or ends it."""
    last = len(host.gpus) - 1
    running = [process for process in host.processes.values() if process.gpus == (last,) and process.user == "dave"]
    if running:
        host.end(running[0].pid)
    elif last not in host.system.lost_gpus and not host.on_gpu(last):
        start(host, Job("dave", FINETUNE, (last,), host.rng.uniform(0.2, 0.9), host.rng.uniform(0.3, 0.99), 0.0))


class _Troubles:
    """The troubles of a host, in turn: it closes connections, hangs, loses its last GPU, reboots."""

    def __init__(self, host: SshHost, jobs: Sequence[Job]) -> None:
        self._host = host
        self._jobs = jobs
        self._next = itertools.cycle((self._drop, self._hang, self._lose, self._reboot))
        host.world.repeat(self._turn, _TROUBLE_SECONDS, host.rng)

    def _turn(self) -> None:
        next(self._next)()

    def _drop(self) -> None:
        self._down("drops", lambda: None)

    def _hang(self) -> None:
        self._down("hangs", lambda: None)

    def _lose(self) -> None:
        self._host.lose_gpu(len(self._host.gpus) - 1)

    def _reboot(self) -> None:
        self._down("drops", self._up)

    def _up(self) -> None:
        self._host.reboot()
        for job in self._jobs:
            start(self._host, replace(job, hours=0.0))

    def _down(self, mood: str, then: Callable[[], None]) -> None:
        """Be down for a while: one that hangs keeps its connections."""
        self._host.mood = mood
        if mood == "drops":
            self._host.world.network.cut(self._host)

        def answer() -> None:
            self._host.mood = ""
            then()

        self._host.world.after(self._host.rng.uniform(*_DOWN_SECONDS), answer)
