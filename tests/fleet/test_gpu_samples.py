"""Readings of GPUs over time: from series, from single looks, from the last session; once each, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gputui.fleet import Fleet
from gputui.fleet.gpu_samples import SampleLog
from gputui.history.gpu_samples import FINE_SECONDS, KEPT_SECONDS, SPACING
from gputui.history.history import History
from gputui.models import GpuDevice, GpuSample, Ref, Resource
from tests.fleet.fakes import FakeBackend, FakeClock, running

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GPU = Ref("dock", "gpu", "0")


def sample(seconds: float, utilization: float = 50.0) -> GpuSample:
    return GpuSample(START + timedelta(seconds=seconds), utilization=utilization, memory_used=2**30)


def device(*samples: GpuSample, ref: Ref = GPU) -> GpuDevice:
    return GpuDevice(ref, "h07", 0, sample=samples[-1] if samples else None, series=samples)


def seconds_of(log: SampleLog, ref: Ref = GPU) -> list[float]:
    return [(found.at - START).total_seconds() for found in log.of(ref)]


def test_a_series_that_grows_is_taken_once() -> None:
    log = SampleLog()
    log.take([device(sample(0), sample(10))], START)
    log.take([device(sample(0), sample(10), sample(20))], START)
    assert seconds_of(log) == [0, 10, 20]


def test_what_comes_late_is_put_in_its_place() -> None:
    log = SampleLog()
    log.take([device(sample(0), sample(20))], START)
    log.take([device(sample(0), sample(10), sample(20), sample(30))], START)
    assert seconds_of(log) == [0, 10, 20, 30]


def test_a_reading_reported_twice_at_slightly_different_times_is_one() -> None:
    log = SampleLog()
    log.take([device(sample(0), sample(10))], START)
    log.take([device(sample(0.4), sample(10.4), sample(20.4))], START)
    assert seconds_of(log) == [0, 10, 20.4]


def test_without_a_sensor_the_memory_of_the_processes_is_read_when_it_is_asked() -> None:
    log = SampleLog()
    holding = GpuDevice(GPU, "lab", 0, memory_used=5)
    log.take([holding], START)
    log.take([replace(holding, memory_used=7)], START + timedelta(seconds=2))
    assert [(found.memory_used, found.utilization) for found in log.of(GPU)] == [(5, None), (7, None)]


def test_a_gpu_that_cannot_be_read_adds_nothing() -> None:
    log = SampleLog()
    log.take([GpuDevice(GPU, "lab", 0, memory_used=5, problem="no answer")], START)
    assert not log.of(GPU)


def test_listeners_hear_of_the_gpus_that_have_something_new() -> None:
    log = SampleLog()
    heard: list[frozenset[Ref]] = []
    log.subscribe(heard.append)
    other = Ref("dock", "gpu", "1")
    series = device(sample(0))
    log.take([series, device(sample(0), ref=other)], START)
    log.take([series, device(sample(0), sample(10), ref=other)], START)
    log.take([series], START)
    assert heard == [{GPU, other}, {other}]


def test_after_an_hour_one_a_minute_stays_and_after_a_week_none() -> None:
    log = SampleLog()
    for number in range(int(2 * FINE_SECONDS) // 4):
        log.take([device(sample(number * 4))], START)
    found = seconds_of(log)
    newest = found[-1]
    assert [second for second in found if second > newest - FINE_SECONDS / 2] == list(
        range(int(newest - FINE_SECONDS / 2) + 4, int(newest) + 1, 4)
    )
    old = [second for second in found if second < newest - 1.9 * FINE_SECONDS]
    assert old == list(range(0, int(newest - 1.9 * FINE_SECONDS) + 1, 60))[: len(old)]
    log.restore({GPU: [sample(newest + KEPT_SECONDS)]})
    assert seconds_of(log)[0] >= newest


def test_what_was_thinned_out_does_not_come_back_with_the_series_that_still_contains_it() -> None:
    kept: list[tuple[Ref, GpuSample]] = []
    log = SampleLog(keep=kept.extend)
    whole = tuple(sample(number * 10) for number in range(int(3 * FINE_SECONDS) // 10))
    log.take([device(*whole)], START)
    found, written = seconds_of(log), len(kept)
    assert len(found) < len(whole) / 2
    more = sample(3 * FINE_SECONDS)
    log.take([device(*whole, more)], START)
    assert seconds_of(log) == [*found, 3 * FINE_SECONDS]
    assert kept[written:] == [(GPU, more)]


def test_earlier_readings_are_put_before_those_of_this_session() -> None:
    log = SampleLog()
    log.take([device(sample(100), sample(110))], START)
    log.restore({GPU: [sample(80), sample(90), sample(99.5), sample(105), sample(110.5)]})
    assert seconds_of(log) == [80, 90, 100, 105, 110]


@given(st.lists(st.integers(0, 5_000), max_size=60), st.integers(0, 2**32))
def test_however_they_come_they_are_in_order_and_apart(numbers: list[int], seed: int) -> None:
    log = SampleLog()
    given_samples = [sample(number / 2) for number in numbers]
    Random(seed).shuffle(given_samples)
    for begin in range(0, len(given_samples), 7):
        log.take([device(*given_samples[begin : begin + 7])], START)
    found = seconds_of(log)
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(found))
    assert all(any(abs(number / 2 - second) < 1.0 for second in found) for number in numbers)


def test_what_is_kept_is_not_closer_together_than_it_is_drawn_later() -> None:
    kept: list[float] = []
    log = SampleLog(keep=lambda new: kept.extend((found.at - START).total_seconds() for _, found in new))
    for number in range(10):
        log.take([device(sample(number * 2))], START)
    assert kept == [0, 6, 12, 18]
    assert min(later - earlier for earlier, later in pairwise(kept)) >= SPACING


def test_readings_come_back_after_a_restart(history: History) -> None:
    other = Ref("gone", "gpu", "0")
    history.record(gpus=[(GPU, sample(0)), (GPU, GpuSample(START + timedelta(seconds=10))), (other, sample(0))])
    history.close()
    assert history.gpu_samples(["dock"], START) == {GPU: [sample(0), GpuSample(START + timedelta(seconds=10))]}


def test_a_reading_written_by_two_programs_is_one(history: History) -> None:
    history.record(gpus=[(GPU, sample(0))])
    history.record(gpus=[(GPU, sample(0))])
    assert len(history.gpu_samples(["dock"], START)[GPU]) == 1


def test_of_readings_older_than_a_day_one_a_minute_is_kept_and_of_those_of_a_week_none(history: History) -> None:
    day, week = 24 * 3600, 7 * 24 * 3600
    old = [(GPU, sample(second)) for second in range(0, 600, 10)]
    history.record(gpus=[(GPU, sample(-week)), *old])
    later = History(history._path)
    later.record(gpus=[(GPU, sample(day + 300))])
    at_that_time = START + timedelta(seconds=600)
    found = [(each.at - START).total_seconds() for each in later.gpu_samples(["dock"], at_that_time)[GPU]]
    assert found == [0, 60, 120, 180, 240, *range(300, 600, 10), day + 300]


def test_of_the_last_hour_all_is_read_back_and_of_what_was_before_one_a_minute(history: History) -> None:
    other, namesake = Ref("dock", "gpu", "1"), Ref("dock2", "gpu", "0")
    hours, week = 3 * 3600, 7 * 24 * 3600
    history.record(gpus=[(ref, sample(second)) for ref in (GPU, other) for second in range(0, hours, 10)])
    history.record(gpus=[(GPU, sample(hours - week - 30)), (GPU, sample(hours - week + 30)), (namesake, sample(0))])
    history.close()
    found = history.gpu_samples(["dock"], START + timedelta(seconds=hours))
    assert list(found) == [GPU, other]
    expected = [*range(0, 2 * 3600, 60), *range(2 * 3600, hours, 10)]
    assert [(each.at - START).total_seconds() for each in found[other]] == expected
    assert [(each.at - START).total_seconds() for each in found[GPU]] == [hours - week + 30, *expected]


def test_a_gpu_that_is_not_listed_any_more_is_forgotten_after_a_week() -> None:
    log = SampleLog()
    log.take([device(sample(0))], START)
    other = Ref("dock", "gpu", "1")
    log.restore({other: [sample(-60)], Ref("dock", "gpu", "2"): [sample(-60)]})
    day = timedelta(days=1)
    log.take([device(sample(-60), ref=other)], START + 6 * day)
    assert seconds_of(log) == [0]
    log.take([device(sample(-60), ref=other)], START + 8 * day)
    assert not log.of(GPU)
    assert not log.of(Ref("dock", "gpu", "2"))
    assert seconds_of(log, other) == [-60], "it is still listed, its collector has stopped"


def test_what_was_seen_in_an_instance_goes_when_it_is_looked_into_no_more() -> None:
    log = SampleLog()
    one, two = Ref("hub", "container", "one"), Ref("hub", "container", "two")
    seen = {ref: replace(device(sample(0), ref=Ref("hub", "gpu", f"{ref.id}:0")), through=ref) for ref in (one, two)}
    log.take(seen.values(), START, probed={one, two})
    log.take([device(sample(0))], START, probed={one, two})
    log.take([], START, probed={one, two})
    assert all(log.of(found.ref) for found in seen.values()), "a look that failed is no end"
    log.take([seen[two]], START, probed={two})
    assert not log.of(seen[one].ref)
    assert log.of(seen[two].ref)
    assert log.of(GPU)


class WatchedHistory(History):
    """Notes whether a view followed the readings of a fleet whenever they are read."""

    fleet: Fleet
    reads: list[bool]

    def gpu_samples(self, accounts: Iterable[str], now: datetime) -> Mapping[Ref, Sequence[GpuSample]]:
        self.reads.append(self.fleet.samples.followed.is_set())
        return super().gpu_samples(accounts, now)


async def test_earlier_readings_are_read_to_draw_them_and_not_to_list_gpus(tmp_path: Path) -> None:
    clock, dock = FakeClock(), FakeBackend("dock", [Resource.GPUS])
    history = WatchedHistory(tmp_path / "history.sqlite3")
    history.record(gpus=[(GPU, sample(-60))])
    history.reads = []
    async with running(clock, dock, history=history) as fleet:
        history.fleet = fleet
        fleet.poll([Resource.GPUS])
        await clock.advance(60)
        fleet.samples.subscribe(lambda refs: None)
        async with asyncio.timeout(10):  # the file is read on a thread
            while not fleet.samples.of(GPU):
                await clock.advance(0.01)
    assert history.reads == [True]
    history.close()


async def test_the_fleet_continues_where_the_last_session_ended(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    for number in range(2):
        clock, dock = FakeClock(), FakeBackend("dock", [Resource.GPUS])
        dock.rows[Resource.GPUS] = [device(sample(number * 10))]
        history = History(path)
        async with running(clock, dock, history=history, watch=[Resource.GPUS]) as fleet:
            fleet.samples.subscribe(lambda refs: None)
            async with asyncio.timeout(10):  # the file is read on a thread
                while len(fleet.samples.of(GPU)) < number + 1:
                    await clock.advance(0.01)
            assert seconds_of(fleet.samples) == [0, 10][: number + 1]
        history.close()
