"""What the leases know: the time by several clocks, the load of GPUs, of an instance and of a deployment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gputui.agent.lease_facts import LeaseFacts
from gputui.errors import UnavailableError
from gputui.models import Action, Deployment, GpuDevice, GpuSample, Phase, Ref, Resource
from gputui.rules.leases import Load, Users
from tests.fleet.fakes import START, FakeBackend, FakeClock, pod, running, settle

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
            facts.tick()
            if minute == 1:
                assert facts.load(serve) == Load(busy=True)
        found = facts.load(serve)
        assert found.idle is not None
        assert timedelta(minutes=3) <= found.idle <= timedelta(minutes=4)
        hub.rows[Resource.GPUS] = [*hub.rows[Resource.GPUS]][:1]
        await clock.advance(60)
        facts.tick()
        assert "the load of its GPUs is unknown" in facts.load(serve).problem


async def test_a_deployment_of_which_not_all_instances_are_known_is_not_idle() -> None:
    clock = FakeClock()
    hub = FakeBackend("hub", [Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.GPUS])
    serve = Deployment(Ref("hub", "deployment", "d1"), "serve", "ReplicaSet", Phase.RUNNING, "running", running=1)
    one = replace(pod("hub", "one"), parent=serve.ref, host="h", gpu_indices=(0,), gpu_count=1)
    hub.rows[Resource.INSTANCES], hub.rows[Resource.DEPLOYMENTS] = [one], [serve]
    async with running(clock, hub, watch=(Resource.INSTANCES, Resource.GPUS)) as fleet:
        facts = LeaseFacts(fleet, clock.monotonic)
        for _ in range(4):
            sample = GpuSample(clock.now(), 0.0)
            hub.rows[Resource.GPUS] = [GpuDevice(Ref("hub", "gpu", "0"), "h", 0, sample=sample)]
            await clock.advance(60)
            facts.tick()
        assert facts.load(serve).idle is not None
        assert "1 of its 2 running instances" in facts.load(replace(serve, running=2)).problem
        assert "is starting" in facts.load(replace(serve, starting=1)).problem
        hub.rows[Resource.INSTANCES] = [one, replace(pod("hub", "two"), parent=serve.ref, phase=Phase.PENDING)]
        await clock.advance(60)
        assert "is starting" in facts.load(serve).problem
        hub.errors[Resource.INSTANCES] = UnavailableError("hub: no answer.")
        await clock.advance(60)
        assert "no answer" in facts.load(serve).problem


async def test_who_is_logged_in_is_read_again_before_an_idle_instance_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock()
    hub = FakeBackend("hub", [Resource.INSTANCES])
    row = pod("hub", "main")
    hub.rows[Resource.INSTANCES] = [row]
    logins = []

    async def look(self: LeaseFacts, _: object, login: Any) -> None:
        logins.append(clock.monotonic())
        login.users, login.at, login.task = Users(()), clock.monotonic(), None

    monkeypatch.setattr(LeaseFacts, "_look_inside", look)
    monkeypatch.setattr("gputui.fleet.Fleet.actions", lambda *_: frozenset({Action.SSH}))
    async with running(clock, hub) as fleet:
        facts = LeaseFacts(fleet, clock.monotonic)
        facts.users(row, soon=True)
        await settle()
        assert facts.users(row, soon=True) == Users(())
        await clock.advance(40)
        assert facts.users(row, soon=True) == Users(())
        assert facts.users(row, soon=True, now=True).names is None
        await settle()
        assert facts.users(row, soon=True, now=True) == Users(())
        assert len(logins) == 2
