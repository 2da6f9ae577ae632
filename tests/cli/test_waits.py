"""Waiting over time: what is reached by samples and lists as they come, and how often a server is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from gputui.cli.waits.goals import Goal, Look, Outcome
from gputui.cli.waits.readiness import GpuLoads
from gputui.cli.waits.rows import RowWait
from gputui.cli.waits.until import Reporter, look_until
from gputui.errors import UnavailableError
from gputui.models import GpuDevice, GpuSample, Instance, Phase, Ref, Resource
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running

MAIN = replace(pod("lab", "main"), gpu_count=1, gpu_indices=(0,), host="a")
_SECONDS = 900.0


async def waited(
    clock: FakeClock, lab: FakeBackend, goal: Goal, step: Callable[[float], None]
) -> tuple[Outcome, float]:
    """The outcome, and after how many seconds; ``step`` is called with the time every 10 s."""
    lab.rows.setdefault(Resource.INSTANCES, [MAIN])
    async with running(clock, lab, watch=(Resource.INSTANCES, Resource.GPUS)) as fleet:
        loads = GpuLoads(fleet, timedelta(minutes=5))
        wait = RowWait(fleet, ["lab/pod/main"], goal, appear=False, loads=loads)
        task = asyncio.create_task(look_until(clock, wait.look, ["lab/pod/main"], _SECONDS))
        while not task.done():
            await clock.advance(10)
            step(clock.elapsed)
    (look,) = task.result()
    return look.outcome, clock.elapsed


def gpu(clock: FakeClock, utilization: float | None) -> GpuDevice:
    sample = GpuSample(clock.now(), utilization=utilization)
    return GpuDevice(Ref("lab", "gpu", "0"), "a", 0, sample=sample)


@pytest.mark.parametrize(
    ("load", "expected", "at_least"),
    [
        (lambda at: 0.0, Outcome.REACHED, 300),
        (lambda at: 90.0 if at < 200 else 0.0, Outcome.REACHED, 500),
        (lambda at: 90.0, Outcome.NOT_YET, _SECONDS),
        (lambda at: None, Outcome.UNREADABLE, _SECONDS),
    ],
    ids=["idle", "idle later", "busy", "unknown"],
)
async def test_gpus_are_idle_once_they_were_seen_idle_for_long_enough(
    load: Callable[[float], float | None], expected: Outcome, at_least: float
) -> None:
    clock, lab = FakeClock(), FakeBackend("lab")
    lab.rows[Resource.INSTANCES] = [MAIN]

    def step(at: float) -> None:
        lab.rows[Resource.GPUS] = [gpu(clock, load(at))]

    step(0)
    outcome, seconds = await waited(clock, lab, Goal.IDLE, step)
    assert outcome is expected
    assert at_least <= seconds <= at_least + 40


async def test_an_outage_in_between_is_waited_out_and_old_rows_are_no_success() -> None:
    clock, lab = FakeClock(), FakeBackend("lab")
    lab.rows[Resource.INSTANCES] = [replace(MAIN, phase=Phase.PENDING)]

    def step(at: float) -> None:
        lab.rows[Resource.INSTANCES] = [replace(MAIN, phase=Phase.PENDING if at < 60 else Phase.RUNNING)]
        if 60 <= at < 200:
            lab.errors[Resource.INSTANCES] = UnavailableError("lab: no answer.")
        else:
            lab.errors.clear()

    outcome, seconds = await waited(clock, lab, Goal.RUNNING, step)
    assert outcome is Outcome.REACHED
    assert seconds >= 200


async def test_the_list_is_read_at_its_interval_and_one_row_once_after_each_that_lacks_it() -> None:
    clock, lab = FakeClock(), FakeBackend("lab")
    lab.rows[Resource.INSTANCES] = [MAIN]
    lab.errors["fetch"] = UnavailableError("lab: no answer.")

    def step(at: float) -> None:
        lab.rows[Resource.INSTANCES] = [] if at >= 20 else [MAIN]

    outcome, _ = await waited(clock, lab, Goal.GONE, step)
    assert outcome is Outcome.UNREADABLE
    assert lab.calls["fetch"] <= lab.calls[Resource.INSTANCES] <= _SECONDS / 5 + 3


async def test_a_later_instance_of_the_name_is_not_the_one_that_was_awaited() -> None:
    clock, lab = FakeClock(), FakeBackend("lab")
    first = replace(MAIN, container_id="one")
    lab.rows[Resource.INSTANCES] = [first]

    def step(at: float) -> None:
        if at >= 50:
            lab.rows[Resource.INSTANCES] = [replace(first, container_id="two")]

    outcome, seconds = await waited(clock, lab, Goal.GONE, step)
    assert outcome is Outcome.REACHED
    assert isinstance(first, Instance)
    assert 50 <= seconds < 80


def test_figures_that_change_all_the_time_are_reported_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    reporter = Reporter(clock, clock.monotonic() + 600)
    for second in range(0, 120, 5):
        clock.elapsed = second
        reporter.show([Look("2 idle H100", Outcome.NOT_YET, f"{second} idle in all", moves=True)])
    reporter.show([Look("2 idle H100", Outcome.UNREADABLE, "no answer", moves=True)])
    assert capsys.readouterr().err.splitlines() == [
        "2 idle H100: 0 idle in all",
        "2 idle H100: 60 idle in all",
        "2 idle H100: no answer",
    ]
