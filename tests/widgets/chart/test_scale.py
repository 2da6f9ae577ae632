"""The scales of charts: round, within four characters, and including what is drawn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.widgets.chart.scale import (
    FAN,
    POWER,
    TEMPERATURE,
    UTILIZATION,
    Measure,
    age_words,
    axis,
    clock_marks,
    clock_step,
    memory,
    round_up,
    span_of,
    span_words,
)

GIB = 2**30
NOON = 1_772_366_400.0
"""2026-03-01 12:00 UTC."""


@pytest.mark.parametrize("measure", [UTILIZATION, FAN])
def test_percent_is_drawn_from_0_to_100_whatever_is_read(measure: Measure) -> None:
    assert axis(measure, 3, 7) == axis(measure, None, None) == (0, 100)


def test_memory_ends_at_what_the_gpu_has() -> None:
    assert axis(memory(24 * GIB), 0, 3 * GIB) == (0, 24 * GIB)
    assert memory(24 * GIB).mark(24 * GIB) == "24G"
    assert memory(None).mark(axis(memory(None), 0, 3.2 * GIB)[1]) == "4G"


def test_power_ends_at_a_round_number_above_the_highest() -> None:
    assert [axis(POWER, 20, watts)[1] for watts in (0, 22, 431, 512)] == [1, 30, 500, 600]


def test_temperature_reaches_further_where_it_has_to() -> None:
    assert axis(TEMPERATURE, 38, 71) == (20, 100)
    assert axis(TEMPERATURE, 12, 104) == (0, 150)


def test_a_flat_line_at_nothing_has_an_axis() -> None:
    low, high = axis(Measure("W", 0, 0), 0, 0)
    assert low < high


@pytest.mark.parametrize(
    ("measure", "value", "said"),
    [
        (UTILIZATION, 93.2, "93 %"),
        (UTILIZATION, 0, "0 %"),
        (POWER, 4.25, "4.2 W"),
        (POWER, 431.4, "431 W"),
        (TEMPERATURE, 71, "71 °C"),
        (memory(None), 22.2 * GIB, "22.2G"),
    ],
)
def test_figures_carry_their_unit(measure: Measure, value: float, said: str) -> None:
    assert measure.value(value) == said


@given(st.floats(1e-3, 1e12))
def test_round_numbers_are_not_far_above(value: float) -> None:
    assert value <= round_up(value) <= 2 * value * (1 + 1e-9)


@given(st.floats(-50, 1e9), st.floats(0, 1e9), st.sampled_from([UTILIZATION, POWER, TEMPERATURE, memory(80 * GIB)]))
def test_the_axis_includes_every_reading(lowest: float, more: float, measure: Measure) -> None:
    low, high = axis(measure, lowest, lowest + more)
    assert low <= lowest
    assert lowest + more <= high * (1 + 1e-9)
    assert low < high


@given(st.floats(0, 1e15), st.sampled_from([POWER, memory(None)]))
def test_figures_of_the_axis_take_four_cells_at_most(value: float, measure: Measure) -> None:
    assert len(measure.mark(value)) <= 4


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(30, "30 s"), (300, "5 min"), (450, "7.5 min"), (3600, "1 h"), (86400, "24 h"), (259200, "3 d")],
)
def test_spans_are_in_words(seconds: float, words: str) -> None:
    assert span_words(seconds) == words


@given(st.floats(0, 4e6))
def test_all_there_is_fits_a_round_span(seconds: float) -> None:
    assert seconds <= span_of(seconds) <= max(300, 2 * seconds, seconds + 86400)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(47, "40 s old"), (61, "1 min old"), (3599, "59 min old"), (7300, "2 h old"), (200_000, "2 d old")],
)
def test_ages_are_coarse(seconds: float, words: str) -> None:
    assert age_words(seconds) == words


def test_clock_times_are_round_and_in_view() -> None:
    marks = list(clock_marks(NOON + 100, NOON + 3500, clock_step(700), utc=True))
    assert marks == [(NOON + 900, "12:15"), (NOON + 1800, "12:30"), (NOON + 2700, "12:45")]


def test_short_windows_show_seconds_and_long_ones_days() -> None:
    assert [shown for _, shown in clock_marks(NOON, NOON + 60, 30, utc=True)] == ["12:00:00", "12:00:30", "12:01:00"]
    assert [shown for _, shown in clock_marks(NOON, NOON + 90_000, 86400, utc=True)] == ["02 Mar"]
