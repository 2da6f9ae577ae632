"""Clouds built from their plans: machines, deployments with containers, instances, and events without a request."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from gputui.sim.machines.hosts import hexadecimal
from gputui.sim.machines.world import World

from .billing import Ledger, Package
from .cloud import Cloud
from .entities import (
    JOB,
    REPLICA_SET,
    CloudImage,
    Container,
    Deployment,
    Machine,
    Order,
    Span,
    Template,
)
from .instances import SPECS, CloudInstance, InstanceOrder
from .lifecycle import steps
from .plans import DAY_SECONDS, CloudPlan, InitialDeployment, InitialInstance

_CUDA = (118, 121, 122, 124, 126, 128)
_STEADY = 2
"""The number of deployments that never change by themselves, for sessions and tests."""
_WITH_A_SLOW_ONE = 3
"""The fourth of ten deployments has a container on a slow machine, if one has free GPUs."""


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
        drawn = cloud.rng.getstate()
        _build_deployment(cloud, plan, initial, number)
        if not initial.containers:
            cloud.rng.setstate(drawn)  # all else is the same with it and without it
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
        cuda=Span(118, initial.newest_cuda),
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
    created = now - initial.age - (number * DAY_SECONDS if initial.status != "creating" else 0)
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
        if self._cloud.market.flickers:
            return
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
