"""The clouds of the default world: machines, deployments, and events that occur by themselves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gputui.sim.machines.hardware import GIB
from gputui.sim.machines.hosts import hexadecimal
from gputui.sim.machines.world import World

from .billing import Ledger, Package
from .cloud import Cloud
from .entities import (
    CONTAINER,
    JOB,
    REPLICA_SET,
    CloudImage,
    Container,
    Deployment,
    GpuModel,
    Machine,
    Order,
    Span,
    Template,
)
from .instances import SPECS, CloudInstance, InstanceOrder
from .lifecycle import steps

HUB_REGIONS = ("sgp1", "Singapore-A", "Singapore-B")
AUTODL_REGIONS = (
    "westDC2", "westDC3", "beijingDC1", "beijingDC2", "beijingDC3", "beijingDC4", "neimengDC1", "neimengDC3",
    "foshanDC1", "chongqingDC1", "yangzhouDC1",
)  # fmt: skip
PUBLIC_IMAGES = (
    "base-image-12be412037", "base-image-u9r24vthlk", "base-image-l374uiucui", "base-image-l2t43iu6uk",
    "base-image-0gxqmciyth", "base-image-uxeklgirir", "base-image-4bpg0tt88l", "base-image-mbr2n4urrc",
    "base-image-qkkhitpik5", "base-image-h041hn36yt", "base-image-7bn8iqhkb5", "base-image-k0vep6kyq8",
    "base-image-l2843iu23k", "base-image-ec1e9vdbd3", "base-image-lbdbb183fk", "base-image-8hkyyugih5",
)  # fmt: skip
_HUB_MODELS = tuple(
    GpuModel(name, memory * GIB, price)
    for name, memory, price in (
        ("RTX 5090", 32, 1600), ("RTX Pro 6000", 96, 2800), ("RTX 4090", 24, 900), ("L40S", 48, 1300),
        ("A100-SXM4-80GB", 80, 1900), ("H100-SXM5-80GB", 80, 3200), ("H200", 141, 4100), ("RTX 3090", 24, 400),
    )
)  # fmt: skip
_AUTODL_MODELS = tuple(
    GpuModel(name, memory * GIB, price)
    for name, memory, price in (
        ("RTX 4090", 24, 1980), ("RTX 3090", 24, 1320), ("RTX 5090", 32, 2830), ("A100-PCIE-40GB", 40, 3450),
        ("A800-80GB", 80, 4980), ("H800", 80, 8880), ("L20", 48, 2160), ("V100-SXM2-32GB", 32, 1850),
        ("RTX 4090D", 24, 1880), ("RTX 2080 Ti", 11, 880), ("RTX A5000", 24, 1180), ("RTX A4000", 16, 820),
        ("RTX 3080 Ti", 12, 980), ("RTX 3080", 10, 860), ("RTX 3060", 12, 640), ("TITAN Xp", 12, 660),
        ("Tesla T4", 16, 780), ("P40", 24, 560), ("A40", 48, 2320), ("A10", 24, 1240),
        ("L40", 48, 2480), ("L40S", 48, 3020), ("H20-NVLink", 96, 6980), ("H100-SXM5-80GB", 80, 9880),
        ("A100-SXM4-80GB", 80, 5680), ("RTX 6000 Ada", 48, 3180), ("RTX Pro 6000", 96, 5990), ("RTX 4080", 16, 1420),
        ("vGPU-32GB", 32, 1560), ("vGPU-48GB", 48, 2180),
    )
)  # fmt: skip
_CUDA = (118, 121, 122, 124, 126, 128)
_STEADY = 2
"""The number of deployments that never change by themselves, for sessions and tests."""
_WITH_A_SLOW_ONE = 3
"""The fourth of ten deployments has a container on a slow machine, if one has free GPUs."""


@dataclass(frozen=True)
class InitialDeployment:
    """An initial deployment. ``model`` is an index among the cloud's models."""

    name: str
    kind: str
    containers: int
    model: int = 0
    gpus: int = 1
    replicas: int = 0
    reuse: bool = False
    stopped: bool = False
    unseen: bool = False
    """Processes are not visible in the containers."""
    runs: int = 0
    """Seconds a Job's command takes, 0 for the usual minutes."""


@dataclass(frozen=True)
class InitialInstance:
    """A container instance of an account. ``age`` is how long it has been in its state, in seconds."""

    name: str
    spec: str
    status: str
    age: float
    gpus: int = 1
    extra_disk: int = 0
    command: str = ""


@dataclass(frozen=True)
class CloudPlan:
    """A cloud to build. Prices are in ``currency``; ``preset`` is the preset of the account."""

    name: str
    token: str
    currency: str
    regions: tuple[str, ...]
    models: tuple[GpuModel, ...]
    initial: tuple[InitialDeployment, ...]
    machines: int = 2
    """Machines of each model in a region that has it."""
    everywhere: bool = False
    """Every model in every region; else each region has a part of them."""
    instances: tuple[InitialInstance, ...] = ()
    specs: tuple[str, ...] = ()
    """The specs of instances that its cloud has; with none, it has no calls for them."""
    private: bool = False
    personal: bool = False
    """The account is not verified as a company: it may not use deployments."""
    quiet: bool = False
    """No events without a request: no other customers, no crashes."""
    preset: str = ""
    uid: int = 60


_HUB_DEPLOYMENTS = (
    InitialDeployment("llama-serve", REPLICA_SET, 8),
    InitialDeployment("embed-api", REPLICA_SET, 4, model=2, reuse=True),
    InitialDeployment("mmlu-eval", JOB, 3, model=2, replicas=40),
    InitialDeployment("qwen-finetune", REPLICA_SET, 6, model=1, gpus=2),
    InitialDeployment("notebook", CONTAINER, 1, model=3),
    InitialDeployment("sdxl-batch", JOB, 3, model=7, replicas=12, stopped=True),
)
_AUTODL_DEPLOYMENTS = (
    InitialDeployment("sd-webui", REPLICA_SET, 5, model=0),
    InitialDeployment("asr-service", REPLICA_SET, 3, model=1, reuse=True, unseen=True),
    InitialDeployment("data-clean", JOB, 2, model=8, replicas=24),
)
_DAY = 86400.0
_PERSONAL_INSTANCES = (
    InitialInstance("sdxl-lora", "5090-p", "running", 5.4 * 3600, command="python train_lora.py"),
    InitialInstance("paper-eval", "pro6000-p", "running", 31 * 3600.0, gpus=2, extra_disk=200 * GIB),
    InitialInstance("notebook", "4090D", "creating", 0.0),
    InitialInstance("thesis", "v-48g", "shutdown", 3.2 * _DAY, extra_disk=50 * GIB),
    InitialInstance("old-ablation", "5090-p", "shutdown", 13.6 * _DAY),
)
_COMPANY_INSTANCES = (
    InitialInstance("debug-box", "4090D", "running", 2.1 * 3600),
    InitialInstance("label-tool", "v-32g-p", "shutdown", 6.5 * _DAY),
)
_HUB = CloudPlan("hub", "hub-token-6f1d2c", "USD", HUB_REGIONS, _HUB_MODELS, _HUB_DEPLOYMENTS)
_AUTODL = CloudPlan(
    "autodl",
    "autodl-token-93be07",
    "CNY",
    AUTODL_REGIONS,
    _AUTODL_MODELS,
    _AUTODL_DEPLOYMENTS,
    instances=_COMPANY_INSTANCES,
    specs=tuple(SPECS),
    preset="autodl",
    uid=2048,
)


def _many(deployments: int, each: int, models: int) -> tuple[InitialDeployment, ...]:
    return tuple(
        InitialDeployment(
            f"{_STEMS[number % len(_STEMS)]}-{number:03d}",
            JOB if number % 5 == 4 else REPLICA_SET,
            each,
            model=number % models,
            replicas=each * 40 if number % 5 == 4 else 0,
            reuse=number % 3 == 0,
            runs=1800,
        )
        for number in range(deployments)
    )


_STEMS = ("serve", "train", "eval", "sweep", "batch", "embed", "render")
CLOUDS: dict[str, tuple[CloudPlan, ...]] = {
    "small": (_HUB, _AUTODL),
    "large": (
        replace(_HUB, initial=_many(100, 10, len(_HUB_MODELS)), machines=30, everywhere=True),
        replace(_AUTODL, machines=4, everywhere=True),
    ),
    "huge": (
        replace(_HUB, initial=_many(100, 100, len(_HUB_MODELS)), machines=260, everywhere=True),
        replace(_AUTODL, machines=4, everywhere=True),
    ),
}
"""The clouds of each size of the world: hub has 25, 1,000 and 10,000 containers."""
PRIVATE = CloudPlan(
    "private",
    "private-token-41aa90",
    "CNY",
    ("roomA", "roomB"),
    _AUTODL_MODELS[:6],
    _AUTODL_DEPLOYMENTS[:2],
    everywhere=True,
    private=True,
    preset="autodl-private",
    uid=7,
)
"""A private cloud: stock as one dictionary, also of all regions at once; the blacklist by POST."""
BENCHMARK = replace(
    _HUB,
    currency="CNY",
    regions=(*AUTODL_REGIONS, "sgp1"),
    models=_AUTODL_MODELS,
    initial=_many(100, 10, len(_AUTODL_MODELS)),
    machines=2,
    everywhere=True,
)
"""Twelve regions of thirty models, 100 deployments with 1,000 containers."""

PERSONAL = CloudPlan(
    "personal",
    "personal-token-5c70e1",
    "CNY",
    AUTODL_REGIONS,
    _AUTODL_MODELS,
    (),
    instances=_PERSONAL_INSTANCES,
    specs=tuple(SPECS),
    personal=True,
    preset="autodl",
    uid=4096,
)
"""A personal account of AutoDL: instances, stock, images and wallet, and no deployments."""
CLOUD_SETS: dict[str, tuple[CloudPlan, ...]] = {
    "none": (),
    "private": (PRIVATE,),
    "personal": (PERSONAL,),
    "benchmark": (BENCHMARK,),
}
"""Clouds to have in place of a size's own, by name."""


def build_cloud(world: World, plan: CloudPlan, seed: int = 0) -> Cloud:
    """Build a cloud with active deployments and partly rented machines."""
    cloud = Cloud(
        world,
        plan.name,
        token=plan.token,
        uid=plan.uid,
        regions=plan.regions,
        ledger=Ledger(world.time, assets=2_483_500 * _wealth(plan), vouchers=50_000, packages=_packages(plan)),
        private=plan.private,
        personal=plan.personal,
        seed=seed,
    )
    _build_machines(cloud, plan)
    names = ("lab-base", "llama-3.1-vllm", "qwen-finetune-0815", "sdxl-lightning", "asr-whisper-v3")
    for number, name in enumerate(names):
        uuid = "image-db8346e037" if number == 0 else f"image-{hexadecimal(cloud.rng, 10)}"
        cloud.images[uuid] = CloudImage(111 + number, uuid, name, world.time - (60 - number) * 86400)
    for number, initial in enumerate(plan.initial):
        _build_deployment(cloud, plan, initial, number)
    cloud.pool.furnish([SPECS[name] for name in plan.specs])
    for number, instance in enumerate(plan.instances):
        _build_instance(cloud, instance, number)
    if not plan.quiet:
        _Activity(cloud)
    return cloud


def _wealth(plan: CloudPlan) -> int:
    """A multiple of the usual balance that lasts for some days; 1 for every small cloud."""
    return max(1, sum(initial.containers for initial in plan.initial) // 25)


def _packages(plan: CloudPlan) -> list[Package]:
    first = [plan.models[initial.model] for initial in plan.initial[:3]]
    hours = ((500, 318.4), (200, 61.5), (100, 2.25))
    return [
        Package(model.name, plan.regions[:2] if number else plan.regions, total * 3600.0, left * 3600.0)
        for number, (model, (total, left)) in enumerate(zip(dict.fromkeys(first), hours, strict=False))
    ]


def _build_machines(cloud: Cloud, plan: CloudPlan) -> None:
    rng = cloud.rng
    needed = {plan.models[initial.model].name for initial in plan.initial}
    for region, model in itertools.product(plan.regions, plan.models):
        here = plan.everywhere or model.name in needed or rng.random() < 0.5
        for number in range(plan.machines if here else 0):
            habit = rng.choice((2, 5, 6, 7, 8))
            machine = Machine(
                id=hexadecimal(cloud.rng, 10),
                region=region,
                model=model,
                gpus=8,
                cuda=rng.choice(_CUDA[1:]) if number else _CUDA[-1],
                price=round(model.price * rng.choice((0.9, 1.0, 1.0, 1.1)) / 10) * 10,
                others=habit if number else 2,
                habit=habit if number else 2,
            )
            cloud.market.add(machine)
    machines = list(cloud.market.machines.values())
    # Few, so that they are conspicuous; some of them with free GPUs of the models in use.
    wanted = [[one for one in machines if one.model.name == name and one.idle > 1] for name in sorted(needed)]
    for machine in [*rng.sample(machines, len(machines) // 25), *(rng.choice(some) for some in wanted)]:
        machine.slowness = rng.uniform(5, 10)
    sound = [[one for one in some if one.slowness == 1] for some in wanted[::2]]
    for machine in [*rng.sample(machines, len(machines) // 50), *(rng.choice(some) for some in sound if some)]:
        machine.broken = True


def _build_deployment(cloud: Cloud, plan: CloudPlan, initial: InitialDeployment, number: int) -> None:
    rng, world, model = cloud.rng, cloud.world, plan.models[initial.model]
    template = Template(
        regions=plan.regions,
        models=(model.name,),
        gpu_num=initial.gpus,
        image=list(cloud.images)[number % len(cloud.images)] if number % 3 else "base-image-l2t43iu6uk",
        cmd=_command(initial),
        cuda=Span(118, 130),
        price=Span(model.price * initial.gpus // 20 * 10, model.price * initial.gpus * 3 // 20 * 10),
        cmd_before_shutdown="sync" if number % 2 else "",
    )
    order = Order(
        initial.name,
        initial.kind,
        template,
        replicas=initial.replicas or initial.containers,
        parallelism=initial.containers if initial.kind == JOB else 0,
        reuse=initial.reuse,
    )
    deployment = cloud.add_deployment(order, world.time - rng.uniform(2, 30) * 86400)
    deployment.steady = number < _STEADY
    deployment.unseen = initial.unseen
    places = _places(cloud, template, steady=deployment.steady, slow_first=number % 10 == _WITH_A_SLOW_ONE)
    for index in range(initial.containers):
        machine = next(places, None)
        if machine is None:
            break
        _build_container(cloud, deployment, machine, index, initial)
    deployment.events.sort(key=lambda event: event.at)
    if initial.kind == JOB:
        deployment.finished = initial.replicas if initial.stopped else initial.replicas // 8
    if initial.stopped:
        deployment.status = "stopped"
        deployment.stopped = deployment.updated = max(event.at for event in deployment.events)


def _command(initial: InitialDeployment) -> str:
    if initial.kind == REPLICA_SET:
        return f"python -m vllm.entrypoints.openai.api_server --served-model-name {initial.name} --port 6006"
    if initial.kind == JOB:
        return f"sleep {initial.runs}" if initial.runs else f"bash /root/{initial.name}.sh"
    return "sleep infinity"


def _places(cloud: Cloud, template: Template, *, steady: bool, slow_first: bool) -> Iterator[Machine]:
    """Machines for the containers of a deployment, in turn while they have free GPUs."""
    if slow_first:
        yield from [one for one in cloud.market.candidates(template, set()) if one.slowness > 1 and not one.broken][
            :1
        ]
    while machines := [one for one in cloud.market.candidates(template, set()) if not one.broken]:
        if steady:
            machines = [one for one in machines if one.slowness == 1] or machines
        cloud.rng.shuffle(machines)
        for machine in machines:
            if machine.idle >= template.gpu_num:
                yield machine


def _build_container(
    cloud: Cloud, deployment: Deployment, machine: Machine, index: int, initial: InitialDeployment
) -> Container:
    """Add a container with its past: most run, the last ones of some deployments are still starting."""
    rng, now = cloud.rng, cloud.world.time
    transitions = steps(rng, machine, deployment.order)
    under_way = index > 0 and not deployment.steady and not initial.stopped and rng.random() < 0.15
    up = sum(seconds for seconds, status in transitions if status != "finished")
    age = (
        rng.uniform(0, up)
        if under_way
        else up + (rng.uniform(20, 85) if initial.kind == JOB else rng.uniform(60, 40_000))
    )
    if initial.stopped:
        age += 20 * 3600.0
    container = cloud.add_container(deployment, machine, now - age)
    cloud.enter(container, "creating", now - age)
    at = now - age
    for number, (seconds, status) in enumerate(transitions):
        if status == "finished" and not initial.stopped:
            cloud.schedule(container, [(max(5.0, rng.uniform(0, seconds)), status)])
            break
        at += seconds
        if at > now:
            cloud.schedule(container, [(at - now, status), *transitions[number + 1 :]], at_once=False)
            break
        if status == "finished":
            cloud.end_before(container, at)
            break
        cloud.enter(container, status, at)
    return container


def _build_instance(cloud: Cloud, initial: InitialInstance, number: int) -> None:
    machines = cloud.pool.machines[initial.spec]
    machine = max(machines, key=lambda one: one.idle)
    now = cloud.world.time
    order = InstanceOrder(
        SPECS[initial.spec],
        initial.gpus,
        "base-image-l2t43iu6uk" if number % 2 else next(iter(cloud.images)),
        118,
        initial.extra_disk,
        initial.name,
        initial.command,
    )
    created = now - initial.age - (number * _DAY if initial.status != "creating" else 0)
    uuid = f"pro-{hexadecimal(cloud.rng, 12)}"
    cloud.pool.settle_in(CloudInstance(uuid, order, machine, created, created), initial.status, initial.age)


class _Activity:
    """Events without a request: other customers rent and release GPUs, containers crash."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        pool = [machine for machines in cloud.pool.machines.values() for machine in machines]
        self._machines: Sequence[Machine] = [*cloud.market.machines.values(), *pool]
        containers = max(1, len(cloud.containers))
        cloud.world.repeat(self._drift, 3.0, cloud.rng)
        cloud.world.repeat(self._crash, max(10.0, 6000.0 / containers), cloud.rng)

    def _drift(self) -> None:
        rng = self._cloud.rng
        for _ in range(max(1, len(self._machines) // 100)):
            machine = rng.choice(self._machines)
            aim = machine.habit + rng.choice((-2, -1, 0, 1, 2))
            step = (aim > machine.others) - (aim < machine.others)
            machine.others = max(0, min(machine.others + step, machine.gpus - len(machine.ours)))

    def _crash(self) -> None:
        """A few draws, so that the cost does not grow with the cloud."""
        cloud = self._cloud
        movable = [one for one in cloud.deployments.values() if not one.steady and one.order.kind == REPLICA_SET]
        for _ in range(8 if movable else 0):
            deployment = cloud.rng.choice(movable)
            running = [one for one in deployment.kept.values() if one.status == "running"]
            if running:
                cloud.crash(cloud.rng.choice(running))
                return
