"""The simulated world: the same from the same seed, still when frozen, alive when not."""

from __future__ import annotations

import asyncio

import pytest

from gputui.sim.machines.clock import WorldClock
from gputui.sim.machines.world import World
from gputui.sim.pody.default_world import HOSTS, STEADY
from tests.sim.conftest import START, Hands, Sims, build_world


def moving(seed: int = 1, size: str = "small") -> tuple[World, Hands]:
    hands = Hands()
    return build_world(WorldClock(speed=1, start=START, monotonic=hands), seed=seed, size=size), hands


def picture(world: World) -> list[object]:
    hosts = world.hosts.values()
    return [
        [(pod.name, pod.status, pod.container_id, pod.host_ports) for host in hosts for pod in host.pods.values()],
        [(process, process.memory_at(world.time)) for host in hosts for process in host.processes.values()],
    ]


def test_the_same_seed_and_time_make_the_same_world() -> None:
    (first, hands), (second, other) = moving(), moving()
    hands.now += 3600
    first.advance()
    for _ in range(60):
        other.now += 60
        second.advance()
    assert picture(first) == picture(second)


def test_another_seed_makes_another_world() -> None:
    assert picture(moving(seed=1)[0]) != picture(moving(seed=2)[0])


@pytest.mark.parametrize(("size", "instances"), [("small", 60), ("large", 1000), ("huge", 10_000)])
def test_a_size_has_about_that_many_pods(size: str, instances: int) -> None:
    world, _ = moving(size=size)
    assert sum(len(host.pods) for host in world.hosts.values()) == instances
    assert [host.name for host in world.hosts.values()] == [plan.name for plan in HOSTS[size]]


def test_pods_are_in_several_states_and_some_gpus_are_idle() -> None:
    lab = moving()[0].hosts["lab"]
    assert {"running", "exited"} < {pod.status for pod in lab.pods.values()}
    assert {bool(lab.on_gpu(gpu.index)) for gpu in lab.gpus} == {True, False}


@pytest.mark.parametrize("seed", [1, 2])
def test_processes_of_a_pod_are_on_gpus_that_it_has(seed: int) -> None:
    world, hands = moving(seed)
    lab = world.hosts["lab"]
    limited = 0
    for _ in range(100):
        for process in lab.processes.values():
            if process.pod and (gpus := lab.pods[process.pod].gpu_ids) is not None:
                assert set(process.gpus) <= set(gpus)
                limited += 1
        hands.now += 60
        world.advance()
    assert limited


def test_no_gpu_uses_more_memory_than_it_has() -> None:
    world, hands = moving()
    for _ in range(200):
        hands.now += 60
        world.advance()
        for host in world.hosts.values():
            assert all(host.gpu_memory_used(gpu.index) <= gpu.memory for gpu in host.gpus)


def test_things_happen_by_themselves_but_the_first_pods_stay() -> None:
    world, hands = moving()
    lab = world.hosts["lab"]
    steady = [pod.name for pod in lab.pods_of("alice")][:STEADY]
    containers = [lab.pods[name].container_id for name in steady]
    statuses: set[tuple[str, str]] = set()
    names: set[str] = set()
    pids: set[int] = set()
    for _ in range(360):
        hands.now += 10
        world.advance()
        statuses.update((pod.name, pod.status) for pod in lab.pods.values() if pod.instance not in steady)
        names.update(lab.pods)
        pids.update(lab.processes)
        assert [lab.pods[name].container_id for name in steady] == containers
        assert all(lab.pods[name].running for name in steady)
    changed = {name for name, status in statuses if (name, "running") in statuses and status == "restarting"}
    assert changed
    assert any(not lab.on_gpu(gpu.index) for gpu in lab.gpus)
    assert "alice-shared_1" in names
    assert len(pids) > len(lab.processes)


def test_a_pod_that_restarts_by_itself_comes_back_on_its_port() -> None:
    world, hands = moving()
    lab = world.hosts["lab"]
    pod = lab.pods["alice-main"]
    ports = dict(pod.host_ports)
    world.restart_by_itself(lab, pod)
    assert (pod.status, pod.host_ports) == ("restarting", {})
    hands.now += 10
    world.advance()
    assert (pod.status, pod.host_ports) == ("running", ports)
    assert pod.started > START


def test_a_pod_deleted_while_it_restarts_stays_gone() -> None:
    world, hands = moving()
    lab = world.hosts["lab"]
    pod = lab.pods["alice-main"]
    world.restart_by_itself(lab, pod)
    lab.remove(pod)
    hands.now += 10
    world.advance()
    assert "alice-main" not in lab.pods
    assert pod.status == "exited"


def test_the_clock_scales_real_time() -> None:
    hands = Hands()
    clock = WorldClock(speed=60, start=START, monotonic=hands)
    hands.now += 2
    assert clock.now() == START + 120


async def test_in_a_frozen_world_waiting_takes_no_time() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await WorldClock(speed=0, sleep=sleep).sleep(600)
    await WorldClock(speed=4, sleep=sleep).sleep(10)
    assert slept == [0, 2.5]


async def test_nothing_waits_any_longer_when_the_world_ends() -> None:
    clock = WorldClock(speed=1)
    waiting = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.end()
    async with asyncio.timeout(5):
        await waiting
        await clock.sleep(3600)


def test_a_clock_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        WorldClock(speed=-1)


async def test_a_frozen_world_answers_the_same_bytes(sims: Sims) -> None:
    first, second = await sims.start(), await sims.start()
    answers = []
    for sim in (first, first, second):
        client = await sims.client(sim)
        paths = ("/pod/list", "/pod/inspect?ins=main", "/host/gpu-ps", "/image/list", "/user/info", "/stat/gputime")
        answers.append([(await client.get(path)).content for path in paths])
    assert answers[0] == answers[1] == answers[2]
