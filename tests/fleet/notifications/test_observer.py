"""News of a fleet: what changes is announced once, what is unknown or was so before is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from gputui.errors import UnavailableError
from gputui.fleet import Fleet
from gputui.fleet.notifications.observer import Observer
from gputui.fleet.notifications.work import end_of
from gputui.fleet.orders import Order
from gputui.fleet.remote_run import RemoteRun
from gputui.history.history import History
from gputui.models import (
    Action,
    Balance,
    FeedState,
    GpuDevice,
    GpuReading,
    GpuSample,
    HealthState,
    Instance,
    Missing,
    Money,
    PartialRows,
    Phase,
    Ref,
    Resource,
)
from gputui.models.notifications import Notification, Topic
from gputui.models.waste import WasteReason
from tests.fleet.fakes import START, FakeBackend, FakeClock, make_fleet, running

MAIN = Ref("lab", "pod", "main")


def pod(phase: Phase, status: str = "", **more: object) -> Instance:
    """Return an instance in a state."""
    return replace(Instance(MAIN, "main", phase, status or phase.value), **more)  # type: ignore[arg-type]


@asynccontextmanager
async def observed(
    clock: FakeClock, lab: FakeBackend, topics: Collection[Topic] = tuple(Topic)
) -> AsyncIterator[tuple[Fleet, list[Notification]]]:
    """Follow a fleet whose lists were read once; gives it and the news since then."""
    said: list[Notification] = []
    async with running(clock, lab) as fleet:
        fleet.poll({Resource.INSTANCES})
        await fleet.read([Resource.INSTANCES])
        observer = Observer(fleet, topics, said.append)
        observer.follow()
        try:
            yield fleet, said
        finally:
            observer.close()


def lab(*rows: Instance) -> FakeBackend:
    """Return a server with instances."""
    backend = FakeBackend("lab", (Resource.INSTANCES, Resource.BALANCES))
    backend.rows[Resource.INSTANCES] = rows
    return backend


async def states(clock: FakeClock, backend: FakeBackend, fleet: Fleet, *rows: Instance) -> None:
    """Let the server report states, one after the other."""
    for row in rows:
        backend.rows[Resource.INSTANCES] = [row]
        fleet.refresh([Resource.INSTANCES])
        await clock.advance(0)


async def test_a_start_a_failure_and_an_end_are_news_once(clock: FakeClock) -> None:
    backend = lab(pod(Phase.PENDING, "starting"))
    async with observed(clock, backend) as (fleet, said):
        assert said == [], "its state when gputui began is no news"
        running_, failed = pod(Phase.RUNNING), pod(Phase.FAILED, "OOMKilled")
        await states(clock, backend, fleet, running_, running_, failed, failed, running_, pod(Phase.STOPPED))
        assert [(one.topic, one.title) for one in said] == [
            (Topic.STARTED, "main runs"),
            (Topic.FAILED, "main failed"),
            (Topic.STARTED, "main runs"),
            (Topic.STOPPED, "main stopped"),
        ]
        assert (said[1].text, said[1].ref, said[1].account) == ("Pod in lab, OOMKilled.", MAIN, "lab")
        assert said[0].text == "Pod in lab.", "the title has the state"


async def test_a_state_that_is_unknown_for_a_while_is_no_other_state(clock: FakeClock) -> None:
    backend = lab(pod(Phase.RUNNING))
    async with observed(clock, backend) as (fleet, said):
        await states(clock, backend, fleet, pod(Phase.UNKNOWN, "?"), pod(Phase.RUNNING))
        assert said == []


async def test_what_has_changed_since_the_last_session_is_no_news(clock: FakeClock, history: History) -> None:
    other = replace(pod(Phase.RUNNING), ref=Ref("lab", "pod", "gone"))
    async with running(clock, lab(pod(Phase.RUNNING), other), history=history):
        pass
    said: list[Notification] = []
    backend = lab(pod(Phase.FAILED, "OOMKilled"))
    fleet = make_fleet(clock, backend, history=history)
    fleet.poll({Resource.INSTANCES})
    fleet.restore()
    observer = Observer(fleet, tuple(Topic), said.append)
    observer.follow()
    try:
        await fleet.start()
        await clock.advance(0)
        assert fleet.find(Instance, MAIN) == pod(Phase.FAILED, "OOMKilled")
        assert said == []
        await states(clock, backend, fleet, pod(Phase.RUNNING))
        assert [one.title for one in said] == ["main runs"]
    finally:
        observer.close()
        await fleet.aclose()


async def test_an_instance_that_is_gone_is_news_unless_its_list_lacks_something(clock: FakeClock) -> None:
    other = replace(pod(Phase.RUNNING), ref=Ref("lab", "pod", "other"))
    backend = lab(pod(Phase.RUNNING), other)
    async with observed(clock, backend) as (fleet, said):
        backend.rows[Resource.INSTANCES] = PartialRows([pod(Phase.RUNNING)], [Missing("h07 does not answer")])
        fleet.refresh([Resource.INSTANCES])
        await clock.advance(0)
        assert fleet.get(other.ref) is None
        assert said == []
        backend.rows[Resource.INSTANCES] = []
        fleet.refresh([Resource.INSTANCES])
        await clock.advance(0)
        assert [one.title for one in said] == ["main is gone"]


async def test_an_end_that_the_user_asked_for_is_no_news(clock: FakeClock) -> None:
    backend = lab(pod(Phase.RUNNING))
    async with observed(clock, backend) as (fleet, said):
        await fleet.act(MAIN, Action.STOP)
        await states(clock, backend, fleet, pod(Phase.STOPPING), pod(Phase.STOPPED))
        assert said == []
        await states(clock, backend, fleet, pod(Phase.RUNNING), pod(Phase.STOPPED))
        assert [one.topic for one in said] == [Topic.STARTED, Topic.STOPPED], "the next one is"


async def test_an_account_that_does_not_answer_for_a_minute_is_news_and_its_return(clock: FakeClock) -> None:
    backend = lab(pod(Phase.RUNNING))
    said: list[Notification] = []
    async with running(clock, backend) as fleet:
        fleet.poll({Resource.INSTANCES})
        await clock.advance(0)
        observer = Observer(fleet, {Topic.UNREACHABLE}, said.append)
        observer.follow()
        backend.errors[Resource.INSTANCES] = UnavailableError("lab: no answer.")
        await clock.advance(30)
        observer.tick()
        assert said == []
        await clock.advance(90)
        observer.tick()
        observer.tick()
        assert [one.title for one in said] == ["lab does not answer"]
        backend.errors.clear()
        await clock.advance(120)
        assert [one.title for one in said[1:]] == ["lab answers again"]


async def test_an_outage_lasts_while_nothing_is_known_and_the_next_one_is_news_again(clock: FakeClock) -> None:
    said: list[Notification] = []
    async with running(clock, lab()) as fleet:
        observer = Observer(fleet, {Topic.UNREACHABLE}, said.append)
        observer.follow()
        runtime = fleet.runtime("lab")
        steps = (HealthState.DOWN, HealthState.UNKNOWN, HealthState.OK, HealthState.DOWN)
        for state in steps:
            runtime.health = replace(runtime.health, state=state, since=clock.now(), message="no answer")
            observer.tick()
            clock.elapsed += 90
            observer.tick()
        assert [(one.title, one.text) for one in said] == [
            ("lab does not answer", "no answer."),
            ("lab answers again", "It did not for 3m."),
            ("lab does not answer", "no answer."),
        ]
        observer.close()


def left(name: str) -> Instance:
    """Return waste: a stopped instance whose disk is billed."""
    return replace(pod(Phase.STOPPED), ref=Ref("lab", "pod", name), name=name, paid_disk=2**30)


async def test_waste_is_news_once_though_its_list_fails_in_between_and_again_after_it_was_none(
    clock: FakeClock,
) -> None:
    backend = lab(left("old"))
    async with observed(clock, backend, {Topic.WASTE}) as (fleet, said):
        backend.rows[Resource.INSTANCES] = [left("old"), left("new")]
        fleet.refresh([Resource.INSTANCES])
        await clock.advance(0)
        assert [one.title for one in said] == ["new does nothing"]
        assert said[0].text == "Pod in lab: not running, 1.0G disk may be billed."
        backend.errors[Resource.INSTANCES] = UnavailableError("lab: no answer.")
        fleet.refresh([Resource.INSTANCES])
        await clock.advance(0)
        assert [waste.name for waste in fleet.waste.rows] == []
        backend.errors.clear()
        fleet.refresh([Resource.INSTANCES])
        await clock.advance(0)
        assert {waste.name for waste in fleet.waste.rows} == {"old", "new"}
        assert len(said) == 1
        for rows in ([left("old")], [left("old"), left("new")]):
            backend.rows[Resource.INSTANCES] = rows
            fleet.refresh([Resource.INSTANCES])
            await clock.advance(0)
        assert [one.title for one in said[1:]] == ["new does nothing"]


async def test_waste_comes_to_its_end_where_some_instances_are_probed(clock: FakeClock) -> None:
    async def read(instance: Instance) -> GpuReading:
        return GpuReading((), ())

    main = pod(Phase.RUNNING)
    backend = lab(main)
    async with observed(clock, backend, {Topic.WASTE}) as (fleet, said):
        fleet.poll({Resource.INSTANCES, Resource.GPUS})
        fleet.runtime("lab").probe(main, read)
        await clock.advance(0)
        assert fleet.feed("lab", Resource.GPUS).state is FeedState.FRESH
        for rows in ([main, left("new")], [main], [main, left("new")]):
            backend.rows[Resource.INSTANCES] = rows
            fleet.refresh([Resource.INSTANCES])
            await clock.advance(0)
        assert [one.title for one in said] == ["new does nothing"] * 2


async def test_the_old_waste_of_a_slow_account_is_no_news(clock: FakeClock) -> None:
    slow = FakeBackend("slow")
    slow.rows[Resource.INSTANCES] = [replace(left("old"), ref=Ref("slow", "pod", "old"))]
    answer = slow.hold(Resource.INSTANCES)
    said: list[Notification] = []
    async with running(clock, lab(left("main")), slow) as fleet:
        observer = Observer(fleet, {Topic.WASTE}, said.append)
        observer.follow()
        observer.tick()
        assert [waste.ref.account for waste in fleet.waste.rows] == ["lab"]
        answer.set()
        await clock.advance(0)
        assert {waste.ref.account for waste in fleet.waste.rows} == {"lab", "slow"}
        assert said == []
        slow.rows[Resource.INSTANCES] = [replace(left("new"), ref=Ref("slow", "pod", "new"))]
        fleet.refresh([Resource.INSTANCES])
        await clock.advance(0)
        assert [one.title for one in said] == ["new does nothing"]
        observer.close()


async def test_gpus_that_were_idle_before_are_no_news_though_their_samples_are_restored_late(
    clock: FakeClock,
) -> None:
    gpu = Ref("lab", "gpu", "0")
    samples = [GpuSample(START - timedelta(minutes=minute), 0.0) for minute in range(40, -1, -1)]
    backend = lab(pod(Phase.RUNNING, gpu_indices=(0,), host="h07", price=Money(Decimal(1), "USD")))
    backend.rows[Resource.GPUS] = [GpuDevice(gpu, "h07", 0, sample=samples[-1], series=tuple(samples[-1:]))]
    async with observed(clock, backend, {Topic.WASTE}) as (fleet, said):
        await fleet.read([Resource.GPUS])
        await clock.advance(0)
        assert fleet.waste.now.rows == ()
        fleet.samples.restore({gpu: samples})
        await clock.advance(0)
        assert [waste.reason for waste in fleet.waste.rows] == [WasteReason.IDLE]
        assert said == []


async def test_the_end_of_a_command_is_said_without_its_secrets_and_in_short(clock: FakeClock) -> None:
    async with running(clock, lab(pod(Phase.RUNNING)).without_ssh()) as fleet:
        run = RemoteRun(fleet, fleet.all(Instance), Order(f"HF_TOKEN=hunter2 python train.py {'x' * 200}\nmore"))
        await run.run()
        end = end_of(run)
    assert end is not None
    beginning, _, command = end.text.partition(": ")
    assert (end.title, beginning) == ("command finished", "succeeded in 1 of 1")
    assert command.startswith("HF_TOKEN=*** python train.py xxx")
    assert (len(command), command[-1]) == (80, "…")


async def test_money_that_lasts_less_than_a_day_is_news_once(clock: FakeClock) -> None:
    price = Money(Decimal(1), "USD")
    backend = lab(pod(Phase.RUNNING, price=price))
    balance = Balance(Ref("lab", "balance", "lab"), Money(Decimal(30), "USD"))
    backend.rows[Resource.BALANCES] = [balance]
    said: list[Notification] = []
    async with running(clock, backend) as fleet:
        await fleet.read([Resource.INSTANCES, Resource.BALANCES])
        observer = Observer(fleet, {Topic.RUN_OUT}, said.append)
        observer.follow()
        observer.tick()
        assert said == []
        backend.rows[Resource.BALANCES] = [replace(balance, available=Money(Decimal(5), "USD"))]
        fleet.refresh([Resource.BALANCES])
        await clock.advance(0)
        observer.tick()
        observer.tick()
        (one,) = said
        assert (one.title, one.text) == ("lab runs out", "$5.00 left; at the present use it lasts 5h 00m.")
        assert Resource.BALANCES in fleet.polled_lists.now
        observer.close()
        assert Resource.BALANCES not in fleet.polled_lists.now, "nothing is polled for it any more"
