"""Waiting in tests of widgets."""

from __future__ import annotations

from typing import Any, cast

import pytest
from textual.pilot import Pilot

from tests.fleet.fakes import FakeClock, settle
from tests.screens.stage import Stage


@pytest.fixture(autouse=True)
def pilot_waits_for_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Pilot wait until nothing can continue or be drawn; Textual's waits, by the clock, for an idle process."""

    async def wait_for_idle(min_sleep: float = 0, max_sleep: float = 1) -> None:
        await settle()

    async def pause(pilot: Pilot[Any], delay: float | None = None) -> None:
        await settle()
        if pilot.app._resize_timer is not None:
            pilot.app._check_resize()
        await Stage(cast(Any, pilot.app), pilot, FakeClock()).settle()

    for module in ("app", "pilot"):
        monkeypatch.setattr(f"textual.{module}.wait_for_idle", wait_for_idle)
    monkeypatch.setattr(Pilot, "pause", pause)
