"""The view of waste: rows with their price, the actions of the resource, snoozes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gputui.errors import UnavailableError
from gputui.history.history import History
from gputui.models import Action, GpuDevice, GpuSample, Instance, Phase, Ref, Resource, Volume
from gputui.presentation.home.lines import Section
from gputui.screens.waste.view import WasteView
from tests.fleet.fakes import START, FakeBackend
from tests.screens.changing import confirm
from tests.screens.cloud import usd
from tests.screens.stage import NARROW, Stage, staged, stop_the_clock
from tests.screens.world import GIB

MAIN = Ref("dock", "container", "serve")


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_the_clock(monkeypatch)


@pytest.fixture
def history() -> History:
    return History(None)


def dock(minutes: int = 41) -> FakeBackend:
    """An account with an instance that was idle for so long, one that works, and a volume that nothing mounts."""

    class Dock(FakeBackend):
        spending = frozenset({Resource.INSTANCES, Resource.VOLUMES})

    def container(name: str, gpu: int) -> Instance:
        ref = Ref("dock", "container", name)
        return Instance(
            ref, name, Phase.RUNNING, "running", gpu_model="H100", gpu_indices=(gpu,), host="h07", price=usd("3.00")
        )

    def device(index: int, load: float) -> GpuDevice:
        series = [GpuSample(START - timedelta(minutes=minute), load, 61 * GIB) for minute in range(minutes, -1, -1)]
        ref = Ref("dock", "gpu", str(index))
        return GpuDevice(ref, "h07", index, sample=series[-1], series=tuple(series))

    backend = Dock("dock", (Resource.INSTANCES, Resource.GPUS, Resource.VOLUMES))
    backend.rows[Resource.INSTANCES] = [container("serve", 0), container("train", 1)]
    backend.rows[Resource.GPUS] = [device(0, 0.0), device(1, 96.0)]
    backend.rows[Resource.VOLUMES] = [
        Volume(Ref("dock", "volume", "old"), "old", "NFS", Phase.RUNNING, "ok", 50 * GIB, mounts=0, price=usd("0.02"))
    ]
    return backend


async def test_waste_stays_in_home_as_old_while_its_account_does_not_answer() -> None:
    backend = dock()

    def lines(stage: Stage) -> dict[str, bool]:
        found = [stage.table.get(ref) for ref in stage.table.visible_refs]
        return {line.name: line.stale for line in found if line is not None and line.section is Section.WASTE}

    async with staged(backend, view="0") as stage:
        await stage.advance(1)
        assert lines(stage) == {"serve": False, "old": False}
        for resource in backend.rows:
            backend.errors[resource] = UnavailableError("dock: no answer")
        await stage.press("r")
        await stage.advance(1)
        assert lines(stage) == {"serve": True, "old": True}
        backend.errors.clear()
        backend.rows[Resource.VOLUMES] = []
        await stage.press("r")
        await stage.advance(1)
        assert lines(stage) == {"serve": False}


async def test_waste_stays_in_its_view_as_old_while_its_account_does_not_answer() -> None:
    backend = dock()
    async with staged(backend, view="0") as stage:
        await look(stage)
        assert "$3.02/h" in stage.text
        for resource in backend.rows:
            backend.errors[resource] = UnavailableError("dock: no answer")
        await stage.press("r")
        await stage.advance(1)
        assert stage.names == ["serve", "old"]
        assert isinstance(stage.view, WasteView)
        assert all(stage.view.is_stale(row) for row in stage.fleet.waste.now.old)
        assert "$3.02/h" in stage.text
        backend.errors.clear()
        backend.rows[Resource.VOLUMES] = []
        await stage.press("r")
        await stage.advance(1)
        assert stage.names == ["serve"]
        assert stage.fleet.waste.now.old == ()


async def look(stage: Stage) -> None:
    await stage.command("waste")
    await stage.advance(0)


async def test_waste_is_listed_by_price_and_stopped_or_deleted_from_there() -> None:
    backend = dock()
    async with staged(backend) as stage:
        await look(stage)
        assert stage.names == ["serve", "old"]
        assert stage.line_of("serve").split() == [
            *("▌", "idle", "serve", "dock", "1", "H100", "≥", "41m", "$3.00", "≥", "$2.05"),
            *("61.0G", "memory", "in", "use"),
        ]
        assert "2   $3.02/h" in stage.title
        await stage.press("d")
        assert "2026-03-01 11:19:00 or earlier" in stage.text
        await stage.press("escape", "X")
        assert "Stop serve in dock?" in stage.text
        await confirm(stage)
        await stage.until(lambda: backend.calls[Action.STOP])
        backend.offered -= {Action.STOP}
        await stage.press("down", "X")
        assert "old: a volume cannot be stopped; D deletes it." in stage.toasts
        await stage.press("D")
        assert "Delete old in dock?" in stage.text
        await stage.press("escape", "enter")
        assert (stage.view.NAME, stage.here) == ("volumes", "old")
        await stage.press("escape")
        assert stage.view.NAME == "waste"


async def test_a_snooze_hides_a_row_and_z_shows_it_with_its_reason(history: History) -> None:
    async with staged(dock(), history=history) as stage:
        await look(stage)
        await stage.press("H")
        assert "Hidden in this and later sessions until 20:00." in stage.text
        await stage.press("enter")
        await stage.type("demo on Monday")
        await stage.press("enter")
        await stage.until(lambda: history.snoozes(START))
        assert stage.names == ["old"]
        assert "1 snoozed" in stage.title
        await stage.press("z")
        assert "until 20:00" in stage.line_of("serve")
        assert "demo on Monday" in stage.line_of("serve")
        assert "$0.02/h" in stage.title
        await stage.press("home", "down", "H")
        await stage.until(lambda: not history.snoozes(START))
        assert "1 snoozed" not in stage.title


async def test_a_snooze_that_cannot_be_stored_lasts_for_the_session_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    history = History(tmp_path / "file" / "history.db")
    async with staged(dock(), history=history) as stage:
        await look(stage)
        await stage.command("snooze 3d")
        await stage.until(lambda: "not stored" in stage.toasts)
        assert "serve snoozed until" in stage.toasts
        assert "It is not stored: history is not kept" in stage.toasts
        assert stage.names == ["old"]
    history.close()


async def test_snooze_takes_the_time_and_the_reason_in_the_command_bar(history: History) -> None:
    async with staged(dock(), history=history, size=NARROW) as stage:
        await look(stage)
        await stage.command("snooze soon")
        assert "The time must be such as 1h" in stage.toasts
        await stage.command("snooze 3d restarts on Monday")
        await stage.until(lambda: history.snoozes(START))
        (kept,) = history.snoozes(START) or []
        assert stage.names == ["old"]
        assert (kept.until, kept.note) == (START + timedelta(days=3), "restarts on Monday")


async def test_what_is_no_waste_is_not_said_to_be_snoozed(history: History) -> None:
    backend = dock()
    failed = Instance(Ref("dock", "container", "broken"), "broken", Phase.FAILED, "dead")
    backend.rows[Resource.INSTANCES] = [*backend.rows[Resource.INSTANCES], failed]
    async with staged(backend, history=history, view="0") as stage:
        await stage.press("home")
        assert stage.table.cursor_ref is not None
        assert "broken" in stage.line_of("▌")
        await stage.command("snooze 3d restarts on Monday")
        assert "Snooze: this is no waste." in stage.toasts
        assert "snoozed until" not in stage.toasts


async def test_gpus_that_are_idle_for_a_shorter_time_are_shown_with_z_and_do_not_count() -> None:
    async with staged(dock(12)) as stage:
        await look(stage)
        assert stage.names == ["old"]
        assert "1 idle < 30 min" in stage.title
        await stage.press("z")
        assert "≥ 12m" in stage.line_of("serve")
        assert "seen 12 of 30 min" in stage.line_of("serve")
        assert "2   $0.02/h" in stage.title
