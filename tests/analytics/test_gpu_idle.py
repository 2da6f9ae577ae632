"""Since when GPUs are idle, as far as their samples show it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gputui.analytics.gpu_idle import IN_USE_FROM, IdlePeriods, idle_period, memory_in_use
from gputui.models import GpuSample, Ref

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def samples(loads: Iterable[float | None], *, begin: float = 0, memory: int | None = 0) -> list[GpuSample]:
    """One sample a minute."""
    return [GpuSample(at(begin + minute), load, memory) for minute, load in enumerate(loads)]


def test_an_idle_period_begins_after_the_last_load() -> None:
    period = idle_period(samples([80, 90, 0, 0, 0.4]))
    assert period is not None
    assert (period.since, period.until, period.at_least) == (at(2), at(4), False)


def test_without_a_load_before_it_may_have_begun_earlier() -> None:
    period = idle_period(samples([0, 0, 0]))
    assert period is not None
    assert (period.since, period.at_least) == (at(0), True)


def test_a_gap_in_the_samples_breaks_the_period() -> None:
    period = idle_period([*samples([0, 0, 0]), *samples([0, 0], begin=20)])
    assert period is not None
    assert (period.since, period.at_least) == (at(20), True)
    assert period.seen == timedelta(minutes=1)


def test_an_unknown_utilisation_is_not_idle_and_breaks_the_period() -> None:
    assert idle_period(samples([0, 0, None])) is None
    period = idle_period(samples([0, None, 0, 0]))
    assert period is not None
    assert (period.since, period.at_least) == (at(2), True)


def test_memory_of_the_driver_is_not_held_and_that_of_a_busy_gpu_is_no_matter() -> None:
    (idle,) = samples([0], memory=IN_USE_FROM)
    assert memory_in_use(idle) == IN_USE_FROM
    assert memory_in_use(samples([0], memory=IN_USE_FROM - 1)[0]) == 0
    assert memory_in_use(samples([0], memory=None)[0]) is None
    assert memory_in_use(samples([50], memory=IN_USE_FROM)[0]) is None


@given(st.lists(st.sampled_from([0.0, 0.0, 0.0, None, 70.0]), min_size=1, max_size=30), st.data())
def test_what_is_found_sample_by_sample_is_what_the_whole_series_shows(
    loads: list[float | None], data: st.DataObject
) -> None:
    """Gaps are drawn as well, and older samples may come late."""
    minutes, series = 0.0, list[GpuSample]()
    for load in loads:
        minutes += data.draw(st.sampled_from([0.1, 1, 2, 9]))
        series.append(GpuSample(at(minutes), load))
    late = data.draw(st.integers(0, min(2, len(series) - 1)))
    periods, ref = IdlePeriods(), Ref("dock", "gpu", "0")
    for end in range(late + 1, len(series)):
        periods.update(ref, series[late:end])
    periods.update(ref, series)
    assert periods.of(ref) == idle_period(series)
