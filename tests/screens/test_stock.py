"""The stock: what the map says, what limits it, who has a model, what changed, and what is waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gputui.config.preview import UiSettings
from gputui.errors import UnavailableError
from gputui.history.history import History, StockSample
from gputui.models import FieldKind, Form, FormField, Instance, Money, Offer, Phase, Ref, Resource, Role
from gputui.screens.stock.captions import paid_prices
from gputui.screens.stock.view import StockView
from gputui.widgets.heatmap.heatmap import Heatmap
from tests.fleet.fakes import FakeBackend, FakeClock, FakeFilters
from tests.screens.stage import GIB, NARROW, Stage, backend, fail, instance, offer, staged

PRESETS = UiSettings(utc=True, mouse=False, regions={"asia": ("sgp1", "beijingDC1"), "us": ("us-east-1",)})


def usd(amount: str) -> Money:
    """Return dollars."""
    return Money(Decimal(amount), "USD")


class Cloud(FakeBackend):
    """A cloud that creates deployments, and whose stock can be asked for in part."""

    creatable = ("deployment",)

    def __init__(self, account: str, *offers: Offer) -> None:
        super().__init__(account, (Resource.INSTANCES, Resource.STOCK))
        self.rows[Resource.STOCK] = offers
        self.offered = frozenset()
        self.asked: Mapping[str, str] = {}
        self.filters = FakeFilters(account, self.filter_form, self.use_filter)

    async def create_form(self, kind: str) -> Form:
        fields = (
            FormField("name", "Name", role=Role.NAME),
            FormField("dc_list", "Regions", required=False, role=Role.REGIONS),
            FormField("gpu_name_set", "GPUs", required=False, role=Role.GPU_MODELS),
        )
        return Form(self.account, kind, "New deployment", fields)

    def filter_form(self, resource: Resource) -> Form | None:
        if resource is not Resource.STOCK:
            return None
        return Form(
            self.account,
            "stock",
            "Stock filters",
            (FormField("cuda_v_from", "CUDA from", FieldKind.TEXT, required=False),),
        )

    def use_filter(self, resource: Resource, values: Mapping[str, str]) -> None:
        self.asked = dict(values)


def hub(**more: Any) -> Cloud:
    """Return a cloud with three regions."""
    return Cloud(
        "hub",
        offer("hub", "RTX 5090", 12, 64, region="sgp1", gpu_memory=32 * GIB, price_from=usd("0.90"), **more),
        offer("hub", "RTX 5090", 2, 16, region="us-east-1", gpu_memory=32 * GIB, price_from=usd("0.70")),
        offer("hub", "RTX 5090", 0, 8, region="eu-1", gpu_memory=32 * GIB, price_from=usd("0.10")),
        offer("hub", "H200", 0, 8, region="sgp1", gpu_memory=141 * GIB),
    )


def dock() -> FakeBackend:
    """Return a host with the same GPU, whose price nobody knows."""
    return backend("dock", stock=[offer("dock", "RTX 5090", 4, 4, gpu_memory=32 * GIB)])


def change(fake: FakeBackend, region: str, idle: int) -> None:
    """Make so many RTX 5090 idle in a region."""
    fake.rows[Resource.STOCK] = [
        replace(one, idle=idle)
        if isinstance(one, Offer) and (one.gpu_model, one.region) == ("RTX 5090", region)
        else one
        for one in fake.rows[Resource.STOCK]
    ]


def at(stage: Stage, region: str, model: str = "RTX 5090", account: str = "hub") -> None:
    """Put the cursor on a cell."""
    assert stage.view.query_one(Heatmap).select(Ref(account, "offer", f"{region}/{model}"))


def said(stage: Stage, line: str = "cell") -> str:
    """Return a line under the map."""
    return stage.view.query_one(f"#{line}").content.plain  # type: ignore[attr-defined, no-any-return]


def shown(stage: Stage) -> tuple[list[str], list[str]]:
    """Return the models and the regions of the map."""
    grid = stage.view.query_one(Heatmap).grid
    return grid.models, [region for _, region in grid.places]


# --- the line for the cell --------------------------------------------------------------------------------------


async def test_the_cell_is_told_with_place_price_and_what_single_cards_do_not_promise() -> None:
    async with staged(hub(), view="1") as stage:
        at(stage, "sgp1")
        await stage.settle()
        assert said(stage) == "RTX 5090 · hub · sgp1   12 idle of 64 single cards   from $0.90/h"
        assert said(stage, "past") == "single GPUs, possibly on different machines"


async def test_one_card_and_one_host_need_no_such_warning() -> None:
    cloud = hub()
    change(cloud, "sgp1", 1)
    async with staged(cloud, dock(), view="1") as stage:
        at(stage, "sgp1")
        await stage.settle()
        assert said(stage, "past") == ""
        at(stage, "dock", account="dock")
        await stage.settle()
        assert said(stage, "past") == ""


async def test_it_all_fits_a_narrow_screen() -> None:
    async with staged(hub(), size=NARROW, view="1") as stage:
        at(stage, "sgp1")
        await stage.settle()
        assert "from $0.90/h" in stage.text
        assert "possibly on different machines" in stage.text


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
        await stage.press("G")
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
        assert said(stage).endswith("12 idle of 64 single cards   from $0.90/h   ? refresh failed")
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


async def test_everything_old_is_still_there_and_marked() -> None:
    cloud = hub()
    async with staged(cloud, view="1") as stage:
        fail(cloud, UnavailableError("no answer"))
        await stage.advance(6)
        assert all("?" in stage.line_of(text) for text in ("RTX 5090", "H200", "idle/total"))
        assert "12/64 ?" in stage.text


async def test_while_accounts_are_awaited_it_says_so() -> None:
    slow = hub()
    slow.hold(Resource.STOCK)
    async with staged(slow, view="1") as stage:
        assert "Asking hub …" in stage.text


# --- what changed -----------------------------------------------------------------------------------------------


async def test_a_change_is_told_with_an_arrow_until_it_is_no_news() -> None:
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
    async with staged(hub(), view="1", size=NARROW, clock=FakeClock(now), history=history) as stage:
        await stage.until_text("12/64 ↑3")
        at(stage, "sgp1")
        await stage.settle()
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
        await stage.press("escape")
        assert shown(stage) == (["H200", "RTX 5090"], ["dock", "eu-1", "sgp1", "us-east-1"])


async def test_a_filter_that_cannot_be_read_is_told() -> None:
    async with staged(hub(), view="1") as stage:
        await stage.press("slash")
        await stage.type("price:1")
        assert "There is no column 'price'." in stage.text
        await stage.press("escape")
        assert len(shown(stage)[0]) == 2


async def test_a_filter_that_nothing_passes_says_so() -> None:
    async with staged(hub(), view="1") as stage:
        await stage.command("filter b300")
        assert "Nothing passes / b300. esc clears the filter." in stage.text


async def test_z_leaves_what_is_idle() -> None:
    async with staged(hub(), dock(), view="1") as stage:
        await stage.press("z")
        assert shown(stage) == (["RTX 5090"], ["dock", "sgp1", "us-east-1"])
        assert "idle ≥ 1" in stage.title
        await stage.press("3")
        assert "only problems" not in stage.title
        await stage.press("1", "z")
        assert len(shown(stage)[0]) == 2


async def test_only_problems_elsewhere_says_nothing_here() -> None:
    async with staged(hub(), view="3") as stage:
        await stage.press("z", "1")
        assert "only problems" not in stage.title
        assert len(shown(stage)[0]) == 2


async def test_a_preset_shows_its_regions_until_escape() -> None:
    async with staged(hub(), view="1", ui=PRESETS) as stage:
        await stage.command("regions asia")
        assert shown(stage) == (["H200", "RTX 5090"], ["sgp1"])
        assert "regions asia" in stage.title
        await stage.press("escape")
        assert shown(stage)[1] == ["eu-1", "sgp1", "us-east-1"]
        assert "regions" not in stage.title


async def test_presets_are_offered_in_a_menu_and_completed() -> None:
    async with staged(hub(), view="1", ui=PRESETS) as stage:
        await stage.command("regions")
        assert "sgp1, beijingDC1" in stage.line_of("asia")
        await stage.press("2")
        assert shown(stage)[1] == ["us-east-1"]
        await stage.press("colon")
        await stage.type("regions as")
        await stage.press("tab", "enter")
        assert shown(stage)[1] == ["sgp1"]


@pytest.mark.parametrize(
    "ui, typed, told",
    [
        (PRESETS, "regions mars", "No regions mars. There are asia, us."),
        (UiSettings(utc=True, mouse=False), "regions", "No presets of regions: write them in config.toml"),
    ],
)
async def test_what_is_no_preset_is_told(ui: UiSettings, typed: str, told: str) -> None:
    async with staged(hub(), view="1", ui=ui) as stage:
        await stage.command(typed)
        assert told in stage.toasts


async def test_the_filters_of_the_servers_are_asked_for_in_a_panel_and_told_in_the_title() -> None:
    cloud = hub()
    async with staged(cloud, dock(), view="1") as stage:
        await stage.press("L")
        assert "CUDA from" in stage.text
        await stage.type("11.8")
        await stage.press("enter")
        assert cloud.asked == {"cuda_v_from": "11.8"}
        assert "CUDA from" in stage.title
        assert "11.8" in stage.title


# --- who has it -------------------------------------------------------------------------------------------------


async def test_who_has_a_model_is_told_cheapest_first_and_unknown_prices_last() -> None:
    async with staged(hub(), dock(), view="1") as stage:
        at(stage, "sgp1")
        await stage.press("enter")
        assert "Where RTX 5090" in stage.text
        lines = [line for line in stage.lines if "from $" in line or "price unknown" in line]
        order = [
            next(region for region in ("us-east-1", "sgp1", "dock", "eu-1") if region in line) for line in lines[:3]
        ]
        assert order == ["us-east-1", "sgp1", "dock"]
        assert not any("eu-1" in line and "$0.10" in line for line in lines)
        assert "single GPUs, possibly on different machines" in stage.text


async def test_where_a_price_is_not_offered_it_is_what_one_pays_there() -> None:
    cloud = Cloud("hub", *(offer("hub", "H200", 4, 8, region=region) for region in ("a", "b", "c")))
    cloud.rows[Resource.INSTANCES] = [
        instance("hub", f"train-{price}", gpu_model="H200", gpu_count=2, region=region, price=usd(price))
        for region, price in (("b", "7.00"), ("c", "6.00"), ("c", "9.00"))
    ]
    async with staged(cloud, view="1") as stage:
        at(stage, "b", "H200")
        await stage.settle()
        assert said(stage).endswith("you pay $3.50/h")
        await stage.press("enter")
        lines = [line for line in stage.lines if "hub · " in line and "4/8" in line]
        assert [next(part for part in line.split() if len(part) == 1 and part in "abc") for line in lines] == [
            "c",
            "b",
            "a",
        ]
        assert "you pay $3.00/h" in lines[0]
        assert "price unknown" in lines[2]


async def test_without_any_price_none_is_spoken_of() -> None:
    async with staged(dock(), view="1") as stage:
        await stage.press("enter")
        assert "Where RTX 5090" in stage.text
        assert "price" not in stage.text


async def test_who_had_a_model_when_it_was_read_last_is_marked() -> None:
    async with staged(hub(problem="no answer"), dock(), view="1") as stage:
        at(stage, "dock", account="dock")
        await stage.press("enter")
        assert "? old" in next(line for line in stage.lines if "hub · sgp1" in line and "12/64" in line)
        assert "? old" not in next(line for line in stage.lines if "us-east-1" in line and "$0.70" in line)


async def test_enter_there_creates_with_the_values_of_that_place() -> None:
    async with staged(hub(), dock(), view="1") as stage:
        at(stage, "sgp1")
        await stage.press("enter", "k", "enter")
        assert "New deployment" in stage.text
        assert "us-east-1" in stage.line_of("Regions")
        assert "RTX 5090" in stage.line_of("GPUs")


async def test_n_creates_here() -> None:
    async with staged(hub(vendor_name="RTX 5090 32G"), dock(), view="1") as stage:
        at(stage, "sgp1")
        await stage.press("n")
        assert "sgp1" in stage.line_of("Regions")
        assert "RTX 5090 32G" in stage.line_of("GPUs")


async def test_who_has_a_model_can_be_asked_where_it_is_not_offered() -> None:
    async with staged(hub(), dock(), view="1") as stage:
        at(stage, "dock", account="dock")
        await stage.press("k")
        assert said(stage) == "H200 · dock   not offered here"
        await stage.press("enter")
        assert "No place has H200 idle now." in stage.toasts
        await stage.press("j", "enter")
        assert "Where RTX 5090" in stage.text


# --- waiting for idle GPUs --------------------------------------------------------------------------------------


async def watched(stage: Stage, number: str = "") -> None:
    """Watch RTX 5090 in us-east-1."""
    at(stage, "us-east-1")
    await stage.press("w")
    if number:
        await stage.type(number)
    await stage.press("enter")


def bells(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows with every bell."""
    rung: list[None] = []
    monkeypatch.setattr(stage.app, "bell", lambda: rung.append(None))
    return rung


async def test_a_watched_cell_tells_when_enough_is_idle_once_and_in_any_view(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = hub()
    async with staged(cloud, view="1") as stage:
        rung = bells(stage, monkeypatch)
        await watched(stage, "8")
        assert "2/16*" in stage.line_of("RTX 5090")
        assert "watched" in said(stage)
        await stage.press("3")
        change(cloud, "us-east-1", 7)
        await stage.advance(6)
        assert "RTX 5090 idle" not in stage.toasts
        change(cloud, "us-east-1", 9)
        await stage.advance(6)
        assert "RTX 5090 idle hub · us-east-1: 9 idle of 16 single cards." in stage.toasts
        change(cloud, "us-east-1", 10)
        await stage.advance(6)
        assert len(rung) == 1


async def test_quitting_with_a_watch_asks() -> None:
    async with staged(hub(), view="1") as stage:
        await watched(stage, "8")
        await stage.press("3", "q")
        assert "1 watch for idle GPUs will no longer notify." in stage.text
        await stage.press("escape", "1", "w", "q")
        assert stage.ended()


async def test_it_tells_again_after_it_was_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = hub()
    async with staged(cloud, view="1") as stage:
        rung = bells(stage, monkeypatch)
        await watched(stage)
        for idle in (3, 1, 5):
            change(cloud, "us-east-1", idle)
            await stage.advance(6)
        assert len(rung) == 2


async def test_w_again_ends_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = hub()
    async with staged(cloud, view="1") as stage:
        rung = bells(stage, monkeypatch)
        await watched(stage)
        await stage.press("w")
        assert "*" not in stage.line_of("RTX 5090")
        change(cloud, "us-east-1", 9)
        await stage.advance(6)
        assert rung == []
        await stage.press("3")
        before = cloud.calls[Resource.STOCK]
        await stage.advance(60)
        assert cloud.calls[Resource.STOCK] == before


@pytest.mark.parametrize("key", ["w", "d"])
async def test_a_row_command_where_a_model_is_not_offered_says_so(key: str) -> None:
    async with staged(hub(), view="1") as stage:
        at(stage, "sgp1", "H200")
        await stage.press("right")
        assert "not offered here" in said(stage)
        _, region = stage.view.query_one(Heatmap).position[1]  # type: ignore[index]
        await stage.press(key)
        assert f"H200 is not offered in hub · {region}." in stage.toasts
        assert "no row" not in stage.toasts


async def test_one_more_than_now_is_proposed_and_nonsense_refused() -> None:
    async with staged(hub(), view="1") as stage:
        at(stage, "us-east-1")
        await stage.press("w")
        assert "Notify me when at least this many RTX 5090 are idle in hub · us-east-1" in stage.text
        assert "3" in [line.strip(" ▏┃│█▌▐") for line in stage.lines]
        for typed, told in (("x", "Type how many, 1 or more."), ("17", "There are 16.")):
            await stage.press("ctrl+u")
            await stage.type(typed)
            await stage.press("enter")
            assert told in stage.text
        await stage.press("escape")
        assert "*" not in stage.line_of("RTX 5090")


async def test_what_is_not_counted_is_watched_without_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = offer("yotta", "B200", None, None, available=False, region="us")
    cloud = Cloud("yotta", gone)
    async with staged(cloud, view="1") as stage:
        rung = bells(stage, monkeypatch)
        await stage.press("w")
        assert not stage.in_dialog
        cloud.rows[Resource.STOCK] = [replace(gone, available=True)]
        await stage.advance(6)
        assert "B200 idle yotta · us: available." in stage.toasts
        assert len(rung) == 1


async def test_numbers_that_could_not_be_read_anew_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = hub()
    async with staged(cloud, view="1") as stage:
        rung = bells(stage, monkeypatch)
        await watched(stage)
        change(cloud, "us-east-1", 9)
        cloud.rows[Resource.STOCK] = [
            replace(one, problem="no answer") for one in cloud.rows[Resource.STOCK] if isinstance(one, Offer)
        ]
        await stage.advance(6)
        assert rung == []


@pytest.mark.parametrize(("phase", "known"), [(Phase.RUNNING, True), (Phase.STOPPED, False)])
def test_only_what_runs_says_what_a_gpu_costs_now(phase: Phase, known: bool) -> None:
    price = Money(Decimal(4), "USD", estimated=True)
    ref = Ref("hub", "container", "a")
    row = Instance(ref, "a", phase, phase.value, gpu_model="RTX 5090", gpu_count=2, region="sgp1", price=price)
    one = Money(Decimal(2), "USD", estimated=True)
    assert paid_prices([row]) == ({("hub", "sgp1", "RTX 5090"): one} if known else {})
