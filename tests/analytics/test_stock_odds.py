"""The odds of the stock: chances of what was observed alone, waits, the cheapest hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gputui.analytics.stock_odds import Chance, HourPrice, Wait, odds, tenths
from gputui.models import Money, Ref
from gputui.models.stock import AVAILABLE, StockHour

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
OFFER = Ref("hub", "offer", "sgp1/RTX 5090")


def at(hour: int) -> datetime:
    return MONDAY + timedelta(hours=hour)


def hour(number: int, price: str = "", currency: str = "USD", **seconds: int) -> StockHour:
    """Return an hour after Monday began: ``idle4=60`` is 60 s with four idle, ``some=60`` with an unknown number."""
    counts = {AVAILABLE if name == "some" else int(name.removeprefix("idle")): for_ for name, for_ in seconds.items()}
    return StockHour(OFFER, at(number), counts, Money(Decimal(price), currency) if price else None)


def test_a_chance_is_the_share_of_the_observed_time_in_that_hour_of_the_week() -> None:
    week = 7 * 24
    found = odds([hour(9, idle4=900, idle1=900), hour(10, idle0=3600), hour(9 + week, idle5=1800)], 4, UTC)
    nine = found.of((0, 9))
    assert (nine.share, nine.observed, nine.hours, nine.is_thin) == (0.75, 3600, 2, True)
    assert found.of((0, 10)).share == 0
    assert found.total.share == 2700 / 7200


def test_what_was_never_observed_is_unknown_and_not_unlikely() -> None:
    found = odds([hour(9, idle0=3600)], 1, UTC)
    assert found.of((3, 9)) == Chance()
    assert found.of((3, 9)).share is None
    nothing = odds([], 1, UTC)
    assert (nothing.total.share, nothing.best, nothing.cheapest, nothing.since) == (None, None, None, None)


def test_available_without_a_number_is_one_and_says_nothing_of_more() -> None:
    hours = [hour(9, some=1800, idle0=1800)]
    assert odds(hours, 1, UTC).total.share == 0.5
    two = odds(hours, 2, UTC).total
    assert (two.share, two.uncounted) == (0, 1800)
    assert odds([hour(9, some=3600)], 2, UTC).total.share is None
    assert odds([hour(9, some=3600)], 2, UTC).total.hours == 0


def test_slots_are_those_of_the_time_zone() -> None:
    hours = [hour(20, idle4=3600)]
    assert set(odds(hours, 1, UTC).week) == {(0, 20)}
    assert set(odds(hours, 1, ZoneInfo("Asia/Shanghai")).week) == {(1, 4)}


def test_the_longest_waits_are_of_hours_in_a_row_and_open_where_it_was_not_observed() -> None:
    hours = [
        hour(0, idle4=3600),
        *(hour(number, idle1=3600) for number in (1, 2)),
        hour(3, idle4=60, idle0=3540),
        *(hour(number, idle1=3600) for number in (4, 5, 6)),
        hour(9, idle1=3600),
        hour(10, idle0=60),  # seen for a minute: not known to have had none
    ]
    assert odds(hours, 4, UTC).waits == [
        Wait(at(4), at(7), open=True), Wait(at(1), at(3), open=False), Wait(at(9), at(10), open=True),
    ]  # fmt: skip


def test_the_cheapest_hour_is_of_the_day_and_there_is_none_where_the_price_never_differs() -> None:
    hours = [hour(day * 24 + 9, "0.90") for day in range(3)] + [hour(day * 24 + 3, "0.70") for day in range(3)]
    assert odds(hours, 1, UTC).cheapest == HourPrice(3, Money(Decimal("0.70"), "USD"), 3)
    assert odds([hour(9, "0.90"), hour(10, "0.90"), hour(11)], 1, UTC).cheapest is None
    # Prices in another currency are not compared.
    mixed = odds([*hours, hour(200, "0.10", "CNY")], 1, UTC)
    assert {one.price.currency for one in mixed.prices} == {"USD"}


def test_the_best_hour_is_one_that_was_observed_often_enough() -> None:
    often = [hour(week * 168 + 9, idle4=1800, idle0=1800) for week in range(3)]
    found = odds(sorted([*often, hour(40, idle4=3600)], key=lambda one: one.begin), 4, UTC).best
    assert found is not None
    assert found[0] == (0, 9)


@pytest.mark.parametrize(("share", "shown"), [(0, 0), (0.001, 1), (0.44, 4), (0.999, 9), (1, 10)])
def test_never_and_always_are_nothing_else(share: float, shown: int) -> None:
    assert tenths(share) == shown
