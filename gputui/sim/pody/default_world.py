"""The pody hosts of the default world: users, pods, images and processes, and the events that occur by themselves."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from gputui.sim.machines.containers import Image, Pod, Quota, User
from gputui.sim.machines.hardware import GIB, MIB
from gputui.sim.machines.hosts import Host, Process, hexadecimal
from gputui.sim.machines.world import World

from .validation import RELEASES

PASSWORDS = {"alice": "wonderland", "bob": "builder", "carol": "christmas"}


@dataclass(frozen=True)
class HostPlan:
    """A host to build: ``pods`` belong to alice, ``others`` to bob and carol.

    ``label`` is the GPU model in the account's configuration, ``gpu_memory`` in bytes, ``release`` one of RELEASES.
    """

    name: str
    label: str
    gpu_model: str
    gpu_memory: int
    gpus: int
    pods: int
    others: int
    release: str = RELEASES[-1]


_RTX = ("RTX 4090", "NVIDIA GeForce RTX 4090", 24 * GIB)
_A100 = ("A100-SXM4-80GB", "NVIDIA A100-SXM4-80GB", 80 * GIB)
HOSTS: dict[str, tuple[HostPlan, ...]] = {
    "small": (
        HostPlan("lab", *_RTX, gpus=8, pods=34, others=8),
        HostPlan("lab-b", *_A100, gpus=4, pods=14, others=4),
    ),
    "large": (
        HostPlan("lab", *_RTX, gpus=8, pods=900, others=20),
        HostPlan("lab-b", *_A100, gpus=8, pods=70, others=10),
    ),
    "huge": (
        HostPlan("lab", *_RTX, gpus=16, pods=9_850, others=40),
        HostPlan("lab-b", *_A100, gpus=8, pods=100, others=10),
    ),
}
"""The first host is the account ``lab``; the numbers of pods add up to about 60, 1,000 and 10,000."""

_NAMES = (
    "main", "train_a", "jupyter", "vllm_llama", "train_b", "eval_mmlu", "dataprep", "tensorboard", "comfyui",
    "whisper", "finetune_qwen", "diffusion_xl", "rl_lab", "notebook", "bench_nccl", "embed_server", "moe_debug",
    "ablation_7", "tokenizer", "triton_dev", "reward_model", "rag_demo", "speech", "segment", "lora_sweep", "distill",
)  # fmt: skip
_STEMS = ("sweep", "worker", "eval", "shard", "train", "probe")
_COMMANDS = {
    "vllm": "/opt/conda/bin/python -m vllm.entrypoints.openai.api_server --model meta-llama/Llama-3.1-8B-Instruct",
    "jupyter": "/opt/conda/bin/python -m ipykernel_launcher -f /root/.local/share/jupyter/runtime/kernel-5f2c.json",
    "comfyui": "python main.py --listen 0.0.0.0 --port 8000",
    "whisper": "/opt/conda/envs/whisper/bin/python transcribe.py --model large-v3 --input /workspace/audio",
}
_TRAINING = (
    "python train.py --config configs/base.yaml --bf16",
    "/opt/conda/bin/python -m torch.distributed.run --nproc-per-node 2 finetune.py --lr 2e-5",
    "python -u eval.py --tasks mmlu,gsm8k --batch-size 16",
    "/opt/conda/bin/python -c from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=11)",
)
_HOST_COMMAND = "/usr/bin/dcgm-exporter -f /etc/dcgm-exporter/default-counters.csv"
STEADY = 6
"""The number of pods of alice that never change by themselves, for sessions and tests."""
_STEADY = frozenset(f"alice-{name}" for name in _NAMES[:STEADY])
_DRAWS = 12


def build_host(world: World, plan: HostPlan) -> Host:
    """Add a host as planned to the world: its pods in all states, its GPUs partly busy."""
    host = world.hosts[plan.name] = Host(world, plan.name)
    host.add_gpus(plan.gpus, plan.gpu_model, plan.gpu_memory)
    room = plan.pods + 12
    host.users = {
        "alice": User("alice", PASSWORDS["alice"], quota=_quota(room)),
        "bob": User("bob", PASSWORDS["bob"], quota=_quota(plan.others + 2)),
        "carol": User("carol", PASSWORDS["carol"], is_admin=1, quota=Quota(commit_size_limit=100 * GIB)),
    }
    for image in _images(world):
        host.images[image.name] = image
    for number in range(plan.others):
        _add_pod(host, "carol" if number % 4 == 3 else "bob", number)
    # Oldest first, and the well-known names are the newest, at the top of the server's list.
    for number in reversed(range(plan.pods)):
        _add_pod(host, "alice", number)
    for owner in host.users:
        for pod in host.pods_of(owner):
            if pod.running:
                host.connect(pod)
    _occupy(host)
    _Activity(host, plan)
    return host


def _quota(max_pods: int) -> Quota:
    return Quota(
        max_pods=max_pods,
        gpu_count=6,
        gpus="all",
        memory_limit=64 * GIB,
        shm_size=8 * GIB,
        tmpfs_size=GIB,
        commit_count=4,
        commit_size_limit=20 * GIB,
    )


def _images(world: World) -> list[Image]:
    def image(name: str, gigabytes: float, day: str, comment: str, *ports: int, listed: bool = True) -> Image:
        return Image(
            name=name,
            digest=f"sha256:{hexadecimal(world.rng, 64)}",
            size=int(gigabytes * 1000**3),
            created=f"2025-{day}T09:41:07.318204551Z",
            comment=comment,
            ports=(22, *ports),
            listed=listed,
        )

    return [
        image("vllm:0.9.1", 18.4, "06-13", "vLLM with OpenAI API on 8000", 8000),
        image("pytorch:2.7-cuda12.8", 14.1, "05-30", "PyTorch 2.7, flash-attention", 6006),
        image("pytorch:2.6-cuda12.4", 13.2, "03-02", "PyTorch 2.6", 6006),
        image("jupyter-lab:latest", 9.8, "04-18", "JupyterLab on 8888", 8888),
        image("lab-cuda:latest", 6.3, "05-11", "CUDA 12.8 base of the lab"),
        image("ubuntu2204-cu121-base:latest", 4.7, "01-22", "", 8000),
        image("pody-commit:alice", 8.1, "06-20", "everything as of June", listed=False),
        image("pody-commit:alice-trainenv", 15.9, "07-01", "train_a with deepspeed", listed=False),
        image("pody-commit:bob-tts", 11.5, "06-28", "", listed=False),
        image("registry:2", 0.03, "02-09", "", listed=False),
    ]


def _add_pod(host: Host, owner: str, number: int) -> None:
    world, rng = host.world, host.world.rng
    instance = _NAMES[number] if number < len(_NAMES) else f"{_STEMS[number % len(_STEMS)]}_{number:04d}"
    steady = owner == "alice" and number < STEADY
    status = "running" if steady else rng.choices(_STATES, _WEIGHTS)[0]
    image = host.images[_image_for(instance, rng.random())]
    age = rng.uniform(600, 60 * 86400)
    gpu_ids: list[int] | None = None if rng.random() < 0.5 else [number % len(host.gpus)]
    host.add(
        Pod(
            owner=owner,
            instance=instance,
            image=image.name,
            container_id=hexadecimal(world.rng, 64),
            created=world.time - age,
            started=world.time - age * rng.random(),
            status=status,
            ports=image.ports,
            gpu_ids=gpu_ids,
            memory_limit=rng.choice((-1, 32 * GIB, 64 * GIB)),
            shm_size=rng.choice((64 * MIB, 8 * GIB)),
            log=" * Starting OpenBSD Secure Shell server sshd\r\n   ...done.\r\n",
        )
    )


_STATES = ("running", "exited", "created", "paused", "restarting", "dead")
_WEIGHTS = (72, 20, 3, 2, 2, 1)


def _image_for(instance: str, draw: float) -> str:
    for stem, name in (("vllm", "vllm:0.9.1"), ("jupyter", "jupyter-lab:latest"), ("main", "lab-cuda:latest")):
        if instance.startswith(stem):
            return name
    names = ("pytorch:2.7-cuda12.8", "pytorch:2.6-cuda12.4", "lab-cuda:latest", "ubuntu2204-cu121-base:latest")
    return names[int(draw * len(names))]


def _command_for(instance: str, draw: int) -> str:
    return next((text for stem, text in _COMMANDS.items() if instance.startswith(stem)), _TRAINING[draw])


def _occupy(host: Host) -> None:
    """Put processes on about two thirds of the GPUs; the rest are idle."""
    rng = host.world.rng
    busy = range(0, len(host.gpus) * 2 // 3 + 1)
    host.spawn(None, _HOST_COMMAND, (0,), None).started -= 41 * 86400
    host.spawn(None, "/usr/bin/nvidia-persistenced --verbose", (1,), 18 * MIB).started -= 41 * 86400
    owners = itertools.cycle(("alice", "alice", "bob", "alice", "carol"))
    for index in busy:
        owner = next(owners)
        candidates = [pod for pod in itertools.islice(host.pods_of(owner), 12) if pod.running and _has(pod, index)]
        if not candidates:
            continue
        pod = candidates[index % len(candidates)]
        gpus = (index, index + 1) if index + 1 in busy and index % 3 == 2 and _has(pod, index + 1) else (index,)
        _spawn_in(host, pod, gpus).started -= rng.uniform(60, 30 * 86400)


def _has(pod: Pod, gpu: int) -> bool:
    return pod.gpu_ids is None or gpu in pod.gpu_ids


def _spawn_in(host: Host, pod: Pod, gpus: tuple[int, ...]) -> Process:
    rng = host.world.rng
    free = min(host.gpus[index].memory - host.gpu_memory_used(index) for index in gpus)
    share = rng.uniform(0.15, 0.7)
    command = _command_for(pod.instance, rng.randrange(len(_TRAINING)))
    return host.spawn(pod, command, gpus, max(int(free * share), 256 * MIB))


class _Activity:
    """Events without a request: processes start and end, a pod restarts, a colleague creates and deletes pods."""

    def __init__(self, host: Host, plan: HostPlan) -> None:
        self._host = host
        pace = max(1.0, plan.pods / 250)
        self._shared_numbers = itertools.count(1)
        self._visitors: list[str] = []
        self._first = [pod for pod in host.pods.values() if pod.name not in _STEADY]
        for event, mean in ((self._processes, 20), (self._restart, 75), (self._colleague, 110)):
            host.world.repeat(event, mean / pace, host.rng)

    def _processes(self) -> None:
        host, rng = self._host, self._host.world.rng
        idle = [gpu.index for gpu in host.gpus if not host.on_gpu(gpu.index)]
        mortal = [process for process in host.processes.values() if process.pod and process.pod not in _STEADY]
        if mortal and (len(idle) < max(1, len(host.gpus) // 4) or rng.random() < 0.4):
            del host.processes[rng.choice(mortal).pid]
            return
        pod = self._some_pod()
        if pod is not None and (usable := [index for index in idle if _has(pod, index)]):
            _spawn_in(host, pod, (rng.choice(usable),))

    def _restart(self) -> None:
        pod = self._some_pod("alice")
        if pod is not None:
            self._host.world.restart_by_itself(self._host, pod)

    def _some_pod(self, owner: str = "") -> Pod | None:
        """A running pod that may change, found in a few draws: the cost does not grow with the host."""
        rng = self._host.world.rng
        for _ in range(_DRAWS):
            pod = rng.choice(self._first)
            if pod.running and self._host.pods.get(pod.name) is pod and pod.owner.startswith(owner):
                return pod
        return None

    def _colleague(self) -> None:
        host = self._host
        while self._visitors:
            name = self._visitors.pop()
            if name in host.pods:
                host.remove(host.pods[name])
                return
        instance = f"shared_{next(self._shared_numbers)}"
        if f"alice-{instance}" in host.pods:
            return
        pod = host.create("alice", instance, host.images["lab-cuda:latest"], host.users["alice"].quota)
        host.start(pod)
        self._visitors.append(pod.name)
