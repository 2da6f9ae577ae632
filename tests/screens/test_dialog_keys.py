"""Keys of dialogs are those of the key map, and each dialog names the ones that it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.content import Content

from gputui.config.preview import UiSettings
from gputui.screens import dialogs
from gputui.screens.base.view import View
from gputui.screens.dialogs.reader import Reader
from tests.screens.cloud import Cloud
from tests.screens.queues import busy
from tests.screens.stage import staged
from tests.screens.world import lab

CANCEL = {"dialog.cancel": "f1"}


def with_keys(**keys: str) -> UiSettings:
    """Return settings in which these bindings, by their ids with ``__`` for the dot, have other keys."""
    ids = {name.replace("__", ".").replace("_", "-"): key for name, key in keys.items()}
    return UiSettings(utc=True, mouse=False, keys=CANCEL | ids)


async def test_a_reader_is_searched_copied_and_closed_with_the_keys_that_it_names() -> None:
    ui = with_keys(reader__find="f2", text__next="f3", text__previous="f4,f5", reader__copy="f6")
    async with staged(lab(), ui=ui) as stage:
        await stage.press("d")
        assert "f2 find   f3 f4 next, previous   f6 copy all   f1 close" in stage.text
        await stage.press("f2", "m", "enter")
        assert "lines match, line" in stage.text
        assert "f3 f4 next, previous   f1 close" in stage.text
        await stage.press("f6")
        assert "Copied." in stage.toasts
        await stage.press("escape")
        assert stage.dialogs == ["LinkedReaderDialog"]
        await stage.press("f1")
        assert stage.dialogs == []


async def test_json_is_folded_and_searched_with_the_keys_that_it_names() -> None:
    ui = with_keys(json__toggle="f2", json__fold_all="f3", json__next="f4", json__save="f5")
    async with staged(busy(), view="8", ui=ui) as stage:
        await stage.press("enter")
        assert "f2 fold  + f3 all  / find  c C copy  y raw  f5 save  f1 close" in stage.text
        await stage.press("f3")
        assert "lighthouse" not in stage.text
        await stage.press("slash", *"prompt", "enter")
        assert "f4 N next, previous   f1 close" in stage.text
        await stage.press("f1")
        assert stage.dialogs == []


async def test_a_form_is_reviewed_saved_and_left_with_the_keys_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPUTUI_CONFIG", str(tmp_path / "config.toml"))
    ui = with_keys(form__go_on="f2", form__preview="f3", form__load="f4", form__save="f5", choices__down="f6")
    async with staged(Cloud("hub"), view="2", ui=ui) as stage:
        await stage.press("n")
        buttons = ("Review  f2", "f3 dry run", "f4 load", "f5 save as template")
        assert [button for button in buttons if button not in stage.text] == []
        await stage.press("f4")
        assert "No template is saved yet: f5 saves what is filled in." in stage.toasts
        await stage.press("f2")
        assert "Name required" in stage.text
        await stage.type("exp-1")
        await stage.press("f5")
        assert "A name for it. enter to continue, f1 to cancel" in stage.text
        await stage.press("f1", "f1")
        assert "f1 again discards your input; f5 keeps it as a template" in stage.text
        await stage.press("f1")
        assert stage.dialogs == []


async def test_numbers_of_two_digits_are_no_keys_of_a_menu() -> None:
    async with staged(lab()) as stage:
        menu = dialogs.MenuDialog("Many", [dialogs.Choice(f"v{n}", f"line-{n}", str(n)) for n in range(1, 12)])
        answers: list[object] = []
        stage.app.push_screen(menu, answers.append)
        await stage.settle()
        assert "9  line-9" in stage.text
        assert "10  line-10" not in stage.text
        await stage.press("9")
        assert answers == ["v9"]


async def test_a_menu_names_the_key_that_cancels() -> None:
    async with staged(lab(), ui=with_keys()) as stage:
        await stage.press("a")
        assert "enter to choose, f1 to cancel" in stage.text
        await stage.press("f1")
        assert isinstance(stage.app.screen, View)


async def test_a_text_that_comes_while_its_reader_closes_is_dropped() -> None:
    lines = [Content("one"), Content("two")]
    plain, linked = dialogs.ReaderDialog("Plain", lines), dialogs.LinkedReaderDialog("Linked", lines, {})
    json, hinted = dialogs.JsonReaderDialog("JSON", "task"), dialogs.JsonReaderDialog("JSON", "task")
    late: list[tuple[Reader[Any], Callable[[], None]]] = [
        (plain, lambda: plain.set_lines(lines)),
        (linked, lambda: linked.set_linked(lines, {1: "there"})),
        (json, lambda: json.set_content((), (), "")),
        (hinted, lambda: hinted.show_hint("stale")),
    ]
    async with staged(lab()) as stage:
        for reader, show in late:
            await stage.app.push_screen(reader)
            closing = asyncio.ensure_future(_closed(reader))
            while not closing.done():  # at every step of its removal
                show()
                await asyncio.sleep(0)
            show()
            await closing
            assert stage.dialogs == []


async def _closed(reader: Reader[Any]) -> None:
    await reader.dismiss(None)


async def test_the_details_of_a_menu_are_made_once_for_the_same_room() -> None:
    made: list[int] = []

    def details(width: int, room: int) -> list[Content]:
        made.append(room)
        return [Content(f"{room} lines")]

    async with staged(lab(), size=(120, 40)) as stage:
        stage.app.push_screen(dialogs.MenuDialog("Several", [dialogs.Choice("a", "a")], details=details))
        await stage.settle()
        assert len(made) == 1
        await stage.resize(80, 24)
        assert len(made) == 2
        assert made[1] < made[0]
        assert f"{made[1]} lines" in stage.text
