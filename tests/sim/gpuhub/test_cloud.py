"""The scheduler of a simulated cloud: where containers go, what becomes of them, what replaces them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gputui.sim.gpuhub.default_world import BENCHMARK, CLOUDS
from gputui.sim.gpuhub.entities import CONTAINER, Container, Deployment, GpuModel, Span
from gputui.sim.gpuhub.lifecycle import CACHE_SECONDS
from gputui.sim.gpuhub.stock import StockFilter
from gputui.sim.machines.hardware import GIB
from tests.sim.gpuhub.clouds import HUB, Place, job, order

UP = 90.0
"""Seconds by which a container on a sound machine runs."""


def statuses(deployment: Deployment) -> list[str]:
    return sorted(container.status for container in deployment.kept.values())


def only(deployment: Deployment) -> Container:
    (container,) = deployment.kept.values()
    return container


def walk_of(deployment: Deployment, container: Container) -> list[str]:
    return [event.status for event in deployment.events_of[container.uuid]]


def test_a_container_walks_through_its_states_in_realistic_time() -> None:
    place = Place()
    place.machine("a")
    deployment = place.cloud.create(order())
    container = only(deployment)
    assert container.status == "creating"
    place.wait(UP)
    walk = walk_of(deployment, container)
    assert [status for status in walk if status != "oss_merged"] == ["creating", "created", "starting", "running"]
    at = {event.status: event.at for event in deployment.events}
    assert 1 <= at["created"] - at["creating"] <= 4
    assert 5 <= at["starting"] - at["created"] <= 20
    assert 15 <= at["running"] - at["starting"] <= 63
    assert container.started == at["running"]


def test_containers_take_their_gpus_from_the_stock_and_give_them_back() -> None:
    place = Place()
    machine = place.machine("a", others=3)
    deployment = place.cloud.create(order(replicas=2, gpus=2))
    assert machine.idle == 1
    place.wait(UP)
    place.cloud.delete(deployment)
    assert machine.idle == 5


def test_what_finds_no_place_waits_until_there_is_one() -> None:
    place = Place()
    machine = place.machine("a", others=7)
    deployment = place.cloud.create(order(replicas=3))
    place.wait(30)
    assert len(deployment.kept) == 1
    machine.others = 2
    place.wait(10)
    assert len(deployment.kept) == 3


def test_two_idle_cards_on_two_machines_have_no_room_for_a_container_of_two() -> None:
    place = Place()
    place.machine("a", others=7)
    place.machine("b", others=7)
    deployment = place.cloud.create(order(gpus=2))
    place.wait(60)
    assert not deployment.containers


@pytest.mark.parametrize(
    "facts",
    [
        {"region": "Singapore-A"},
        {"model": GpuModel("RTX 4090", 24 * GIB, 1600)},
        {"cuda": 121},
        {"cpus": 8},
        {"memory": 30 * GIB},
        {"price": 2100},
        {"others": 8},
    ],
)
def test_only_machines_that_match_the_template_are_taken(facts: dict[str, object]) -> None:
    place = Place()
    place.machine("unfit", **facts)
    wanted = {
        "cuda": Span(124, 130),
        "cpus": Span(16, 32),
        "memory": Span(60 * GIB, 100 * GIB),
        "price": Span(0, 2000),
    }
    deployment = place.cloud.create(order(template=wanted))
    assert not deployment.containers
    place.machine("fit")
    place.wait(10)
    assert only(deployment).machine.id == "fit"


def test_a_blocked_machine_gets_no_container_until_the_block_ends() -> None:
    place = Place()
    machine = place.machine("a")
    place.cloud.block(machine, 1, "slow boot")
    deployment = place.cloud.create(order())
    place.wait(55)
    assert not deployment.containers
    place.wait(20)
    assert only(deployment).machine is machine


def test_extending_a_block_keeps_when_and_why_it_began() -> None:
    place = Place()
    machine = place.machine("a")
    place.cloud.block(machine, 10, "slow boot")
    place.wait(60)
    place.cloud.block(machine, 60, "")
    (block,) = place.cloud.active_blocks()
    assert (block.updated - block.created, block.expires - block.updated, block.comment) == (60, 3600, "slow boot")
    place.wait(3600, step=60)
    assert place.cloud.active_blocks() == []


def test_a_slow_machine_takes_many_times_longer_to_start() -> None:
    place = Place()
    place.machine("slow", slowness=8.0)
    deployment = place.cloud.create(order())
    place.wait(600)
    at = {event.status: event.at for event in deployment.events}
    assert at["starting"] - at["created"] <= 20
    assert at["running"] - at["starting"] >= 8 * 15


def test_a_container_on_a_broken_machine_fails_and_is_tried_again_elsewhere() -> None:
    place = Place()
    place.machine("broken", broken=True)
    deployment = place.cloud.create(order())
    failed = only(deployment)
    place.machine("sound")
    place.cloud.block(failed.machine, 60, "")
    place.wait(2 * UP)
    assert walk_of(deployment, failed) == ["creating", "created", "starting", "shutting_down", "shutdown"]
    assert failed.started is None
    assert [container.machine.id for container in deployment.kept.values() if container.active] == ["sound"]
    assert deployment.running == 1


def test_a_replica_set_replaces_what_was_stopped() -> None:
    place = Place()
    place.machine("a")
    deployment = place.cloud.create(order(replicas=2))
    place.wait(UP)
    first = next(iter(deployment.kept.values()))
    place.cloud.stop_container(first)
    assert first.status == "shutting_down"
    place.wait(UP)
    assert (first.status, deployment.running, len(deployment.kept)) == ("shutdown", 2, 3)
    assert first.stopped is not None


def test_stopping_with_one_replica_less_replaces_nothing() -> None:
    place = Place()
    place.machine("a")
    deployment = place.cloud.create(order(replicas=2))
    place.wait(UP)
    place.cloud.stop_container(next(iter(deployment.kept.values())), decrease=True)
    place.wait(UP)
    assert (deployment.replicas, deployment.running, statuses(deployment)) == (1, 1, ["running", "shutdown"])


def test_scaling_starts_and_stops_the_difference() -> None:
    place = Place()
    place.machine("a")
    deployment = place.cloud.create(order(replicas=2))
    place.wait(UP)
    oldest = next(iter(deployment.kept.values()))
    place.cloud.scale(deployment, 5)
    place.wait(UP)
    assert deployment.running == 5
    place.cloud.scale(deployment, 1)
    place.wait(10)
    assert [container for container in deployment.kept.values() if container.active] == [oldest]


def test_a_stopped_container_is_reused_and_comes_up_fast() -> None:
    place = Place()
    place.machine("a")
    deployment = place.cloud.create(order(reuse=True))
    place.wait(UP)
    first = only(deployment)
    place.cloud.stop_container(first)
    place.wait(20)
    second = only(deployment)
    assert second is not first
    assert second.machine is first.machine
    assert (second.status, first.released, first.status) == ("running", True, "released")


@pytest.mark.parametrize(("scope", "reused"), [("all", True), ("deployment", False)])
def test_how_far_reuse_reaches(scope: str, reused: bool) -> None:
    place = Place()
    place.machine("a")
    first = place.cloud.create(order())
    place.wait(UP)
    stopped = only(first)
    place.cloud.stop(first)
    place.wait(10)
    place.cloud.create(order(reuse=True, reuse_scope=scope))
    assert stopped.released is reused


def test_without_cache_a_stopped_container_is_released_at_once() -> None:
    place = Place()
    place.machine("a")
    deployment = place.cloud.create(order(reuse=True))
    place.wait(UP)
    first = only(deployment)
    place.cloud.stop_container(first, no_cache=True)
    place.wait(10)
    assert first.released
    assert only(deployment).status in ("creating", "created", "starting")


def test_a_stopped_container_is_released_after_a_while() -> None:
    place = Place()
    place.machine("a")
    deployment = place.cloud.create(order())
    place.wait(UP)
    container = only(deployment)
    place.cloud.stop(deployment)
    place.wait(10)
    assert (container.status, container.released) == ("shutdown", False)
    place.wait(CACHE_SECONDS, step=60)
    assert container.released
    assert not deployment.kept


def test_a_job_finishes_keeping_to_its_parallelism() -> None:
    place = Place()
    place.machine("a")
    deployment = place.cloud.create(job(5, 2))
    most = 0
    while deployment.status == "running":
        place.wait(1)
        most = max(most, deployment.running + deployment.starting)
    assert (most, deployment.finished, len(deployment.containers)) == (2, 5, 5)
    assert deployment.stopped is not None


def test_a_container_deployment_is_one_instance_that_ends() -> None:
    place = Place()
    place.machine("a")
    deployment = place.cloud.create(order(CONTAINER, cmd="python x.py && sleep 30"))
    place.wait(UP + 60)
    assert (deployment.status, deployment.finished, len(deployment.containers)) == ("stopped", 1, 1)


def test_a_containers_own_last_command_wins_over_the_deployments() -> None:
    place = Place()
    place.machine("a")
    deployment = place.cloud.create(order(replicas=2, template={"cmd_before_shutdown": "sync"}))
    first, second = deployment.kept.values()
    place.cloud.stop_container(first, command="rm -rf /tmp/x")
    place.cloud.stop_container(second)
    assert (first.last_command, second.last_command) == ("rm -rf /tmp/x", "sync")


def test_stopping_a_deployment_stops_its_containers_and_nothing_comes_back() -> None:
    place = Place()
    place.machine("a")
    deployment = place.cloud.create(order(replicas=3))
    place.wait(UP)
    place.cloud.stop(deployment)
    place.wait(UP)
    assert (deployment.status, statuses(deployment)) == ("stopped", ["shutdown"] * 3)


def test_nothing_remains_of_a_deleted_deployment() -> None:
    place = Place()
    place.machine("a")
    deployment = place.cloud.create(order(replicas=3))
    place.wait(20)
    place.cloud.delete(deployment)
    events = len(deployment.events)
    place.wait(CACHE_SECONDS, step=30)
    assert (place.cloud.deployments, place.cloud.containers, len(deployment.events)) == ({}, {}, events)


def test_events_are_only_ever_added_in_the_order_of_time() -> None:
    place = Place(HUB)
    deployment = place.cloud.deployments[next(iter(place.cloud.deployments))]
    read = list(deployment.events)
    place.cloud.scale(deployment, 12)
    place.wait(UP)
    assert deployment.events[: len(read)] == read
    assert len(deployment.events) > len(read)
    assert [event.at for event in deployment.events] == sorted(event.at for event in deployment.events)


def test_in_a_frozen_world_actions_are_done_at_once_and_nothing_else_happens() -> None:
    place = Place(HUB, speed=0)
    before = {uuid: container.status for uuid, container in place.cloud.containers.items()}
    place.machine("a")
    deployment = place.cloud.create(job(4, 2))
    place.world.advance()
    assert statuses(deployment) == ["running", "running"]
    place.cloud.stop_container(next(iter(deployment.kept.values())))
    place.world.advance()
    assert (statuses(deployment), deployment.finished) == (["running", "running", "shutdown"], 1)
    assert {uuid: place.cloud.containers[uuid].status for uuid in before} == before


def test_the_same_seed_makes_the_same_cloud() -> None:
    def story(seed: int) -> list[object]:
        place = Place(HUB, seed=seed)
        place.wait(300, step=1)
        return [event for deployment in place.cloud.deployments.values() for event in deployment.events]

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_the_stock_moves_by_itself_and_stays_within_its_bounds() -> None:
    place = Place(HUB)
    machines = place.cloud.market.machines.values()
    before = [machine.others for machine in machines]
    for _ in range(60):
        place.wait(10, step=10)
        assert all(machine.idle >= 0 and machine.others >= 0 for machine in machines)
    assert [machine.others for machine in machines] != before


def test_containers_crash_by_themselves_but_not_the_steady_ones() -> None:
    place = Place(HUB)
    steady = [deployment for deployment in place.cloud.deployments.values() if deployment.steady]
    before = [len(deployment.events) for deployment in steady]
    events = sum(len(deployment.events) for deployment in place.cloud.deployments.values())
    place.wait(1800, step=5)
    assert [len(deployment.events) for deployment in steady] == before
    assert sum(len(deployment.events) for deployment in place.cloud.deployments.values()) > events


@pytest.mark.parametrize(
    ("size", "deployments", "containers"), [("small", 7, 25), ("large", 100, 1_000), ("huge", 100, 10_000)]
)
def test_the_hub_has_the_containers_of_its_size(size: str, deployments: int, containers: int) -> None:
    place = Place(CLOUDS[size][0])
    assert (len(place.cloud.deployments), len(place.cloud.containers)) == (deployments, containers)
    assert all(machine.idle >= 0 for machine in place.cloud.market.machines.values())


def test_the_benchmark_has_thirty_models_in_each_of_twelve_regions() -> None:
    place = Place(replace(BENCHMARK, initial=()))
    everything = [place.cloud.market.stock(region, StockFilter()) for region in place.cloud.regions]
    assert [len(stock) for stock in everything] == [30] * 12


def test_packages_drain_before_the_wallet_does() -> None:
    place = Place(replace(HUB, models=HUB.models[:1], initial=HUB.initial[:1]))
    ledger = place.cloud.ledger
    (package,) = ledger.packages
    package.balance = 8 * 600.0
    assets = ledger.assets
    place.wait(300, step=60)
    ledger.settle(place.world.time)
    assert (package.balance, ledger.assets) == (8 * 300.0, assets)
    place.wait(600, step=60)
    ledger.settle(place.world.time)
    assert package.balance == 0
    hourly = sum(container.price for container in place.cloud.containers.values())
    assert assets - ledger.assets == pytest.approx(hourly * 300 / 3600)
    assert ledger.spent == pytest.approx(assets - ledger.assets)


@pytest.mark.parametrize("seed", range(4))
def test_a_slow_machine_is_there_to_be_found_in_the_past_of_a_deployment(seed: int) -> None:
    place = Place(HUB, seed=seed)
    deployment = next(one for one in place.cloud.deployments.values() if one.order.name == "qwen-finetune")
    took = sorted(
        container.started - container.created
        for container in deployment.kept.values()
        if container.started is not None
    )
    assert took[-1] > took[len(took) // 2] + 30
