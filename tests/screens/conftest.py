"""Taking pictures of the screens, and what several modules of tests set up."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_textual_snapshot import PseudoApp, PseudoConsole, SVGImageExtension, node_to_report_path
from rich.console import Console
from textual.widgets import Input

import gputui.widgets.chart.grid  # noqa: F401  (there already, so that charts need no thread to appear)
from tests.fleet.fakes import FakeBackend, FakeClock
from tests.screens.pictures import Act, Shoot, Take
from tests.screens.stage import NARROW, Stage, drawn_when_read, make_app, stop_the_clock

# Where what is shown depends on the time of day.
_MODULES = ("cost.view", "commands.block_host", "stock.trends")


@pytest.fixture
def shoot(snap_compare: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shoot:
    """Compare with the picture on file: these back ends, these keys, then ``act``."""
    _make_repeatable(monkeypatch)

    def compare(
        *fakes: FakeBackend,
        size: tuple[int, int] = NARROW,
        keys: str = "",
        act: Act | None = None,
        **options: Any,
    ) -> None:
        clock = FakeClock()
        app = make_app(clock, *fakes, state_dir=tmp_path, **options)

        async def before(pilot: Any) -> None:
            stage = Stage(app, pilot, clock)
            await stage.opened()
            for key in keys.split():
                await stage.press(key)
                await stage.advance(0)
            if act is not None:
                await act(stage)
            await _wait_until_still(stage)

        with drawn_when_read():
            assert snap_compare(app, terminal_size=size, run_before=before)

    return compare


@pytest.fixture
def take(snapshot: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Take:
    """Compare the screen of a running app with the picture of that name on file, in each of the sizes."""
    _make_repeatable(monkeypatch)
    pictures = snapshot.use_extension(SVGImageExtension)

    async def compare(stage: Stage, name: str, sizes: Sequence[tuple[int, int]] = ()) -> None:
        before = stage.app.size
        for size in sizes or [before]:
            await stage.resize(*size)
            await _wait_until_still(stage)
            full_name = "-".join(filter(None, [name, f"{size[0]}x{size[1]}" if sizes else ""]))
            actual = stage.app.export_screenshot(simplify=True)
            same = pictures(name=full_name) == actual
            _report(request.node, full_name, actual, list(pictures.executions.values())[-1])
            assert same, f"The picture {full_name} differs; --snapshot-report shows both."
        await stage.resize(*before)

    return compare


def _make_repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing in a picture depend on the time of day or the terminal of the tests."""
    stop_the_clock(monkeypatch, *(f"gputui.screens.{name}" for name in _MODULES))
    for name in ("NO_COLOR", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)


async def _wait_until_still(stage: Stage) -> None:
    """Let everything be drawn, with cursors that do not blink."""
    for field in stage.app.screen.query(Input):
        field.cursor_blink = False
    await stage.settle()


def _report(node: Any, name: str, actual: str, execution: Any) -> None:
    """Hand a picture to the report of the plug-in, which by itself knows one of each test."""
    path, line, _ = node.reportinfo()
    expected = execution.recalled_data or ""
    app = PseudoApp(PseudoConsole(False, Console(legacy_windows=False, force_terminal=True).size))
    data = (execution.success, expected, actual, app, path, line, f"{node.name}[{name}]", "", "", bool(expected))
    report = node_to_report_path(node)
    report.with_name(f"{report.name}_{name}").write_bytes(pickle.dumps(data))


@pytest.fixture
def logged_today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the lines of a written log be today's."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    monkeypatch.setattr("gputui.widgets.log_view.datetime", Clock)


@pytest.fixture
def own_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep templates of forms in a directory of the test."""
    monkeypatch.setenv("GPUTUI_CONFIG", str(tmp_path / "config.toml"))
