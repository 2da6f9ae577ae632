"""What a new session restores of the last one."""

from __future__ import annotations

from pathlib import Path

from gputui.history.history import History
from gputui.history.preferences import Preferences
from gputui.models import Ref, Resource
from tests.screens.stage import NARROW, staged
from tests.screens.world import attic, instance, lab


def stored(values: dict[str, object]) -> Preferences:
    """Return the preferences that an earlier session has left."""
    found = Preferences(lambda: (values, 0))
    found.read()
    return found


async def test_a_session_begins_with_the_order_filter_theme_and_account_of_the_last_one(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db")
    async with staged(lab(), attic(), preferences=history.preferences("")) as stage:
        for line in ("account lab", "utc", "theme nord"):
            await stage.command(line)
        await stage.press("I", "z", "/", "escape", "/")
        await stage.type("train")
        await stage.press("enter")
        order = stage.table.sort
    history.close()

    preferences = History(tmp_path / "history.db").preferences("")
    async with staged(lab(), attic(), preferences=preferences) as stage:
        assert (stage.table.sort, stage.app.theme, stage.app.session.utc) == (order, "nord", False)
        assert stage.app.session.account == "lab"
        assert "/ train" in stage.title
        assert "only problems" in stage.title
        await stage.press("escape", "escape")
        assert "/ train" not in stage.title
        assert "render" in stage.text
    assert sorted(preferences.under("view.")) == ["instances.sort"]


async def test_restored_limits_are_in_the_title_of_a_narrow_screen_before_any_account_answers() -> None:
    slow = lab()
    slow.hold(Resource.INSTANCES)
    preferences = stored({"view.instances.filter": "train", "view.instances.problems": True})
    async with staged(slow, preferences=preferences, size=NARROW) as stage:
        assert "only problems" in stage.title
        assert "/ train" in stage.title


async def test_what_cannot_be_used_any_more_is_said_once_and_the_rest_is_restored() -> None:
    left: dict[str, object] = {
        "accounts": ["gone"],
        "theme": ["of-another-release", "gputui"],
        "view.instances.sort": ["no-such-column", False],
        "view.instances.filter": "no-such-column:7",
        "view.instances.problems": {"form": 2},
        "view.instances.columns": {"columns": ["name"], "form": 2},
    }
    preferences = stored(left)
    async with staged(lab(), preferences=preferences) as stage:
        for said in (
            "account gone is not in the configuration; shown: all accounts",
            "there is no theme of-another-release",
            "there is no column no-such-column to sort by",
            "There is no column 'no-such-column'",
            "The stored value of problems is of another release",
            "the columns cannot be used",
        ):
            assert stage.toasts.count(said) == 1
        assert "train" in stage.names
        await stage.press("z")
    for name in ("problems", "columns"):
        assert preferences.get(f"view.instances.{name}") == left[f"view.instances.{name}"]


async def test_chosen_columns_are_restored_without_those_that_are_gone() -> None:
    choice = {"keys": ["cpu", "gone", "name"], "widths": {"cpu": 6}}
    preferences = stored({"view.instances.columns": choice, "view.gpus.gpu-columns": {"keys": "cpu"}})
    async with staged(lab(), preferences=preferences) as stage:
        assert stage.table.render_line(0).text.split() == ["CPU", "NAME↑"]
        assert "From the last session: there is no column gone." in stage.toasts
        await stage.press("5")
        assert "the gpu-columns cannot be used: not a choice of columns by their keys" in stage.toasts
        await stage.press("3", "vertical_line", "r", "enter")
    assert "view.instances.columns" not in preferences.under("")


async def test_a_view_that_opens_on_one_instance_is_not_filtered_by_the_last_session() -> None:
    preferences = stored({"view.events.filter": "nothing-like-it"})
    async with staged(lab(), preferences=preferences) as stage:
        await stage.press("e")
        assert stage.view.scope is not None
        assert "nothing-like-it" not in stage.title
    assert preferences.get("view.events.filter") == "nothing-like-it"


async def test_a_view_that_opens_on_one_row_shows_it_whatever_the_last_session_filtered() -> None:
    preferences = stored({f"view.{view}.filter": "nothing-like-it" for view in ("instances", "gpus")})
    async with staged(lab(), preferences=preferences, start="events") as stage:
        stage.app.session.navigator.go("instances", select=Ref("lab", "pod", "jupyter"))
        await stage.settle()
        assert stage.here == "jupyter"
        stage.app.session.navigator.go("gpus", account="lab")
        await stage.settle()
        assert "nothing-like-it" not in stage.title


async def test_a_setting_changed_in_the_file_has_precedence_over_an_earlier_choice() -> None:
    preferences = stored({"theme": ["nord", "dracula"], "utc": [False, True]})
    async with staged(lab(), preferences=preferences) as stage:  # the file has the default theme by now
        assert (stage.app.theme, stage.app.session.utc) == ("gputui", False)


async def test_the_stock_is_ordered_and_limited_as_in_the_last_session() -> None:
    preferences = stored(
        {"view.stock.sort": ["idle", True], "view.stock.problems": True, "view.stock.regions": "gone"}
    )
    async with staged(lab(), preferences=preferences, view="1") as stage:
        assert "idle↓" in stage.text
        assert stage.toasts.count("there are no regions gone") == 1
        await stage.press("z", "greater_than_sign", "less_than_sign", "less_than_sign")
        assert "VRAM↓" in stage.text
    assert preferences.under("view.stock.") == {"regions": "gone"}, "the default is not stored"


async def test_favourites_have_a_star_are_found_by_a_filter_and_come_back(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db")
    async with staged(lab(), attic(), preferences=history.preferences("")) as stage:
        stage.table.select(next(ref for ref in stage.table.refs if ref.id == "train"))
        await stage.press("*")
        assert "★ train" in stage.line_of("train")
        await stage.press("space", "k")  # marked as well, and back on it
        assert "+★train" in stage.line_of("train")
        await stage.press("ctrl+backslash")
    history.close()

    preferences = History(tmp_path / "history.db").preferences("")
    async with staged(lab(), attic(), preferences=preferences) as stage:
        assert len(stage.names) > 1
        await stage.command("filter is:favourite")
        assert stage.names == ["train"]
        await stage.command("filter !is:fav")
        assert "train" not in stage.names
        await stage.command("filter fav")  # a word looks in columns alone
        assert stage.names == []
        await stage.command("filter is:favourite")
        await stage.press("*")
        assert stage.names == []
        assert preferences.under("favourite.") == {}


async def test_the_favourite_of_an_event_is_its_instance_and_a_process_is_none() -> None:
    fake = lab()
    async with staged(fake, view="4") as stage:
        others = [row for row in fake.rows[Resource.INSTANCES] if row.ref.id != "fresh"]
        fake.rows[Resource.INSTANCES] = [*others, instance("lab", "fresh")]
        await stage.advance(6)
        await stage.press("*")
        assert "fresh is now a favourite." in stage.toasts
        assert [ref.id for ref in stage.app.session.favourites.refs] == ["fresh"]
        await stage.press("5", "tab", "*")
        assert "Favourites are instances, deployments" in stage.toasts
        assert len(stage.app.session.favourites.refs) == 1


async def test_both_sides_of_the_gpus_have_their_own_filter_whichever_has_the_cursor() -> None:
    left: dict[str, object] = {"view.gpus.gpu-filter": "4090", "view.gpus.filter": "python"}
    preferences = stored(left)
    async with staged(lab(), preferences=preferences, view="5") as stage:
        await stage.press("tab")
        assert "/ GPUs: 4090" in stage.title
        assert "/ processes: python" in stage.title
        await stage.press("tab")
    assert preferences.under("view.gpus.") == {"gpu-filter": "4090", "filter": "python"}


async def test_preferences_that_cannot_be_read_are_counted_once() -> None:
    preferences = Preferences(lambda: ({}, 2))
    preferences.read()
    async with staged(lab(), preferences=preferences) as stage:
        await stage.press("4", "3")
        assert stage.toasts.count("2 stored preferences cannot be read: the defaults are used.") == 1
