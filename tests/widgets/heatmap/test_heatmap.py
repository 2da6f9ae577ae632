"""The stock map: its words, its columns, and what it repaints."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.geometry import Region

from gputui.app.theme import DARK, variables
from gputui.models import Money, Offer, Ref
from gputui.widgets.heatmap.grid import Arrangement, Figures, Grid, SortKey, ramp_step
from gputui.widgets.heatmap.heatmap import Heatmap
from gputui.widgets.heatmap.painter import HEADINGS, Painter, Window, fit

GIB = 1 << 30


def offer(model: str, region: str = "sgp1", account: str = "hub", **more: Any) -> Offer:
    """Return an offer of 2 of 8."""
    ref = Ref(account, "offer", f"{region}/{more.get('vendor_name', model)}")
    return Offer(ref, model, region, **({"idle": 2, "total": 8} | more))


def words(grid: Grid, model: str, region: str = "sgp1", account: str = "hub") -> str:
    """Return what a cell says."""
    place = (account, region)
    return grid.text(place, grid.figures((model, place)))


# --- words ------------------------------------------------------------------------------------------------------


def test_numbers_are_under_each_other_at_the_slash() -> None:
    grid = Grid([offer("B200", idle=140, total=512), offer("H100", idle=3, total=8), offer("H20", idle=0, total=16)])
    assert [words(grid, model) for model in ("B200", "H100", "H20")] == ["140/512", "  3/8  ", "  ·/16 "]


def test_what_is_not_counted_is_available_or_not() -> None:
    grid = Grid(
        [
            offer("B200", idle=None, total=None, available=True),
            offer("H100", idle=None, total=None, available=False),
            offer("L20", "us"),
        ]
    )
    assert [words(grid, model).strip() for model in ("B200", "H100", "L20")] == ["✓", "·", "–"]


def test_a_change_worth_reporting_follows_the_numbers() -> None:
    one, other = offer("B200"), offer("H100")
    grid = Grid([one, other], trends={one.ref: 3, other.ref: -12})
    assert [words(grid, model) for model in ("B200", "H100")] == ["2/8 ↑3", "2/8 ↓12"]


def test_a_change_too_long_for_the_cell_is_an_arrow() -> None:
    wide = offer("B200", idle=123_456, total=999_999)
    assert words(Grid([wide], trends={wide.ref: 1234}), "B200") == "123456/999999 ↑"


def test_a_watched_cell_is_marked() -> None:
    one = offer("B200")
    assert words(Grid([one], watched=[one.ref]), "B200") == "2/8*"
    assert words(Grid([one], watched=[one.ref], trends={one.ref: 1}), "B200") == "2/8*↑1"


def test_numbers_of_a_stale_account_are_kept_and_marked() -> None:
    one = offer("B200")
    grid = Grid([one], stale=frozenset({"hub"}), trends={one.ref: 1})
    assert words(grid, "B200") == "2/8 ?"
    assert grid.figures(("B200", ("hub", "sgp1"))).style == "stale"


def test_an_offer_that_could_not_be_read_again_is_old_alone() -> None:
    grid = Grid([offer("B200", problem="no answer"), offer("B200", "us")])
    assert words(grid, "B200") == "2/8 ?"
    assert words(grid, "B200", "us") == "2/8"
    assert [grid.region_heading(("hub", region)) for region in ("sgp1", "us")] == ["✗ sgp1", "us"]


def test_a_region_that_was_never_read_has_a_column_and_no_row() -> None:
    grid = Grid([offer("", "sgp1", idle=None, total=None, problem="no answer"), offer("B200", "us")])
    assert grid.models == ["B200"]
    assert grid.places == [("hub", "sgp1"), ("hub", "us")]
    assert words(grid, "B200").strip() == "?"
    assert grid.failed == {("hub", "sgp1"): "no answer"}


def test_a_host_is_named_once() -> None:
    grid = Grid([offer("B200", "lab", "lab"), offer("B200", "dock", "dock", problem="no answer")])
    assert [grid.account_heading(account) for account, _ in grid.places] == ["✗ dock", "lab"]
    assert [grid.region_heading(place) for place in grid.places] == ["", ""]


def test_totals_add_up_what_is_counted() -> None:
    grid = Grid(
        [
            offer("B200"),
            offer("B200", "us", idle=5, total=16),
            offer("H100", "us", idle=0, total=4),
            offer("L20", "eu", idle=None, total=None, available=True),
        ]
    )
    assert [grid.idle_of_model(model) for model in ("B200", "H100", "L20")] == ["7", "·", "✓"]
    assert grid.total_of_place(("hub", "us")) == Figures("5", "/20")
    assert grid.total_of_place(("hub", "eu")) == Figures("✓", "")
    assert grid.idle_of_all() == "7"


def test_models_are_ordered_by_memory_then_name() -> None:
    sizes = {"RTX 4090": 24, "RTX 3090": 24, "B200": 180, "odd": None}
    grid = Grid([offer(model, gpu_memory=size and size * GIB) for model, size in sizes.items()])
    assert grid.models == ["B200", "RTX 3090", "RTX 4090", "odd"]
    assert [grid.memory(model) for model in grid.models] == ["180G", "24G", "24G", ""]


def test_two_offers_of_one_model_in_one_place_have_a_row_each() -> None:
    grid = Grid(
        [
            offer("RTX 4090", vendor_name="RTX 4090 24G", idle=1),
            offer("RTX 4090", vendor_name="RTX 4090 48G", idle=7),
            offer("RTX 4090", "lab", "lab"),
        ]
    )
    assert grid.models == ["RTX 4090", "RTX 4090 24G", "RTX 4090 48G"]
    assert words(grid, "RTX 4090 48G") == "7/8"


def ordered(key: SortKey, *, descending: bool) -> list[str]:
    """Return models in an order: of one nothing is known, one has a price in another currency."""
    offers = [
        offer("B200", gpu_memory=180 * GIB, idle=0),
        offer("H100", gpu_memory=80 * GIB, idle=3),
        offer("L4", gpu_memory=24 * GIB, idle=None, total=None, available=True),
        offer("A10", gpu_memory=None, idle=None, total=None),
        offer("RTX 4090", "lab", "lab", gpu_memory=24 * GIB, idle=1),
    ]
    amounts = {"B200": ("6", "USD"), "H100": ("2", "USD"), "L4": ("1", "CNY"), "A10": None, "RTX 4090": None}
    prices = {
        one.ref: Money(Decimal(price[0]), price[1]) for one in offers if (price := amounts[one.gpu_model]) is not None
    }
    by = Arrangement(key, descending)
    return Grid(offers, prices=prices, own=frozenset({"lab"}), arrangement=by).models


def test_models_are_ordered_by_a_figure_and_those_without_it_come_last_in_both_directions() -> None:
    assert ordered(SortKey.MEMORY, descending=True) == ["B200", "H100", "L4", "RTX 4090", "A10"]
    assert ordered(SortKey.MEMORY, descending=False) == ["L4", "RTX 4090", "H100", "B200", "A10"]
    assert ordered(SortKey.IDLE, descending=True) == ["H100", "RTX 4090", "L4", "B200", "A10"]
    assert ordered(SortKey.IDLE, descending=False) == ["B200", "L4", "RTX 4090", "H100", "A10"]
    assert ordered(SortKey.PRICE, descending=False) == ["RTX 4090", "L4", "H100", "B200", "A10"]
    assert ordered(SortKey.NAME, descending=False) == ["A10", "B200", "H100", "L4", "RTX 4090"]


def test_places_are_in_the_order_of_the_accounts_and_regions_in_natural_order() -> None:
    offers = [offer("B200", region, account) for account in ("a", "b") for region in ("us10", "us9")]
    grid = Grid(offers, arrangement=Arrangement(accounts=("b", "a")))
    assert grid.places == [("b", "us9"), ("b", "us10"), ("a", "us9"), ("a", "us10")]


def test_only_what_is_idle_leaves_out_rows_and_columns_not_cells_and_nothing_that_is_unknown() -> None:
    offers = [
        offer("B200", "us", idle=0),
        offer("H100", "us", idle=0),
        offer("H100", "eu", idle=3),
        offer("A10", "eu", idle=None, total=None),
        offer("B200", "asia", idle=0, problem="no answer"),
    ]
    grid = Grid(offers, arrangement=Arrangement(only_idle=True))
    assert (grid.models, grid.places) == (["A10", "H100"], [("hub", "asia"), ("hub", "eu")])
    assert grid.left_out == (1, 1)
    both = Grid([*offers, offer("L4", "us", idle=1)], arrangement=Arrangement(only_idle=True))
    assert words(both, "H100", "us").strip() == "·/8", "not idle is not the same as not offered"


def test_the_price_beside_the_idle_ones_is_that_of_a_place_with_some() -> None:
    cheap, idle, yuan, own = (
        offer("B200", "a", idle=0),
        offer("B200", "b", idle=2),
        offer("B200", "c", idle=1),
        offer("L4", "lab", "lab", idle=1),
    )
    prices = {cheap.ref: "1", idle.ref: "2.5", yuan.ref: "9"}
    money = {ref: Money(Decimal(text), "CNY" if ref == yuan.ref else "USD") for ref, text in prices.items()}
    grid = Grid([cheap, idle, yuan, own, offer("T4")], prices=money, own=frozenset({"lab"}))
    assert [grid.price_of_model(model) for model in ("B200", "L4", "T4")] == ["¥9.00 $2.50", "yours", "?"]
    assert grid.account_heading("lab") == "lab · yours"
    assert Grid([offer("T4")]).price_width == 0, "a column of unknown prices alone is left out"
    none_idle = Grid([cheap], prices=money)
    assert none_idle.price_of_model("B200") == "$1.00"


def test_an_account_has_one_heading_over_all_its_places() -> None:
    offers = [offer("B200", region, account) for account in ("hub", "lab") for region in ("eu", "us")]
    grid = Grid(offers, prices={offers[0].ref: Money(Decimal(1), "USD")}, arrangement=Arrangement(SortKey.IDLE))
    window = Window(grid.models, grid.places, False, False, False, False, None, True)
    lines = Painter(lambda name: Style(), gauge=False).lines(grid, window, 80)
    first, second = ("".join(segment.text for segment in line).rstrip() for line in islice(lines, 2))
    assert first == " GPU       VRAM  idle↓   from/h │ hub ────────────────  lab ────────────────"
    assert second == "                                │ eu         us         eu         us"


def test_the_heading_of_an_account_with_one_place_is_whole_and_has_its_colour() -> None:
    offers = [
        offer("B200", "127.0.0.1", "lab-b", idle=1, total=8),
        offer("B200", "sgp1", "hub"),
        offer("B200", "a", "hub"),
    ]
    grid = Grid(offers, own=frozenset({"lab-b"}), colors={"lab-b": "account-red"})
    window = Window(grid.models, grid.places, False, False, False, False, None, True)
    styles = {"account-red": Style(color="red")}
    line = next(iter(Painter(lambda name: styles.get(name, Style()), gauge=False).lines(grid, window, 80)))
    assert [segment.text.strip() for segment in line if segment.style == styles["account-red"]] == ["lab-b · yours"]


@pytest.mark.parametrize(
    "idle, total, step", [(0, 8, 0), (1, 512, 1), (4, 10, 2), (8, 8, 5), (9, 8, 5), (1, None, 5), (3, 0, 5)]
)
def test_the_ramp(idle: int, total: int | None, step: int) -> None:
    assert ramp_step(offer("B200", idle=idle, total=total)) == step


def test_a_trend_and_a_number_of_fewer_digits_move_no_column() -> None:
    before, after = offer("B200", idle=10, total=64), offer("B200", idle=9, total=64)
    widths = {
        Grid([one], trends=trends).text_width(("hub", "sgp1"))
        for one in (before, after)
        for trends in ({}, {one.ref: -1})
    }
    assert len(widths) == 1


# --- drawing ----------------------------------------------------------------------------------------------------


def drawn(grid: Grid, *, gauge: bool) -> Iterator[str]:
    """Return the lines of models as text."""
    window = Window(
        grid.models, grid.places, more_above=False, more_below=False, more_left=False, more_right=False, cursor=None
    )
    lines = list(Painter(lambda name: Style(), gauge=gauge).lines(grid, window, 80))
    return ("".join(segment.text for segment in line) for line in lines[HEADINGS:])


def test_with_few_colours_a_block_says_how_much_is_idle() -> None:
    grid = Grid([offer(f"G{idle}", idle=idle, total=10) for idle in (0, 2, 4, 6, 8, 10)])
    cells = [line.partition("│")[2][:1] for line in drawn(grid, gauge=True)]
    assert cells == [" ", "▁", "▃", "▄", "▆", "█"]
    assert {line.partition("│")[2][:1] for line in drawn(grid, gauge=False)} == {" "}


def test_wide_letters_are_cut_by_cells() -> None:
    assert fit("北京一区", 5) == "北京…"
    assert fit("北京", 5) == "北京 "


# --- the widget -------------------------------------------------------------------------------------------------


class MapApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.map = Heatmap()
        self.opened = 0

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variables(DARK, "truecolor")

    def compose(self) -> ComposeResult:
        yield self.map

    def on_heatmap_opened(self) -> None:
        self.opened += 1


@asynccontextmanager
async def showing(*offers: Offer, size: tuple[int, int] = (80, 12)) -> AsyncIterator[tuple[MapApp, Any]]:
    """Run an app with nothing but the map of these."""
    app = MapApp()
    async with app.run_test(size=size) as pilot:
        app.map.focus()
        app.map.set_grid(Grid(offers))
        await pilot.pause()
        yield app, pilot


def repainted(app: MapApp, monkeypatch: pytest.MonkeyPatch) -> list[Region]:
    """Return a list that fills with what the map asks to be repainted."""
    regions: list[Region] = []
    monkeypatch.setattr(app.map, "refresh", lambda *given, **_: regions.extend(given))
    return regions


SQUARE = [offer(model, region) for model in ("A", "B", "C") for region in ("eu", "sgp1", "us")]


async def test_one_changed_cell_repaints_itself_and_the_totals_it_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async with showing(*SQUARE) as (app, _):
        regions = repainted(app, monkeypatch)
        app.map.set_grid(Grid([replace(SQUARE[4], idle=3), *SQUARE[:4], *SQUARE[5:]]))
        assert {region.y for region in regions} == {HEADINGS - 1, HEADINGS + 1}
        assert len(regions) == 4
        assert all(region.height == 1 and region.width < 23 for region in regions)


async def test_the_same_again_repaints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with showing(*SQUARE) as (app, _):
        regions = repainted(app, monkeypatch)
        app.map.set_grid(Grid(SQUARE))
        assert regions == []


async def test_moving_the_cursor_repaints_two_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    async with showing(*SQUARE) as (app, pilot):
        regions = repainted(app, monkeypatch)
        await pilot.press("right")
        assert len(regions) == 2
        assert {region.y for region in regions} == {HEADINGS}


async def test_the_cursor_stays_on_its_cell_when_rows_and_columns_come_before_it() -> None:
    async with showing(*SQUARE) as (app, pilot):
        await pilot.press("down", "right")
        assert app.map.position == ("B", ("hub", "sgp1"))
        app.map.set_grid(Grid([*SQUARE, offer("AA", "asia", gpu_memory=GIB)]))
        assert app.map.position == ("B", ("hub", "sgp1"))


async def test_the_cursor_stays_on_a_cell_that_was_opened() -> None:
    async with showing(*SQUARE) as (app, pilot):
        opened = app.map.position
        await pilot.press("enter")
        app.map.set_grid(Grid([offer("AA", "asia", gpu_memory=900 * GIB), *SQUARE]))
        assert app.map.position == opened


async def test_the_cursor_goes_to_the_neighbour_of_what_is_gone() -> None:
    async with showing(*SQUARE) as (app, pilot):
        await pilot.press("down", "right")
        app.map.set_grid(Grid([one for one in SQUARE if one.gpu_model != "B" and one.region != "sgp1"]))
        assert app.map.position == ("C", ("hub", "us"))


async def test_the_cursor_is_found_again_after_the_map_was_empty() -> None:
    async with showing(*SQUARE) as (app, pilot):
        await pilot.press("down", "right")
        app.map.set_grid(Grid(), "Nothing.")
        await pilot.press("down", "enter")
        app.map.set_grid(Grid(SQUARE))
        assert app.map.position == ("B", ("hub", "sgp1"))
        assert app.opened == 0


async def test_a_cell_without_an_offer_opens_too() -> None:
    async with showing(offer("A", "eu"), offer("B", "us")) as (app, pilot):
        await pilot.press("right", "enter")
        assert app.map.offer is None
        assert app.opened == 1


async def test_many_places_are_walked_through_with_none_left_out() -> None:
    places = [offer("A", f"region-{number:02}", idle=number, total=512 * number) for number in range(1, 13)]
    async with showing(*places) as (app, pilot):
        for number in range(2, 13):
            await pilot.press("right")
            heading = "".join(segment.text for segment in app.map.render_line(1))
            assert f"region-{number:02}" in heading
        for number in range(11, 0, -1):
            await pilot.press("left")
            heading = "".join(segment.text for segment in app.map.render_line(1))
            assert f"region-{number:02}" in heading
