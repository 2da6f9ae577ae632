"""The stock: what the map says, what limits it, who has a model, what changed, and what is waited for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gputui.config.preview import UiSettings
from gputui.errors import UnavailableError
from gputui.history.history import History, StockSample
from gputui.models import Offer, Ref, Resource
from gputui.screens.stock.view import StockView
from gputui.widgets.heatmap.heatmap import Heatmap
from tests.fleet.fakes import FakeClock
from tests.screens.stage import NARROW, staged
from tests.screens.stocks import Cloud, at, change, dock, hub, said, shown
from tests.screens.world import fail, offer

PRESETS = UiSettings(utc=True, mouse=False, regions={"asia": ("sgp1", "beijingDC1"), "us": ("us-east-1",)})


# --- the line for the cell --------------------------------------------------------------------------------------


async def test_the_cell_is_described_with_place_price_and_what_single_cards_do_not_promise() -> None:
    cloud = hub()
    async with staged(cloud, dock(), view="1") as stage:
        at(stage, "sgp1")
        await stage.settle()
        assert said(stage) == "RTX 5090 · hub · sgp1   12 idle of 64 GPUs   from $0.90/h"
        assert said(stage, "past") == "single GPUs, possibly on different machines"
        await stage.resize(*NARROW)
        assert "from $0.90/h" in stage.text
        assert "possibly on different machines" in stage.text
        # One host, or one card, needs no such warning.
        at(stage, "dock", account="dock")
        await stage.settle()
        assert said(stage, "past") == ""
        change(cloud, "sgp1", 1)
        await stage.advance(6)
        at(stage, "sgp1")
        await stage.settle()
        assert said(stage).startswith("RTX 5090 · hub · sgp1   1 idle")
        assert "different machines" not in said(stage, "past")


async def test_it_opens_at_the_first_model_and_marks_rows_out_of_view() -> None:
    models = [offer("hub", f"GPU {number:02}", 1, 8, region="b-2") for number in range(30)]
    # The first place offers the last model alone.
    cloud = Cloud("hub", *models, offer("hub", "GPU 29", 1, 8, region="a-1"))
    async with staged(cloud, size=(80, 24), view="1") as stage:
        grid = stage.view.query_one(Heatmap).grid
        first, last = grid.models[0], grid.models[-1]
        assert said(stage).startswith(f"{first} · hub · b-2")
        assert any(line.startswith(f" {first} ") for line in stage.lines)
        assert "▾" in stage.text
        assert "▴" not in stage.text
        await stage.press("end")
        assert any(line.startswith(f" {last} ") for line in stage.lines)
        assert "▴" in stage.text
        assert "▾" not in stage.text


# --- what could not be read -------------------------------------------------------------------------------------


async def test_one_region_that_fails_leaves_the_others_and_is_marked_in_its_place() -> None:
    cloud = hub()
    async with staged(cloud, view="1") as stage:
        rows = [one for one in cloud.rows[Resource.STOCK] if isinstance(one, Offer) and one.region != "eu-1"]
        failed = Offer(Ref("hub", "offer", "eu-1/"), "", "eu-1", problem="hub: system busy")
        cloud.rows[Resource.STOCK] = [
            *(replace(one, problem="no answer") if one.region == "sgp1" else one for one in rows),
            failed,
        ]
        await stage.advance(6)
        assert "✗ eu-1" in stage.text
        assert "✗ sgp1" in stage.text
        assert "✗ us-east-1" not in stage.text
        line = stage.line_of("RTX 5090")
        assert "12/64 ?" in line
        assert " 2/16" in line
        at(stage, "sgp1")
        await stage.settle()
        assert said(stage).endswith("12 idle of 64 GPUs   from $0.90/h   ? refresh failed")
        assert said(stage, "past") == "no answer"
        await stage.press("left")
        assert said(stage) == "RTX 5090 · hub · eu-1   ✗ could not be read"
        assert said(stage, "past") == "system busy"
        assert "2 places not read" in stage.title


async def test_when_no_region_can_be_read_it_says_which_and_why() -> None:
    failed = [
        Offer(Ref("hub", "offer", f"{region}/"), "", region, problem=f"{region} is shut") for region in ("a", "b")
    ]
    async with staged(Cloud("hub", *failed), view="1") as stage:
        assert "✗ a" in stage.text
        assert "No region could be read. r asks again." in stage.text
        assert "hub · b: b is shut" in stage.text


async def test_it_says_what_is_awaited_and_marks_everything_old() -> None:
    cloud = hub()
    come = cloud.hold(Resource.STOCK)
    async with staged(cloud, view="1") as stage:
        assert "Asking hub …" in stage.text
        come.set()
        await stage.advance(0)
        assert "12/64" in stage.text
        assert "?" not in stage.line_of("RTX 5090")
        fail(cloud, UnavailableError("no answer"))
        await stage.advance(6)
        assert all("?" in stage.line_of(text) for text in ("RTX 5090", "H200", "idle/total"))
        assert "12/64 ?" in stage.text


# --- what changed -----------------------------------------------------------------------------------------------


async def test_a_change_is_shown_with_an_arrow_until_it_is_no_news() -> None:
    cloud = hub()
    async with staged(cloud, view="1") as stage:
        assert "↑" not in stage.text
        change(cloud, "sgp1", 15)
        await stage.advance(6)
        change(cloud, "us-east-1", 0)
        await stage.advance(6)
        line = stage.line_of("RTX 5090")
        assert "15/64 ↑3" in line
        assert "·/16 ↓2" in line
        assert "↑↓ in 5 min" in stage.text
        await stage.advance(310)
        view = stage.view
        assert isinstance(view, StockView)
        view.fade()
        await stage.settle()
        assert "15/64" in stage.line_of("RTX 5090")
        assert "↑" not in stage.text


async def test_samples_of_earlier_sessions_give_the_arrow_and_the_line_of_the_day() -> None:
    now = datetime.now(UTC)
    history = History(None)
    ref = Ref("hub", "offer", "sgp1/RTX 5090")
    past = [(20, 64), (10, 0), (5, 32), (0.05, 9)]
    history.record(stock=[StockSample(ref, now - timedelta(hours=hours), idle, 64) for hours, idle in past])
    async with staged(hub(), view="1", clock=FakeClock(now), history=history) as stage:
        await stage.until_text("12/64 ↑3")
        at(stage, "sgp1")
        await stage.settle()
        line = said(stage, "past")
        assert line.startswith("last 24 h ")
        assert "█" in line
        assert "▁" in line
        assert "now, 64 at most" in line
        await stage.resize(*NARROW)
        assert "now   single GPUs, possibly on different machines" in stage.text, "nothing is cut off"


async def test_without_samples_there_is_no_line_of_the_day() -> None:
    async with staged(hub(), view="1", clock=FakeClock(datetime.now(UTC)), history=History(None)) as stage:
        at(stage, "sgp1")
        await stage.settle()
        assert "24 h" not in stage.text


# --- limiting the map -------------------------------------------------------------------------------------------


async def test_a_filter_is_for_models_and_places() -> None:
    async with staged(hub(), dock(), view="1") as stage:
        await stage.press("slash")
        await stage.type("h200")
        await stage.press("enter")
        assert shown(stage) == (["H200"], ["sgp1"])
        assert "/ h200" in stage.title
        await stage.command("filter region:us")
        assert shown(stage) == (["RTX 5090"], ["us-east-1"])
        await stage.command("filter 5090 !hub")
        assert shown(stage) == (["RTX 5090"], ["dock"])
        await stage.command("filter b300")
        assert "No matches for / b300. esc clears the filter." in stage.text
        await stage.press("escape")
        assert shown(stage) == (["H200", "RTX 5090"], ["eu-1", "sgp1", "us-east-1", "dock"])
        await stage.press("slash")
        await stage.type("price:1")
        assert "There is no column 'price'." in stage.text
        await stage.press("escape")
        assert len(shown(stage)[0]) == 2
        await stage.command("regions")
        assert "No presets of regions: write them in config.toml" in stage.toasts


async def test_z_leaves_what_is_idle_here_and_problems_elsewhere() -> None:
    async with staged(hub(), dock(), view="1") as stage:
        await stage.press("z")
        assert shown(stage) == (["RTX 5090"], ["sgp1", "us-east-1", "dock"])
        assert "1 model and 1 place with none idle hidden" in stage.title
        await stage.press("3")
        assert "only problems" not in stage.title
        await stage.press("1", "z")
        assert len(shown(stage)[0]) == 2
        await stage.press("3", "z", "1")
        assert "only problems" not in stage.title
        assert len(shown(stage)[0]) == 2


async def test_the_order_is_changed_with_the_keys_of_every_list_and_marked_in_the_heading() -> None:
    async with staged(hub(), dock(), view="1") as stage:
        assert "VRAM↓" in stage.text
        await stage.press("greater_than_sign")
        assert "idle↓" in stage.text
        assert shown(stage)[0][0] == "RTX 5090"
        await stage.press("I")
        assert shown(stage)[0][0] == "H200"
        await stage.press("greater_than_sign")
        assert "from/h↑" in stage.text
        assert "$0.70" in stage.line_of("RTX 5090")


async def test_a_preset_from_the_command_bar_or_its_menu_shows_its_regions_until_escape() -> None:
    async with staged(hub(), view="1", ui=PRESETS) as stage:
        await stage.command("regions mars")
        assert "No regions mars. There are asia, us." in stage.toasts
        await stage.command("regions asia")
        assert shown(stage) == (["H200", "RTX 5090"], ["sgp1"])
        assert "regions asia" in stage.title
        await stage.press("escape")
        assert shown(stage)[1] == ["eu-1", "sgp1", "us-east-1"]
        assert "regions" not in stage.title
        await stage.command("regions")
        assert "sgp1, beijingDC1" in stage.line_of("asia")
        await stage.press("2")
        assert shown(stage)[1] == ["us-east-1"]
        await stage.press("colon")
        await stage.type("regions as")
        await stage.press("tab", "enter")
        assert shown(stage)[1] == ["sgp1"]


async def test_the_filters_of_the_servers_are_asked_for_in_a_panel_and_shown_in_the_title() -> None:
    cloud = hub()
    async with staged(cloud, dock(), view="1") as stage:
        await stage.press("L")
        assert "CUDA from" in stage.text
        await stage.type("11.8")
        await stage.press("enter")
        assert cloud.asked == {"cuda_v_from": "11.8"}
        assert "CUDA from" in stage.title
        assert "11.8" in stage.title
