"""How the stock moved, from samples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gputui.analytics.stock_trends import FADES_AFTER, IdleChange, Trends, arrow, sparkline
from gputui.models import Ref

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
REF = Ref("hub", "offer", "sgp1/RTX 5090")
OTHER = Ref("hub", "offer", "sgp1/B200")


def sample(ago: timedelta, idle: int | None, ref: Ref = REF) -> tuple[Ref, int | None, datetime]:
    """Return a sample taken so long before NOW."""
    return ref, idle, NOW - ago


def hours(number: float) -> timedelta:
    """Return a span."""
    return timedelta(hours=number)


def test_the_last_change_is_against_the_number_before() -> None:
    trends = Trends([sample(hours(3), 4), sample(hours(2), 9), sample(hours(1), 7), sample(hours(1), 1, OTHER)])
    assert trends.change(REF) == IdleChange(NOW - hours(1), -2)
    assert trends.change(OTHER) is None


def test_samples_of_several_processes_are_put_in_order() -> None:
    trends = Trends([sample(hours(1), 7), sample(hours(3), 4), sample(hours(2), 9)])
    assert trends.change(REF) == IdleChange(NOW - hours(1), -2)


def test_the_same_number_again_is_no_change() -> None:
    trends = Trends([sample(hours(2), 4), sample(hours(1), 5), sample(hours(0), 5)])
    assert trends.change(REF) == IdleChange(NOW - hours(1), 1)


def test_a_change_is_news_for_five_minutes() -> None:
    trends = Trends([sample(hours(1), 4)])
    trends.note(REF, 7, NOW)
    assert trends.news(NOW + FADES_AFTER) == {REF: 3}
    assert trends.news(NOW + FADES_AFTER + timedelta(seconds=1)) == {}


def test_what_is_not_counted_has_no_trend() -> None:
    trends = Trends([sample(hours(1), None)])
    assert trends.series(REF, NOW) == []
    assert trends.change(REF) is None


def test_a_number_stays_until_the_next_sample() -> None:
    trends = Trends([sample(hours(5.5), 4), sample(hours(2.5), 8)])
    assert trends.series(REF, NOW, 24)[-7:] == [None, 4, 4, 4, 8, 8, 8]


def test_a_number_from_before_the_day_counts_at_its_beginning() -> None:
    trends = Trends([sample(hours(40), 2), sample(hours(30), 6), sample(hours(1.5), 1)])
    assert trends.series(REF, NOW, 24) == [6] * 23 + [1]


def test_a_part_shows_the_most_that_was_idle_in_it() -> None:
    trends = Trends([sample(hours(2.6), 1), sample(hours(1.6), 9), sample(hours(1.4), 0)])
    assert trends.series(REF, NOW, 24)[-4:] == [None, 1, 9, 0]


def test_one_number_alone_is_no_series() -> None:
    assert Trends([sample(timedelta(minutes=2), 4)]).series(REF, NOW) == []
    assert Trends().series(REF, NOW) == []


def test_a_series_forgets_what_is_older_than_a_day() -> None:
    trends = Trends([sample(hours(200 - number), number % 7) for number in range(200)])
    assert trends.series(REF, NOW, 24) == Trends([sample(hours(30 - n), (170 + n) % 7) for n in range(30)]).series(
        REF, NOW, 24
    )
    assert len(trends._tracks[REF].parts) < 40


def test_a_sparkline_begins_at_none_idle() -> None:
    assert sparkline([None, 0, 1, 7, 14, 100]) == " ▁▂▂▂█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


@given(st.lists(st.one_of(st.none(), st.integers(0, 10_000)), max_size=40))
def test_a_sparkline_has_a_cell_for_each_number(values: list[int | None]) -> None:
    drawn = sparkline(values)
    assert len(drawn) == len(values)
    assert all((block == "▁") == (value == 0) for block, value in zip(drawn, values, strict=True))


def test_arrows() -> None:
    assert [arrow(by) for by in (3, -2, 0)] == ["↑3", "↓2", ""]
