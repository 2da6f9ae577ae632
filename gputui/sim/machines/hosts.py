"""Simulated machines that run containers, and the processes on them."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .containers import Image, Pod, Quota, User
from .filesystem import FileSystem
from .hardware import MIB, PAGE, Gpu
from .system import System

if TYPE_CHECKING:
    from .world import World

_FIRST_PID, _FIRST_SHELL, _PID_STEP = 3900, 4711, 7


@dataclass
class ShellProcess:
    """A shell that a user has open. ``pod`` is the name of the container, None for the host itself.

    ``end`` is called with the number of a signal that ends it. ``login`` is the title that the SSH server gives to
    its session, '' for a shell that another one has started.
    """

    user: str
    pod: str | None
    started: float
    end: Callable[[int], object] = id
    login: str = ""


@dataclass
class Process:
    """A process on GPUs. ``pod`` is None for one of the host; memory values are the mean of a drift."""

    pid: int
    pod: str | None
    command: str
    gpus: tuple[int, ...]
    started: float
    memory: int
    gpu_memory: int | None
    phase: float
    load: float
    user: str = "root"

    def memory_at(self, now: float) -> int:
        """Resident bytes at a world time."""
        return _drift(self.memory, now, self.phase, 0.02) // PAGE * PAGE

    def gpu_memory_at(self, now: float) -> int | None:
        """Bytes on each of its GPUs at a world time, None where the driver does not report them."""
        if self.gpu_memory is None:
            return None
        return _drift(self.gpu_memory, now, self.phase * 2, 0.01) // (2 * MIB) * 2 * MIB


class Network(Protocol):
    """The source of pods' ports; the SSH server is one with real ports."""

    def open(self, host: Host, pod: Pod, port: int) -> int:
        """The host port for a container port of a pod that starts to run."""

    def close(self, host: Host, pod: Pod) -> None:
        """Close the ports of a pod."""

    def cut(self, host: Host) -> None:
        """Close the connections to a host itself."""


class NumbersOnly:
    """Host ports without listeners, numbered from 20000; each port of a pod keeps its number."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str, int], int] = {}

    def open(self, host: Host, pod: Pod, port: int) -> int:
        """The same number for the same port of the same container, every time it starts."""
        return self._given.setdefault((host.name, pod.container_id, port), 20000 + len(self._given))

    def close(self, host: Host, pod: Pod) -> None:
        """No effect: there are no listeners."""

    def cut(self, host: Host) -> None:
        """No effect: there are no connections."""


class Host:
    """One machine that runs pods. Pods are found by exact name, so that 10,000 cost no more than ten.

    A machine of a cloud has the cloud's name and ``rng``.
    """

    own_ports = False
    """Whether every container has its own SSH port, however many there are."""

    def __init__(self, world: World, name: str, *, cloud: str = "", rng: random.Random | None = None) -> None:
        self.world = world
        self.name = name
        self.cloud = cloud
        self.rng = rng or world.rng
        self.users: dict[str, User] = {}
        self.images: dict[str, Image] = {}
        self.gpus: list[Gpu] = []
        self.pods: dict[str, Pod] = {}
        self.processes: dict[int, Process] = {}
        self.shells: dict[int, ShellProcess] = {}
        self.system = System()
        self.user = "root"
        """The user of the host's own shell."""
        self.files: FileSystem | None = None
        self._of_owner: dict[str, dict[str, Pod]] = {}
        self._pids = itertools.count(_FIRST_PID, _PID_STEP)

    def add_gpus(self, count: int, model: str, memory: int) -> None:
        """Add GPUs of a model; ``memory`` in bytes."""
        for index in range(len(self.gpus), len(self.gpus) + count):
            uuid = f"GPU-{hexadecimal(self.rng, 8)}-{hexadecimal(self.rng, 4)}"
            self.gpus.append(Gpu(index, uuid, model, memory))

    def pods_of(self, owner: str) -> Iterator[Pod]:
        """A user's pods, newest first."""
        return reversed(self._of_owner.get(owner, {}).values())

    def pod_count(self, owner: str) -> int:
        """How many pods a user has, in any state."""
        return len(self._of_owner.get(owner, {}))

    def add(self, pod: Pod) -> None:
        """Add a container. One that runs already needs :meth:`connect` as well."""
        self.pods[pod.name] = pod
        self._of_owner.setdefault(pod.owner, {})[pod.instance] = pod

    def create(self, owner: str, instance: str, image: Image, quota: Quota) -> Pod:
        """A container that exists but does not run yet."""
        now = self.world.time
        pod = Pod(
            owner=owner,
            instance=instance,
            image=image.name,
            container_id=hexadecimal(self.rng, 64),
            created=now,
            started=now,
            ports=image.ports,
            gpu_ids=_gpu_ids(quota.gpus),
            memory_limit=quota.memory_limit if quota.memory_limit > 0 else -1,
            shm_size=quota.shm_size if quota.shm_size > 0 else 64 * MIB,
        )
        self.add(pod)
        return pod

    def start(self, pod: Pod) -> None:
        """Run a pod; nothing happens when it runs already."""
        if pod.running:
            return
        pod.status = "running"
        pod.started = self.world.time
        pod.log += " * Starting OpenBSD Secure Shell server sshd\r\n   ...done.\r\n"
        self.connect(pod)

    def stop(self, pod: Pod, status: str = "exited") -> None:
        """End a pod's processes and close its ports."""
        if pod.running:
            self.world.network.close(self, pod)
            pod.finished = self.world.time
        pod.status = status
        pod.host_ports = {}
        for pid in [pid for pid, process in self.processes.items() if process.pod == pod.name]:
            self.end(pid)

    def remove(self, pod: Pod) -> None:
        """Delete a pod, running or not; no effect on one that is gone."""
        if self.pods.get(pod.name) is not pod:
            return
        self.stop(pod)
        del self.pods[pod.name]
        del self._of_owner[pod.owner][pod.instance]

    def hide(self, pod: Pod) -> Callable[[], object]:
        """Leave a pod out of the lists until the returned function is called; it runs all the same."""
        del self.pods[pod.name]
        del self._of_owner[pod.owner][pod.instance]
        return lambda: self.add(pod)

    def open_shell(self, user: str, pod: Pod | None) -> int:
        """The process id of a new shell: the first one that is free, and not one that processes get."""
        pid = next(pid for pid in itertools.count(_FIRST_SHELL, _PID_STEP) if pid not in self.shells)
        self.shells[pid] = ShellProcess(user, pod.name if pod else None, self.world.time)
        return pid

    def close_shell(self, pid: int) -> None:
        """End a shell."""
        self.shells.pop(pid, None)

    def spawn(self, pod: Pod | None, command: str, gpus: tuple[int, ...], gpu_memory: int | None) -> Process:
        """A process that takes ``gpu_memory`` bytes on each of ``gpus``."""
        rng = self.rng
        process = Process(
            pid=next(self._pids),
            pod=pod.name if pod else None,
            command=command,
            gpus=gpus,
            started=self.world.time,
            memory=rng.randrange(600, 24_000) * MIB,
            gpu_memory=gpu_memory,
            phase=rng.uniform(0, 2 * math.pi),
            load=rng.uniform(0.2, 0.98),
        )
        self.processes[process.pid] = process
        return process

    def end(self, pid: int) -> None:
        """End a process."""
        del self.processes[pid]

    def on_gpu(self, index: int) -> list[Process]:
        """The processes on a GPU, oldest pid first."""
        return [process for process in self.processes.values() if index in process.gpus]

    def gpu_memory_used(self, index: int) -> int:
        """Bytes used on a GPU now, without processes that the driver does not report."""
        return sum(process.gpu_memory_at(self.world.time) or 0 for process in self.on_gpu(index))

    def utilisation(self, index: int) -> int:
        """Load of a GPU now, in percent."""
        now = self.world.time
        load = sum(_drift(1000, now, process.phase * 3, 0.2) / 1000 * process.load for process in self.on_gpu(index))
        return min(100, round(load * 100))

    def connect(self, pod: Pod) -> None:
        """Map a running pod's ports."""
        pod.host_ports = {port: self.world.network.open(self, pod, port) for port in pod.ports}


def hexadecimal(rng: random.Random, digits: int) -> str:
    """A random identifier."""
    return f"{rng.getrandbits(digits * 4):0{digits}x}"


def _drift(base: int, now: float, phase: float, share: float) -> int:
    return round(base * (1 + share * math.sin(now / 23 + phase)))


def _gpu_ids(quota: str) -> list[int] | None:
    match quota.strip().lower():
        case "" | "all":
            return None
        case "none":
            return []
        case ids:
            return [int(part) for part in ids.split(",") if part.isdigit()]
