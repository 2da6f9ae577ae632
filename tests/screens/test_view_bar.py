"""The bar of all views: where it is, its marks, the mouse."""

from __future__ import annotations

import pytest
from textual.content import Content
from textual.geometry import Offset

from gputui.models import Resource
from gputui.widgets.bars.title import TitleBar
from tests.fleet.fakes import FakeBackend
from tests.screens.stage import NARROW, Stage, staged
from tests.screens.world import attic, backend, instance


def hosts(*states: str) -> FakeBackend:
    return backend("lab", [instance("lab", f"i{number}", state) for number, state in enumerate(states)])


def bar(stage: Stage) -> str:
    return stage.lines[1]


async def test_all_views_are_named_where_there_is_room_else_their_keys_are_next_to_the_title() -> None:
    async with staged(hosts("running")) as stage:
        assert " 1 Stock  2 Deployments [3 Instances] 4 Events " in bar(stage)
        assert stage.lines[2].startswith(" Instances   1")
        await stage.press("4")
        assert " 3 Instances [4 Events] 5 GPUs " in bar(stage)
        await stage.resize(*NARROW)
        assert "3 [4] 5 6 7 8 9   Events   0" in bar(stage)
        await stage.resize(200, 50)
        assert " 3 Instances [4 Events] 5 GPUs " in bar(stage)
        assert "9 Cost   Events   0" in bar(stage)


async def test_a_view_that_has_no_number_leaves_all_of_them_as_they_are() -> None:
    async with staged(hosts("running"), size=NARROW) as stage:
        await stage.command("runs")
        assert "[" not in bar(stage)
        assert "8 9   Runs   0" in bar(stage)


async def test_parts_at_the_right_of_a_title_are_whole_or_left_out_before_the_left_is_cut() -> None:
    async with staged(hosts("running"), size=NARROW) as stage:
        title = stage.app.screen.query_one(TitleBar)
        left, parts = "Waste   5 + ?   ~$0.39/h + 1 unpriced", ["load of 55 unknown", "1 snoozed", "1 idle"]
        for room, shown in (
            (90, "   ".join(parts)),
            (75, "   ".join(parts[:2])),
            (60, f"{parts[0]} …"),
            (56, parts[0]),
        ):
            title.set_parts(Content(left), Content("   ".join(parts)))
            caption = title._caption(room).plain
            assert caption.startswith(left)
            assert caption.endswith(f" {shown}") or caption.endswith(f" {shown} …"), room


async def test_a_row_that_fails_marks_its_view_until_that_is_looked_at() -> None:
    fake = hosts("running", "running")
    async with staged(fake, view="1") as stage:
        assert "3 Instances  4 Events " in bar(stage)
        fake.rows[Resource.INSTANCES] = hosts("running", "error").rows[Resource.INSTANCES]
        await stage.advance(30)
        assert "3 Instances! 4 Events!" in bar(stage)
        fake.rows[Resource.INSTANCES] = hosts("running", "running").rows[Resource.INSTANCES]
        await stage.advance(30)
        assert "3 Instances! 4 Events!" in bar(stage), "a mark does not flicker"
        await stage.press("3", "4", "1")
        assert "3 Instances  4 Events " in bar(stage)


async def test_what_has_been_seen_is_no_news_and_neither_are_events_of_an_account_that_is_not_shown() -> None:
    lab, other = hosts("error", "running"), attic()
    async with staged(lab, other, view="3") as stage:
        await stage.press("1")
        await stage.advance(30)
        assert "3 Instances  4 Events " in bar(stage), "it had failed while the view was in front"
        await stage.command("account attic")
        lab.rows[Resource.INSTANCES] = hosts("error", "exited").rows[Resource.INSTANCES]
        await stage.advance(30)
        assert "4 Events " in bar(stage)
        await stage.command("account all")
        lab.rows[Resource.INSTANCES] = hosts("error", "running").rows[Resource.INSTANCES]
        await stage.advance(30)
        assert "3 Instances  4 Events•" in bar(stage)


async def test_a_click_on_a_name_shows_its_view() -> None:
    async with staged(hosts("running")) as stage:
        place = bar(stage).index("Events")
        await stage.pilot.click(TitleBar, offset=Offset(place, 0))
        await stage.settle()
        assert stage.title.startswith("Events")
        await stage.pilot.click(TitleBar, offset=Offset(3, 1))
        await stage.settle()
        assert stage.title.startswith("Events"), "the caption is no name of a view"


async def test_a_title_that_stays_as_it_is_is_not_laid_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out: list[TitleBar] = []
    lay_out = TitleBar.lay_out

    def noted(title: TitleBar) -> None:
        laid_out.append(title)
        lay_out(title)

    async with staged(hosts("running", "running")) as stage:
        title, right = stage.view.query_one(TitleBar), Content("")
        monkeypatch.setattr(TitleBar, "lay_out", noted)
        stage.view.frame.show()
        assert laid_out == []
        title.set_parts(Content("same words"), right)
        title.set_parts(Content.styled("same words", "bold"), right)
        title.set_message(Content("a message"), "Instances", 0, "m")
        title.set_message(Content("a message"), "Instances", 1, "m")
        title.set_message(Content("a message"), "Instances", 1, "m")
        assert len(laid_out) == 4
        assert stage.line_of("a message").endswith("+1")
