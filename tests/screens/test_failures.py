"""Any failure is shown, with the place of its report: no worker, handler or dialog fails in silence."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.widgets import Static
from textual.worker import Worker

import gputui.screens
import gputui.screens.dialogs
import gputui.widgets
from gputui.errors import GputuiError
from gputui.models import Instance, Resource
from gputui.screens.base.view import View
from gputui.screens.commands.command_set import CommandSet
from gputui.screens.dialogs.dialog import Dialog
from gputui.widgets.bars.header import HeaderBar
from gputui.widgets.internal_errors import MOST_IN_A_ROW
from tests.fleet.fakes import FakeBackend, pod
from tests.screens.stage import staged

REPORT = Path("/somewhere/report.txt")


def boom(*_: object, **__: object) -> None:
    raise RuntimeError("boom")


def report(_error: BaseException) -> Path:
    return REPORT


def classes() -> Iterator[type]:
    for package in (gputui.screens, gputui.widgets):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
                if kind.__module__ == module.name:
                    yield kind


def workers() -> list[Any]:
    """Return all methods that are decorated as workers."""
    found = {
        f"{kind.__name__}.{name}": member
        for kind in classes()
        for name, member in vars(kind).items()
        if inspect.isfunction(member)
        and hasattr(member, "__wrapped__")
        and member.__code__.co_filename.endswith(("_work_decorator.py", "command_set.py"))
    }
    assert len(found) > 30
    return [pytest.param(member, id=name) for name, member in sorted(found.items())]


def start(worker: Any, view: View) -> None:
    """Start a worker of a view, or of a command set of it."""
    worker(CommandSet(view) if worker.__code__.co_filename.endswith("command_set.py") else view)


def failing(error: Exception) -> Callable[[Worker[Any]], Any]:
    async def run(worker: Worker[Any]) -> None:
        if inspect.iscoroutine(worker._work):
            worker._work.close()
        raise error

    return run


async def test_every_worker_that_raises_is_shown_with_its_report_and_a_known_failure_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object) -> None:
        raise GputuiError("lab: refused.", hint="Ask again.")

    async with staged(FakeBackend("lab", {}), report=report) as stage:
        monkeypatch.setattr(Worker, "run", failing(RuntimeError("boom")))
        for worker in workers():
            stage.app.clear_notifications()
            start(worker.values[0], stage.view)
            await stage.settle()
            assert "Internal error RuntimeError" in stage.toasts, worker.id
            assert str(REPORT) in stage.toasts, worker.id

        # A known failure in a worker is reported in its own words.
        stage.app.clear_notifications()
        monkeypatch.setattr(Worker, "run", failing(GputuiError("lab: no.", hint="Ask again.")))
        start(workers()[0].values[0], stage.view)
        await stage.settle()
        assert "lab: no. Ask again." in stage.toasts
        assert str(REPORT) not in stage.toasts

        # A known failure in a handler is shown in its own words.
        stage.app.clear_notifications()
        monkeypatch.setattr(stage.app, "action_hint_quit", refused)
        await stage.app.run_action("hint_quit")
        await stage.settle()
        assert "lab: refused. Ask again." in stage.toasts
        assert str(REPORT) not in stage.toasts


async def test_every_worker_of_the_app_that_raises_is_shown_with_its_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", "x")
    main = pod("lab", "main")
    assert isinstance(main, Instance)
    async with staged(FakeBackend("lab", {}), report=report) as stage:
        monkeypatch.setattr(Worker, "run", failing(RuntimeError("boom")))
        app = stage.app
        starts: list[Callable[[], object]] = [
            lambda: app.session.program.log_in(main),
            lambda: app.session.program.forward(main),
            lambda: app.session.program.probe(main),
            lambda: app.copy_to_clipboard("text"),
            app._start_fleet,
        ]
        for start in starts:
            app.clear_notifications()
            start()
            await stage.settle()
            assert str(REPORT) in stage.toasts


class BrokenInCompose(Dialog[None]):
    def compose(self) -> ComposeResult:
        raise RuntimeError("boom")


class BrokenOnMount(Dialog[None]):
    def on_mount(self) -> None:
        raise RuntimeError("boom")


class BrokenInRender(Dialog[None]):
    def compose(self) -> ComposeResult:
        yield BrokenLine()


class BrokenLine(Static):
    def render(self) -> str:
        raise RuntimeError("boom")


class BrokenOnKey(Dialog[None]):
    def on_key(self) -> None:
        raise RuntimeError("boom")


def said_at_the_end(app: Any) -> str:
    return "\n".join(str(text) for text in app._exit_renderables)


@pytest.mark.parametrize("dialog", [BrokenInCompose, BrokenOnMount, BrokenInRender])
async def test_a_dialog_that_cannot_be_shown_ends_the_program_with_its_report(dialog: type[Dialog[None]]) -> None:
    said = ""
    with pytest.raises(RuntimeError):
        async with staged(FakeBackend("lab", {}), report=report) as stage:
            stage.app.push_screen(dialog())
            await stage.settle()
            said = said_at_the_end(stage.app)
    assert f"gputui failed: RuntimeError. The report, without secrets, is in {REPORT}" in said


async def test_the_program_continues_after_a_key_handler_has_raised() -> None:
    async with staged(FakeBackend("lab", {}), report=report) as stage:
        stage.app.push_screen(BrokenOnKey())
        await stage.settle()
        for _ in range(MOST_IN_A_ROW + 2):
            stage.app.clear_notifications()
            await stage.press("t")
            assert f"Internal error RuntimeError. The report, without secrets, is in {REPORT}" in stage.toasts
        await stage.press("escape")
        assert not stage.in_dialog
        await stage.press("question_mark")
        assert stage.dialogs == ["HelpDialog"]


async def test_handlers_that_fail_without_input_end_the_program() -> None:
    said: list[str] = []
    with pytest.raises(RuntimeError):
        async with staged(FakeBackend("lab", {}), report=report) as stage:
            for _ in range(MOST_IN_A_ROW):
                stage.app.handler_failed(RuntimeError("boom"))
            await stage.settle()
            said.append(said_at_the_end(stage.app))
            stage.app.handler_failed(RuntimeError("boom"))
            said.append(said_at_the_end(stage.app))
    assert said[0] == ""
    assert str(REPORT) in said[1]


async def test_a_failure_that_comes_again_is_shown_and_written_once(tmp_path: Path) -> None:
    written: list[BaseException] = []

    def note(error: BaseException) -> Path:
        written.append(error)
        path = tmp_path / f"report-{len(written)}"
        path.touch()
        return path

    async with staged(FakeBackend("lab", {}), report=note) as stage:
        stage.app.push_screen(BrokenOnKey())
        await stage.settle()
        await stage.press(*"aaaa")
        assert stage.toasts.count("Internal error") == 1
        assert len(written) == 1
        stage.app.show_internal_error(ValueError())
        await stage.settle()
        assert "report-2" in stage.toasts


async def test_an_upgrade_under_the_session_is_no_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gputui.redaction._BEGUN", 0.0)
    async with staged(FakeBackend("lab", {}), report=report) as stage:
        stage.app.show_internal_error(ImportError("cannot import name", name="gputui.screens.new"))
        await stage.settle()
        assert "Restart needed gputui" in stage.toasts
        assert "Quit gputui and start it again." in stage.toasts
        assert "Internal error" not in stage.toasts


@pytest.mark.parametrize("broken", ["_ended_by_leaving", "exit"])
async def test_a_program_that_cannot_be_left_in_the_usual_way_still_ends(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ""
    with pytest.raises(RuntimeError):
        async with staged(FakeBackend("lab", {}), report=report) as stage:
            if broken == "exit":
                stage.app.session.at_end(boom)
            else:
                monkeypatch.setattr(stage.app.session.program, broken, boom)
            await stage.press("q")
            said = said_at_the_end(stage.app)
    assert str(REPORT) in said


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
