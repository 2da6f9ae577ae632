"""Readings in buckets: old ones do not move, gaps are gaps, and looking again reads only what is new."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gputui.models import GpuSample
from gputui.widgets.chart.buckets import GAP, Bucket, Buckets, Timeline, runs, timeline
from gputui.widgets.chart.data import Point, Readings

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def points(*seconds_and_values: tuple[float, float | None]) -> list[Point]:
    return [(BEGIN + timedelta(seconds=seconds), value) for seconds, value in seconds_and_values]


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def shown(given: list[Point], line: Timeline) -> dict[int, Bucket]:
    buckets = Buckets(line.length, line.offset)
    buckets.take(given, line.begin)
    return dict(buckets.visible(line))


WALKS = st.lists(st.tuples(st.floats(0.5, 30), st.one_of(st.none(), st.floats(0, 100))), min_size=1, max_size=80).map(
    lambda steps: [(sum(gap for gap, _ in steps[: place + 1]), value) for place, (_, value) in enumerate(steps)]
)


def test_a_bucket_has_the_mean_of_its_readings_and_the_peak_of_many() -> None:
    line = timeline(100, at(100), 10, 1)
    few = shown(points((91, 10), (92, 30)), line)
    assert [(bucket.mean, bucket.peak) for bucket in few.values()] == [(20, None)]
    many = shown(points((91, 10), (92, 30), (93, 80)), line)
    assert [(bucket.mean, bucket.peak) for bucket in many.values()] == [(40, 80)]


def test_the_picture_moves_by_whole_cells_when_one_is_full() -> None:
    lines = [timeline(3600, at(seconds), 50, 2) for seconds in range(0, 720, 2)]
    steps = [after.first - before.first for before, after in pairwise(lines)]
    assert set(steps) == {0, 2}
    assert steps.count(2) == 719 // 72


def test_charts_of_different_phase_move_at_different_times() -> None:
    def moved(phase: float) -> list[int]:
        lines = [timeline(3600, at(seconds), 50, 2, phase) for seconds in range(0, 720, 2)]
        return [place for place in range(len(lines) - 1) if lines[place].first != lines[place + 1].first]

    assert not set(moved(0.0)) & set(moved(0.5))


@given(WALKS, st.floats(0, 200), st.floats(0, 0.99))
def test_now_is_in_the_last_cell(walk: list[tuple[float, float | None]], later: float, phase: float) -> None:
    line = timeline(300, at(walk[-1][0] + later), 20, 2, phase)
    column = line.column(at(walk[-1][0] + later).timestamp())
    assert line.columns - 2 <= column < line.columns


@given(WALKS, st.integers(1, 60))
def test_a_bucket_that_is_over_stays_as_it_is(walk: list[tuple[float, float | None]], later: int) -> None:
    given_points = points(*walk)
    before = timeline(400, given_points[-1][0], 20, 2)
    after = timeline(400, given_points[-1][0] + timedelta(seconds=later), 20, 2)
    moved = after.first - before.first
    first, then = shown(given_points, before), shown(given_points, after)
    for column, bucket in first.items():
        if column - moved >= 0:
            assert then[column - moved] == bucket


@given(WALKS, st.data())
def test_looking_often_gives_what_looking_once_gives(
    walk: list[tuple[float, float | None]], data: st.DataObject
) -> None:
    given_points = points(*walk)
    line = timeline(300, given_points[-1][0], 20, 2)
    often = Buckets(line.length)
    place = 0
    while place < len(given_points):
        place = min(len(given_points), place + data.draw(st.integers(1, 20)))
        dropped = data.draw(st.integers(0, max(0, place - 45)))
        often.take(given_points[dropped:place], line.begin)
    once = Buckets(line.length)
    once.take(given_points, line.begin)
    in_view = {column: bucket for column, bucket in once.visible(line) if column >= 0}
    assert {column: bucket for column, bucket in often.visible(line) if column >= 0} == in_view
    assert often.latest == once.latest


def test_earlier_readings_that_come_later_are_taken_in() -> None:
    line = timeline(100, at(100), 10, 1)
    buckets = Buckets(line.length)
    buckets.take(points((90, 1), (99, 1)), line.begin)
    buckets.take(points((40, 5), (90, 1), (99, 1)), line.begin)
    assert 5 in [bucket.mean for _, bucket in buckets.visible(line)]


def test_a_reading_out_of_view_is_still_the_newest_one() -> None:
    buckets = Buckets(10)
    line = timeline(100, at(5000), 10, 1)
    buckets.take(points((1, 7), (2, 8)), line.begin)
    assert buckets.latest == (at(2).timestamp(), 8)


def test_readings_that_go_are_forgotten() -> None:
    buckets = Buckets(10)
    buckets.take(points((1, 7)), at(0).timestamp())
    buckets.take([], at(0).timestamp())
    assert buckets.latest is None


@given(st.lists(st.tuples(st.floats(-1e5, 1e5), st.floats(allow_nan=True, allow_infinity=True)), max_size=40))
def test_readings_in_disorder_and_no_numbers_do_no_harm(walk: list[tuple[float, float]]) -> None:
    line = timeline(300, at(0), 20, 2)
    buckets = Buckets(line.length)
    for count in range(0, len(walk) + 1, 3):
        buckets.take(points(*walk[:count]), line.begin)
        runs(buckets.visible(line), line.length, 10)


def test_a_pause_is_a_gap_and_sparse_readings_are_joined() -> None:
    line = timeline(600, at(600), 60, 2)
    dense = [(float(second), 1.0) for second in range(0, 200, 2)] + [
        (float(second), 1.0) for second in range(300, 400, 2)
    ]
    assert len(runs(list(shown(points(*dense), line).items()), line.length, 2)) == 2
    sparse = [(float(second), 1.0) for second in range(0, 600, 60)]
    assert len(runs(list(shown(points(*sparse), line).items()), line.length, 10)) == 1


def test_one_reading_between_two_pauses_is_alone() -> None:
    line = timeline(600, at(600), 60, 2)
    readings = [(20.0, 1.0), (22.0, 1.0), (24.0, 1.0), (300.0, 1.0), (590.0, 1.0), (592.0, 1.0), (594.0, 1.0)]
    found = runs(list(shown(points(*readings), line).items()), line.length, 2)
    assert [len(run) for run in found] == [1, 1, 1]


@given(WALKS)
def test_no_line_spans_what_is_further_apart_than_readings_are(walk: list[tuple[float, float | None]]) -> None:
    line = timeline(300, at(walk[-1][0]), 20, 2)
    placed = sorted(shown(points(*walk), line).items())
    found = runs(placed, line.length, 2)
    assert [item for run in found for item in run] == placed
    apart = [after.first - before.last for (_, before), (_, after) in pairwise(placed)]
    longest = max(apart, default=0.0)
    if apart.count(longest) == 1 and longest > GAP * max(line.length, 2, sorted([0.0, *apart])[-2]):
        assert len(found) > 1


def test_a_figure_of_samples_is_read_where_it_is() -> None:
    samples = [GpuSample(at(0), utilization=1, power=100), GpuSample(at(1), power=120)]
    readings = Readings(samples, "utilization")
    samples.append(GpuSample(at(2), utilization=3))
    assert list(readings) == points((0, 1), (1, None), (2, 3))
    assert list(readings[1:]) == points((1, None), (2, 3))
    assert readings[-1] == points((2, 3))[0]
