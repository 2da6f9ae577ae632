"""The DeepDock host of the default world: its containers, their past, and events that occur by themselves."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hardware import GIB, Gpu
from gputui.sim.machines.hosts import Process
from gputui.sim.machines.world import World

from .host import DockHost, Machine
from .registry import find

USER = "dock"
"""The user of the initial containers; the password is SSH_PASSWORD."""
STEADY = 5
"""The number of containers that never change by themselves, for sessions and tests."""
_CUDA, _CUDA_OLD = "nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04", "nvidia/cuda:12.2.0-runtime-ubuntu22.04"
_TORCH, _VLLM = "pytorch/pytorch:2.7.1-cuda12.8-cudnn9-runtime", "vllm/vllm-openai:v0.9.1"
_JUPYTER, _TEAM = "jupyter/base-notebook:latest", "localhost:5000/team/trainer:2025-11"
_TRAIN = "/opt/conda/bin/python -m torch.distributed.run --nproc-per-node 2 train.py --config configs/7b.yaml"
_SERVE = "/opt/conda/bin/python -m vllm.entrypoints.openai.api_server --model Qwen/Qwen3-8B --port 8000"
_KERNEL = "/opt/conda/bin/python -m ipykernel_launcher -f /tmp/kernel-5f2c.json"
_EVAL = "python -u eval.py --tasks mmlu,gsm8k --batch-size 16"


class InitialContainer(NamedTuple):
    """An initial container: its age in ``minutes``, and the command that runs in it at a load."""

    name: str
    status: str
    gpus: tuple[int, ...]
    image: str
    minutes: float
    command: str = ""
    load: float = 0.0


_INITIAL = (
    InitialContainer("train-7b", "running", (0, 1), _TORCH, 5200, _TRAIN, 0.96),
    InitialContainer("serve-qwen", "running", (2,), _VLLM, 19_000, _SERVE, 0.68),
    InitialContainer("notebook", "running", (3,), _JUPYTER, 640, _KERNEL, 0.38),
    InitialContainer("finetune-lora", "running", (4,), _TEAM, 23, _TRAIN, 0.88),
    InitialContainer("builder", "running", (), _CUDA, 90),
    InitialContainer("eval-mmlu", "exited", (5,), _TORCH, 300, _EVAL, 0.8),
    InitialContainer("sdxl-batch", "running", (5,), _CUDA, 150, "python batch.py --prompts prompts.txt", 0.9),
    InitialContainer("container_1", "exited", (0,), _CUDA_OLD, 40_000),
    InitialContainer("ablation", "paused", (4,), _TEAM, 1800),
    InitialContainer("webui", "created", (2,), _CUDA, 12),
    InitialContainer("old-demo", "running", (6,), _VLLM, 11_600, _SERVE),
)
_ASIDE = frozenset(initial.name for initial in _INITIAL if initial.command and not initial.load)
"""Containers whose processes only use memory, and never change by themselves."""


@dataclass(frozen=True)
class DockPlan:
    """A DeepDock host to build. ``header`` is a name and a value that every request must have, if any; ``label`` and
    ``gpu_memory`` (bytes) describe the GPUs in the account's configuration, since the API does not name them.
    """

    name: str = "dock"
    gpu_model: str = "NVIDIA GeForce RTX 4090"
    label: str = "RTX 4090"
    gpu_memory: int = 24 * GIB
    gpus: int = 8
    containers: int = 10
    machine: Machine = field(default_factory=Machine)
    header: tuple[str, str] | None = None
    price: float = 0
    """The price of a GPU-hour in the account's configuration, in USD."""
    quiet: bool = False
    """No events without a request."""


DOCK = DockPlan()
DOCKS: dict[str, tuple[DockPlan, ...]] = {
    "small": (replace(DOCK, containers=len(_INITIAL), price=0.35),),
    "large": (DockPlan(containers=24),),
    "huge": (DockPlan(containers=60),),
}
"""The DeepDock hosts of each size of the world."""


def build_dock(world: World, plan: DockPlan, seed: int = 0) -> DockHost:
    """Build a host with an hour of history. It has its own random generator, so that other hosts do not change."""
    rng = random.Random(f"{plan.name} {seed}")  # noqa: S311  a pretend host has no secrets

    def uuid() -> str:
        return "GPU-" + "-".join(f"{rng.getrandbits(digits * 4):0{digits}x}" for digits in (8, 4, 4, 4, 12))

    gpus = [Gpu(index, uuid(), plan.gpu_model, plan.gpu_memory) for index in range(plan.gpus)]
    host = DockHost(world, plan.name, plan.machine, gpus, rng)
    world.hosts[plan.name] = host
    for tag in (_TORCH, _VLLM, _TEAM, _CUDA, _CUDA_OLD, _JUPYTER):
        host.add_image(tag, find(tag))
    host.add_image(_TEAM, find(_TEAM) - 400_000_000, untagged=True)
    # Oldest first: the well-known names are the newest and at the top of the list.
    for number in reversed(range(plan.containers)):
        _add(host, number)
    if not plan.quiet:
        _Activity(host)
    return host


def _add(host: DockHost, number: int) -> None:
    rng = host.rng
    if number < len(_INITIAL):
        initial = _INITIAL[number]
    else:
        status = rng.choice(("running", "exited", "exited", "running", "dead"))
        index = rng.randrange(max(1, len(host.gpus) - 2))
        load = rng.uniform(0.05, 0.3)
        initial = InitialContainer(f"exp-{number:03d}", status, (index,), _CUDA, rng.uniform(60, 40_000), _EVAL, load)
    gpus = [index for index in initial.gpus if index < len(host.gpus)]
    pod = host.make(initial.name, initial.image, user=USER, password="", gpu_ids=gpus, env={})
    pod.created = pod.started = host.world.time - initial.minutes * 60 + rng.random()
    pod.status = initial.status
    if pod.running:
        host.connect(pod)
    if initial.command and gpus:
        _past(host, pod, initial)


def _past(host: DockHost, pod: Pod, initial: InitialContainer) -> None:
    """Add the processes of a container: running ones, or those that ran until it was stopped."""
    now = host.world.time
    for process in host.occupy(pod, initial.command, initial.load):
        process.started = pod.started + 20
        if not pod.running:
            _over(host, process, now - 18 * 60)
        elif initial.command == _KERNEL:
            process.started = now - 26 * 60
            _over(host, host.spawn(pod, _KERNEL, process.gpus, process.gpu_memory), now - 31 * 60)


def _over(host: DockHost, process: Process, until: float) -> None:
    """End a process at a world time in the past; it began before the first sample."""
    process.started = min(process.started, until - 3000)
    host.end(process.pid, until)


class _Activity:
    """Events without a request: processes of containers start and end, a container restarts."""

    def __init__(self, host: DockHost) -> None:
        self._host = host
        host.world.repeat(self._processes, 45, host.rng)
        host.world.repeat(self._restart, 240, host.rng)

    def _processes(self) -> None:
        pod = self._some_container()
        if pod is None:
            return
        running = [process.pid for process in self._host.processes.values() if process.pod == pod.name]
        for pid in running:
            self._host.end(pid)
        if not running:
            self._host.occupy(pod)

    def _restart(self) -> None:
        pod = self._some_container()
        if pod is not None:
            self._host.world.restart_by_itself(self._host, pod)

    def _some_container(self) -> Pod | None:
        steady = {initial.name for initial in _INITIAL[:STEADY]} | _ASIDE
        movable = [pod for pod in self._host.pods.values() if pod.running and pod.gpu_ids and pod.name not in steady]
        return self._host.rng.choice(movable) if movable else None
