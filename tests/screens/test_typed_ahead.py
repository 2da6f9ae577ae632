"""Keys that come faster than the screen: in one burst they do what they do one after another, and nothing twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gputui.models import Action
from tests.screens.changing import creating, sent
from tests.screens.stage import Stage, staged
from tests.screens.world import attic, lab

BURSTS = {
    "a filter": ["/", *"train"],
    "a filter of commands' letters": ["/", *"qXD", "enter"],
    "a command and more keys": [":", *"stop train", "enter", *"XDjk"],
    "a command that is mended": [":", *"stpo", "enter", "escape", "j"],
    "one description": ["d", "q"],
    "three times the same": ["X", "X", "X"],
    "another view and its row": ["5", "j", "j", "p"],
    "a menu and its question": ["end", "a", "X", "right", "enter"],
    "a search in a text": ["d", "/", *"root", "enter", "n", "escape", "end"],
    "a mark, a question, its answer": ["space", "space", "X", "2", "enter"],
    "the account, by menu": ["at", "2", "7", "j"],
}


class Outcome(NamedTuple):
    """All that one can see after some keys."""

    text: str
    here: str
    dialogs: list[str]
    ended: bool
    sent: dict[Action, int]
    mode: str


async def afresh(stage: Stage) -> None:
    """Close what is in front, clear filter, marks and messages, and begin at the first instance."""
    await stage.press("3")
    for _ in range(3):
        if stage.in_dialog or "/" in stage.title or not stage.title.startswith("Instances"):
            await stage.press("escape")
    stage.app.clear_notifications()
    await stage.press("ctrl+backslash", "g")
    assert stage.title.startswith("Instances")
    assert "/" not in stage.title
    assert (stage.dialogs, stage.table.marked, stage.ended()) == ([], [], False)


async def outcomes(press: Callable[[Stage, list[str]], Awaitable[None]]) -> dict[str, Outcome]:
    """Return what one sees after each of the bursts, pressed like this one after another."""
    fake = lab()
    found: dict[str, Outcome] = {}
    async with staged(fake, attic()) as stage:
        await stage.press("5", "3")
        for name, keys in BURSTS.items():
            await afresh(stage)
            await press(stage, keys)
            await stage.advance(0)
            found[name] = Outcome(
                stage.text, stage.here, stage.dialogs, stage.ended(), sent(fake), stage.app.current_mode
            )
    return found


async def test_a_burst_does_what_its_keys_do_one_by_one() -> None:
    slow = await outcomes(lambda stage, keys: stage.press(*keys))
    quick = await outcomes(lambda stage, keys: stage.burst(*keys))
    for name, wanted in slow.items():
        assert quick[name] == wanted, name
    # The keys reach what they are meant to reach: views, dialogs and the server.
    assert {outcome.mode for outcome in quick.values()} >= {"instances", "gpus", "library"}
    assert quick["three times the same"].dialogs == ["ConfirmDialog"]
    assert "/ qXD" in quick["a filter of commands' letters"].text
    assert quick["a command and more keys"].dialogs == ["ConfirmDialog"]
    assert "Stop train in lab?" in quick["a command and more keys"].text
    assert quick["a command and more keys"].sent == {}
    assert quick["a menu and its question"].sent == {Action.STOP: 1}
    assert quick["a mark, a question, its answer"].sent == {Action.STOP: 1 + 2}


async def test_keys_without_use_in_a_text_are_not_carried_out_in_the_list_under_it() -> None:
    async with staged(lab(), attic()) as stage:
        await stage.press("j")
        before = stage.here
        for key in ("k", "j", "pagedown", "end", "space"):
            await stage.press("d")
            await stage.burst(key, "q")
            assert (stage.dialogs, stage.here, stage.table.marked) == ([], before, []), key
        await stage.burst("/", *"DXqS")
        assert "/ DXqS" in stage.title
        assert not stage.in_dialog
        assert not stage.ended()


# --- a key that comes twice -------------------------------------------------------------------------------------


async def test_escape_twice_or_q_twice_closes_what_is_in_front_once() -> None:
    fake = creating()
    fake.offered |= {Action.START}
    async with staged(fake, attic()) as stage:
        await stage.press("5", "3")
        for opening, key in (
            (["a"], "escape"),
            (["x"], "escape"),
            (["end", "D"], "escape"),
            (["X"], "escape"),
            (["n", "1"], "escape"),
            (["d"], "escape"),
            (["d"], "q"),
        ):
            await stage.press(*opening)
            assert len(stage.dialogs) == 1, opening
            await stage.burst(key, key)
            assert stage.dialogs == [], opening
            assert stage.title.startswith("Instances")
            assert not stage.ended()
        await stage.burst("d", "q")
        assert stage.dialogs == []
        assert not stage.ended()
        assert stage.app._exception is None
        assert sent(fake) == {}


async def test_enter_twice_in_a_menu_chooses_once() -> None:
    fake = lab()
    async with staged(fake) as stage:
        await stage.press("end", "a")
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
    fake = lab().without_ssh()
    async with staged(fake) as stage:
        await stage.press("end", "x")
        await stage.burst(*"ls", "enter", "enter")
        assert sent(fake) == {Action.EXEC: 1}
        assert "Run › ls" in stage.title


async def test_yes_twice_sends_once() -> None:
    fake = lab()
    answer = fake.hold(Action.STOP)
    async with staged(fake) as stage:
        await stage.press("end", "X", "right")
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
        await stage.press("end", "D")
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
        await stage.burst("end", "d", "escape", "escape")
        assert stage.dialogs == []
        answer.set()
        await stage.settle()
        assert stage.dialogs == []
        assert stage.app._exception is None
