"""Whatever handler raises, the failure is shown with its report: all commands, actions and message handlers."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from textual.dom import DOMNode
from textual.events import Event, InputEvent
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen

import gputui.screens
import gputui.screens.dialogs
import gputui.widgets
from gputui.app.app import GputuiApp
from gputui.commands import COMMANDS
from gputui.screens.base.view import View
from gputui.screens.base.view_commands import ViewCommands
from gputui.screens.commands import listing
from gputui.screens.commands.inspect import InspectCommands
from gputui.screens.palette import PaletteDialog
from tests.fleet.fakes import FakeBackend, settle
from tests.screens.stage import Stage, staged
from tests.screens.world import lab

REPORT = Path("/somewhere/report.txt")
SHOWN = f"Internal error RuntimeError. The report, without secrets, is in {REPORT}"
PACKAGES = (gputui.screens, gputui.widgets)


def report(_error: BaseException) -> Path:
    return REPORT


def boom(*_: object, **__: object) -> None:
    raise RuntimeError("boom")


def nodes() -> Iterator[type[DOMNode]]:
    """Every screen, dialog and widget of the program, and the app."""
    yield GputuiApp
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
                if kind.__module__ == module.name and issubclass(kind, DOMNode):
                    yield kind


def functions(kind: type) -> dict[str, Any]:
    return {name: member for name, member in vars(kind).items() if inspect.isfunction(member)}


def kinds_of_message(root: type[Message] = Message) -> Iterator[type[Message]]:
    for kind in root.__subclasses__():
        yield kind
        yield from kinds_of_message(kind)


class Handler(NamedTuple):
    """A method that Textual calls with a message."""

    kind: type[DOMNode]
    name: str
    message: type[Message]

    @property
    def follows_from_input(self) -> bool:
        """Whether the program continues when it raises: it was not about to compose, mount or draw something."""
        return issubclass(self.message, InputEvent) or not issubclass(self.message, Event)

    def breaks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Replace its body by one that raises."""
        decorated = vars(self.kind).get("_decorated_handlers", {})
        if self.message in decorated:
            monkeypatch.setitem(decorated, self.message, [(boom, {})])
        else:
            monkeypatch.setattr(self.kind, self.name, boom)


def handlers() -> list[Handler]:
    """Return every handler of a message in the program."""
    by_name = {f"{private}{kind.handler_name}": kind for kind in kinds_of_message() for private in ("", "_")}
    found = []
    for kind in nodes():
        if kind is GputuiApp:
            continue
        for message, methods in vars(kind).get("_decorated_handlers", {}).items():
            found += [Handler(kind, method.__name__, message) for method, _ in methods]
        for name, function in functions(kind).items():
            if name.startswith(("on_", "_on_")) and name in by_name and not hasattr(function, "_textual_on"):
                found.append(Handler(kind, name, by_name[name]))
    return found


def made(kind: type[DOMNode]) -> Any:
    """Return one of these as Textual makes it, without what the program needs to fill it."""
    node = kind.__new__(kind)
    base = next(base for base in kind.__mro__ if base.__module__.startswith("textual.") and issubclass(base, DOMNode))
    base.__init__(node)
    return node


async def shown(stage: Stage) -> bool:
    """Whether the failure is shown with its report; forgets it."""
    await settle()
    found = SHOWN in stage.toasts
    stage.app.clear_notifications()
    stage.app._failures.input_came()
    return found and not stage.app._exit


def test_every_handler_is_known_by_its_message() -> None:
    found = {(handler.kind, handler.name) for handler in handlers()}
    named = {
        (kind, name)
        for kind in nodes()
        if kind is not GputuiApp
        for name, function in functions(kind).items()
        if name.startswith(("on_", "_on_")) or hasattr(function, "_textual_on")
    }
    own = {(kind, name) for kind, name in named if name not in vars(MessagePump)}
    assert own == found
    assert len(found) > 90


async def test_every_command_that_raises_is_shown_with_its_report(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(lab(), report=report) as stage:
        monkeypatch.setattr(ViewCommands, "offers", lambda *_: True)
        silent = []
        for command in COMMANDS:
            with monkeypatch.context() as patch:
                patch.setattr(stage.view.commands, "handler_of", lambda _: boom)
                await stage.view.run_action(f"command('{command.id}')")
                if not await shown(stage):
                    silent.append(command.id)
        assert silent == []


async def test_a_command_that_raises_is_shown_however_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(lab(), report=report) as stage:
        monkeypatch.setattr(InspectCommands, "do_describe", boom)
        await stage.press("d")
        assert await shown(stage)
        await stage.command("describe train")
        assert await shown(stage)
        await stage.press("ctrl+p")
        await stage.type("describe")
        await stage.until_text("Everything known about it")
        await stage.press("down", "enter")
        assert await shown(stage)
        await stage.press("a")
        await stage.type("d")
        await stage.press("question_mark")
        assert stage.in_dialog  # the program continues


async def test_a_palette_that_finds_nothing_for_a_failure_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(FakeBackend("lab", {}), report=report) as stage:
        await stage.press("ctrl+p")
        monkeypatch.setattr(PaletteDialog, "_matching", boom)
        await stage.press("d")
        assert await shown(stage)
        await stage.press("escape")
        monkeypatch.setattr(listing, "reason", boom)
        await stage.press("ctrl+p")
        assert await shown(stage)
        assert not stage.in_dialog


async def test_every_action_that_raises_is_shown_with_its_report(monkeypatch: pytest.MonkeyPatch) -> None:
    actions = [(kind, name) for kind in nodes() for name in functions(kind) if name.startswith("action_")]
    assert len(actions) > 50
    async with staged(FakeBackend("lab", {}), report=report) as stage:
        silent = []
        for kind, name in actions:
            with monkeypatch.context() as patch, stage.app._context():
                patch.setattr(kind, name, boom)
                node = stage.app if kind is GputuiApp else made(kind)
                await stage.app.run_action(("", name.removeprefix("action_"), ()), node)
                if not await shown(stage):
                    silent.append(f"{kind.__name__}.{name}")
        assert silent == []


async def test_every_message_handler_that_raises_is_shown_or_ends_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with staged(FakeBackend("lab", {}), report=report) as stage:
        wrong = []
        for handler in handlers():
            with monkeypatch.context() as patch, stage.app._context():
                handler.breaks(patch)
                node = made(handler.kind)
                message = handler.message.__new__(handler.message)
                Message.__init__(message)
                ends = False
                try:
                    await node._dispatch_message(message)
                except RuntimeError:
                    ends = True  # Textual's message loop, which called this, ends the program with what it raises
                if (ends, await shown(stage)) != (not handler.follows_from_input, handler.follows_from_input):
                    wrong.append(f"{handler.kind.__name__}.{handler.name}({handler.message.__name__})")
        assert wrong == []


@pytest.mark.parametrize("name", ["on_resize", "on_screen_resume"])
async def test_a_view_that_cannot_be_drawn_ends_the_program_with_its_report(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = next(found for found in handlers() if found.kind is View and found.name == name)
    said = ""
    with pytest.raises(RuntimeError):
        async with staged(FakeBackend("lab", {}), report=report) as stage:
            handler.breaks(monkeypatch)
            message = handler.message.__new__(handler.message)
            Message.__init__(message)
            assert isinstance(stage.app.screen, Screen)
            stage.app.screen.post_message(message)
            await stage.settle()
            said = "\n".join(str(text) for text in stage.app._exit_renderables)
    assert f"gputui failed: RuntimeError. The report, without secrets, is in {REPORT}" in said
