"""What the leases know: the time by several clocks, the load of GPUs, of an instance and of a deployment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gputui.agent.lease_facts import LeaseFacts
from gputui.models import Deployment, GpuDevice, GpuSample, Phase, Ref, Resource
from gputui.rules.leases import Load
from tests.fleet.fakes import START, FakeBackend, FakeClock, pod, running

HOUR = 3600.0


@pytest.mark.parametrize(
    ("ahead", "hours"),
    [
        ((None, None, None), 0),
        ((0.4, -20.0, 30.0), 0),
        ((-HOUR, -HOUR, None), -1),
        ((HOUR, HOUR, 0.0), 1),
        ((HOUR, None, None), 0),
        ((-HOUR, None, None), -1),
    ],
)
async def test_the_time_is_that_of_most_servers_and_of_two_clocks_the_earlier(
    ahead: tuple[float | None, ...], hours: int
) -> None:
    clock = FakeClock()
    backends = [FakeBackend(name) for name in ("a", "b", "c")]
    for backend, seconds in zip(backends, ahead, strict=True):
        backend.clock_ahead = seconds
    async with running(clock, *backends) as fleet:
        facts = LeaseFacts(fleet, clock.monotonic)
        facts.tick()
        assert facts.now("a") == (START + timedelta(hours=hours), "")


async def test_a_deployment_is_idle_while_all_its_instances_are() -> None:
    clock = FakeClock()
    hub = FakeBackend("hub", [Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.GPUS])
    serve = Deployment(Ref("hub", "deployment", "d1"), "serve", "ReplicaSet", Phase.RUNNING, "running")
    rows = [
        replace(pod("hub", name), parent=serve.ref, host="h", gpu_indices=(index,), gpu_count=1)
        for index, name in enumerate(("one", "two"))
    ]
    hub.rows[Resource.INSTANCES], hub.rows[Resource.DEPLOYMENTS] = rows, [serve]
    loads = [0.0, 0.0]
    watch = (Resource.INSTANCES, Resource.GPUS)
    async with running(clock, hub, watch=watch) as fleet:
        facts = LeaseFacts(fleet, clock.monotonic)
        for minute in range(6):
            loads[1] = 80.0 if minute == 1 else 0.0
            samples = [GpuSample(clock.now(), load) for load in loads]
            hub.rows[Resource.GPUS] = [
                GpuDevice(Ref("hub", "gpu", str(index)), "h", index, sample=sample)
                for index, sample in enumerate(samples)
            ]
            await clock.advance(60)
            if minute == 1:
                assert facts.load(serve) == Load(busy=True)
        found = facts.load(serve)
        assert found.idle is not None
        assert timedelta(minutes=3) <= found.idle <= timedelta(minutes=4)
        hub.rows[Resource.GPUS] = [*hub.rows[Resource.GPUS]][:1]
        await clock.advance(60)
        assert "the load of its GPUs is unknown" in facts.load(serve).problem
