"""A host with DeepDock: containers by name, images by tag, pulls in the background, and a history of its GPUs."""

from __future__ import annotations

import hashlib
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gputui.sim.http.answers import docker_time
from gputui.sim.machines.containers import Image, Pod
from gputui.sim.machines.hardware import GIB, MIB, Gpu
from gputui.sim.machines.hosts import Host, Process, hexadecimal
from gputui.sim.machines.world import World

from .gpu_series import KEPT, PERIOD, Series, load_of
from .registry import find, whole

SSH = 22
_SPEED = 45 * 1000**2
"""Download rate from a registry, in bytes a second."""
_AT_LEAST = 3.0
_WORK_AFTER = (4.0, 12.0)
_SYSTEM_MEMORY = 9 * GIB
_DRIVER_MEMORY = 380 * MIB
_PAST = KEPT * PERIOD + 200
_COMMANDS = (
    "python train.py --config configs/base.yaml --bf16",
    "/opt/conda/bin/python -m torch.distributed.run --nproc-per-node 2 finetune.py --lr 2e-5",
    "/opt/conda/bin/python -m vllm.entrypoints.openai.api_server --model Qwen/Qwen3-8B --port 8000",
    "/opt/conda/bin/python -m ipykernel_launcher -f /tmp/kernel-5f2c.json",
)


@dataclass(frozen=True)
class Machine:
    """The hardware of a host. ``ram`` in bytes; the clock is ``utc_offset`` seconds east of UTC, ``skew`` fast."""

    ram: int = 256 * GIB
    cores: int = 64
    utc_offset: float = 8 * 3600.0
    skew: float = 7.3

    def local(self, at: float) -> datetime:
        """A world time by the host's clock, without a zone."""
        return datetime.fromtimestamp(at + self.skew, UTC).replace(tzinfo=None) + timedelta(seconds=self.utc_offset)


class DockHost(Host):
    """One machine whose containers have no owner and whose GPUs are sampled continuously."""

    own_ports = True

    def __init__(self, world: World, name: str, machine: Machine, gpus: Sequence[Gpu], rng: random.Random) -> None:
        super().__init__(world, name, rng=rng)
        self.machine = machine
        self.gpus = list(gpus)
        self.series = [Series(self, index) for index in range(len(self.gpus))]
        self.pulls: dict[str, float] = {}
        """Pulls in progress, by tag, with the world time of completion."""
        self._ended: deque[tuple[float, Process]] = deque()

    # Containers

    def make(
        self, name: str, image: str, *, user: str, password: str, gpu_ids: Sequence[int], env: dict[str, str]
    ) -> Pod:
        """A container that exists but does not run yet."""
        now = self.world.time
        identity = hexadecimal(self.rng, 64)
        pod = Pod("", name, image, identity, now, now, gpu_ids=list(gpu_ids), user=user, password=password, env=env)
        self.add(pod)
        return pod

    def start(self, pod: Pod) -> None:
        """Run a container; after some seconds (immediately in a frozen world) a process in it uses its GPUs."""
        if pod.running:
            return
        super().start(pod)
        began = pod.started

        def work() -> None:
            if self.pods.get(pod.name) is pod and pod.running and pod.started == began:
                self.occupy(pod)

        self.world.after(self.rng.uniform(*_WORK_AFTER) if self.world.clock.speed else 0, work)

    def occupy(self, pod: Pod, command: str = "", load: float | None = None) -> list[Process]:
        """Start a process on each GPU of a container that has enough free memory."""
        command = command or self.rng.choice(_COMMANDS)
        begun = []
        for index in pod.gpu_ids or ():
            free = self.gpus[index].memory - super().gpu_memory_used(index) - GIB
            if free < GIB:
                continue
            process = self.spawn(pod, command, (index,), int(free * self.rng.uniform(0.35, 0.9)))
            process.memory = min(process.memory, 12 * GIB)
            process.load = process.load if load is None else load
            begun.append(process)
        return begun

    # Processes and GPUs, now and before

    def end(self, pid: int, until: float | None = None) -> None:
        """End a process, now or at an earlier world time; its load is kept as long as the samples."""
        now = self.world.time
        self._ended.append((now if until is None else until, self.processes.pop(pid)))
        while self._ended[0][0] < now - _PAST:
            self._ended.popleft()

    def _there(self, index: int, at: float) -> Iterator[Process]:
        for process in self.processes.values():
            if index in process.gpus and process.started <= at:
                yield process
        for until, process in self._ended:
            if index in process.gpus and process.started <= at < until:
                yield process

    def load_at(self, index: int, at: float) -> float:
        """Load of a GPU at a world time, in percent."""
        return min(100.0, 100 * sum(load_of(process, at) for process in self._there(index, at)))

    def memory_at(self, index: int, at: float) -> int:
        """Bytes taken on a GPU at a world time, with the driver's own."""
        taken = sum(process.gpu_memory_at(at) or 0 for process in self._there(index, at))
        return min(self.gpus[index].memory, _DRIVER_MEMORY + taken)

    def utilisation(self, index: int) -> int:
        """Load of a GPU now, in percent, as in its samples."""
        return round(self.load_at(index, self.world.time))

    def gpu_memory_used(self, index: int) -> int:
        """Bytes taken on a GPU now, as in its samples."""
        return self.memory_at(index, self.world.time)

    def ram_available(self) -> int:
        """Bytes of memory that are free for more."""
        now = self.world.time
        used = _SYSTEM_MEMORY + sum(process.memory_at(now) for process in self.processes.values())
        return max(512 * MIB, self.machine.ram - used)

    # Images

    def image(self, tag: str) -> Image | None:
        """The image of a tag."""
        return self.images.get(whole(tag))

    def images_of(self, ref: str) -> list[Image]:
        """The images a tag or a short id names; several when an id has several tags."""
        tagged = self.image(ref)
        return [tagged] if tagged else [image for image in self.images.values() if image_id(image) == ref]

    def add_image(self, tag: str, size: int, *, untagged: bool = False) -> Image:
        """An image of a tag, or one that has lost it."""
        image = Image(
            name="" if untagged else tag,
            digest=f"{tag.rpartition(':')[0]}@sha256:{hashlib.sha256(f'{tag} {untagged}'.encode()).hexdigest()}",
            size=size,
            created=docker_time(int(self.world.time)),
        )
        self.images[image.name or image_id(image)] = image
        return image

    def drop_image(self, image: Image) -> None:
        """Remove an image, if it is there; its containers keep running."""
        self.images.pop(image.name or image_id(image), None)

    def pull(self, tag: str) -> float:
        """Start to pull a tag unless a pull is in progress; returns the world seconds until completion.

        It continues without a waiting request. Raises LookupError for a tag that the registry does not have.
        """
        tag = whole(tag)
        size = find(tag)
        now = self.world.time
        if tag not in self.pulls:
            seconds = max(_AT_LEAST, size / _SPEED) if self.world.clock.speed else 0.0
            self.pulls[tag] = now + seconds
            self.world.after(seconds, lambda: self.arrive(tag))
        return max(0.0, self.pulls[tag] - now)

    def arrive(self, tag: str) -> None:
        """Complete a pull; no effect on one that is complete."""
        tag = whole(tag)
        if self.pulls.pop(tag, None) is None:
            return
        # New images are at the front of the list.
        before, self.images = self.images, {}
        self.add_image(tag, find(tag))
        self.images |= {name: image for name, image in before.items() if name != tag}


def image_id(image: Image) -> str:
    """An image's short id."""
    return image.digest.rpartition(":")[2][:12]
