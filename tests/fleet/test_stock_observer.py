"""For how long each offer had how many idle: a count holds until the next answer, if that comes soon."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from gputui.fleet.stock_observer import StockObserver
from gputui.history.history import History
from gputui.models import Offer, Ref, Resource
from gputui.models.stock import AVAILABLE
from tests.agent.conftest import until
from tests.fleet.fakes import START, FakeBackend, FakeClock, running
from tests.screens.world import offer

RTX, A100 = offer("hub", "RTX 5090", 4, 8, region="sgp1"), offer("hub", "A100", 1, 8, region="sgp1")


def observed(*reads: tuple[float, tuple[Offer, ...]]) -> list[tuple[str, int, int, int]]:
    """Return model, count, begin and end in seconds of what lists read at these times show."""
    observer = StockObserver()
    for seconds, offers in reads:
        observer.take("hub", {one.ref: one for one in offers}, START + timedelta(seconds=seconds))

    def after(at: datetime) -> int:
        return int((at - START).total_seconds())

    return sorted((one.model, one.idle, after(one.begin), after(one.end)) for one in observer.collect())


def idle(count: int | None, **more: object) -> Offer:
    return replace(RTX, idle=count, **more)  # type: ignore[arg-type]


def test_a_count_holds_until_the_answer_that_has_another() -> None:
    assert observed((0, (RTX, A100)), (5, (RTX, A100)), (10, (idle(0), A100)), (15, (idle(0), A100))) == [
        ("A100", 1, 0, 15), ("RTX 5090", 0, 10, 15), ("RTX 5090", 4, 0, 10),
    ]  # fmt: skip


def test_nothing_is_known_of_a_long_time_between_answers_or_of_a_clock_that_was_set_back() -> None:
    assert observed((0, (RTX,)), (60, (RTX,)), (200, (RTX,)), (205, (RTX,)), (100, (RTX,)), (103, (RTX,))) == [
        ("RTX 5090", 4, 0, 60), ("RTX 5090", 4, 100, 103), ("RTX 5090", 4, 200, 205),
    ]  # fmt: skip


def test_what_could_not_be_read_or_is_not_listed_is_not_counted() -> None:
    unread = idle(4, problem="no answer")
    assert observed((0, (RTX,)), (5, (unread,)), (10, (unread,)), (15, (RTX,)), (20, ()), (25, (RTX,))) == [
        ("RTX 5090", 4, 0, 5), ("RTX 5090", 4, 15, 20),
    ]  # fmt: skip


def test_available_without_a_number_is_kept_as_that() -> None:
    assert observed((0, (idle(None, available=True),)), (5, (idle(None, available=False),)), (9, (idle(None),))) == [
        ("RTX 5090", AVAILABLE, 0, 5), ("RTX 5090", 0, 5, 9),
    ]  # fmt: skip


async def test_a_fleet_that_polls_the_stock_leaves_its_hours_in_the_history(clock: FakeClock) -> None:
    history = History(None)
    hub = FakeBackend("hub", (Resource.STOCK,))
    hub.rows[Resource.STOCK] = [RTX]
    async with running(clock, hub, history=history, watch=[Resource.STOCK]):
        await clock.advance(10)
        hub.rows[Resource.STOCK] = [idle(0)]
        await clock.advance(10)
    (hour,) = history.stock_hours.read([Ref("hub", "offer", RTX.ref.id)], START, clock.now())
    assert set(hour.seconds) == {0, 4}
    assert 10 <= sum(hour.seconds.values()) <= 20


async def test_a_session_that_is_killed_after_ten_seconds_leaves_something(clock: FakeClock) -> None:
    history = History(None)
    hub = FakeBackend("hub", (Resource.STOCK,))
    hub.rows[Resource.STOCK] = [RTX]

    def written() -> int:
        hours = history.stock_hours.read([Ref("hub", "offer", RTX.ref.id)], START, clock.now())
        return sum(sum(hour.seconds.values()) for hour in hours)

    async with running(clock, hub, history=history, watch=[Resource.STOCK]):
        await clock.advance(12)
        await until(lambda: written() >= 5)
