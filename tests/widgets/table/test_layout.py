"""Which columns of the table are shown, and how wide they are, while its size and its texts change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gputui.models import Change
from gputui.presentation.columns.column import Column
from tests.widgets.table.small_app import STATES, Record, keys_of, records, shown


async def test_narrow_and_wide_terminals() -> None:
    async with shown(records(*range(5))) as driver:
        await driver.resize(16, 9)
        assert [placed.column.key for placed in driver.table.layout_columns] == ["name", "load"]
        await driver.resize(120, 9)
        assert [placed.column.key for placed in driver.table.layout_columns] == ["name", "load", "bar"]
        await driver.resize(3, 2)
        await driver.resize(40, 9)
        assert driver.names == [f"row-{number}" for number in range(5)]


async def test_columns_grow_while_the_list_is_set_up() -> None:
    async with shown(records(*range(5)), width=60) as driver:

        def width() -> int:
            return driver.table.layout_columns[1].width

        before = width()
        driver.table.apply(Change(updated=(replace(records(1)[0], load=10**9),)))
        assert width() == 10
        driver.table.apply(Change(updated=tuple(records(1))))
        assert width() == 10
        driver.table.settle()
        assert width() == before


async def test_columns_keep_still_while_one_looks() -> None:
    async with shown(records(*range(1, 5)), width=36, columns=STATES) as driver:
        driver.table.settle()
        assert keys_of(driver) == ["name", "load", "id"]
        longer = replace(records(1)[0], load=10**11, stale=True)
        driver.table.apply(Change(updated=(longer,), added=tuple(records(5))))
        assert keys_of(driver) == ["name", "load", "id"], "none goes or comes"
        assert "100000000000" in driver.lines[1]
        await driver.press("j")
        assert keys_of(driver) == ["name", "load", "id"]
        driver.table.refit()
        assert keys_of(driver) == ["name", "load", "flag"]
        assert "100000000000" in driver.lines[1]


async def test_a_column_widens_only_into_the_room_there_is() -> None:
    async with shown(records(*range(1, 4)), width=30, columns=STATES) as driver:
        driver.table.settle()
        driver.table.apply(Change(updated=(replace(records(1)[0], load=10**40),)))
        assert keys_of(driver) == ["name", "load", "id"]
        last = driver.table.layout_columns[-1]
        assert last.x + last.width == 30 - 4, "nothing is pushed over the edge"
        assert driver.lines[1].rstrip().endswith("…  1")


async def test_nothing_moves_for_what_fits_into_the_room_reserved() -> None:
    columns = [replace(column, reserve=12) if column.key == "load" else column for column in STATES]
    async with shown(records(*range(1, 4)), width=40, columns=columns) as driver:
        driver.table.settle()
        before = driver.table.layout_columns
        await driver.pause()
        driver.table.apply(Change(updated=(replace(records(1)[0], load=10**11),)))
        assert driver.table.layout_columns == before
        assert driver.repainted() == 1
        assert "100000000000" in driver.lines[1]
    async with shown(records(*range(1, 4)), width=26, columns=columns) as driver:
        driver.table.settle()
        assert keys_of(driver) == ["name", "load", "id"], "no column goes for a reserve"


async def test_the_users_own_action_may_add_a_column_where_there_is_room() -> None:
    async with shown(records(*range(1, 4)), width=40, columns=STATES) as driver:
        driver.table.settle()
        driver.table.admit()
        driver.table.apply(Change(updated=(replace(records(1)[0], stale=True),)))
        assert keys_of(driver) == ["name", "load", "id", "flag"]
    async with shown(records(*range(1, 4)), width=26, columns=STATES) as driver:
        driver.table.settle()
        assert keys_of(driver) == ["name", "load", "id"]
        driver.table.admit()
        driver.table.apply(Change(updated=(replace(records(1)[0], stale=True),)))
        assert keys_of(driver) == ["name", "load", "id"], "none goes for it"


@pytest.mark.parametrize("width", [20, 24, 40, 80])
async def test_the_column_that_sorts_is_always_shown(width: int) -> None:
    async with shown(records(*range(1, 5)), width=width, columns=STATES) as driver:
        for key in ("name", "load", "id", "size"):
            driver.table.settle()
            driver.table.set_sort(key, descending=True)
            assert key in keys_of(driver)
            assert "↓" in driver.lines[0]
            driver.table.set_sort(None)
            assert "size" not in keys_of(driver)


async def test_a_column_that_nothing_fills_is_not_there() -> None:
    columns: list[Column[Record]] = [
        Column("name", lambda row: row.name),
        Column("load", lambda row: "" if row.load is None else str(row.load), when_filled=True),
    ]
    idle = [replace(row, load=None) for row in records(*range(3))]
    async with shown(idle, columns=columns) as driver:
        assert "LOAD" not in driver.lines[0]
        driver.table.apply(Change(updated=(records(1)[0],)))
        assert "LOAD" in driver.lines[0]


async def test_columns_keep_still_while_a_filter_is_typed() -> None:
    columns = [
        *STATES,
        Column("mean", lambda row: "" if row.load is None else f"mean {row.load}", when_filled=True),
    ]
    rows = [*records(*range(1, 5)), *(replace(row, load=None) for row in records(50, 51))]
    async with shown(rows, width=80, columns=columns) as driver:
        driver.table.settle()
        before = driver.table.layout_columns
        assert "MEAN" in driver.lines[0]
        for typed in ("r", "row-", "row-5", "row-51", "row-519"):
            driver.table.set_filter(driver.table.parse_filter(typed))
            assert driver.table.layout_columns == before, typed
        driver.table.set_filter(driver.table.parse_filter("row-5"), where=lambda row: row.load is None)
        assert "MEAN" not in driver.lines[0], "a view of these rows alone is another list"


async def test_columns_in_which_alone_rows_match_come_when_the_filter_is_typed() -> None:
    async with shown(records(*range(1, 5)), width=80, columns=STATES) as driver:
        driver.table.settle()
        before = keys_of(driver)
        assert "size" not in before
        driver.table.set_filter(driver.table.parse_filter("x"), typing=True)
        assert keys_of(driver) == before
        driver.table.set_filter(driver.table.parse_filter("xx"), typing=True)
        assert keys_of(driver) == before
        driver.table.set_filter(driver.table.parse_filter("xx"))
        found = keys_of(driver)
        assert "size" in found
        driver.table.set_filter(driver.table.parse_filter("xxx"), typing=True)
        assert keys_of(driver) == found, "none goes while one types"
        driver.table.set_filter(None)
        assert keys_of(driver) == before
