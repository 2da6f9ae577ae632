"""Windows of time, what is in them, and what was not observed."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from gputui.analytics.timeline import (
    EVERYTHING,
    Concern,
    Mark,
    around,
    gaps,
    marks,
    merged,
    nearest,
    resampled,
    ticks,
    time_of,
    unseen,
    zoomed,
)
from gputui.models import Ref
from gputui.models.timeline import Lane, Moment, TimeSpan, Tone

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MAIN, TRAIN = Ref("lab", "pod", "main"), Ref("hub", "deployment", "train")


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def span(begin: float, end: float) -> TimeSpan:
    return TimeSpan(at(begin), at(end))


def moment(minutes: float, *, lane: Lane = Lane.EVENTS, tone: Tone = Tone.QUIET, **more: object) -> Moment:
    ref = Ref("lab", lane.value, f"{minutes}/{tone}")
    return Moment(ref, at(minutes), lane, "main", "x", tone, **{"about": MAIN, **more})  # type: ignore[arg-type]


def test_a_window_never_ends_in_the_future() -> None:
    assert around(at(0), timedelta(hours=1), now=at(10)) == span(-50, 10)
    assert around(at(0), timedelta(hours=1), now=at(60)) == span(-30, 30)


def test_zooming_keeps_the_cursor_where_it_is_on_the_axis() -> None:
    near = zoomed(span(0, 60), at(15), -1, now=at(999))
    assert near == span(7.5, 37.5)
    assert zoomed(near, at(15), 1, now=at(999)) == span(0, 60)


@pytest.mark.parametrize("by", [-1, 1])
def test_zooming_ends_at_the_shortest_and_the_longest_window(by: int) -> None:
    window = span(0, 60)
    for _ in range(20):
        window = zoomed(window, at(30), by, now=at(99_999))
    assert window.seconds == {-1: 300, 1: 30 * 86400}[by]


def test_a_part_has_the_number_of_its_moments_and_the_worst_tone() -> None:
    found = marks(span(0, 60), [moment(1), moment(2, tone=Tone.BAD), moment(59), moment(61)], 6)
    assert found == {Lane.EVENTS: {0: Mark(2, Tone.BAD), 5: Mark(1, Tone.QUIET)}}


def test_moments_of_several_sources_are_in_the_order_of_time_each_once() -> None:
    first, second, third = moment(1), moment(2), moment(3)
    assert merged([third, first], [second, first]) == (first, second, third)
    assert nearest([first, second, third], at(2.4)) == 1
    assert nearest([], at(0)) is None


def test_a_short_time_without_observation_is_no_gap() -> None:
    observed = [span(10, 20), span(22, 30), span(50, 55)]
    assert gaps(observed, span(0, 56)) == (span(0, 10), span(30, 50))
    assert gaps([], span(0, 10)) == (span(0, 10),)


def test_a_part_is_unseen_where_no_account_was_observed() -> None:
    observed = {"lab": (span(0, 15),), "hub": (span(12, 29),)}
    assert unseen(observed, span(0, 60), 6) == {3, 4, 5}


def test_a_concern_is_of_a_thing_of_those_of_a_deployment_or_of_a_rule() -> None:
    worker = moment(1, about=Ref("hub", "container", "a"), parent=TRAIN)
    entry = moment(2, lane=Lane.RULES, about=None, rule="w2x3")
    gap = moment(3, lane=Lane.GAP, about=None)
    every = [moment(0), worker, entry, gap]
    assert [EVERYTHING.has(one) for one in every] == [True] * 4
    assert [Concern(frozenset({MAIN})).has(one) for one in every] == [True, False, False, True]
    assert [Concern(parents=frozenset({TRAIN})).has(one) for one in every] == [False, True, False, True]
    assert [Concern(rule="w2x3").has(one) for one in every] == [False, False, True, True]


def test_ticks_are_round_times_of_the_zone() -> None:
    assert ticks(span(7, 67), 6, UTC) == [at(minutes) for minutes in (10, 20, 30, 40, 50, 60)]
    assert [tick.hour for tick in ticks(span(0, 2 * 1440), 4, UTC)] == [12, 0, 12, 0]


def test_ticks_have_the_clock_of_their_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        begin = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)  # the clock is put forward from 2 to 3
        marks = ticks(TimeSpan(begin, begin + timedelta(hours=6)), 6, None)
        assert [f"{mark:%H:%M}" for mark in marks] == ["00:00", "01:00", "03:00", "04:00", "05:00", "06:00"]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_an_unknown_figure_is_not_a_zero() -> None:
    assert resampled([None, None, 4, 0], 2) == [None, 2]
    assert time_of(span(0, 60), 0, 6) == at(5)
