"""What costs money and does nothing, and what only looks so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gputui.analytics.gpu_idle import IdlePeriod
from gputui.analytics.starts import Start
from gputui.analytics.waste import Evidence, find_waste, so_far, totals
from gputui.models import Deployment, Instance, Money, Package, Phase, Ref, Task, TaskQueue, Volume
from gputui.models.waste import Waste, WasteReason

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HUB, LAB = "hub", "lab"
MAIN = Ref(HUB, "container", "main")
ENDPOINT = Ref(HUB, "endpoint", "chat")


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def dollars(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def instance(price: str | None = "2.00", phase: Phase = Phase.RUNNING, ref: Ref = MAIN, **more: Any) -> Instance:
    given: dict[str, Any] = {"status": phase.value, "gpu_count": 2, "gpu_model": "RTX 5090"} | more
    return Instance(ref, ref.id, phase, price=None if price is None else dollars(price), **given)


def endpoint(price: str | None = "3.00", phase: Phase = Phase.RUNNING, **more: Any) -> Deployment:
    given: dict[str, Any] = {"desired": 2, "running": 2, "takes_tasks": True, "created_at": ago(999)} | more
    cost = None if price is None else dollars(price)
    return Deployment(ENDPOINT, "chat", "QUEUE", phase, phase.value, price=cost, **given)


def volume(mounts: int | None, price: str | None, **more: Any) -> Volume:
    cost = None if price is None else dollars(price)
    return Volume(Ref(HUB, "volume", "v"), "v", "NFS", Phase.RUNNING, "active", mounts=mounts, price=cost, **more)


def idle(minutes: float, memory: int | None = 0) -> dict[Ref, IdlePeriod]:
    return {MAIN: IdlePeriod(ago(minutes), NOW, memory_in_use=memory)}


def found(**known: Any) -> Sequence[Waste]:
    return find_waste(Evidence(now=NOW, **{"bills": {HUB}, "bills_volumes": {HUB}, **known}))


def test_an_instance_that_was_seen_idle_for_long_is_waste_with_the_memory_that_it_holds() -> None:
    (waste,) = found(instances=[instance()], idle=idle(90, 61 * 2**30))
    assert (waste.ref, waste.reason, waste.since, waste.at_least) == (MAIN, WasteReason.IDLE, ago(90), True)
    assert (waste.per_hour, waste.gpus, waste.text) == (dollars("2.00"), 2, "61.0G memory in use")
    assert so_far(waste, NOW) == dollars("3.00")


def test_an_instance_that_was_seen_idle_for_a_shorter_time_is_none_yet() -> None:
    (soon,) = found(instances=[instance()], idle=idle(12))
    assert (soon.seen, soon.text) == (720.0, "seen 12 of 30 min")
    (waste,) = found(instances=[instance()], idle=idle(12), idle_after=timedelta(minutes=10))
    assert waste.seen is None


def test_an_unknown_price_counts_where_instances_are_billed() -> None:
    (waste,) = found(instances=[instance(None)], idle=idle(90))
    assert waste.per_hour is None
    assert so_far(waste, NOW) is None
    assert totals([waste]) == ({}, 1)


@pytest.mark.parametrize("price", [None, "0"])
def test_a_machine_of_ones_own_is_no_waste_unless_a_price_is_stated(price: str | None) -> None:
    assert not found(instances=[instance(price)], idle=idle(90), bills=())
    assert found(instances=[instance("0.50")], idle=idle(90), bills=())


def test_a_start_is_stuck_when_it_takes_much_longer_than_usual() -> None:
    starting = instance(phase=Phase.PENDING)
    assert not found(instances=[starting], starts={MAIN: Start(starting, ago(10), 31.0, slow=True)})
    stuck = Start(starting, ago(10), 31.0, slow=True, stuck=True)
    (waste,) = found(instances=[starting], starts={MAIN: stuck})
    assert (waste.reason, waste.since, waste.text) == (
        WasteReason.STUCK,
        ago(10),
        "pending, a start usually takes 31 s",
    )
    assert not waste.at_least
    (waste,) = found(instances=[starting], starts={MAIN: stuck}, observed={HUB})
    assert waste.at_least


def test_whether_a_stop_that_is_stuck_is_billed_is_unknown() -> None:
    stopping = instance(phase=Phase.STOPPING)
    assert not found(instances=[stopping], stopping={MAIN: ago(30)}, known_at={HUB: ago(11)})
    (waste,) = found(instances=[stopping], stopping={MAIN: ago(30)})
    assert (waste.reason, waste.per_hour) == (WasteReason.STUCK, None)


def test_a_stopped_instance_counts_only_with_a_disk_that_may_be_billed() -> None:
    assert not found(instances=[instance(phase=Phase.STOPPED)])
    (waste,) = found(instances=[instance(phase=Phase.STOPPED, paid_disk=50 * 2**30, stopped_at=ago(60))])
    assert (waste.reason, waste.per_hour, waste.since) == (WasteReason.STOPPED, None, ago(60))


def test_a_failed_endpoint_that_is_still_billed_is_waste() -> None:
    (waste,) = found(deployments=[endpoint(phase=Phase.FAILED)])
    assert (waste.reason, waste.per_hour) == (WasteReason.STOPPED, dollars("3.00"))
    assert not found(deployments=[endpoint("0", phase=Phase.FAILED)])


def test_a_billed_deployment_that_was_seen_without_instances_for_long_is_waste() -> None:
    empty = endpoint(running=0, starting=0)
    (waste,) = found(deployments=[empty], none_since={ENDPOINT: ago(30)})
    assert (waste.reason, waste.text, waste.counts) == (WasteReason.NONE_RUNNING, "0 of 2 running", True)
    assert (waste.since, waste.at_least) == (ago(30), True)
    (waste,) = found(deployments=[empty], none_since={ENDPOINT: ago(29)})
    assert (waste.text, waste.counts) == ("0 of 2 running, seen 29 of 30 min", False)
    (waste,) = found(deployments=[empty])
    assert (waste.seen, waste.since) == (0.0, None)


@pytest.mark.parametrize(
    ("price", "more"),
    [(None, {}), ("3.00", {"desired": 0}), ("3.00", {"starting": 1}), ("3.00", {"starting": None})],
)
def test_a_deployment_that_costs_nothing_or_may_be_starting_instances_is_no_waste(
    price: str | None, more: dict[str, Any]
) -> None:
    row = endpoint(price, **{"running": 0, "starting": 0, **more})
    assert not found(deployments=[row], none_since={ENDPOINT: ago(90)})


def queue(processing: int | None = 0, total: int | None = 1) -> TaskQueue:
    return TaskQueue(Ref(HUB, "queue", "chat"), ENDPOINT, "chat", processing, total)


def task(minutes: float | None, phase: Phase = Phase.STOPPED) -> Task:
    at = None if minutes is None else ago(minutes)
    return Task(Ref(HUB, "task", "t"), "t", ENDPOINT, "chat", phase, "SUCCESS", created_at=at)


def test_an_endpoint_without_new_tasks_is_waste_and_its_idle_workers_are_part_of_it() -> None:
    worker = instance(parent=ENDPOINT)
    known = {"deployments": [endpoint()], "instances": [worker], "idle": idle(90)}
    (waste,) = found(**known, queues=[queue()], tasks=[task(45)])
    assert (waste.ref, waste.reason, waste.since) == (ENDPOINT, WasteReason.NO_REQUESTS, ago(45))
    assert [one.ref for one in found(**known, queues=[queue()], tasks=[task(5)])] == [MAIN]


def test_an_endpoint_that_never_had_a_task_is_waste_once_it_is_old_enough() -> None:
    (waste,) = found(deployments=[endpoint()], queues=[queue(total=0)])
    assert (waste.since, waste.text) == (None, "no task in its queue, 2 running")
    assert not found(deployments=[endpoint(created_at=ago(3))], queues=[queue(total=0)])


@pytest.mark.parametrize(
    ("queues", "tasks"),
    [
        ([], []),
        ([queue(processing=None)], [task(45)]),
        ([queue(processing=1)], [task(45)]),
        ([queue(total=None)], []),
        ([queue(total=3)], []),
        ([queue()], [task(45, Phase.PENDING)]),
    ],
)
def test_an_endpoint_with_tasks_or_of_which_they_are_unknown_is_none(
    queues: Sequence[TaskQueue], tasks: Sequence[Task]
) -> None:
    assert not found(deployments=[endpoint()], queues=queues, tasks=tasks)


def test_a_volume_that_nothing_mounts_is_waste_and_one_of_unknown_mounts_is_none() -> None:
    (waste,) = found(volumes=[volume(0, "0.02", size=120 * 2**30)])
    assert (waste.reason, waste.per_hour, waste.text) == (
        WasteReason.UNMOUNTED,
        dollars("0.02"),
        "120G",
    )
    assert found(volumes=[volume(0, None)])
    assert not found(volumes=[volume(0, "0")])
    assert not found(volumes=[volume(None, "0.02")])
    assert not found(volumes=[volume(1, "0.02")])


def test_prepaid_time_is_waste_while_nothing_of_it_is_used_and_has_no_price_an_hour() -> None:
    package = Package(Ref(HUB, "package", "p"), "RTX 5090", (), 360_000, 360_000)
    (waste,) = found(packages=[package])
    assert (waste.reason, totals([waste])) == (WasteReason.UNUSED, ({}, 0))
    assert not found(packages=[Package(package.ref, "RTX 5090", (), 360_000, 359_000)])


def test_the_most_expensive_of_each_currency_comes_first_and_currencies_are_not_added() -> None:
    def other(name: str, amount: str, currency: str) -> Instance:
        return Instance(
            Ref(HUB, "container", name), name, Phase.RUNNING, "", price=Money(Decimal(amount), currency), gpu_count=1
        )

    rows = [other("a", "1", "USD"), other("b", "9", "CNY"), other("c", "2", "USD"), instance(None)]
    period = IdlePeriod(ago(90), NOW)
    waste = found(instances=rows, idle={row.ref: period for row in rows})
    assert [one.ref.id for one in waste] == ["b", "c", "a", "main"]
    assert totals(waste) == ({"CNY": Money(Decimal(9), "CNY"), "USD": dollars("3")}, 1)
