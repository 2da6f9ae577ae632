"""Taking pictures of the screens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

import gputui.widgets.chart.grid  # noqa: F401  (there already, so that charts need no thread to appear)
from tests.fleet.fakes import FakeBackend, FakeClock
from tests.screens.pictures import Act, Shoot
from tests.screens.stage import NARROW, Stage, make_app, stop_the_clock

# Where what is shown depends on the time of day.
_MODULES = ("cost", "commands.block_host", "stock.trends")


@pytest.fixture
def shoot(snap_compare: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shoot:
    """Compare with the picture on file: these back ends, these keys, then ``act``."""
    stop_the_clock(monkeypatch, *(f"gputui.screens.{name}" for name in _MODULES))
    for name in ("NO_COLOR", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)

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
            for field in app.screen.query(Input):
                field.cursor_blink = False
            await stage.settle()

        assert snap_compare(app, terminal_size=size, run_before=before)

    return compare
