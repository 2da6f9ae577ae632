"""What works in every view: the command bar, the palette, the help, going about, time and colours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.widgets import Input

from gputui.config.preview import UiSettings
from gputui.errors import UnavailableError
from gputui.history.history import History
from gputui.models import Action, Ref, Resource
from tests.screens.stage import Stage, staged
from tests.screens.world import backend, fail, instance, lab
from tests.storage import store


def typed(stage: Stage) -> str:
    """Return the text of the command bar."""
    return stage.view.query_one("#command Input", Input).value


# --- the command bar --------------------------------------------------------------------------------------------


async def test_a_command_is_completed_remembered_and_corrected(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db")
    fake = lab()
    fake.offered |= {Action.RESTART}
    async with staged(fake, history=history) as stage:
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

        # Up and down walk through earlier commands.
        await stage.press("escape")
        await stage.command("events")
        await stage.command("instances")
        await stage.press("colon", "up")
        assert typed(stage) == "instances"
        await stage.press("up")
        assert typed(stage) == "events"
        await stage.press("down", "down")
        assert typed(stage) == ""

        # The command bar goes to a view.
        await stage.press("escape")
        await stage.command("gpus")
        assert stage.title.startswith("GPUs")
        await stage.command("pods")
        assert stage.title.startswith("Instances")

        # An unknown command is reported and stays to be corrected.
        await stage.command("stpo train")
        assert "No command stpo." in stage.text
        assert "stop" in stage.text
        assert typed(stage) == "stpo train"
        await stage.press("escape", "j")
        assert stage.here == "fresh"

        # A name without a match is reported.
        await stage.command("stop nothing")
        assert "No match for nothing." in stage.toasts

        # A theme is chosen by name.
        for theme in ("nord", "gputui-light"):
            await stage.command(f"theme {theme}")
            assert stage.app.theme == theme
            assert "● running" in stage.text

        # An unknown theme is reported.
        await stage.command("theme nosuch")
        assert "No theme nosuch." in stage.toasts

        # Times switch between utc and local.
        await stage.command("utc")
        assert "Times are local." in stage.toasts

        # Quit leaves from anywhere.
        await stage.press("7")
        await stage.command("quit")
        assert stage.ended()
    history.close()


async def test_a_name_that_several_have_is_reported() -> None:
    twin = backend("lab-2", [instance("lab-2", "train")])
    async with staged(lab(), twin) as stage:
        await stage.command("stop train")
        assert "train matches several rows; name one of:\nlab/pod/train\nlab-2/pod/train" in stage.toasts
        assert not stage.in_dialog
        await stage.command("stop lab-2/pod/train")
        assert "Stop train in lab-2?" in stage.text

    hidden = replace(instance("hub", "train"), ref=Ref("hub", "container", "911c"))
    async with staged(lab(), backend("hub", [hidden])) as stage:
        await stage.command("stop train")
        assert "name one of:\nhub/container/train  running\nlab/pod/train" in stage.toasts


# --- palette and help -------------------------------------------------------------------------------------------


async def palette(stage: Stage, text: str) -> None:
    """Open the palette, look for something and take the first thing found."""
    await stage.press("ctrl+p")
    await stage.type(text)
    await stage.press("enter")


async def test_the_palette_finds_commands_and_instances() -> None:
    async with staged(lab()) as stage:
        await palette(stage, "Library")
        await stage.until(lambda: not stage.in_dialog and stage.title.startswith("Library"))

        # The palette finds an instance, and says why a command does not work here.
        await stage.press("7")
        await palette(stage, "jupyt")
        await stage.until(lambda: not stage.in_dialog and stage.here == "jupyter")


async def test_the_palette_finds_rows_of_every_list_and_accounts_by_a_part_of_the_name() -> None:
    pods = [instance("lab", "v-i-d"), instance("lab", "main-video")]
    async with staged(backend("lab", pods), store()) as stage:
        await stage.press("ctrl+p")
        await stage.type("vid")
        # A part of the name is before scattered letters.
        await stage.until(lambda: "main-video" in stage.text and "v-i-d" in stage.text)
        listed = [line for line in stage.lines if "pod in lab" in line]
        assert ["main-video" in line for line in listed] == [True, False]
        await stage.press("escape")

        # No view has needed this list yet: it is read. Its account is not shown: it is then.
        await palette(stage, "account lab")
        await stage.until(lambda: stage.app.session.account == "lab")
        await stage.press("ctrl+p")
        await stage.type("heckpoint")
        await stage.until_text("volume in yotta")
        await stage.press("enter")
        await stage.until(lambda: not stage.in_dialog and stage.view.NAME == "volumes")
        await stage.until(lambda: stage.here == "id-checkpoints")
        assert stage.app.session.account == "yotta"


async def test_a_palette_that_finds_nothing_says_which_lists_are_not_read() -> None:
    fake = store()
    fail(fake, UnavailableError("no"))
    async with staged(fake) as stage:
        await stage.press("ctrl+p")
        await stage.type("nosuchthing")
        await stage.until_text("Nothing has such a name. Not read: instances of yotta, ")


async def test_palette_and_help_say_that_no_custom_command_is_configured() -> None:
    async with staged(lab(), size=(120, 110)) as stage:
        await stage.press("ctrl+p")
        await stage.type("custom command")
        await stage.until(lambda: "none configured" in stage.line_of("Custom command"))
        await stage.press("escape", "question_mark")
        assert "none configured" in stage.line_of("Custom command")


async def test_the_help_lists_the_keys_that_work_here() -> None:
    async with staged(lab(), size=(120, 110)) as stage:
        await stage.press("C")
        assert "Compare GPUs: not in this view. It is in GPUs (5)." in stage.toasts
        await stage.press("4", "tab")
        assert stage.toasts.rstrip().endswith("Other pane: not in this view.")
        await stage.press("3", "H")
        assert "Snooze: not in this view. It is in Home (0) and Waste (:waste)." in stage.toasts
        stage.app.clear_notifications()
        await stage.command("transfers")
        await stage.command("files jupyter")
        assert "Copy files: not in this view. It is in Instances (3)." in stage.toasts
        await stage.press("q", "question_mark")
        assert "Keys in Instances" in stage.text
        for part in ("On this row", "ssh", "ctrl+\\", "Moving", "state:running"):
            assert part in stage.text
        assert "Other pane" not in stage.text


async def test_the_help_follows_the_rows_that_arrive_while_it_is_open() -> None:
    fake = lab()
    answer = fake.hold(Resource.INSTANCES)
    async with staged(fake, size=(120, 110)) as stage:
        await stage.press("question_mark")
        assert "no row" in stage.line_of("Log into the instance")
        answer.set()
        await stage.advance(1)
        await stage.until(lambda: ":ssh" in stage.line_of("Log into the instance"))


async def test_a_search_in_the_help_finds_words_that_two_columns_have_no_room_for() -> None:
    async with staged(lab(), size=(120, 40)) as stage:
        await stage.press("question_mark")
        assert "and balances" not in stage.text
        await stage.press("slash", *"balances", "enter")
        assert "1 line matches, line " in stage.text
        assert "Spending, budgets, prepaid time and balances" in stage.line_of(":cost")
        await stage.advance(2)
        assert "Spending, budgets, prepaid time and balances" in stage.line_of(":cost")


async def test_the_cursor_begins_on_the_first_row_although_the_help_was_opened_before_it_came() -> None:
    late = lab()
    answer = late.hold(Resource.INSTANCES)
    async with staged(late, backend("zoo", [instance("zoo", "zebra")])) as stage:
        assert stage.names == ["zebra"]
        await stage.press("question_mark")
        answer.set()
        await stage.advance(1)
        await stage.press("escape")
        assert stage.here == stage.names[0] != "zebra"


async def test_the_help_and_the_texts_show_the_keys_as_configured() -> None:
    ui = UiSettings(utc=True, mouse=False, keys={"ssh": "w", "table.down": "f7", "new": "A", "back": "f9"})
    async with staged(backend("lab"), ui=ui) as stage:
        assert "No instances in any account. Press A to create one." in stage.text
    async with staged(lab(), ui=ui, size=(120, 110)) as stage:
        assert stage.lines[-1].startswith(" w ssh")
        await stage.press("question_mark")
        assert "  w " in stage.line_of(":ssh")
        assert "f7 k " in stage.line_of("one row down, up")
        await stage.press("escape", "slash", *"zzz", "enter")
        assert "No row matches zzz. f9 clears the filter." in stage.text


# --- going about ------------------------------------------------------------------------------------------------


async def test_views_are_asked_for_while_one_looks_and_are_as_they_were_left() -> None:
    fake = lab()
    async with staged(fake) as stage:
        await stage.advance(30)
        assert fake.calls[Resource.STOCK] == 0
        await stage.press("1")
        await stage.advance(0)
        assert fake.calls[Resource.STOCK] == 1

        # Numbers change the view and q comes back to the first.
        for key, heading in (("1", "Stock"), ("4", "Events"), ("5", "GPUs"), ("7", "Library › Images")):
            await stage.press(key)
            assert stage.title.startswith(heading)
        await stage.press("3")
        assert stage.title.startswith("Instances")

        # R asks now.
        before = fake.calls[Resource.INSTANCES]
        await stage.press("r")
        assert fake.calls[Resource.INSTANCES] == before + 1

        # The cursor of a view is where it was left.
        await stage.press("j", "j", "7", "3")
        assert stage.here == "jupyter"

        # A scope from one view returns to the row.
        await stage.press("end", "e")
        assert stage.view.scope == Ref("lab", "pod", "train")
        assert stage.title.startswith("train › Events")
        await stage.press("escape")
        assert stage.title.startswith("Instances")
        assert stage.here == "train"

        # A view seen again has caught up.
        await stage.press("7")
        fake.rows[Resource.INSTANCES] = [instance("lab", "new-one")]
        await stage.advance(120)
        await stage.press("3")
        assert stage.names == ["new-one"]


# --- looks ------------------------------------------------------------------------------------------------------


async def test_many_accounts_become_a_count_and_the_troubled_keep_their_names() -> None:
    names = [f"account-{number:02}" for number in range(10)]
    fakes = [backend(name, [instance(name, "main")]) for name in names]
    async with staged(*fakes, size=(80, 24)) as stage:
        assert "10 of 10 accounts" in stage.header
