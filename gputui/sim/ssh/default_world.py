"""The hosts of the default world: their hardware, what runs on them, and events that occur by themselves."""

from __future__ import annotations

import random
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
_TOOLS = frozenset({"nvidia-smi", "timeout", "journalctl"})
_AMD_TOOLS = frozenset({"rocm-smi", "timeout", "journalctl"})
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
_ACTIVITY_SECONDS, _MOOD_SECONDS = 50.0, 90.0


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

    ``behind`` is the host to go through; ``password_only``: it accepts no key at first; ``flaky``: now and then it
    closes connections, hangs or reboots. ``rate`` is that of SFTP in bytes a second, 0 for no limit.
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
JUMP = HostPlan(
    BASTION, gpus=0, system=replace(_USUAL, cpus=4, memory=8 * GIB, tools=frozenset({"timeout", "journalctl"}))
)
SIX = (GPU01, GPU02, GPU03, GPU04, GPU05, AMD01, JUMP)


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
    return (*SIX, AMD02, *copies)


HOSTS: dict[str, tuple[SshPlan, ...]] = {
    "small": (SshPlan(hosts=SIX),),
    "large": (SshPlan(hosts=_many(16)),),
    "huge": (SshPlan(hosts=_many(92)),),
}
"""The accounts of hosts in each size of the world."""


class SshHost(Host):
    """A machine with an SSH server of its own. ``mood`` is how that answers, as in endpoints.Door."""

    mood = ""

    def reboot(self) -> None:
        """Come up again, without processes and with another boot id."""
        for pid in list(self.processes):
            self.end(pid)
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
        _Moods(host)
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


class _Moods:
    """A host that now and then closes connections or hangs for a while, and reboots in one of four times."""

    def __init__(self, host: SshHost) -> None:
        self._host = host
        host.world.repeat(self._turn, _MOOD_SECONDS, host.rng)

    def _turn(self) -> None:
        rng = self._host.rng
        self._host.mood = rng.choice(("drops", "hangs"))
        reboots = rng.random() < 0.25
        self._host.world.after(rng.uniform(15, 40), lambda: self._over(reboots))

    def _over(self, reboots: bool) -> None:
        self._host.mood = ""
        if reboots:
            self._host.reboot()
