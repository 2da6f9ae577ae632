"""Charts of GPUs: of the one under the cursor, of one alone, of several side by side, over the time one chooses."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from gputui.errors import UnavailableError
from gputui.models import GpuDevice, GpuSample, HostInfo, Ref, Resource
from gputui.widgets.chart.gpu_panel import GpuPanel
from tests.fleet.fakes import START, FakeBackend
from tests.screens.pictures import SIZES, Shoot
from tests.screens.stage import GIB, NARROW, WIDE, Stage, backend, fail, gpu, instance, lab, process, staged
from tests.screens.test_gpus import gpus

FIGURES = ("utilisation", "memory", "power", "temperature", "fan")


def series(index: int, *, minutes: float = 60, last: float = 0.0) -> tuple[GpuSample, ...]:
    """Return readings every 10 s up to the fleet's first moment; each GPU has a load of its own."""
    count = int(minutes * 6)
    return tuple(
        GpuSample(
            START - timedelta(seconds=10 * (count - number - 1) - last),
            utilization=max(0.0, min(100.0, 50 + 45 * math.sin(number / (9 + 4 * index)) - 6 * index)),
            memory_used=(4 + 2 * index) * GIB + number * GIB // 200,
            power=60.0 + 40 * index + number % 7,
            temperature=40.0 + 3 * index,
            fan=30.0 + index,
        )
        for number in range(count)
    )


def device(index: int, samples: tuple[GpuSample, ...], *, owners: Iterable[str] = ()) -> GpuDevice:
    newest = samples[-1] if samples else None
    used = newest.memory_used if newest else None
    return replace(
        gpu("dock", index, used, 0), process_count=None, instances=tuple(owners), sample=newest, series=samples
    )


def dock(count: int = 8) -> FakeBackend:
    """Return a host whose GPUs have readings, and which tells no processes."""
    fake = FakeBackend("dock", [Resource.INSTANCES, Resource.GPUS, Resource.HOSTS, Resource.IMAGES])
    fake.rows[Resource.INSTANCES] = [instance("dock", "train-7b", gpu_indices=(0, 1))]
    fake.rows[Resource.GPUS] = [device(index, series(index), owners=["train-7b"][index:]) for index in range(count)]
    host = HostInfo(Ref("dock", "host", "dock-host"), "dock-host", count, 64, 256 * GIB, 75 * GIB)
    fake.rows[Resource.HOSTS] = [host]
    return fake


def panel(stage: Stage) -> GpuPanel:
    return stage.view.query_one(GpuPanel)


def titles(stage: Stage) -> list[str]:
    return [chart.data.title for chart in panel(stage).charts if chart.data is not None]


@SIZES
def test_view(shoot: Shoot, size: tuple[int, int]) -> None:
    shoot(dock(), keys="5", size=size)


@SIZES
def test_compared(shoot: Shoot, size: tuple[int, int]) -> None:
    shoot(dock(), keys="5 C", size=size)


@SIZES
def test_alone(shoot: Shoot, size: tuple[int, int]) -> None:
    async def open_second(stage: Stage) -> None:
        gpus(stage).focus()
        await stage.press("j", "enter", "right_square_bracket")

    shoot(dock(), lab(), keys="5", act=open_second, size=size)


@pytest.mark.parametrize(("size", "count"), [(NARROW, 2), (WIDE, 3), ((200, 50), 5)])
async def test_as_many_charts_as_can_be_read(size: tuple[int, int], count: int) -> None:
    fake = dock()
    fake.rows[Resource.PROCESSES] = [process("dock", 0, 4000 + number, "train-7b", GIB) for number in range(30)]
    async with staged(fake, view="5", size=size) as stage:
        assert titles(stage) == [f"GPU 0 {what}" for what in FIGURES][:count]


async def test_where_no_process_is_told_the_charts_have_its_room() -> None:
    async with staged(dock(), view="5") as stage:
        assert titles(stage) == [f"GPU 0 {what}" for what in FIGURES]


async def test_the_charts_follow_the_cursor() -> None:
    async with staged(dock(), view="5") as stage:
        gpus(stage).focus()
        await stage.press("j", "j")
        assert titles(stage)[0] == "GPU 2 utilisation"
        assert "GPU 2 utilisation" in stage.text


async def test_the_host_is_told_beside_its_gpus() -> None:
    async with staged(dock(), view="5") as stage:
        assert "RAM 181G/256G   64 cores   last 15 min" in stage.lines[1]


async def test_enter_shows_one_alone_with_all_that_is_told_and_escape_all_again() -> None:
    async with staged(dock(), view="5") as stage:
        gpus(stage).focus()
        await stage.press("j", "enter")
        assert titles(stage) == [f"GPU 1 {what}" for what in FIGURES]
        assert stage.title.startswith("GPUs › dock-host GPU 1")
        assert not gpus(stage).display
        assert "p on an instance (3) inspects it over SSH." in stage.text
        await stage.press("escape")
        assert gpus(stage).has_focus
        assert titles(stage)[0] == "GPU 1 utilisation"


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_all_gpus_of_the_host_are_compared_and_one_of_them_opened(size: tuple[int, int]) -> None:
    async with staged(dock(), view="5", size=size) as stage:
        await stage.press("C")
        assert titles(stage) == [f"GPU {index} utilisation" for index in range(8)]
        assert "8 GPUs by utilisation" in stage.title
        await stage.press("m")
        assert titles(stage)[7] == "GPU 7 memory"
        await stage.press("right", "j")
        assert panel(stage).chosen == Ref("dock", "gpu", "3")
        await stage.press("k", "left", "left")
        assert panel(stage).chosen == Ref("dock", "gpu", "0")
        await stage.press("right", "enter")
        assert titles(stage)[0] == "GPU 1 utilisation"
        await stage.press("escape")
        assert gpus(stage).cursor_ref == Ref("dock", "gpu", "1")


async def test_only_the_marked_gpus_are_compared() -> None:
    async with staged(dock(), view="5") as stage:
        gpus(stage).focus()
        await stage.press("space", "j", "space", "C")
        assert titles(stage) == ["GPU 0 utilisation", "GPU 2 utilisation"]
        await stage.press("C")
        assert gpus(stage).has_focus


async def test_the_time_is_chosen_between_five_minutes_and_all_that_is_kept() -> None:
    async with staged(dock(), view="5") as stage:
        for key, said in (("[", "5 min"), ("[", "5 min"), ("]", "15 min"), ("]", "1 h"), ("]", "6 h"), ("]", "24 h")):
            await stage.press(key)
            assert f"last {said}" in stage.lines[1]
        await stage.press("]", "]")
        assert "all that is kept" in stage.lines[1]


async def test_a_new_reading_is_drawn_when_it_comes() -> None:
    fake = dock(1)
    async with staged(fake, view="5") as stage:
        assert "  0 %" not in stage.line_of("GPU 0 utilisation")
        samples = series(0)
        fresh = GpuSample(START + timedelta(seconds=2), utilization=0.0, memory_used=0)
        fake.rows[Resource.GPUS] = [device(0, (*samples, fresh))]
        await stage.advance(2)
        assert "0 %" in stage.line_of("GPU 0 utilisation")


async def test_what_is_old_says_how_old() -> None:
    fake = dock()
    async with staged(fake, view="5") as stage:
        fail(fake, UnavailableError("dock: no answer."))
        await stage.advance(130)
        stage.view._tick()  # type: ignore[attr-defined]
        await stage.settle()
        assert "2 min old" in stage.text


async def test_a_gpu_without_readings_has_no_chart() -> None:
    fake = dock(2)
    fake.rows[Resource.GPUS] = [device(0, ()), device(1, series(1))]
    async with staged(fake, view="5") as stage:
        assert not panel(stage).display
        gpus(stage).focus()
        await stage.press("j")
        assert titles(stage)[0] == "GPU 1 utilisation"


async def test_where_only_memory_is_known_only_that_is_drawn() -> None:
    async with staged(lab(), view="5") as stage:
        assert titles(stage) == ["GPU 0 memory"]


async def test_a_gpu_that_disappears_takes_its_charts_with_it() -> None:
    fake = dock()
    async with staged(fake, view="5") as stage:
        gpus(stage).focus()
        await stage.press("G")
        assert titles(stage)[0] == "GPU 7 utilisation"
        fake.rows[Resource.GPUS] = fake.rows[Resource.GPUS][:7]
        await stage.advance(2)
        assert titles(stage)[0] == "GPU 6 utilisation"
        await stage.press("C")
        assert len(titles(stage)) == 7


async def test_an_opened_gpu_that_disappears_leaves_a_way_back() -> None:
    fake = dock()
    async with staged(fake, view="5") as stage:
        gpus(stage).focus()
        await stage.press("G", "enter")
        fake.rows[Resource.GPUS] = fake.rows[Resource.GPUS][:7]
        await stage.advance(2)
        await stage.press("escape")
        assert gpus(stage).display
        assert titles(stage)


@pytest.mark.parametrize("size", [(40, 12), (20, 8), (80, 10)])
async def test_where_there_is_no_room_the_tables_stay(size: tuple[int, int]) -> None:
    async with staged(dock(), view="5", size=size) as stage:
        assert gpus(stage).display
        await stage.press("C")
        await stage.press("escape")
        assert gpus(stage).display


async def test_marks_are_made_on_the_side_in_use() -> None:
    fake = backend("lab", [instance("lab", "main")], gpus=[gpu("lab", 0, GIB, 1), gpu("lab", 1, GIB, 1)])
    async with staged(fake, view="5") as stage:
        gpus(stage).focus()
        await stage.press("space")
        assert len(gpus(stage).marked) == 1
        await stage.press("ctrl+backslash")
        assert not gpus(stage).marked


async def test_a_host_without_gpus_is_told_from_one_that_lists_none() -> None:
    async with staged(dock(0), view="5") as stage:
        assert "There is no GPU on the hosts shown." in stage.text


async def test_an_account_without_rows_says_so_in_its_own_words() -> None:
    fake = dock(0)
    fake.rows[Resource.INSTANCES] = []
    async with staged(fake, lab()) as stage:
        stage.app.session.choose(account="dock")
        await stage.settle()
        assert "No instances in dock. Press n to create one." in stage.text
        await stage.command("filter x")
        assert "esc clears the filter" in stage.text


@pytest.mark.parametrize("compared", [False, True])
async def test_without_the_chart_library_the_figures_are_there_and_the_reason(
    compared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gputui.widgets.chart.grid", None)
    async with staged(dock(), view="5") as stage:
        await stage.until_text("No charts: the chart library cannot be imported (ModuleNotFoundError")
        if compared:
            await stage.press("C")
            assert all(f"GPU {index} utilisation" in stage.text for index in range(8))
        assert "drawing" not in stage.text
        assert re.search(r"GPU 0 utilisation +\d+ %", stage.text)
        assert "Internal error" not in stage.toasts
