"""The cells of GPUs: colours by value, and memory in use without load."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gputui.analytics.gpu_idle import IdlePeriod
from gputui.models import GpuDevice, GpuSample, Ref
from gputui.presentation.columns.column import plain_text, spans_of
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.gpus import gpu_columns

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GIB = 2**30


class Idle(Context):
    """A context in which a GPU has been idle for so many minutes."""

    def __init__(self, minutes: float, memory: int, at_least: bool = False) -> None:
        super().__init__()
        self.period = IdlePeriod(NOW - timedelta(minutes=minutes), NOW, at_least, memory)

    def idle_period(self, device: GpuDevice) -> IdlePeriod | None:
        return self.period


def device(load: float = 0, celsius: float = 60) -> GpuDevice:
    sample = GpuSample(NOW, load, 22 * GIB, temperature=celsius)
    return GpuDevice(Ref("lab", "gpu", "0"), "lab-host", 0, None, 24 * GIB, 22 * GIB, sample=sample)


def spans(key: str, row: GpuDevice, context: Context | None = None) -> list[tuple[str, str]]:
    column = next(column for column in gpu_columns(context or Context()) if column.key == key)
    return list(spans_of(column.cell(row)))


@pytest.mark.parametrize(("load", "style"), [(10, "load-1"), (30, "load-2"), (74, "load-3"), (100, "load-4")])
def test_load_is_lighter_the_higher_it_is(load: float, style: str) -> None:
    assert spans("util", device(load))[0][1] == style


@pytest.mark.parametrize(
    ("celsius", "style"),
    [
        (31, "muted"),
        (45, ""),
        (65, "load-4"),
        (79, "load-4"),
        (80, "warning"),
        (89, "warning"),
        (90, "bad"),
    ],
)
def test_temperatures_are_a_ramp_with_thresholds(celsius: float, style: str) -> None:
    assert spans("temperature", device(celsius=celsius)) == [(f"{celsius} °C", style)]


def test_memory_in_use_without_load_for_minutes_is_marked_with_a_word() -> None:
    assert spans("util", device(), Idle(14, 22 * GIB)) == [("◌ idle     14m", "warning")]
    assert spans("util", device(), Idle(192, 22 * GIB, at_least=True)) == [("◌ idle ≥ 3h 12m", "warning")]
    assert spans("memory", device(), Idle(14, 22 * GIB))[-1] == (" 22.0G/24.0G", "warning")
    for pause in (Idle(4, 22 * GIB), Idle(14, 0)):
        assert plain_text(spans("util", device(), pause)) == "▁▁▁▁▁▁▁▁   0 %"
    without_processes = replace(device(), process_count=0)
    assert plain_text(spans("util", without_processes, Idle(14, GIB))) == "▁▁▁▁▁▁▁▁   0 %"


def test_figures_of_a_gpu_that_could_not_be_read_this_time_are_marked_as_old() -> None:
    now = replace(device(), process_count=0)
    assert plain_text(spans("processes", now)) == "idle"
    old = replace(now, problem="gpu04 does not answer", sample=None, last=now.sample)
    assert plain_text(spans("processes", old)) == "idle ?"
    assert plain_text(spans("processes", replace(old, process_count=2))) == "2 ?"
    assert spans("memory", old)[0] == ("! ", "warning")
    assert spans("memory", old)[-1] == ("  22.0G/24.0G"[1:], "muted")
    unlisted = replace(now, problem="its processes are unknown", process_count=None)
    assert plain_text(spans("processes", unlisted)) == "?"
