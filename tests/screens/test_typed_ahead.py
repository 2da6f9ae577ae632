"""Keys that come faster than the screen: in one burst they do what they do one after another, and nothing twice."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import pytest

from gputui.models import Action
from tests.fleet.fakes import FakeBackend
from tests.screens.changing import creating, sent
from tests.screens.stage import Stage, attic, lab, staged

BURSTS = {
    "a filter": ["/", *"train"],
    "a filter of commands' letters": ["/", *"qXD", "enter"],
    "a command with a name": [":", *"stop train", "enter"],
    "a command and more keys": [":", *"stop train", "enter", *"XDjk"],
    "a command that is mended": [":", *"stpo", "enter", "escape", "j"],
    "one description": ["d", "q"],
    "three times the same": ["X", "X", "X"],
    "another view and its row": ["5", "j", "j", "p"],
    "a mark, a question, its answer": ["space", "space", "X", "2", "enter"],
    "a menu and its question": ["G", "a", "X", "right", "enter"],
    "a search in a text": ["d", "/", *"root", "enter", "n", "escape", "G"],
    "the account, by menu": ["at", "2", "7", "j"],
}


def place() -> AbstractAsyncContextManager[Stage]:
    return staged(lab(), attic())


async def seen(stage: Stage, fake: FakeBackend) -> tuple[object, ...]:
    await stage.advance(0)
    return stage.text, stage.here, stage.dialogs, stage.ended(), sent(fake), stage.app.current_mode


@pytest.mark.parametrize("keys", BURSTS.values(), ids=BURSTS)
async def test_a_burst_does_what_its_keys_do_one_by_one(keys: list[str]) -> None:
    slow, quick = lab(), lab()
    async with staged(slow, attic()) as stage:
        await stage.press("5", "3")
        await stage.press(*keys)
        wanted = await seen(stage, slow)
    async with staged(quick, attic()) as stage:
        await stage.press("5", "3")
        await stage.burst(*keys)
        assert await seen(stage, quick) == wanted


async def test_a_description_closed_in_the_same_breath_leaves_the_program_running() -> None:
    async with place() as stage:
        await stage.burst("d", "q")
        assert stage.dialogs == []
        assert not stage.ended()


@pytest.mark.parametrize("key", ["k", "j", "pagedown", "G", "space"])
async def test_a_key_without_use_in_a_text_is_not_carried_out_in_the_list_under_it(key: str) -> None:
    async with place() as stage:
        await stage.press("j", "d")
        before = stage.here
        await stage.burst(key, "q")
        assert (stage.dialogs, stage.here, stage.table.marked) == ([], before, [])


async def test_the_text_of_a_filter_is_not_done_as_commands() -> None:
    async with place() as stage:
        await stage.burst("/", *"DXqS")
        assert "/ DXqS" in stage.title
        assert not stage.in_dialog
        assert not stage.ended()


async def test_what_follows_a_command_does_not_reach_behind_its_question() -> None:
    fake = lab()
    async with staged(fake) as stage:
        await stage.burst(":", *"stop train", "enter", *"XDjS")
        assert stage.dialogs == ["ConfirmDialog"]
        assert "Stop train in lab?" in stage.text
        assert sent(fake) == {}


# --- a key that comes twice -------------------------------------------------------------------------------------


async def test_one_question_however_often_it_is_asked_for() -> None:
    async with place() as stage:
        await stage.burst("X", "X", "X")
        assert stage.dialogs == ["ConfirmDialog"]


OPENINGS = {
    "menu": ["a"],
    "prompt": ["x"],
    "typed": ["G", "D"],
    "confirm": ["X"],
    "form": ["n", "1"],
    "reader": ["d"],
}


@pytest.mark.parametrize("opening", OPENINGS.values(), ids=OPENINGS)
async def test_escape_twice_closes_what_is_in_front_once(opening: list[str]) -> None:
    fake = creating()
    fake.offered |= {Action.START}
    async with staged(fake, attic()) as stage:
        await stage.press("5", "3", *opening)
        assert len(stage.dialogs) == 1
        await stage.burst("escape", "escape")
        assert stage.dialogs == []
        assert stage.title.startswith("Instances")
        assert not stage.ended()
        assert stage.app._exception is None
        assert sent(fake) == {}


async def test_enter_twice_in_a_menu_chooses_once() -> None:
    fake = lab()
    async with staged(fake) as stage:
        await stage.press("G", "a")
        menu = stage.text
        await stage.burst("X", "X")
        assert "Stop train in lab?" in stage.text
        assert stage.dialogs == ["ConfirmDialog"]
        await stage.press("escape", "a")
        assert stage.text == menu
        await stage.burst("down", "down", "enter", "enter")
        assert len(stage.dialogs) <= 1
        assert sent(fake) == {}


async def test_enter_twice_in_a_prompt_runs_the_command_once() -> None:
    fake = lab()
    async with staged(fake) as stage:
        await stage.press("G", "x")
        await stage.burst(*"ls", "enter", "enter")
        assert sent(fake) == {Action.EXEC: 1}
        assert stage.dialogs == ["ReaderDialog"]
        assert "ran ls" in stage.text


async def test_yes_twice_sends_once() -> None:
    fake = lab()
    answer = fake.hold(Action.STOP)
    async with staged(fake) as stage:
        await stage.press("G", "X", "right")
        await stage.burst("enter", "enter")
        assert sent(fake) == {Action.STOP: 1}
        assert "ConfirmDialog" not in stage.dialogs
        answer.set()
        await stage.advance(1)
        assert sent(fake) == {Action.STOP: 1}
        assert stage.app._exception is None


async def test_a_typed_word_and_enter_twice_deletes_once() -> None:
    fake = lab()
    answer = fake.hold(Action.DELETE)
    async with staged(fake) as stage:
        await stage.press("G", "D")
        await stage.burst(*"train", "enter", "enter")
        assert sent(fake) == {Action.DELETE: 1}
        assert "ConfirmDialog" not in stage.dialogs
        answer.set()
        await stage.advance(1)
        assert sent(fake) == {Action.DELETE: 1}


async def test_enter_twice_at_the_end_of_a_form_asks_and_does_not_create() -> None:
    fake = creating()
    async with staged(fake) as stage:
        await stage.press("n")
        await stage.type("exp-1")
        await stage.press("tab", "tab", "tab", "tab")
        await stage.burst("enter", "enter")
        assert sent(fake) == {}
        assert len(stage.dialogs) == 1


async def test_yes_twice_to_a_create_creates_once() -> None:
    fake = creating()
    async with staged(fake) as stage:
        await stage.press("n")
        await stage.type("exp-1")
        await stage.press("tab", "tab", "enter")
        assert "Create this pod in lab?" in stage.text
        await stage.burst("right", "enter", "enter")
        await stage.advance(1)
        assert sent(fake) == {Action.CREATE: 1}
        assert "FormDialog" not in stage.dialogs


async def test_closing_a_text_twice_while_it_is_still_awaited() -> None:
    fake = lab()
    answer = fake.hold("fetch")
    async with staged(fake) as stage:
        await stage.burst("G", "d", "escape", "escape")
        assert stage.dialogs == []
        answer.set()
        await stage.settle()
        assert stage.dialogs == []
        assert stage.app._exception is None


async def test_a_doubled_q_closes_the_description_and_does_not_quit() -> None:
    async with staged(lab()) as stage:
        await stage.press("d")
        await stage.burst("q", "q")
        assert not stage.dialogs
        assert stage.app.return_code is None
        assert stage.app.is_running
