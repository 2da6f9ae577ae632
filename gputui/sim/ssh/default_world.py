"""The hosts of the default world: their hardware, what runs on them, and events that occur by themselves."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hardware import GIB, Gpu
from gputui.sim.machines.hosts import Host, hexadecimal
from gputui.sim.machines.system import Disk, LoggedIn, System
from gputui.sim.machines.world import World

USER = "ops"
"""The user who logs in."""
BASTION = "bastion"
"""The host that others are reached through."""
_TIB = 1 << 40
_OTHER_TOOLS = frozenset({"timeout", "journalctl"})
_TOOLS = _OTHER_TOOLS | {"nvidia-smi"}
_AMD_TOOLS = _OTHER_TOOLS | {"rocm-smi"}
_TRAIN = "/opt/conda/bin/python -m torch.distributed.run --nproc-per-node 4 train.py --config configs/70b.yaml"
_FINETUNE = "/opt/conda/bin/python finetune.py --model llama-3.1-8b --lr 2e-5 --bf16"
_SERVE = "/opt/conda/bin/python -m vllm.entrypoints.openai.api_server --model Qwen/Qwen3-32B --port 8000"
_NOTEBOOK = "/opt/conda/bin/python -m ipykernel_launcher -f /home/alice/.local/share/jupyter/runtime/kernel-5f2c.json"
_STUCK = "python eval.py --tasks mmlu --hangs"
_SSHD = (
    "Accepted publickey for ops from 10.0.0.4 port 51022 ssh2",
    "pam_unix(sshd:session): session opened for user ops",
)
_XID = (
    "NVRM: Xid (PCI:0000:30:00): 79, pid='<unknown>', GPU has fallen off the bus.",
    "NVRM: GPU 0000:30:00.0: GPU is lost.",
)
_ACTIVITY_SECONDS, _TROUBLE_SECONDS = 50.0, 90.0
_DOWN_SECONDS = (25.0, 45.0)


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
    """A host to build. Memory in bytes.

    ``behind`` is the host to go through; ``password_only``: it accepts no key at first; ``code``: it asks for the
    password and this one-time code instead; ``flaky``: see :class:`_Troubles`. ``rate`` is that of SFTP in bytes a
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


_USUAL = System(
    kernel="5.15.0-122-generic",
    cpus=112,
    memory=1024 * GIB,
    tools=_TOOLS,
    disks=(Disk("/", "/dev/nvme0n1p2", 880 * GIB, 312 * GIB), Disk("/home", "/dev/md0", 14 * _TIB, 9 * _TIB)),
    units={"ssh": _SSHD},
)
GPU01 = HostPlan(
    "gpu01",
    system=replace(
        _USUAL,
        users=(LoggedIn("alice", "pts/0", "10.0.0.21", 3.4), LoggedIn("bob", "pts/2", "10.0.0.35", 26.0)),
    ),
    jobs=(
        Job("alice", _TRAIN, (0, 1, 2, 3), 0.88, 0.97, 61.0),
        Job("bob", _SERVE, (4,), 0.91, 0.62, 240.0),
        Job("alice", _NOTEBOOK, (5,), 0.12, 0.04, 8.0),
        Job(USER, _STUCK, (5,), 0.2, 0.0, 30.0),
    ),
    rate=24 << 20,
)
GPU02 = HostPlan(
    "gpu02",
    "NVIDIA A100-SXM4-80GB",
    gpus=4,
    system=replace(
        _USUAL,
        cpus=64,
        memory=512 * GIB,
        units={"ssh": _SSHD, "kernel": _XID},
        users=(LoggedIn("carol", "pts/1", "10.0.0.40", 0.3),),
    ),
    jobs=(Job("carol", _FINETUNE, (0, 1), 0.74, 0.93, 12.0),),
    lost=(2,),
)
GPU03 = HostPlan(
    "gpu03",
    "NVIDIA GeForce RTX 4090",
    24 * GIB,
    gpus=2,
    system=replace(_USUAL, cpus=32, memory=128 * GIB, tools=_TOOLS | {"docker"}),
    containers=(
        Container("llm-serve", "vllm/vllm-openai:v0.9.1", (0,), 190, ports=(8000,)),
        Container("notebook", "jupyter/base-notebook:latest", (1,), 20, ports=(8888,)),
        Container("eval-old", "pytorch/pytorch:2.7.1-cuda12.8-cudnn9-runtime", None, 900, running=False),
    ),
    jobs=(
        Job("root", _SERVE, (0,), 0.9, 0.58, 190, "llm-serve"),
        Job("root", _NOTEBOOK, (1,), 0.15, 0.02, 20, "notebook"),
    ),
    behind=BASTION,
)
GPU04 = HostPlan(
    "gpu04",
    "NVIDIA L40S",
    48 * GIB,
    system=replace(_USUAL, cpus=64, memory=512 * GIB),
    jobs=(Job("bob", _FINETUNE, (0, 1), 0.8, 0.9, 5.0),),
    flaky=True,
)
GPU05 = HostPlan(
    "gpu05",
    "Tesla V100-SXM2-32GB",
    32 * GIB,
    gpus=4,
    system=replace(_USUAL, cpus=40, memory=256 * GIB, kernel="4.15.0-213-generic", distribution="Ubuntu 18.04.6 LTS",
                   driver="470.256.02", cuda="11.4", tools=_TOOLS - {"timeout"}),
    password_only=True,
)  # fmt: skip
AMD01 = HostPlan(
    "amd01",
    "AMD Instinct MI300X",
    192 * GIB,
    system=replace(_USUAL, cpus=192, memory=2048 * GIB, kernel="6.8.0-45-generic", tools=_AMD_TOOLS),
    jobs=(Job("alice", _TRAIN, (0, 1, 2, 3), 0.7, 0.95, 33.0), Job("carol", _SERVE, (6,), 0.85, 0.4, 70.0)),
)
AMD02 = replace(
    AMD01, name="amd02", gpus=4, jobs=(), system=replace(AMD01.system, tools=_AMD_TOOLS - {"rocm-smi"} | {"amd-smi"})
)
NPU01 = HostPlan(
    "npu01",
    "Ascend 910B2C",
    64 * GIB,
    system=replace(
        _USUAL,
        cpus=192,
        memory=1536 * GIB,
        kernel="5.10.0-182.0.0.95.oe2203sp3.aarch64",
        distribution="openEuler 22.03",
        driver="25.0.rc1.2",
        tools=_OTHER_TOOLS | {"npu-smi"},
    ),
    jobs=(Job("carol", _FINETUNE, (0, 1, 2, 3), 0.6, 0.88, 17.0),),
)
GPU06 = HostPlan(
    "gpu06",
    "NVIDIA H200",
    141 * GIB,
    system=_USUAL,
    jobs=(Job("alice", _SERVE, (0, 1), 0.9, 0.5, 80.0),),
    code="246810",
)
JUMP = HostPlan(BASTION, gpus=0, system=replace(_USUAL, cpus=4, memory=8 * GIB, tools=_OTHER_TOOLS))
SEVEN = (GPU01, GPU02, GPU03, GPU04, GPU05, AMD01, NPU01, JUMP)
"""The usual hosts, and the one that is reached through but not listed."""


def _many(count: int) -> tuple[HostPlan, ...]:
    """The usual hosts, and copies with other jobs."""
    kinds = (GPU01, GPU02, GPU04, AMD01)
    copies = tuple(
        replace(
            kinds[number % len(kinds)],
            name=f"node{number:03d}",
            jobs=kinds[number % len(kinds)].jobs[: number % 3],
            lost=(),
            flaky=False,
            rate=0,
        )
        for number in range(count)
    )
    return (*SEVEN, AMD02, *copies)


HOSTS: dict[str, tuple[SshPlan, ...]] = {
    "small": (SshPlan(hosts=SEVEN),),
    "large": (SshPlan(hosts=_many(15)),),
    "huge": (SshPlan(hosts=_many(91)),),
}
"""The accounts of hosts in each size of the world."""


class SshHost(Host):
    """A machine with an SSH server of its own. ``mood`` is how that answers, as in endpoints.Door."""

    mood = ""

    def lose_gpu(self, index: int) -> None:
        """Let a GPU fall off the bus; what runs on it ends."""
        self.system.lost_gpus.add(index)
        for process in self.on_gpu(index):
            self.end(process.pid)

    def reboot(self) -> None:
        """Come up again with all GPUs, without processes and with another boot id."""
        for pid in list(self.processes):
            self.end(pid)
        self.system.lost_gpus.clear()
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
        start(host, Job("dave", _FINETUNE, (last,), host.rng.uniform(0.2, 0.9), host.rng.uniform(0.3, 0.99), 0.0))


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
