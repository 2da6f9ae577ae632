"""The hosts of the default world: their hardware, and what runs on them."""

from __future__ import annotations

from dataclasses import replace

from gputui.sim.machines.hardware import GIB
from gputui.sim.machines.system import Disk, LoggedIn, System

from .plans import FINETUNE, USER, Container, HostPlan, Job, SshPlan

BASTION = "bastion"
"""The host that others are reached through."""
_TIB = 1 << 40
_OTHER_TOOLS = frozenset({"timeout", "journalctl"})
_TOOLS = _OTHER_TOOLS | {"nvidia-smi"}
_AMD_TOOLS = _OTHER_TOOLS | {"rocm-smi"}
_TRAIN = "/opt/conda/bin/python -m torch.distributed.run --nproc-per-node 4 train.py --config configs/70b.yaml"
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
    jobs=(Job("carol", FINETUNE, (0, 1), 0.74, 0.93, 12.0),),
    lost=(2,),
    ecc_errors=((3, 2),),
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
    jobs=(Job("bob", FINETUNE, (0, 1), 0.8, 0.9, 5.0),),
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
    jobs=(Job("carol", FINETUNE, (0, 1, 2, 3), 0.6, 0.88, 17.0),),
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
            ecc_errors=(),
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
