"""What works in every view: the command bar, the palette, the help, going about, time and colours."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from gputui.config.preview import UiSettings
from gputui.history.history import History
from gputui.models import Action, Ref, Resource
from tests.screens.stage import Stage, attic, backend, instance, lab, staged


def typed(stage: Stage) -> str:
    """Return what stands in the command bar."""
    return stage.view.query_one("#command Input", Input).value


# --- the command bar --------------------------------------------------------------------------------------------


async def test_the_command_bar_goes_to_a_view() -> None:
    async with staged(lab()) as stage:
        await stage.command("gpus")
        assert stage.title.startswith("GPUs")
        await stage.command("pods")
        assert stage.title.startswith("Instances")


async def test_tab_completes_commands_and_names() -> None:
    fake = lab()
    fake.offered |= {Action.RESTART}
    async with staged(fake) as stage:
        await stage.press("colon")
        await stage.type("resta")
        assert "restart" in stage.text
        await stage.press("tab")
        assert typed(stage) == "restart "
        await stage.type("tr")
        await stage.press("tab")
        assert typed(stage) == "restart train"
        await stage.press("enter")
        assert "Restart train in lab?" in stage.text


async def test_up_and_down_walk_through_earlier_commands(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db")
    async with staged(lab(), history=history) as stage:
        await stage.command("events")
        await stage.command("instances")
        await stage.press("colon", "up")
        assert typed(stage) == "instances"
        await stage.press("up")
        assert typed(stage) == "events"
        await stage.press("down", "down")
        assert typed(stage) == ""
    history.close()


async def test_an_unknown_command_is_told_and_stays_to_be_mended() -> None:
    async with staged(lab()) as stage:
        await stage.command("stpo train")
        assert "No command stpo." in stage.text
        assert "stop" in stage.text
        assert typed(stage) == "stpo train"
        await stage.press("escape", "j")
        assert stage.here == "fresh"


async def test_a_name_that_nothing_has_is_told() -> None:
    async with staged(lab()) as stage:
        await stage.command("stop nobody")
        assert "No match for nobody." in stage.toasts


async def test_a_name_that_several_have_is_told() -> None:
    twin = backend("lab-2", [instance("lab-2", "train")])
    async with staged(lab(), twin) as stage:
        await stage.command("stop train")
        assert "train is ambiguous: lab/pod/train, lab-2/pod/train." in stage.toasts
        assert not stage.in_dialog
        await stage.command("stop lab-2/pod/train")
        assert "Stop train in lab-2?" in stage.text


async def test_quit_leaves_from_anywhere() -> None:
    async with staged(lab()) as stage:
        await stage.press("7")
        await stage.command("quit")
        assert stage.ended()


# --- palette and help -------------------------------------------------------------------------------------------


async def palette(stage: Stage, text: str) -> None:
    """Open the palette, look for something and take the first thing found."""
    await stage.press("ctrl+p")
    await stage.type(text)
    await stage.until(lambda: len(stage.app.screen.query("CommandList").last()._options) > 0)  # type: ignore[attr-defined]
    await stage.press("enter")


async def test_the_palette_finds_a_command() -> None:
    async with staged(lab()) as stage:
        await palette(stage, "Library")
        await stage.until(lambda: not stage.in_dialog and stage.title.startswith("Library"))


async def test_the_palette_finds_an_instance() -> None:
    async with staged(lab()) as stage:
        await stage.press("7")
        await palette(stage, "jupyt")
        await stage.until(lambda: not stage.in_dialog and stage.here == "jupyter")


async def test_the_help_lists_the_keys_that_work_here() -> None:
    async with staged(lab(), size=(120, 100)) as stage:
        await stage.press("question_mark")
        assert "Keys in Instances" in stage.text
        for part in ("On this row", "ssh", "ctrl+\\", "Moving", "state:running"):
            assert part in stage.text
        assert "Other pane" not in stage.text


async def test_the_help_shows_the_keys_as_configured() -> None:
    ui = UiSettings(utc=True, mouse=False, keys={"ssh": "w", "table.down": "f7"})
    async with staged(lab(), ui=ui, size=(120, 110)) as stage:
        assert stage.lines[-1].startswith(" w ssh")
        await stage.press("question_mark")
        assert "  w " in stage.line_of(":ssh")
        assert "f7 k " in stage.line_of("one row down, up")


async def test_texts_name_the_keys_as_configured() -> None:
    ui = UiSettings(utc=True, mouse=False, keys={"new": "A", "back": "f9"})
    async with staged(backend("lab"), ui=ui) as stage:
        assert "No instances in any account. Press A to create one." in stage.text
    async with staged(lab(), ui=ui) as stage:
        await stage.press("slash", *"zzz", "enter")
        assert "No row matches zzz. f9 clears the filter." in stage.text


# --- going about ------------------------------------------------------------------------------------------------


async def test_numbers_change_the_view_and_q_comes_back_to_the_first() -> None:
    async with staged(lab()) as stage:
        for key, heading in (("1", "Stock"), ("4", "Events"), ("5", "GPUs"), ("7", "Library › Images")):
            await stage.press(key)
            assert stage.title.startswith(heading)
        await stage.press("3")
        assert stage.title.startswith("Instances")


async def test_what_nobody_looks_at_is_not_asked_for() -> None:
    fake = lab()
    async with staged(fake) as stage:
        await stage.advance(30)
        assert fake.calls[Resource.STOCK] == 0
        await stage.press("1")
        await stage.advance(0)
        assert fake.calls[Resource.STOCK] == 1


async def test_r_asks_now() -> None:
    fake = lab()
    async with staged(fake) as stage:
        before = fake.calls[Resource.INSTANCES]
        await stage.press("r")
        assert fake.calls[Resource.INSTANCES] == before + 1


async def test_a_view_seen_again_has_caught_up() -> None:
    fake = lab()
    async with staged(fake) as stage:
        await stage.press("7")
        fake.rows[Resource.INSTANCES] = [instance("lab", "new-one")]
        await stage.advance(120)
        await stage.press("3")
        assert stage.names == ["new-one"]


async def test_the_cursor_of_a_view_is_where_it_was_left() -> None:
    async with staged(lab()) as stage:
        await stage.press("j", "j", "7", "3")
        assert stage.here == "jupyter"


# --- looks ------------------------------------------------------------------------------------------------------


async def test_times_switch_between_utc_and_local() -> None:
    async with staged(lab()) as stage:
        await stage.command("utc")
        assert "Times are local." in stage.toasts


@pytest.mark.parametrize("theme", ["gputui-light", "nord"])
async def test_a_theme_is_chosen_by_name(theme: str) -> None:
    async with staged(lab()) as stage:
        await stage.command(f"theme {theme}")
        assert stage.app.theme == theme
        assert "● running" in stage.text


async def test_an_unknown_theme_is_told() -> None:
    async with staged(lab()) as stage:
        await stage.command("theme nosuch")
        assert "No theme nosuch." in stage.toasts


async def test_many_accounts_become_a_count_and_the_troubled_keep_their_names() -> None:
    names = [f"account-{number:02}" for number in range(20)]
    fakes = [backend(name, [instance(name, "main")]) for name in names]
    async with staged(*fakes, size=(80, 24)) as stage:
        assert "20 of 20 accounts" in stage.header


async def test_a_scope_from_one_view_leads_back_to_the_row() -> None:
    async with staged(lab(), attic()) as stage:
        await stage.press("G", "e")
        assert stage.view.scope == Ref("lab", "pod", "train")
        assert stage.title.startswith("train › Events")
        await stage.press("escape")
        assert stage.title.startswith("Instances")
        assert stage.here == "train"
