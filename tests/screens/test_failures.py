"""Whatever raises, the person is told, and where the report lies: no worker, handler or dialog fails in silence."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.worker import Worker

import gputui.screens
import gputui.screens.dialogs
import gputui.widgets
from gputui.commands import COMMANDS
from gputui.errors import GputuiError
from gputui.models import Instance, Resource
from gputui.screens.dialogs.dialog import Dialog
from gputui.widgets.header import HeaderBar
from tests.fleet.fakes import FakeBackend, pod
from tests.screens.stage import staged

REPORT = Path("/somewhere/report.txt")


def report(_error: BaseException) -> Path:
    return REPORT


def classes() -> Iterator[type]:
    for package in (gputui.screens, gputui.screens.dialogs, gputui.widgets):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
                if kind.__module__ == module.name:
                    yield kind


def workers() -> list[Any]:
    """Return all methods that are decorated as workers."""
    found = {
        f"{kind.__name__}.{name}": member
        for kind in classes()
        for name, member in vars(kind).items()
        if inspect.isfunction(member) and member.__code__.co_filename.endswith("_work_decorator.py")
    }
    assert len(found) > 30
    return [pytest.param(member, id=name) for name, member in sorted(found.items())]


def failing(error: Exception) -> Callable[[Worker[Any]], Any]:
    async def run(worker: Worker[Any]) -> None:
        if inspect.iscoroutine(worker._work):
            worker._work.close()
        raise error

    return run


async def test_every_worker_that_raises_is_told_with_its_report(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(FakeBackend("lab", {}), report=report) as stage:
        monkeypatch.setattr(Worker, "run", failing(RuntimeError("boom")))
        for worker in workers():
            stage.app.clear_notifications()
            worker.values[0](stage.view)
            await stage.settle()
            assert "gputui made a mistake RuntimeError" in stage.toasts, worker.id
            assert str(REPORT) in stage.toasts, worker.id


async def test_every_worker_of_the_app_that_raises_is_told_with_its_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", "x")
    main = pod("lab", "main")
    assert isinstance(main, Instance)
    async with staged(FakeBackend("lab", {}), report=report) as stage:
        monkeypatch.setattr(Worker, "run", failing(RuntimeError("boom")))
        app = stage.app
        starts: list[Callable[[], object]] = [
            lambda: app.log_in(main),
            lambda: app.forward(main),
            lambda: app.look_into(main),
            lambda: app.copy_to_clipboard("text"),
            app._start_fleet,
        ]
        for start in starts:
            app.clear_notifications()
            start()
            await stage.settle()
            assert str(REPORT) in stage.toasts


async def test_a_known_failure_in_a_worker_is_told_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(FakeBackend("lab", {}), report=report) as stage:
        monkeypatch.setattr(Worker, "run", failing(GputuiError("lab: no.", hint="Ask again.")))
        workers()[0].values[0](stage.view)
        await stage.settle()
        assert "lab: no. Ask again." in stage.toasts
        assert str(REPORT) not in stage.toasts


class BrokenInCompose(Dialog[None]):
    def compose(self) -> ComposeResult:
        raise RuntimeError("boom")


class BrokenOnMount(Dialog[None]):
    def on_mount(self) -> None:
        raise RuntimeError("boom")


class BrokenOnKey(Dialog[None]):
    def on_key(self) -> None:
        raise RuntimeError("boom")


def said_at_the_end(app: Any) -> str:
    return "\n".join(str(text) for text in app._exit_renderables)


@pytest.mark.parametrize("dialog", [BrokenInCompose, BrokenOnMount, BrokenOnKey])
async def test_a_dialog_that_raises_ends_the_program_with_its_report(dialog: type[Dialog[None]]) -> None:
    said = ""
    with pytest.raises(RuntimeError):
        async with staged(FakeBackend("lab", {}), report=report) as stage:
            stage.app.push_screen(dialog())
            await stage.settle()
            if dialog is BrokenOnKey:
                await stage.press("t")
            said = said_at_the_end(stage.app)
    assert f"gputui failed: RuntimeError. The report, without secrets, is in {REPORT}" in said


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.id in {"refresh", "help", "utc"}])
async def test_a_command_that_raises_ends_the_program_with_its_report(
    command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    said = ""
    with pytest.raises(RuntimeError):
        async with staged(FakeBackend("lab", {}), report=report) as stage:
            monkeypatch.setattr(type(stage.view), command.handler, broken)
            await stage.press(command.keys.split(",")[0])
            said = said_at_the_end(stage.app)
    assert f"gputui failed: RuntimeError. The report, without secrets, is in {REPORT}" in said


async def test_an_answer_that_comes_while_the_program_ends_is_no_mistake() -> None:
    reported: list[BaseException] = []

    def note(error: BaseException) -> Path:
        reported.append(error)
        return REPORT

    async with staged(FakeBackend("lab", {Resource.INSTANCES: [pod("lab", "main")]}), report=note) as stage:
        stage.app.exit(0)
        await stage.view.query_one(HeaderBar).remove()  # as widgets go at the end, before their screen does
        stage.fleet.refresh()
        await stage.clock.advance(60)
        stage.view.on_screen_resume()  # a dialog over it has gone
        stage.fleet.refresh()
        await stage.clock.advance(60)
    assert reported == []
