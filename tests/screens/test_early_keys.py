"""Keys typed while the rows of the last session are there and their accounts are not open yet."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gputui.api.capabilities import Backend
from gputui.history.history import History
from gputui.models import Action, Change
from tests.fleet.fakes import FakeBackend, FakeClock, running, settle
from tests.screens.changing import sent
from tests.screens.stage import WIDE, Stage, drawn_when_read, make_app
from tests.screens.world import lab


@asynccontextmanager
async def beginning(fake: FakeBackend, tmp_path: Path) -> AsyncIterator[tuple[Stage, Callable[[], None]]]:
    """Run the app over the rows of a session before; yields it with what lets its account open."""
    clock = FakeClock()
    history = History(tmp_path / "history.db")
    async with running(clock, lab(), history=history):
        pass
    may_open = threading.Event()
    app = make_app(clock, fake, state_dir=tmp_path, history=history)

    def open_backend(_: object) -> Backend:
        assert may_open.wait(10)
        return fake

    app.session.fleet._open_backend = open_backend
    try:
        with drawn_when_read():
            async with app.run_test(size=WIDE, notifications=True) as pilot:
                stage = Stage(app, pilot, clock)
                await settle()
                assert stage.names
                yield stage, may_open.set
                may_open.set()
    finally:
        may_open.set()
        history.close()


async def test_they_are_carried_out_in_their_order_when_the_account_is_open(tmp_path: Path) -> None:
    fake = lab()
    async with beginning(fake, tmp_path) as (stage, let_it_open):
        await stage.press("end", "X", "right", "enter")
        assert not stage.in_dialog
        let_it_open()
        await stage.until(lambda: "train stopped." in stage.toasts)
        assert sent(fake) == {Action.STOP: 1}


async def test_a_key_that_comes_when_they_can_be_carried_out_comes_after_them(tmp_path: Path) -> None:
    async with beginning(lab(), tmp_path) as (stage, let_it_open):
        await stage.press("end", "d")
        here = stage.here
        let_it_open()
        await stage.until(lambda: stage.fleet.runtime("lab").was_opened)
        await stage.burst("k", "q")
        assert stage.here == here, "the text has the k, the list does not"
        assert not stage.in_dialog


async def test_they_are_not_carried_out_on_another_row(tmp_path: Path) -> None:
    fake = lab()
    async with beginning(fake, tmp_path) as (stage, let_it_open):
        await stage.press("end", "X", "right", "enter")
        stage.table.apply(Change(removed=(stage.table.cursor_ref,)))  # type: ignore[arg-type]
        let_it_open()
        await stage.until(lambda: "another row is under the cursor now" in stage.toasts)
        await stage.opened()
        assert not stage.in_dialog
        assert sent(fake) == {}


@pytest.mark.parametrize("key", ["escape", "q", "ctrl+q"])
async def test_they_can_be_taken_back_and_the_program_can_be_left(tmp_path: Path, key: str) -> None:
    fake = lab()
    async with beginning(fake, tmp_path) as (stage, let_it_open):
        await stage.press("end", "X", key)
        assert stage.ended() is (key != "escape")
        let_it_open()
        if key == "escape":
            await stage.opened()
            assert not stage.in_dialog
        assert sent(fake) == {}
