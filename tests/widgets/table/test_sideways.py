"""Columns that do not fit: scrolled to under a first one that stays, all of them where the user chose."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from textual.events import MouseScrollDown

from gputui.models import Change
from gputui.presentation.columns.choice import ColumnChoice
from gputui.presentation.columns.column import Column
from gputui.widgets.table.sideways import stops
from gputui.widgets.table.table import RecordTable
from tests.widgets.table.small_app import Driver, Record, keys_of, records, shown


def _text(at: int, row: Record) -> str:
    return f"text-{at}"


MANY: list[Column[Record]] = [
    Column("name", lambda row: row.name, lambda row: row.name, width=8, flex=True),
    *(Column(f"c{at}", partial(_text, at), width=8, priority=at) for at in range(1, 6)),
    Column("extra", lambda row: str(row.load), lambda row: row.load, shown=False),
]


def heading(driver: Driver) -> list[str]:
    return driver.lines[0].split()


def test_each_place_brings_the_next_column_into_view_and_the_last_shows_the_last() -> None:
    places = stops([10, 5, 5, 20, 5, 5], 30)
    assert places == [(1, 3), (3, 4), (4, 6)]
    assert stops([10, 50, 50], 20) == [(1, 2), (2, 3)]  # each alone is wider than the room


async def test_anchors_at_the_left_stay_with_the_first_column() -> None:
    first, second, *others = MANY
    columns = [replace(first, anchor=True), replace(second, anchor=True), *others]
    async with shown(records(1, 2), width=44, columns=columns) as driver:
        assert heading(driver) == ["NAME", "C1", "C2", "C3", "›"]
        await driver.press("right", "right")
        assert heading(driver) == ["NAME", "C1", "‹C4", "C5"]
        await driver.click(RecordTable, offset=(driver.lines[0].index("‹"), 0))
        assert heading(driver) == ["NAME", "C1", "‹C3", "C4", "›"]


async def test_columns_that_were_left_out_are_scrolled_to_and_the_heading_says_so() -> None:
    async with shown(records(1, 2), width=34, columns=MANY) as driver:
        assert heading(driver) == ["NAME", "C1", "C2", "›"]
        await driver.press("right")
        assert heading(driver) == ["NAME", "‹C2", "C3", "›"]
        assert driver.lines[1].split() == ["▌", "row-1", "text-2", "text-3"]
        await driver.press("right", "right", "right")
        assert heading(driver) == ["NAME", "‹C4", "C5"]
        await driver.press("left", "left", "left", "left")
        assert heading(driver) == ["NAME", "C1", "C2", "›"]


async def test_the_signs_of_the_heading_and_the_wheel_with_shift_scroll_too() -> None:
    async with shown(records(1, 2), width=34, columns=MANY) as driver:
        await driver.click(RecordTable, offset=(33, 0))
        assert heading(driver) == ["NAME", "‹C2", "C3", "›"]
        await driver.click(RecordTable, offset=(driver.lines[0].index("‹"), 0))
        assert heading(driver) == ["NAME", "C1", "C2", "›"]
        down = MouseScrollDown(driver.table, 5, 2, 0, 1, 0, shift=True, meta=False, ctrl=False)
        driver.table.on_mouse_scroll_down(down)
        assert heading(driver) == ["NAME", "‹C2", "C3", "›"]
        assert driver.table.viewport.top == 0


async def test_all_chosen_columns_are_there_in_their_order_and_width() -> None:
    async with shown(records(1, 2), width=34, columns=MANY) as driver:
        driver.table.chosen.choose(ColumnChoice(("c5", "extra", "name", "c1"), {"c5": 12}))
        assert heading(driver) == ["C5", "EXTRA", "NAME", "›"]
        assert driver.lines[1].split() == ["▌", "text-5", "1", "row-1"]
        driver.table.chosen.reveal("c1")
        assert keys_of(driver) == ["c5", "c1"]
        assert driver.table.layout_columns[0].width == 12
        driver.table.chosen.choose(None)
        assert heading(driver) == ["NAME", "C1", "C2", "›"]


async def test_the_column_that_sorts_is_there_next_to_the_chosen_ones() -> None:
    async with shown(records(1, 2), width=60, columns=MANY) as driver:
        driver.table.chosen.choose(ColumnChoice(("name", "c2")))
        driver.table.set_sort("extra", descending=True)
        assert heading(driver) == ["NAME", "C2", "EXTRA↓"]


async def test_a_choice_of_columns_that_are_all_unknown_is_none() -> None:
    async with shown(records(1), width=34, columns=MANY) as driver:
        driver.table.chosen.choose(ColumnChoice(("gone",)))
        assert driver.table.chosen.choice is None
        assert heading(driver) == ["NAME", "C1", "C2", "›"]


async def test_scrolled_columns_keep_still_when_a_text_becomes_longer() -> None:
    async with shown(records(1, 2), width=34, columns=MANY) as driver:
        driver.table.settle()
        await driver.press("right")
        before = driver.table.layout_columns
        driver.table.apply(Change(updated=(Record(records(1)[0].ref, "a-much-longer-name", 1),)))
        assert driver.table.layout_columns == before


async def test_a_long_name_takes_the_cells_that_the_columns_next_to_it_leave() -> None:
    long = [replace(row, name="some-name-of-row") for row in records(1, 2)]
    async with shown(long, width=40, columns=MANY) as driver:
        await driver.press("right", "right", "right", "right")
        assert heading(driver) == ["NAME", "‹C4", "C5"]
        assert "some-name-of-row" in driver.lines[1]
        assert driver.lines[1].rstrip().endswith("text-5")
