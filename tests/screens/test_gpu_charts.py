"""Charts of GPUs: of the one under the cursor, of one alone, of several side by side, over the time one chooses."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from gputui.errors import UnavailableError
from gputui.models import GpuDevice, GpuSample, HostInfo, Ref, Resource
from gputui.widgets.chart.gpu_panel import GpuPanel
from tests.fleet.fakes import START, FakeBackend
from tests.screens.pictures import BOTH, Take
from tests.screens.stage import NARROW, WIDE, Stage, staged
from tests.screens.test_gpus import gpus
from tests.screens.world import GIB, fail, gpu, instance, lab, process

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
    """Return a host whose GPUs have readings, and which reports no processes."""
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


async def move(stage: Stage, *keys: str) -> None:
    """Move the cursor, and let it rest: the charts follow then."""
    await stage.press(*keys)
    await stage.advance(0.2)


# --- pictures ---------------------------------------------------------------------------------------------------


async def test_view_and_compared(take: Take) -> None:
    async with staged(dock(), view="5", size=NARROW) as stage:
        await take(stage, "view", BOTH)
        await stage.press("C")
        await take(stage, "compared", BOTH)


async def test_alone(take: Take) -> None:
    async with staged(dock(), lab(), view="5", size=NARROW) as stage:
        await stage.press("j", "enter", "right_square_bracket")
        await take(stage, "", BOTH)


# --- what is drawn ----------------------------------------------------------------------------------------------


async def test_as_many_charts_as_can_be_read_and_where_there_is_no_room_the_tables_alone() -> None:
    fake = dock()
    fake.rows[Resource.PROCESSES] = [process("dock", 0, 4000 + number, "train-7b", GIB) for number in range(30)]
    async with staged(fake, view="5", size=NARROW) as stage:
        for size, count in ((NARROW, 2), (WIDE, 3), ((200, 50), 5)):
            await stage.resize(*size)
            assert titles(stage) == [f"GPU 0 {what}" for what in FIGURES][:count]
        for size in ((40, 12), (20, 8), (80, 10)):
            await stage.resize(*size)
            assert gpus(stage).display
            await stage.press("C")
            await stage.press("escape")
            assert gpus(stage).display


async def test_the_charts_follow_the_cursor_and_enter_shows_one_gpu_alone() -> None:
    async with staged(dock(), view="5") as stage:
        assert "last 1 h   RAM 181G/256G   64 cores" in stage.title
        assert "64 cores  RAM 181G/" in stage.line_of("▾ dock-host"), "the heading of the host has them too"
        assert titles(stage) == [f"GPU 0 {what}" for what in FIGURES], "no process is reported: room for all"
        assert gpus(stage).has_focus
        await stage.advance(0.2)
        await stage.press("j")
        assert "dock-host GPU 1 utilisation" in stage.text, "one move is followed at once"
        await stage.press("j", "j", "k")
        assert "dock-host GPU 1 utilisation" in stage.text, "while a key is repeated nothing is drawn"
        await stage.advance(0.2)
        assert titles(stage)[0] == "GPU 2 utilisation"
        assert "dock-host GPU 2 utilisation" in stage.text
        await stage.press("k", "enter")
        assert titles(stage) == [f"GPU 1 {what}" for what in FIGURES]
        assert stage.title.startswith("GPUs › dock-host GPU 1")
        assert not gpus(stage).display
        assert "p on an instance (3) inspects it over SSH." in stage.text
        await stage.press("escape")
        assert gpus(stage).has_focus
        assert titles(stage)[0] == "GPU 1 utilisation"


async def test_the_time_fits_the_readings_until_another_is_chosen() -> None:
    fake = dock(2)
    fake.rows[Resource.GPUS] = [device(0, series(0, minutes=4)), device(1, series(1, minutes=4))]
    async with staged(fake, view="5") as stage:
        assert "last 5 min" in stage.title
        fake.rows[Resource.GPUS] = [device(0, series(0, minutes=8)), device(1, series(1, minutes=8))]
        await stage.advance(2)
        assert "last 10 min" in stage.title
        said = ("5 min", "5 min", "10 min", "15 min", "1 h", "6 h", "24 h")
        for key, time in zip("[[]]]]]", said, strict=True):
            await stage.press(key)
            assert f"last {time}" in stage.title
        await stage.press("]", "]")
        assert "all that is kept" in stage.title


async def test_all_gpus_of_the_host_or_those_marked_are_compared_and_one_of_them_opened() -> None:
    async with staged(dock(), view="5", size=NARROW) as stage:
        for size, figure, another in ((NARROW, "utilisation", "memory"), ((120, 41), "memory", "power")):
            await stage.resize(*size)
            gpus(stage).focus()
            await stage.press("g", "C")
            assert titles(stage) == [f"GPU {index} {figure}" for index in range(8)]
            assert f"GPUs   8   by {figure}" in stage.title
            await stage.press("m")
            assert titles(stage)[7] == f"GPU 7 {another}"
            keys = [chart.data.key for chart in panel(stage).charts if chart.data is not None]
            assert keys == [f"dock/gpu/{index} {panel(stage).reading}" for index in range(8)]
            await stage.press("right", "j")
            assert panel(stage).chosen == Ref("dock", "gpu", "3")
            await stage.press("k", "left", "left")
            assert panel(stage).chosen == Ref("dock", "gpu", "0")
            await stage.press("right", "enter")
            assert titles(stage)[0] == "GPU 1 utilisation"
            await stage.press("escape")
            assert gpus(stage).cursor_ref == Ref("dock", "gpu", "1")
        await stage.press("g", "j", "space", "j", "space")
        assert len(gpus(stage).marked) == 2
        await stage.press("C")
        assert [title.split()[1] for title in titles(stage)] == ["0", "2"]
        await stage.press("C")
        assert gpus(stage).has_focus
        await stage.press("ctrl+backslash")
        assert not gpus(stage).marked


# --- what changes -----------------------------------------------------------------------------------------------


async def test_a_new_reading_is_drawn_when_it_comes_and_an_old_one_says_how_old() -> None:
    fake = dock(1)
    async with staged(fake, view="5") as stage:
        assert "  0 %" not in stage.line_of("GPU 0 utilisation")
        samples = series(0)
        fresh = GpuSample(START + timedelta(seconds=2), utilization=0.0, memory_used=0)
        fake.rows[Resource.GPUS] = [device(0, (*samples, fresh))]
        await stage.advance(2)
        assert "0 %" in stage.line_of("GPU 0 utilisation")
        fail(fake, UnavailableError("dock: no answer."))
        await stage.advance(130)
        stage.view.charts.show()  # type: ignore[attr-defined]
        await stage.settle()
        assert "2 min old" in stage.text


async def test_a_gpu_has_charts_of_what_is_known_of_it_alone() -> None:
    fake = dock(2)
    fake.rows[Resource.GPUS] = [device(0, ()), device(1, series(1, minutes=1))]
    async with staged(fake, lab(), view="5") as stage:
        assert not panel(stage).display
        await move(stage, "j")
        assert titles(stage)[0] == "GPU 1 utilisation"
        await move(stage, "j")
        assert titles(stage) == ["GPU 0 memory"]


async def test_a_gpu_that_disappears_takes_its_charts_with_it_and_leaves_a_way_back() -> None:
    fake = dock()
    async with staged(fake, view="5") as stage:
        await move(stage, "end")
        assert titles(stage)[0] == "GPU 7 utilisation"
        fake.rows[Resource.GPUS] = fake.rows[Resource.GPUS][:7]
        await stage.advance(2)
        assert titles(stage)[0] == "GPU 6 utilisation"
        await stage.press("C")
        assert len(titles(stage)) == 7
        await stage.press("C", "end", "enter")
        assert titles(stage)[0] == "GPU 6 utilisation"
        assert not gpus(stage).display
        fake.rows[Resource.GPUS] = fake.rows[Resource.GPUS][:6]
        await stage.advance(2)
        await stage.press("escape")
        assert gpus(stage).display
        assert titles(stage)


async def test_an_account_without_gpus_or_without_rows_says_so_in_its_own_words() -> None:
    fake = dock(0)
    fake.rows[Resource.INSTANCES] = []
    async with staged(fake, lab(), view="5") as stage:
        stage.app.session.choose(account="dock")
        await stage.settle()
        assert "There is no GPU on the hosts shown." in stage.text
        await stage.press("3")
        assert "No instances in dock. Press n to create one." in stage.text
        await stage.command("filter x")
        assert "esc clears the filter" in stage.text
