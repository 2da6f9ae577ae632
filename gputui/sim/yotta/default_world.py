"""The Yotta account of the default world: its initial resources, and events that occur by themselves."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import NamedTuple

from gputui.sim.machines.world import World

from .cloud import YottaCloud
from .entities import (
    FAILED,
    INITIALIZING,
    QUEUE,
    RUNNING,
    STOPPED,
    STOPPING,
    Endpoint,
    EndpointOrder,
    Rental,
    RentalOrder,
    Resource,
    Task,
)
from .stock import GPU_TYPES, REGIONS

STEADY = 3
"""The number of pods and VMs that never change by themselves, nor do the first two endpoints."""
_PLENTY = ("NVIDIA_RTX_4090_24G", "NVIDIA_RTX_5090_32G", "NVIDIA_H100_80G", "NVIDIA_A100_80G")
"""GPU types available in every region."""
_TORCH, _VLLM = "pytorch/pytorch:2.7.1-cuda12.8-cudnn9-runtime", "vllm/vllm-openai:v0.9.1"
_YOTTA, _COMFY = "yottalabsai/pytorch:2.8.0-py3.11-cuda12.8.1", "yottalabsai/comfyui:latest"


class InitialRental(NamedTuple):
    """An initial VM or pod, with its age in ``minutes``."""

    name: str
    status: str
    kind: str
    gpus: int
    region: str
    minutes: float
    image: str = ""


class InitialEndpoint(NamedTuple):
    """An initial endpoint, with its age in ``minutes``."""

    name: str
    status: str
    mode: str
    kind: str
    gpus: int
    regions: tuple[str, ...]
    workers: int
    image: str
    minutes: float
    webhook: str | None = None
    quiet_minutes: float = 0
    """How long its queue has had no new task; 0: tasks come all the time."""


_VMS = (
    InitialRental("dev-box", RUNNING, "NVIDIA_RTX_4090_24G", 1, "us-east-1", 11_000),
    InitialRental("h100-node", RUNNING, "NVIDIA_H100_80G", 8, "us-west-1", 1400),
    InitialRental("team-gateway", RUNNING, "NVIDIA_RTX_A6000_48G", 1, "us-east-1", 60_000),
    InitialRental("spot-sweep", RUNNING, "NVIDIA_A100_80G", 1, "eu-central-1", 200),
    InitialRental("old-notebook", STOPPED, "NVIDIA_RTX_5090_32G", 1, "us-east-3", 40_000),
)
_PODS = (
    InitialRental("llama-ft", RUNNING, "NVIDIA_H100_80G", 2, "us-east-1", 620, _TORCH),
    InitialRental("jupyter", RUNNING, "NVIDIA_RTX_4090_24G", 1, "us-east-1", 95, _YOTTA),
    InitialRental("sdxl-render", RUNNING, "NVIDIA_RTX_5090_32G", 4, "us-west-1", 3100, _COMFY),
    InitialRental("eval-gsm8k", RUNNING, "NVIDIA_A100_80G", 1, "eu-central-1", 42, _TORCH),
    InitialRental("whisper-batch", STOPPED, "NVIDIA_RTX_4090_24G", 2, "us-east-3", 9000, _YOTTA),
    InitialRental("vllm-test", RUNNING, "NVIDIA_H200_141G", 1, "ap-southeast-1", 300, _VLLM),
    InitialRental("new-run", INITIALIZING, "NVIDIA_RTX_4090_24G", 1, "us-east-1", 0.2, _TORCH),
    InitialRental("mi300-port", STOPPED, "AMD_MI300X_192G", 8, "us-west-1", 20_000, "rocm/pytorch:latest"),
)
_ENDPOINTS = (
    InitialEndpoint("chat-prod", RUNNING, "ALB", "NVIDIA_H100_80G", 1, ("us-east-1", "us-west-1"), 3, _VLLM, 30_000),
    InitialEndpoint(
        *("sdxl-queue", RUNNING, QUEUE, "NVIDIA_RTX_4090_24G", 1, ("us-east-1", "us-east-3"), 2, _COMFY, 7000),
        webhook="https://hooks.example.com/yotta",
    ),
    InitialEndpoint("embed", RUNNING, "CUSTOM", "NVIDIA_RTX_4090_24G", 1, ("us-west-1",), 4, _VLLM, 900),
    InitialEndpoint("asr-nightly", STOPPED, QUEUE, "NVIDIA_RTX_5090_32G", 1, ("us-east-3",), 2, _YOTTA, 50_000),
    InitialEndpoint("bad-image", FAILED, "ALB", "NVIDIA_RTX_4090_24G", 1, ("us-east-1",), 1, "nobody/none:1", 180),
    InitialEndpoint(
        *("caption-old", RUNNING, QUEUE, "NVIDIA_A100_80G", 1, ("eu-central-1",), 1, _VLLM, 20_000),
        quiet_minutes=26 * 60,
    ),
)
_QUIET = frozenset(initial.name for initial in _ENDPOINTS if initial.quiet_minutes)


@dataclass(frozen=True)
class YottaPlan:
    """A Yotta account to build: the numbers of pods and endpoints, and its key."""

    name: str = "yotta"
    key: str = "yotta-key-4c81ae"
    pods: int = len(_PODS)
    endpoints: int = 5
    quiet: bool = False
    """No events without a request."""
    empty: bool = False
    """It has no resources yet; GPUs are in stock."""


YOTTA = YottaPlan()
YOTTAS: dict[str, tuple[YottaPlan, ...]] = {
    "small": (replace(YOTTA, endpoints=len(_ENDPOINTS)),),
    "large": (YottaPlan(pods=24, endpoints=12),),
    "huge": (YottaPlan(pods=60, endpoints=40),),
}
"""The Yotta accounts of each size of the world."""


def build_yotta(world: World, plan: YottaPlan, seed: int = 0) -> YottaCloud:
    """Build an account. It has its own random generator, so that the rest of the world does not change."""
    cloud = YottaCloud(world, plan.name, key=plan.key, seed=seed)
    _stock(cloud)
    if not plan.empty:
        _volumes(cloud)
        cloud.add_credential("docker-hub", "DOCKER_HUB", "acme", "dckr_pat_pretend")
        cloud.add_credential("team-registry", "PRIVATE", "deploy", "pretend-password")
        for vm in _VMS:
            _rental(cloud, cloud.vms, vm)
        for number in range(plan.pods):
            _rental(cloud, cloud.pods, _PODS[number] if number < len(_PODS) else _another_pod(cloud, number))
        for number in range(plan.endpoints):
            _endpoint(cloud, _ENDPOINTS[number] if number < len(_ENDPOINTS) else _another_endpoint(cloud, number))
    if not plan.quiet:
        _Activity(cloud)
    return cloud


def _stock(cloud: YottaCloud) -> None:
    rng = cloud.rng
    for kind in GPU_TYPES.values():
        everywhere = kind.code in _PLENTY
        for region in REGIONS if everywhere else sorted(rng.sample(list(REGIONS), rng.randint(1, 4))):
            cloud.market.add(kind, region, rng.randint(16, 64) if everywhere else rng.choice((0, 0, 1, 3, 8, 20)))


def _volumes(cloud: YottaCloud) -> None:
    for name, kind, size, region, vendor in (
        ("datasets", "S3", None, None, None),
        ("checkpoints", "CEPH", 500, "us-east-1", None),
        ("scratch", "CEPH", 120, "us-west-1", None),
        ("exports", "R2", None, "us-east-1", None),
        ("verda-nvme", "VENDOR", 200, "eu-central-1", "NVMe"),
    ):
        volume = cloud.add_volume(name, kind, size=size, region=region, vendor=vendor)
        volume.status = "active"
        volume.created = cloud.world.time - cloud.rng.uniform(1, 90) * 86_400
    broken = cloud.add_volume("lost", "CEPH", size=50, region="us-east-3")
    broken.status = "error"


def _rental(cloud: YottaCloud, rentals: dict[int, Rental], initial: InitialRental) -> None:
    mounts = tuple(
        volume.id
        for volume in cloud.volumes.values()
        if (initial.name, volume.name) in (("llama-ft", "checkpoints"), ("dev-box", "datasets"))
    )
    order = RentalOrder(
        initial.name,
        GPU_TYPES[initial.kind],
        initial.gpus,
        image=initial.image,
        mounts=mounts,
        expose=((8888, "http"), (5000, "tcp")) if initial.name == "jupyter" else (),
        spot=initial.name.startswith("spot"),
    )
    created = cloud.world.time - initial.minutes * 60
    rental = cloud.add(rentals, order, initial.region, created)
    rental.protected = initial.name == "team-gateway"
    if initial.status == RUNNING:
        cloud.runs(rental)
    elif initial.status == INITIALIZING and cloud.world.clock.speed:
        cloud.start(rental)
    else:
        rental.status = initial.status


def _endpoint(cloud: YottaCloud, initial: InitialEndpoint) -> None:
    kind = GPU_TYPES[initial.kind]
    resources = tuple(Resource(region, kind, initial.gpus) for region in initial.regions)
    order = EndpointOrder(
        initial.name, initial.image, resources, initial.workers, initial.mode, webhook=initial.webhook
    )
    now = cloud.world.time
    created = now - initial.minutes * 60
    endpoint = cloud.serverless.add(order, created, initial.status)
    if initial.status != RUNNING:
        return
    for _ in range(initial.workers):
        born = max(created, now - cloud.rng.uniform(1, 30) * 3600)
        worker = cloud.serverless.add_worker(endpoint, born)
        cloud.serverless.place(endpoint, worker, born + 20)
    if endpoint.order.mode == QUEUE:
        _past_tasks(cloud, endpoint, initial.quiet_minutes * 60)


def _past_tasks(cloud: YottaCloud, endpoint: Endpoint, quiet: float) -> None:
    workers = list(endpoint.workers)
    for number in range(24):
        created = cloud.world.time - quiet - (25 - number) * 30
        task = _some_task(cloud, endpoint, created)
        task.updated, task.worker = created + 12, workers[number % len(workers)]
        if number % 9 == 4:
            task.status, task.error = "FAILED", "the worker answered 500: CUDA out of memory"
        elif task.webhook and number % 3:
            task.status, task.delivery, task.attempts, task.delivered = "DELIVERED", "SUCCESS", 1, created + 13
        else:
            task.status = "SUCCESS"
        if task.status != "FAILED":
            task.output = {"status": 200, "result": {"images": [f"https://cdn.example.com/{task.id}.png"]}}
        endpoint.tasks[task.id] = task


def _some_task(cloud: YottaCloud, endpoint: Endpoint, created: float) -> Task:
    rng = cloud.rng
    prompt = rng.choice(("a lighthouse at dusk", "two foxes, watercolour", "blueprint of a kettle", "a quiet street"))
    fields: dict[str, object] = {"prompt": prompt, "steps": rng.choice((20, 30, 50))}
    if rng.random() < 0.06:
        fields["fail"] = "CUDA out of memory"
    return Task(
        *(f"job_{rng.getrandbits(40):010x}", fields, 8000, "/render", created, created),
        webhook=endpoint.order.webhook,
    )


def _another_pod(cloud: YottaCloud, number: int) -> InitialRental:
    rng = cloud.rng
    status = rng.choice((RUNNING, RUNNING, RUNNING, STOPPED))
    kind, region = rng.choice(_PLENTY), rng.choice(list(REGIONS))
    return InitialRental(f"exp-{number:03d}", status, kind, 1, region, rng.uniform(30, 9000), _TORCH)


def _another_endpoint(cloud: YottaCloud, number: int) -> InitialEndpoint:
    rng = cloud.rng
    mode = rng.choice(("ALB", QUEUE, "CUSTOM"))
    kind, region = rng.choice(_PLENTY), rng.choice(list(REGIONS))
    workers = rng.randint(1, 5)
    return InitialEndpoint(
        *(f"svc-{number:03d}", rng.choice((RUNNING, RUNNING, STOPPED)), mode, kind, 1, (region,), workers),
        *(_VLLM, rng.uniform(60, 20_000)),
    )


class _Activity:
    """Events without a request: other customers, reclaimed spot VMs, restarting pods, crashing workers, tasks."""

    def __init__(self, cloud: YottaCloud) -> None:
        self._cloud = cloud
        cloud.world.repeat(cloud.market.drift, 5, cloud.rng)
        cloud.world.repeat(self._tasks, 9, cloud.rng)
        cloud.world.repeat(self._crash, 240, cloud.rng)
        cloud.world.repeat(self._restart, 300, cloud.rng)
        cloud.world.repeat(self._reclaim, 1800, cloud.rng)

    def _tasks(self) -> None:
        for endpoint in self._cloud.serverless.endpoints.values():
            takes = endpoint.order.mode == QUEUE and endpoint.order.name not in _QUIET
            if endpoint.status == RUNNING and takes and self._cloud.rng.random() < 0.7:
                task = _some_task(self._cloud, endpoint, self._cloud.world.time)
                self._cloud.serverless.submit(endpoint, task)

    def _crash(self) -> None:
        endpoints = itertools.islice(self._cloud.serverless.endpoints.values(), 2, None)
        movable = [one for one in endpoints if one.status not in (STOPPED, STOPPING) and one.running]
        if movable:
            endpoint = self._cloud.rng.choice(movable)
            self._cloud.serverless.crash(endpoint, self._cloud.rng.choice(endpoint.running))

    def _restart(self) -> None:
        running = [pod for pod in itertools.islice(self._cloud.pods.values(), STEADY, None) if pod.status == RUNNING]
        if running:
            self._cloud.restart(self._cloud.rng.choice(running))

    def _reclaim(self) -> None:
        """Reclaim a spot VM."""
        spots = [vm for vm in self._cloud.vms.values() if vm.order.spot and vm.status == RUNNING]
        if spots:
            self._cloud.terminate(self._cloud.vms, self._cloud.rng.choice(spots))
