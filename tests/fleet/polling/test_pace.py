"""When each list is asked for, and that closing ends it."""

from __future__ import annotations

import asyncio
from random import Random

from gputui.fleet.poller import Poller
from gputui.models import HealthState, Resource
from tests.fleet.fakes import FakeBackend, FakeClock, make_fleet, pod, running, settle
from tests.fleet.polling.conftest import ALL, DEPLOYMENTS, DOWN, EVENTS, INSTANCES, PROCESSES, STOCK, VOLUMES


async def test_what_is_watched_is_polled_at_its_pace_and_instances_slowly(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab, watch=[STOCK]):
        await clock.advance(60)
    assert lab.calls[STOCK] == 13
    assert lab.calls[INSTANCES] == 3
    assert lab.calls[PROCESSES] == 0


async def test_lists_that_cost_money_are_polled_once_a_minute_without_a_viewer(clock: FakeClock) -> None:
    class Paid(FakeBackend):
        spending = frozenset({DEPLOYMENTS, VOLUMES})

    paid = Paid("y", (INSTANCES, DEPLOYMENTS, VOLUMES, STOCK))
    unpaid = FakeBackend("lab", (INSTANCES, DEPLOYMENTS, VOLUMES))
    async with running(clock, paid, unpaid, watch=[STOCK]) as fleet:
        await clock.advance(125)
        assert fleet.runtime("y").costs(VOLUMES)
        assert not fleet.runtime("lab").costs(VOLUMES)
    assert (paid.calls[DEPLOYMENTS], paid.calls[VOLUMES]) == (3, 3)
    assert (unpaid.calls[DEPLOYMENTS], unpaid.calls[VOLUMES]) == (0, 0)


async def test_watching_events_polls_the_instances_they_are_derived_from(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab, watch=[EVENTS]):
        await clock.advance(10)
    assert lab.calls[INSTANCES] == 6


async def test_a_list_looked_at_again_is_asked_for_at_once(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab, watch=[PROCESSES]) as fleet:
        fleet.poll([STOCK])
        await settle()
        assert lab.calls[STOCK] == 1
        fleet.poll([PROCESSES])
        await clock.advance(1)
        fleet.poll([STOCK])
        await settle()
        assert lab.calls[STOCK] == 1
        await clock.advance(4)
        assert lab.calls[STOCK] == 2


async def test_a_slow_answer_is_never_asked_for_twice_and_late_ticks_are_skipped(
    clock: FakeClock, lab: FakeBackend
) -> None:
    answer = lab.hold(INSTANCES)
    async with running(clock, lab) as fleet:
        await clock.advance(12)
        fleet.refresh()
        await settle()
        assert lab.calls[INSTANCES] == 1
        answer.set()
        await settle()
        await clock.advance(2.9)
        assert lab.calls[INSTANCES] == 1
        await clock.advance(0.1)
        assert lab.calls[INSTANCES] == 2


async def test_something_in_transition_is_followed_faster_for_a_minute(clock: FakeClock, lab: FakeBackend) -> None:
    lab.rows[INSTANCES] = [pod("lab", "main", "created")]
    async with running(clock, lab, watch=[STOCK]):
        await clock.advance(59)
        assert lab.calls[INSTANCES] == 60
        await clock.advance(60)
        assert lab.calls[INSTANCES] <= 63


async def test_a_long_list_is_asked_for_a_quarter_of_the_time(clock: FakeClock, lab: FakeBackend) -> None:
    rows = [pod("lab", "main", "created")]
    many = [pod("lab", f"pod{number}", "created") for number in range(5000)]
    lab.rows[INSTANCES] = rows
    async with running(clock, lab) as fleet:
        runtime = fleet.runtime("lab")
        assert runtime.pace(INSTANCES) == 1, "something is in transition"
        runtime.answered(INSTANCES, rows, 9.0)
        assert runtime.pace(INSTANCES) == 1, "a short list was held up elsewhere"
        runtime.answered(INSTANCES, many, 8.0)
        assert runtime.pace(INSTANCES) == 32
        runtime.answered(INSTANCES, many, 0.1)
        assert runtime.pace(INSTANCES) == 4, "what moves is asked for faster, a fortieth of the time"
        runtime.answered(INSTANCES, many, 0.02)
        assert runtime.pace(INSTANCES) == 1


async def test_failures_are_followed_by_longer_waits_up_to_a_minute(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors[INSTANCES] = DOWN
    async with running(clock, lab):
        asked = []
        for second in range(1, 601):
            before = lab.calls[INSTANCES]
            await clock.advance(1)
            if lab.calls[INSTANCES] > before:
                asked.append(second)
    waits = [after - before for before, after in zip([0, *asked], asked, strict=False)]
    assert waits[0] <= 5
    assert waits[1] > waits[0]
    assert waits[2] > waits[1]
    assert all(45 <= wait <= 61 for wait in waits[5:])
    assert len(set(waits[5:])) > 1, "no jitter"


async def test_refresh_asks_now_and_forgets_the_backoff(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors[INSTANCES] = DOWN
    async with running(clock, lab) as fleet:
        await clock.advance(300)
        before = lab.calls[INSTANCES]
        fleet.refresh()
        await settle()
        assert lab.calls[INSTANCES] == before + 1
        await clock.advance(5)
        assert lab.calls[INSTANCES] == before + 2


async def test_refresh_of_one_resource_leaves_the_others(clock: FakeClock, lab: FakeBackend) -> None:
    hub = FakeBackend("hub", ALL)
    async with running(clock, lab, hub) as fleet:
        fleet.refresh([PROCESSES], ["lab"])
        await settle()
        assert (lab.calls[PROCESSES], lab.calls[INSTANCES], hub.calls[PROCESSES]) == (1, 1, 0)


async def test_closing_ends_the_polling_and_closes_every_back_end(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab):
        lab.hold(INSTANCES)
        await clock.advance(5)
    asked = lab.calls[INSTANCES]
    await clock.advance(60)
    assert lab.calls[INSTANCES] == asked
    assert lab.calls["close"] == 1


async def test_closing_does_not_wait_for_a_back_end_that_hangs(clock: FakeClock, lab: FakeBackend) -> None:
    lab.hold("close")
    async with running(clock, lab) as fleet:
        closing = asyncio.ensure_future(fleet.aclose())
        await clock.advance(1.9)
        assert not closing.done()
        await clock.advance(0.2)
        assert closing.done()
        lab.holds.clear()


async def test_capabilities_are_known_once_a_back_end_is_open(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        assert fleet.supports("lab", EVENTS)
        assert not fleet.supports("lab", Resource.IMAGES)
        assert fleet.creatable("lab") == ("pod",)


async def test_a_repeated_request_waits_for_an_answer_that_is_younger_than_itself() -> None:
    clock, backend = FakeClock(), FakeBackend("lab")

    class Ignored:
        def answered(self, *_: object) -> None: ...
        def failed(self, *_: object) -> None: ...
        def outstanding(self, *_: object) -> None: ...

    poller = Poller(
        "lab", INSTANCES, lambda since: backend.listers[INSTANCES](), Ignored(),
        pace=lambda: 5.0, not_before=lambda: 0.0, clock=clock, random=Random(1),
    )  # fmt: skip
    first = backend.hold(INSTANCES)
    running_poller = asyncio.ensure_future(poller.run())
    await settle()
    repeated = poller.refresh_after_now()
    second = asyncio.Event()
    first.set()
    await asyncio.sleep(0)
    backend.holds[INSTANCES] = second
    await settle()
    assert backend.calls[INSTANCES] == 2
    assert not repeated.done()
    second.set()
    await settle()
    assert repeated.done()
    running_poller.cancel()


async def test_when_one_list_answers_again_the_others_are_asked_at_once(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors[INSTANCES] = lab.errors[PROCESSES] = DOWN
    async with running(clock, lab, watch=[INSTANCES, PROCESSES]) as fleet:
        await clock.advance(300)
        del lab.errors[INSTANCES], lab.errors[PROCESSES]
        while lab.errors or fleet.health()["lab"].state is HealthState.DOWN:
            await clock.advance(1)
        await clock.advance(0)
        assert fleet.feed("lab", INSTANCES).error is None
        assert fleet.feed("lab", PROCESSES).error is None


async def test_a_fleet_without_polling_requests_each_list_once_when_it_is_read(clock: FakeClock) -> None:
    lab, hub = FakeBackend("lab", ALL), FakeBackend("hub", (INSTANCES,))
    hub.errors[INSTANCES] = DOWN
    fleet = make_fleet(clock, lab, hub, unopenable={"bad": DOWN}, polls=False)
    await fleet.start()
    await clock.advance(300)
    assert lab.calls == hub.calls == {}
    for _ in range(2):
        await asyncio.gather(fleet.read([INSTANCES, PROCESSES], ["lab"]), fleet.read([INSTANCES, PROCESSES]))
        await clock.advance(300)
    assert lab.calls == {INSTANCES: 1, PROCESSES: 1}
    assert hub.calls == {INSTANCES: 1}
    assert fleet.feed("hub", INSTANCES).error is fleet.feed("bad", INSTANCES).error is DOWN
    await fleet.aclose()
