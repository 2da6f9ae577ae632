"""Views saved under names: saved, gone to, changed, and begun with."""

from __future__ import annotations

from pathlib import Path

from gputui.history.history import History
from gputui.history.preferences import Preferences
from gputui.history.saved_views import SavedView, SavedViews
from gputui.screens.commands.saved_views import description
from tests.screens.stage import Stage, staged
from tests.screens.world import attic, lab


def with_saved(*saved: SavedView) -> Preferences:
    """Return preferences with these saved views."""
    preferences = Preferences()
    for one in saved:
        SavedViews(preferences).add(one)
    return preferences


async def say(stage: Stage, name: str, said: str) -> None:
    """Give the command with a name, and wait for what it says; it reads the file in a thread."""
    await stage.command(f"view {name}")
    await stage.until(lambda: said in stage.toasts, said)


async def test_a_new_name_saves_the_view_and_the_name_goes_there_later(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db")
    async with staged(lab(), attic(), preferences=history.preferences("")) as stage:
        await stage.command("account lab")
        await stage.command("filter train")
        await stage.press("I")
        order = stage.table.sort
        await say(stage, "night run", "New view saved as night run: instances, / train, by")
        assert "Delete it in :view." in stage.toasts
        await stage.press("I", "escape")  # the filter and the account are cleared
        await stage.press("4")
        await stage.command("view night run")
        await stage.until(lambda: stage.view.NAME == "instances")
        await stage.settle()
        assert (stage.names, stage.table.sort, stage.app.session.account) == (["train"], order, "lab")
        assert "/ train" in stage.title
    history.close()

    preferences = History(tmp_path / "history.db").preferences("")
    async with staged(lab(), attic(), preferences=preferences, start="night run") as stage:
        assert (stage.names, stage.table.sort, stage.app.session.account) == (["train"], order, "lab")
        await stage.press("ctrl+p")
        await stage.type("view night")
        await stage.until_text("View night run")


async def test_the_beginning_of_a_name_goes_there_and_a_mistyped_one_saves_nothing_unasked() -> None:
    saved = (SavedView(name, "events") for name in ("Night shift", "night run", "costly"))
    async with staged(lab(), preferences=with_saved(*saved)) as stage:
        names = {one.name for one in stage.app.session.saved_views.all()}

        def saved_now() -> set[str]:
            return {one.name for one in stage.app.session.saved_views.all()}

        await say(stage, "night", "Several saved views begin with night: night run, Night shift.")
        await stage.command("view NIGHT s")
        await stage.until(lambda: "view Night shift" in stage.title)
        await stage.press("3")
        await stage.command("view costyl")
        await stage.until_text("There is a saved view costly, which stays as it is.")
        await stage.press("escape")
        assert saved_now() == names
        await stage.command("view costyl")
        await stage.until_text("Save this view as costyl?")
        await stage.press("tab", "enter")
        await stage.until(lambda: saved_now() == names | {"costyl"})
        await say(stage, "mine", "New view saved as mine: instances.")


async def test_the_first_view_is_the_last_one_a_named_one_or_that_of_gputui() -> None:
    async with staged(lab(), preferences=(preferences := Preferences())) as stage:
        await stage.press("4")
    for start, shown in (("last", "events"), ("gpus", "gpus"), ("home", "home")):
        async with staged(lab(), preferences=preferences, start=start) as stage:
            assert shown == stage.view.NAME
    async with staged(lab(), start="no such view") as stage:
        assert "There is no view no such view to begin with" in stage.toasts
    preferences = with_saved(SavedView("away", "no-such-view"))
    preferences.put("saved_view.newer", {"view": 3})
    for start, said in (("away", "this release does not have"), ("newer", "was saved by another release")):
        async with staged(lab(), preferences=preferences, start=start) as stage:
            assert f"{start} {'is of' if start == 'away' else 'was saved'}" in stage.toasts
            assert said in stage.toasts
            assert "There is no view" not in stage.toasts


async def test_a_saved_view_whose_parts_are_gone_is_shown_without_them_and_kept() -> None:
    saved = SavedView("old", "instances", {"filter": "train", "sort": ["no-such", True]}, ("gone",))
    away = SavedView("away", "no-such-view")
    preferences = with_saved(saved, away)
    async with staged(lab(), preferences=preferences) as stage:
        await say(stage, "old", "there is no column no-such to sort by")
        await stage.settle()
        assert stage.names == ["train"]
        assert "account gone is not in the configuration; shown: all accounts" in stage.toasts
        await say(stage, "away", "away is of the view no-such-view, which this release does not have")
    assert SavedViews(preferences).all() == [away, saved]


async def test_a_saved_view_leaves_the_view_itself_as_it_was_also_for_the_next_session() -> None:
    values = {"filter": "train", "group": "host"}
    preferences = with_saved(SavedView("v1", "instances", values, ("lab",)))
    async with staged(lab(), attic(), preferences=preferences, view="3") as stage:
        await stage.command("filter render")
        for leaving in (("3",), ("0", "3")):
            await stage.command("view v1")
            await stage.until(lambda: stage.app.session.account == "lab")
            await stage.settle()
            assert stage.names == ["train"]
            assert "Instances   view v1 " in stage.title, stage.title
            await stage.press("z")
            assert "view v1*" in stage.title
            # To look at something of a row does not leave it.
            await stage.press("z", "d", "escape")
            assert "view v1 " in stage.title
            await stage.press(*leaving)
            assert ("view v1" in stage.title, stage.names, stage.app.session.only) == (False, ["render"], ())
        await stage.command("view v1")
        await stage.until(lambda: stage.app.session.account == "lab")
    assert preferences.under("view.instances.") == {"filter": "render"}
    assert preferences.get("accounts") is None
    async with staged(lab(), attic(), preferences=preferences, start="v1") as stage:
        assert (stage.names, stage.app.session.account) == (["train"], "lab")
        await stage.press("3")
        assert (stage.names, stage.app.session.only) == (["render"], ())


async def choose(stage: Stage, *keys: str) -> None:
    """Choose in the menus of saved views, and let what is chosen be done."""
    await stage.command("view")
    for key in keys:
        await stage.until(lambda: stage.in_dialog)
        await stage.press(key)
    await stage.until(lambda: not stage.in_dialog)


async def test_the_menu_pins_replaces_renames_and_deletes() -> None:
    preferences = with_saved(SavedView("night", "events"))
    views = SavedViews(preferences)
    async with staged(lab(), preferences=preferences, size=(200, 50)) as stage:
        await choose(stage, "1", "b")
        await stage.until_text("night is now in the bar of views")
        column = stage.lines[1].index("night")
        await stage.pilot.click(offset=(column, 1))
        await stage.until(lambda: stage.view.NAME == "events")
        await stage.command("view instances")
        await stage.until(lambda: stage.view.NAME == "instances")
        await choose(stage, "1", "w")
        await stage.until_text("night is now instances")
        await stage.command("view")
        await stage.until(lambda: stage.in_dialog)
        await stage.press("1", "r")
        await stage.until_text("Rename to")
        await stage.press("ctrl+u")
        await stage.type("day")
        await stage.press("enter")
        await stage.until_text("night is now called day")
        assert [(one.name, one.view, one.pinned) for one in views.all()] == [("day", "instances", True)]
        await choose(stage, "1", "D", "y")
        await stage.until_text("The saved view day is deleted")
        assert views.all() == []


async def test_the_title_follows_a_saved_view_that_is_replaced_renamed_or_deleted() -> None:
    async with staged(lab(), preferences=with_saved(SavedView("v1", "instances", {"filter": "train"}))) as stage:
        await stage.command("view v1")
        await stage.until(lambda: "view v1 " in stage.title)
        await stage.command("filter eval")
        assert "view v1*" in stage.title
        await choose(stage, "1", "w")
        await stage.until(lambda: "view v1 " in stage.title)
        await stage.command("view")
        await stage.until(lambda: stage.in_dialog)
        await stage.press("1", "r", "ctrl+u")
        await stage.type("day")
        await stage.press("enter")
        await stage.until(lambda: "view day " in stage.title)
        await choose(stage, "1", "D", "y")
        await stage.until(lambda: "view day" not in stage.title and "train" in stage.names)


async def test_a_name_of_gputui_goes_to_its_view_and_a_name_too_long_is_refused() -> None:
    async with staged(lab()) as stage:
        await stage.command("view events")
        await stage.until(lambda: stage.view.NAME == "events")
        await say(stage, "last", "last is the name of a view of gputui")
        await say(stage, "x" * 80, "at most 60 characters")
        assert stage.app.session.saved_views.all() == []


def test_a_saved_view_is_described_in_words() -> None:
    values = {
        "filter": "a b",
        "sort": ["age", True],
        "group": "host",
        "problems": True,
        "columns": [1],
        "metric": "power",
    }
    assert description(SavedView("x", "gpus", values, ("lab",))) == (
        "gpus, / a b, by age ↓, grouped by host, only problems, own columns, metric power, account lab"
    )


async def test_a_view_that_cannot_be_stored_is_saved_for_the_session_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    history = History(tmp_path / "file" / "history.db")
    async with staged(lab(), history=history, preferences=history.preferences("")) as stage:
        await say(stage, "night", "Delete it in :view. It is not stored: history is not kept")
        await stage.command("view events")
        await stage.until(lambda: stage.view.NAME == "events")
        await stage.command("view night")
        await stage.until(lambda: stage.view.NAME == "instances")
