"""Naive local times of a host put on our clock: offsets, skew, gaps, disorder, clocks that are put back."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gputui.api.deepdock.gpu_series import GpuSeries, SeriesPlacer, read_sample
from gputui.models import GpuSample

NOW = datetime(2025, 12, 1, 18, 2, 55, tzinfo=UTC)
HOUR = 3600.0

quarters = st.integers(-48, 56).map(lambda count: count * 900.0)


def stamp(at: datetime, *, offset: float = 0.0, ahead: float = 0.0) -> str:
    """Return what a host writes for a moment of ours: its time of day by its own clock."""
    return (at + timedelta(seconds=offset + ahead)).replace(tzinfo=None).isoformat()


def rows(*moments: datetime, offset: float = 0.0, ahead: float = 0.0, **figures: object) -> list[dict[str, object]]:
    return [{"timestamp": stamp(at, offset=offset, ahead=ahead), "utilization": 50.0, **figures} for at in moments]


def every_ten_seconds(newest: datetime, count: int) -> list[datetime]:
    return [newest - timedelta(seconds=10 * back) for back in reversed(range(count))]


def times(series: GpuSeries) -> list[datetime]:
    return [sample.at for sample in series.samples]


def off(series: GpuSeries, moments: list[datetime]) -> float:
    """How far the samples are from when they were taken, in seconds, at the most."""
    assert len(series.samples) == len(moments)
    pairs = zip(times(series), sorted(moments), strict=True)
    return max(abs((placed - taken).total_seconds()) for placed, taken in pairs)


@given(offset=quarters, ahead=st.floats(-1e6, 1e6), error=st.floats(-2, 2), age=st.floats(0, 800))
def test_with_the_hosts_time_known_samples_are_where_they_were_taken(
    offset: float, ahead: float, error: float, age: float
) -> None:
    taken = every_ten_seconds(NOW - timedelta(seconds=age), 30)
    placed = SeriesPlacer().place({0: rows(*taken, offset=offset, ahead=ahead)}, now=NOW, ahead=ahead + error)
    assert off(placed[0], taken) <= 2.001
    assert times(placed[0])[-1] <= NOW


@given(offset=quarters, ahead=st.floats(-200, 290), age=st.floats(0, 300))
def test_without_it_they_are_as_far_off_as_its_clock(offset: float, ahead: float, age: float) -> None:
    taken = every_ten_seconds(NOW - timedelta(seconds=age), 30)
    placed = SeriesPlacer().place({0: rows(*taken, offset=offset, ahead=ahead)}, now=NOW)
    assert off(placed[0], taken) <= abs(ahead) + 0.001
    assert times(placed[0])[-1] <= NOW


@given(st.lists(st.integers(0, 400), min_size=1, max_size=40), st.randoms(use_true_random=False), quarters)
def test_samples_are_in_order_and_each_time_once_however_they_come(
    seconds: list[int], random: Any, offset: float
) -> None:
    taken = [NOW - timedelta(seconds=back) for back in seconds]
    answer = rows(*taken, offset=offset) + rows(*taken[: len(taken) // 2], offset=offset, fan_speed=3)
    random.shuffle(answer)
    placed = SeriesPlacer().place({0: answer}, now=NOW, ahead=0.0)[0]
    assert len(placed.samples) == len(set(seconds))
    assert all(earlier < later for earlier, later in pairwise(times(placed)))


@given(offset=quarters, ahead=st.floats(-1e5, 1e5), jitter=st.lists(st.floats(-2, 2), min_size=2, max_size=20))
def test_what_was_placed_stays_where_it_is_and_new_ones_follow_in_step(
    offset: float, ahead: float, jitter: list[float]
) -> None:
    placer = SeriesPlacer()
    taken: list[datetime] = []
    drawn: dict[float, datetime] = {}
    for poll, error in enumerate(jitter):
        now = NOW + timedelta(seconds=10 * poll)
        taken.append(now - timedelta(seconds=4))
        placed = placer.place({0: rows(*taken, offset=offset, ahead=ahead)}, now=now, ahead=ahead + error)[0]
        assert off(placed, taken) <= 2.001
        before = list(drawn.values())
        assert times(placed)[: len(before)] == before
        drawn = {at.timestamp(): at for at in times(placed)}


def test_a_sample_that_comes_again_is_the_same_object() -> None:
    placer = SeriesPlacer()
    taken = every_ten_seconds(NOW, 5)
    first = placer.place({0: rows(*taken)}, now=NOW, ahead=0.0)[0]
    later = placer.place({0: rows(*taken[1:], NOW + timedelta(seconds=10))}, now=NOW + timedelta(seconds=12))[0]
    assert all(one is other for one, other in zip(first.samples[1:], later.samples[:-1], strict=True))


def test_a_figure_that_is_corrected_later_is_taken_at_the_same_time() -> None:
    placer = SeriesPlacer()
    placer.place({0: rows(NOW)}, now=NOW, ahead=0.0)
    again = placer.place({0: rows(NOW, fan_speed=40)}, now=NOW + timedelta(seconds=2), ahead=0.0)[0]
    assert again.samples == (GpuSample(NOW, utilization=50.0, fan=40.0),)


def test_a_collector_that_has_stopped_shows_as_old() -> None:
    placer = SeriesPlacer()
    answer = {0: rows(*every_ten_seconds(NOW, 5), offset=HOUR)}
    placer.place(answer, now=NOW, ahead=0.0)
    for hours in (1, 2, 30):
        later = placer.place(answer, now=NOW + timedelta(hours=hours), ahead=0.0)[0]
        assert times(later)[-1] == NOW
    fresh = placer.place(
        {0: rows(NOW, NOW + timedelta(hours=30), offset=HOUR)}, now=NOW + timedelta(hours=30, seconds=3), ahead=0.0
    )[0]
    assert times(fresh) == [NOW, NOW + timedelta(hours=30)]


@pytest.mark.parametrize("ahead", [0.0, None, 95.0])
@pytest.mark.parametrize(("before", "after"), [(2 * HOUR, HOUR), (HOUR, 2 * HOUR)], ids=["put back", "put forward"])
def test_clocks_that_are_put_back_or_forward_move_nothing(before: float, after: float, ahead: float | None) -> None:
    placer = SeriesPlacer()
    taken = every_ten_seconds(NOW, 20)
    reported = rows(*taken, offset=before, ahead=ahead or 0.0)
    first = placer.place({0: reported}, now=NOW + timedelta(seconds=1), ahead=ahead)[0]
    assert off(first, taken) == 0
    for step in range(1, 12):
        at = NOW + timedelta(seconds=10 * step)
        taken.append(at)
        reported = [*reported, *rows(at, offset=after, ahead=ahead or 0.0)]
        now = at + timedelta(seconds=1)
        placed = placer.place({0: reported}, now=now, ahead=ahead)[0]
        assert off(placed, taken) == 0
        placer.seen(now + timedelta(seconds=2))


def uneven(newest: datetime, count: int, step: float = 10) -> list[datetime]:
    """Return times of a collector that takes a little longer each time, so that none comes twice."""
    return [newest - timedelta(seconds=step * back, milliseconds=back * back / 7) for back in reversed(range(count))]


def autumn(
    taken: list[datetime], fall_back: datetime, *, summer: float, ahead: float = 0.0
) -> list[dict[str, object]]:
    """Return the series of a host whose clocks are put back by an hour at a moment."""
    return [row for at in taken for row in rows(at, offset=summer - HOUR * (at >= fall_back), ahead=ahead)]


@given(
    summer=st.integers(-44, 56).map(lambda count: count * 900.0),
    ahead=st.floats(-1e5, 1e5),
    step=st.floats(1.5, 240),
    count=st.integers(2, 60),
    share=st.floats(0, 1),
    age=st.floats(0, 800),
    reported_twice=st.lists(st.integers(0, 59), max_size=4),
    swapped=st.lists(st.integers(0, 59), max_size=4),
)
def test_the_first_answer_after_clocks_were_put_back_is_where_it_was_taken(
    summer: float,
    ahead: float,
    step: float,
    count: int,
    share: float,
    age: float,
    reported_twice: list[int],
    swapped: list[int],
) -> None:
    """Some samples come twice, some change places with the one after them, but for those next to the turn."""
    taken = uneven(NOW - timedelta(seconds=age), count, step)
    turn = 1 + round(share * (count - 2))
    answer = autumn(taken, taken[turn], summer=summer, ahead=ahead)
    reported = list(answer)
    for place in swapped:
        if place + 1 < count and turn not in range(place - 1, place + 3):
            reported[place], reported[place + 1] = reported[place + 1], reported[place]
    reported += [answer[place] for place in reported_twice if place < count]
    placed = SeriesPlacer().place({0: reported}, now=NOW, ahead=ahead)
    assert off(placed[0], taken) <= 0.001


@given(
    summer=st.integers(-44, 56).map(lambda count: count * 900.0),
    before=st.integers(1, 300),
    unseen=st.integers(0, 200),
    after=st.integers(1, 300),
    stopped=st.floats(0, 7000),
)
def test_clocks_put_back_between_two_readings_move_nothing(
    summer: float, before: int, unseen: int, after: int, stopped: float
) -> None:
    """What came before the turn and was not seen, and a collector that has stopped since, do not matter."""
    taken = uneven(NOW, before + unseen + after)
    fall_back = taken[before + unseen]
    answer = autumn(taken, fall_back, summer=summer)
    placer = SeriesPlacer()
    first = placer.place({0: answer[:before]}, now=taken[before - 1], ahead=0.0)
    assert off(first[0], taken[:before]) == 0
    now = NOW + timedelta(seconds=stopped)
    assert off(placer.place({0: answer}, now=now, ahead=0.0)[0], taken) == 0
    taken.append(now + timedelta(seconds=10))
    answer += autumn(taken[-1:], fall_back, summer=summer)
    later = placer.place({0: answer}, now=taken[-1], ahead=0.0)
    assert off(later[0], taken) == 0


def test_gpus_that_show_a_changed_clock_one_after_another_are_put_back_once() -> None:
    taken = every_ten_seconds(NOW, 40)
    answer = autumn(taken, taken[20], summer=2 * HOUR)
    placer = SeriesPlacer()
    placer.place({0: answer[:10], 1: answer[:10]}, now=taken[9], ahead=0.0)
    placer.place({0: answer[:15], 1: answer[:30]}, now=taken[29], ahead=0.0)
    both = placer.place({0: answer, 1: answer}, now=NOW, ahead=0.0)
    assert off(both[0], taken) == off(both[1], taken) == 0


def test_a_gpu_stopped_since_before_a_clock_change_does_not_delay_the_others() -> None:
    taken = every_ten_seconds(NOW, 200)
    answer = autumn(taken, taken[100], summer=2 * HOUR)
    placed = SeriesPlacer().place({0: answer[:90], 1: answer}, now=NOW, ahead=0.0)
    assert (off(placed[0], taken[:90]), off(placed[1], taken)) == (0, 0)


def test_a_sample_of_an_hour_ago_among_the_new_ones_is_no_turn_of_the_clocks() -> None:
    taken = every_ten_seconds(NOW, 400)
    reported = rows(*taken, offset=HOUR)
    late = reported.pop(20)
    placed = SeriesPlacer().place({0: [*reported[:-3], late, *reported[-3:]]}, now=NOW, ahead=0.0)
    assert off(placed[0], taken) == 0


def test_a_gap_stays_a_gap() -> None:
    taken = [NOW - timedelta(minutes=50), NOW - timedelta(minutes=49), NOW]
    placed = SeriesPlacer().place({0: rows(*taken, offset=-5 * HOUR)}, now=NOW, ahead=0.0)[0]
    assert times(placed) == taken


def test_times_with_an_offset_need_no_guess() -> None:
    east = "2025-12-01T23:32:50+05:30"
    reported = [{"timestamp": east, "utilization": 1.0}, {"timestamp": "2025-12-01T18:02:40Z", "utilization": 2.0}]
    placed = SeriesPlacer().place({0: reported}, now=NOW, ahead=0.0)[0]
    assert times(placed) == [NOW - timedelta(seconds=15), NOW - timedelta(seconds=5)]
    ahead = SeriesPlacer().place({0: reported[:1]}, now=NOW - timedelta(seconds=60), ahead=60.0)[0]
    assert times(ahead) == [NOW - timedelta(seconds=65)]


def test_a_gpu_that_comes_back_does_not_move_the_others() -> None:
    placer = SeriesPlacer()
    old = rows(*every_ten_seconds(NOW - timedelta(minutes=40), 3), offset=HOUR)
    placer.place({0: rows(NOW, offset=HOUR), 1: old}, now=NOW, ahead=0.0)
    assert set(placer.place({0: rows(NOW, offset=HOUR)}, now=NOW + timedelta(seconds=2), ahead=0.0)) == {0}
    back = placer.place({0: rows(NOW, offset=HOUR), 1: old}, now=NOW + timedelta(seconds=4), ahead=0.0)
    assert times(back[1])[-1] == NOW - timedelta(minutes=40)
    next_one = NOW + timedelta(seconds=10)
    after = placer.place({0: rows(NOW, next_one, offset=HOUR)}, now=NOW + timedelta(seconds=11), ahead=0.0)
    assert times(after[0]) == [NOW, next_one]


@pytest.mark.parametrize(
    "time",
    [
        None,
        7,
        "",
        "yesterday",
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:59",
        "1970-01-01T00:00:10",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_a_time_that_cannot_be_spoils_its_sample_alone(time: object) -> None:
    reported = [*rows(*every_ten_seconds(NOW, 2)), {"timestamp": time, "utilization": 1.0}, "x", None]
    placed = SeriesPlacer().place({0: reported}, now=NOW, ahead=0.0)[0]
    assert times(placed) == every_ten_seconds(NOW, 2)
    assert placed.unreadable + placed.ahead + (placed.stale is not None) == 3


def test_samples_that_are_too_old_are_stale_and_not_unreadable() -> None:
    old = rows(*every_ten_seconds(NOW - timedelta(days=363), 3))
    placed = SeriesPlacer().place({0: old}, now=NOW, ahead=0.0)[0]
    assert (placed.samples, placed.unreadable, placed.ahead) == ((), 0, 0)
    assert placed.stale is not None
    assert abs(placed.stale.at - (NOW - timedelta(days=363))) < timedelta(days=1)


def test_samples_from_the_future_are_a_wrong_clock_and_not_unreadable() -> None:
    placed = SeriesPlacer().place({0: rows(NOW + timedelta(days=3))}, now=NOW, ahead=0.0)[0]
    assert (placed.samples, placed.unreadable, placed.ahead, placed.stale) == ((), 0, 1, None)


@pytest.mark.parametrize("answer", [None, "x", {}, 3])
def test_a_gpu_without_a_list_has_no_samples(answer: object) -> None:
    placed = SeriesPlacer().place({0: answer, 1: [], 2: rows(NOW)}, now=NOW, ahead=0.0)
    assert placed[0] == GpuSeries(unreadable=1)
    assert placed[1] == GpuSeries()
    assert len(placed[2].samples) == 1


@pytest.mark.parametrize(
    "wrong", [None, math.nan, math.inf, -math.inf, -1.0, 1e9, "13", "N/A", True, [1], {"a": 1}, 10**400]
)
def test_a_figure_that_no_gpu_can_have_is_none(wrong: object) -> None:
    names = ("memory_used", "utilization", "power_usage", "fan_speed")
    assert read_sample(dict.fromkeys(names, wrong), NOW) == GpuSample(NOW)
    assert read_sample({"temperature": wrong}, NOW).temperature in {None, -1.0}


def test_figures_are_in_the_units_of_the_models() -> None:
    reported = {"memory_used": 1.5, "utilization": 100, "power_usage": 0, "temperature": 31.5, "fan_speed": 0.0}
    sample = read_sample(reported, NOW)
    assert sample == GpuSample(NOW, utilization=100, memory_used=3 * 2**19, power=0, temperature=31.5, fan=0)


@given(
    st.dictionaries(
        st.integers(0, 3),
        st.lists(
            st.none()
            | st.fixed_dictionaries(
                {},
                optional={
                    "timestamp": st.text(max_size=5) | st.datetimes().map(datetime.isoformat) | st.integers(),
                    "utilization": st.floats() | st.text(max_size=3) | st.none(),
                },
            ),
            max_size=6,
        )
        | st.none(),
    ),
    st.none() | st.floats(-1e9, 1e9),
)
def test_whatever_comes_is_in_order_and_not_from_the_future(answer: dict[int, Any], ahead: float | None) -> None:
    placer = SeriesPlacer()
    for _ in range(2):
        placed = placer.place(answer, now=NOW, ahead=ahead)
        assert placed.keys() == answer.keys()
        for series in placed.values():
            assert times(series) == sorted(set(times(series)))
            assert all(at <= NOW + timedelta(minutes=5) for at in times(series))


def test_eight_gpus_and_an_hour_are_read_quickly() -> None:
    """Fifteen milliseconds is what it may take; ten times that passes even where the machine is busy."""
    newest = NOW
    answer = {str(gpu): rows(*every_ten_seconds(newest, 360), memory_used=1.5, fan_speed=gpu) for gpu in range(8)}
    placer = SeriesPlacer()
    adapter = TypeAdapter(dict[str, object])
    spent = []
    for step in range(6):
        at = newest + timedelta(seconds=10 * (step + 1))
        answer = {gpu: [*reported[1:], *rows(at)] for gpu, reported in answer.items()}
        body = json.dumps(answer).encode()
        begun = perf_counter()
        read = {int(gpu): reported for gpu, reported in adapter.validate_json(body).items()}
        placer.place(read, now=at, ahead=0.0)
        spent.append(perf_counter() - begun)
    assert min(spent[1:]) < 0.15
