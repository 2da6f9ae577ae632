"""What is spent, as the fleet sees it in its lists, reaches the history in spans of time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gputui.errors import UnavailableError
from gputui.fleet import Fleet
from gputui.fleet.notifications.budgets import BudgetNews
from gputui.history.history import History
from gputui.models import Deployment, Instance, Missing, Money, Package, PartialRows, Phase, Ref, Resource, Row
from gputui.models.budgets import Budget
from gputui.models.notifications import Notification
from gputui.models.periods import Period
from tests.fleet.acting import INSTANCES
from tests.fleet.fakes import START, FakeBackend, FakeClock, make_fleet, running

T = START.timestamp()
DEPLOYMENT = Ref("hub", "deployment", "train")


def container(name: str = "a", price: str | None = "1.80", **more: Any) -> Instance:
    given: dict[str, Any] = {"phase": Phase.RUNNING, "status": "running", "gpu_model": "RTX 5090"} | more
    money = None if price is None else Money(Decimal(price), "USD")
    return Instance(Ref("hub", "container", name), name, price=money, **given)


@pytest.fixture(autouse=True)
def without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do at once what a thread would do while the time of a test passes."""

    async def do(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
        return work(*given, **named)

    monkeypatch.setattr(asyncio, "to_thread", do)


@pytest.fixture
def hub() -> FakeBackend:
    backend = FakeBackend("hub", [INSTANCES])
    backend.spending = frozenset({INSTANCES, Resource.DEPLOYMENTS})
    backend.rows[INSTANCES] = [container()]
    return backend


async def spans(fleet: Fleet, history: History) -> list[tuple[str, float, float]]:
    """Return price, begin and end of all spans, in seconds since the start."""
    assert fleet.spending is not None
    await fleet.spending.flush(now=True)
    found = history.spend.read(["hub"], START - timedelta(days=1))
    return [(found.charges[one].price or "?", since - T, until - T) for one, since, until in found.spans]


async def test_a_running_instance_is_recorded_once_a_minute_while_its_list_is_read(
    clock: FakeClock, hub: FakeBackend, history: History
) -> None:
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(300)
        assert await spans(fleet, history) == [("1.80", 0, 300)]
        (look,) = history.spend.read(["hub"], START).looks
        assert (look.whole, look.since - T, look.until - T) == (True, 0, 300)


async def test_a_change_of_the_price_begins_another_span_when_it_is_seen(
    clock: FakeClock, hub: FakeBackend, history: History
) -> None:
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(100)
        hub.rows[INSTANCES] = [container(price="2.10")]
        await clock.advance(100)
        assert await spans(fleet, history) == [("1.80", 0, 105), ("2.10", 105, 200)]


async def test_an_instance_that_stops_and_starts_again_has_two_spans(
    clock: FakeClock, hub: FakeBackend, history: History
) -> None:
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(60)
        stopped = START + timedelta(seconds=62)
        hub.rows[INSTANCES] = [container(phase=Phase.STOPPED, stopped_at=stopped)]
        await clock.advance(60)
        hub.rows[INSTANCES] = [container(started_at=START + timedelta(seconds=121))]
        await clock.advance(60)
        assert await spans(fleet, history) == [("1.80", 0, 62), ("1.80", 121, 180)]


@pytest.mark.parametrize(("outage", "expected"), [(60, [(0, 180)]), (300, [(0, 60), (360, 420)])])
async def test_a_short_outage_counts_and_a_long_one_is_a_gap(
    clock: FakeClock, hub: FakeBackend, history: History, outage: float, expected: list[tuple[float, float]]
) -> None:
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(60)
        hub.errors[INSTANCES] = UnavailableError("no answer")
        await clock.advance(outage)
        del hub.errors[INSTANCES]
        fleet.refresh()
        await clock.advance(60)
        found = await spans(fleet, history)
        assert [(since, until) for _, since, until in found] == expected
        assert [(one.since - T, one.until - T) for one in history.spend.read(["hub"], START).looks] == expected


@pytest.mark.parametrize(
    "lacking",
    [
        PartialRows[Row]([], [Missing("a region did not answer")]),
        [container(problem="old: a region did not answer")],
    ],
    ids=["missing", "old"],
)
async def test_a_list_that_lacks_rows_ends_nothing_and_extends_nothing_for_ever(
    clock: FakeClock, hub: FakeBackend, history: History, lacking: list[Row]
) -> None:
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(60)
        hub.rows[INSTANCES] = lacking
        await clock.advance(60)
        hub.rows[INSTANCES] = [container()]
        await clock.advance(60)
        assert await spans(fleet, history) == [("1.80", 0, 180)]
        hub.rows[INSTANCES] = lacking
        await clock.advance(600)
        assert await spans(fleet, history) == [("1.80", 0, 180)]
        whole = [one.until - T for one in history.spend.read(["hub"], START).looks if one.whole]
        assert max(whole) == 180


async def test_a_clock_that_is_set_makes_a_gap_and_not_money(
    clock: FakeClock, hub: FakeBackend, history: History
) -> None:
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(60)
        clock._start += timedelta(hours=1)
        await clock.advance(60)
        clock._start -= timedelta(hours=1)
        await clock.advance(60)
        found = sorted(await spans(fleet, history))
        assert [(since, until) for _, since, until in found] == [(0, 60), (125, 180), (3665, 3720)]


async def test_unpriced_time_is_recorded_and_free_time_is_not(
    clock: FakeClock, hub: FakeBackend, history: History
) -> None:
    hub.rows[INSTANCES] = [container("a", None), container("b", "0")]
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(60)
        assert await spans(fleet, history) == [("?", 0, 60)]


async def test_a_server_of_ones_own_without_prices_is_not_recorded(
    clock: FakeClock, hub: FakeBackend, history: History
) -> None:
    hub.spending = frozenset()
    hub.rows[INSTANCES] = [container("a", None)]
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(60)
        assert await spans(fleet, history) == []
        assert history.spend.read(["hub"], START).looks == ()


async def test_a_server_that_is_stated_to_be_free_is_not_recorded(
    clock: FakeClock, hub: FakeBackend, history: History
) -> None:
    hub.rows[INSTANCES] = [container("a", "0")]
    fleet = make_fleet(clock, hub, history=history)
    runtime = fleet.runtime("hub")
    runtime.config = runtime.config.model_copy(update={"price": 0.0})
    fleet.poll([INSTANCES])
    await fleet.start()
    await clock.advance(60)
    assert await spans(fleet, history) == []
    assert history.spend.read(["hub"], START).looks == ()
    await fleet.aclose()


def deployment(price: str | None) -> Deployment:
    money = None if price is None else Money(Decimal(price), "USD")
    return Deployment(DEPLOYMENT, "train", "elastic", Phase.RUNNING, "running", running=2, price=money, owner="mei")


async def charges(fleet: Fleet, history: History) -> set[tuple[str, str, str, str, bool]]:
    await spans(fleet, history)
    found = history.spend.read(["hub"], START).charges.values()
    return {(one.ref.id, one.parent, one.owner, one.price, one.prepaid) for one in found}


async def test_a_deployment_with_a_price_is_charged_in_place_of_its_instances(
    clock: FakeClock, hub: FakeBackend, history: History
) -> None:
    hub.rows[Resource.DEPLOYMENTS] = [deployment("3.60")]
    hub.rows[INSTANCES] = [container("a", None, parent=DEPLOYMENT), container("b")]
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(120)
        assert await charges(fleet, history) == {
            ("train", "train", "mei", "3.60", False),
            ("b", "", "", "1.80", False),
        }


async def test_an_instance_has_the_owner_of_its_deployment(
    clock: FakeClock, hub: FakeBackend, history: History
) -> None:
    hub.rows[Resource.DEPLOYMENTS] = [deployment(None)]
    hub.rows[INSTANCES] = [container(parent=DEPLOYMENT)]
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(120)
        assert await charges(fleet, history) == {("a", "train", "mei", "1.80", False)}


async def test_prepaid_time_is_known_before_anything_is_charged_and_costs_no_money(
    clock: FakeClock, hub: FakeBackend, history: History
) -> None:
    package = Package(Ref("hub", "package", "p"), "RTX 5090", (), total=7200, balance=3600)
    hub.rows[Resource.PACKAGES] = [package]
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(120)
        assert await charges(fleet, history) == {("a", "", "", "1.80", True)}
        hub.rows[Resource.PACKAGES] = [replace(package, balance=0)]
        await clock.advance(700)
        found = history.spend.read(["hub"], START)
        assert [found.charges[one].prepaid for one, _, _ in found.spans] == [True, False]


async def test_instances_that_were_read_before_prepaid_time_are_charged_from_their_reading_on(
    clock: FakeClock, hub: FakeBackend, history: History
) -> None:
    hub.rows[Resource.PACKAGES] = [Package(Ref("hub", "package", "p"), "H100", (), total=7200, balance=3600)]
    read = hub.hold(Resource.PACKAGES)
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(3)
        assert await spans(fleet, history) == []
        read.set()
        await clock.advance(1)
        assert await spans(fleet, history) == [("1.80", 0, 0)]  # the next reading of the instances is a second later
        await clock.advance(56)
        assert await spans(fleet, history) == [("1.80", 0, 60)]


async def test_what_could_not_be_written_is_written_later(
    clock: FakeClock, hub: FakeBackend, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(60)
        hub.rows[INSTANCES] = [container(price="2.10")]
        with monkeypatch.context() as full:
            full.setattr(history.spend, "record", lambda *_: False)
            await clock.advance(100)
        assert await spans(fleet, history) == [("1.80", 0, 65), ("2.10", 65, 160)]


async def test_two_sessions_on_one_file_count_once(clock: FakeClock, hub: FakeBackend, history: History) -> None:
    other = FakeBackend("hub", [INSTANCES])
    other.spending, other.rows[INSTANCES] = hub.spending, [container()]
    async with running(clock, hub, history=history) as fleet:
        await clock.advance(33)
        async with running(clock, other, history=history) as second:
            await clock.advance(300)
            await spans(second, history)
            assert await spans(fleet, history) == [("1.80", 0, 333)]


def budget(amount: str) -> Budget:
    return Budget("team", Money(Decimal(amount), "USD"), "day")


async def test_the_spending_of_now_is_added_up_after_each_writing(
    clock: FakeClock, hub: FakeBackend, history: History
) -> None:
    async with running(clock, hub, history=history) as fleet:
        totals: list[Money] = []
        fleet.spend.use_zone(UTC)
        end = fleet.spend.subscribe(lambda now: totals.extend(now.reports[Period.TODAY].totals.values()))
        await clock.advance(70)
        assert totals[-1] == Money(Decimal("0.0325"), "USD")
        end()
        totals.clear()
        await clock.advance(120)
        await spans(fleet, history)
        assert totals == []


async def test_a_level_of_a_budget_is_announced_once_by_one_of_two_sessions(
    clock: FakeClock, hub: FakeBackend, history: History
) -> None:
    other = FakeBackend("hub", [INSTANCES])
    other.spending, other.rows[INSTANCES] = hub.spending, [container()]
    said: list[Notification] = []
    async with running(clock, hub, history=history) as one, running(clock, other, history=history) as two:
        one.budgets = two.budgets = [budget("0.04")]
        news = [BudgetNews(fleet, said.append) for fleet in (one, two)]
        for each in news:
            each.follow()
        await clock.advance(75)
        await clock.advance(600)
        assert [each.title for each in said] == ["budget team: 80 % spent", "budget team: 100 % spent"]
        assert said[0].text == "≥ $0.03 of $0.04 today (81 %), forecast ≥ ~$21.60"
        for each in news:
            each.close()


async def test_a_level_is_announced_once_where_the_history_cannot_be_written(
    clock: FakeClock, hub: FakeBackend, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Notification] = []
    monkeypatch.setattr(history.spend, "claim", lambda *level: True)
    async with running(clock, hub, history=history) as fleet:
        fleet.budgets = [budget("0.03")]
        news = BudgetNews(fleet, said.append)
        news.follow()
        await clock.advance(600)
        assert [each.title for each in said] == ["budget team: 100 % spent"]
        news.close()
