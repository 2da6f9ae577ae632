"""How the table sorts and filters its rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gputui.models import Change, Ref
from gputui.presentation.columns.column import Column, natural_key
from gputui.query import QueryError
from gputui.widgets.table.row_filter import LINES_AT_ONCE
from gputui.widgets.table.table import RecordTable
from tests.widgets.table.small_app import COLUMNS, STATES, Driver, Record, records, ref, shown


async def test_sorting_is_shown_and_steps_through_the_columns_that_sort() -> None:
    async with shown(records(2, 1, 3)) as driver:
        table = driver.table

        def by() -> tuple[str | None, bool]:
            return table.sort

        table.action_sort_next()
        assert by() == ("name", False)
        assert driver.names == ["row-1", "row-2", "row-3"]
        assert driver.lines[0].split()[0] == "NAME↑"
        table.action_sort_next()
        table.action_sort_invert()
        assert by() == ("load", True)
        assert driver.names == ["row-3", "row-2", "row-1"]
        assert driver.lines[0].split() == ["NAME", "LOAD↓", "BAR"]
        table.action_sort_next()
        assert by() == (None, True)
        table.action_sort_previous()
        assert by() == ("load", True)
        with pytest.raises(ValueError, match="bar"):
            table.set_sort("bar")


async def test_the_keys_sort_by_columns_in_view_only() -> None:
    hidden: Column[Record] = Column("hidden", lambda row: row.name, lambda row: row.name, shown=False)
    async with shown(records(2, 1), columns=[COLUMNS[0], hidden, *COLUMNS[1:]]) as driver:
        found = []
        for _ in range(4):
            driver.table.action_sort_next()
            await driver.pause()
            found.append(driver.table.sort[0])
        assert found == ["name", "load", None, "name"]
        driver.table.set_sort("hidden")
        await driver.pause()
        assert "HIDDEN↑" in driver.lines[0]
        driver.table.action_sort_next()
        assert driver.table.sort[0] != "hidden"


async def test_the_column_in_which_a_filter_matches_is_shown() -> None:
    def headings(driver: Driver) -> list[str]:
        return driver.lines[0].split()

    rows = [*records(1, 2), Record(ref("zeta"), "row-3", 3)]
    async with shown(rows, width=40) as driver:
        table = driver.table
        assert headings(driver) == ["NAME", "LOAD", "BAR"]
        table.set_filter(table.parse_filter("zeta"))
        assert headings(driver) == ["NAME", "LOAD", "BAR", "ID"]
        assert driver.lines[1].split()[-1] == "zeta"
        table.set_filter(table.parse_filter("row"))
        assert headings(driver) == ["NAME", "LOAD", "BAR"]
        table.set_filter(table.parse_filter("!id:1"))
        assert headings(driver) == ["NAME", "LOAD", "BAR", "ID"]
        table.set_filter(None)
        assert headings(driver) == ["NAME", "LOAD", "BAR"]


async def test_a_column_that_a_filter_brings_is_as_wide_as_its_texts() -> None:
    pad: Column[Record] = Column("pad", lambda row: "p" * 8, priority=1)
    rows = [*records(1, 2), Record(ref("zeta-9"), "row-3", 10_000)]
    async with shown(rows, width=36, columns=[*STATES[:3], pad]) as driver:
        assert driver.lines[0].split() == ["NAME", "LOAD", "PAD", "›"]
        driver.table.set_filter(driver.table.parse_filter("zeta"))
        assert driver.lines[0].split() == ["NAME", "LOAD", "ID", "›"]
        assert driver.lines[1].split() == ["▌", "row-3", "10000", "zeta-9"]


async def test_a_filter_narrows_and_counts() -> None:
    async with shown(records(*range(30))) as driver:
        driver.table.set_filter(driver.table.parse_filter("load:>26 !name:29"))
        await driver.pause()
        assert driver.names == ["row-27", "row-28"]
        assert driver.heard(RecordTable.Changed)
        assert (driver.table.row_count, driver.table.total_count) == (2, 30)
        driver.table.apply(Change(added=tuple(records(40)), updated=(replace(records(28)[0], load=3),)))
        assert driver.names == ["row-27", "row-40"]
        driver.table.set_filter(None, where=lambda row: row.name == "row-5")
        assert driver.names == ["row-5"]
        driver.table.set_filter(driver.table.parse_filter("id:=7"))
        assert driver.names == ["row-7"]
        driver.table.set_filter(driver.table.parse_filter("nowhere"))
        assert "None of the 31 rows match" in driver.lines[1]
        driver.table.set_filter(driver.table.parse_filter("row-1"), where=lambda row: row.load != 1)
        assert driver.names == [f"row-{number}" for number in range(10, 18)]
        driver.table.set_filter(None, where=lambda row: row.load == 4)
        assert driver.names == ["row-4"]
        driver.table.set_filter(None)
        assert driver.table.row_count == 31
        with pytest.raises(QueryError):
            driver.table.parse_filter("zone:eu")


async def test_a_filter_over_very_many_rows_comes_when_their_texts_are_made() -> None:
    many = LINES_AT_ONCE + 1
    async with shown(records(*range(many))) as driver:
        table = driver.table
        table.set_filter(table.parse_filter("row-1"))
        assert table.row_count == many, "nothing waits for the texts of so many"
        table.set_filter(table.parse_filter("row-77"))
        table.apply(Change(added=tuple(records(77_000)), removed=(ref(771),)))
        await driver.app.workers.wait_for_complete()
        expected = [f"row-{number}" for number in (*range(many), 77_000) if "77" in str(number)[:2] and number != 771]
        assert [row.name for found in table.visible_refs if (row := table.get(found))] == expected
        table.set_filter(table.parse_filter("row-772"))
        assert driver.names[0] == "row-772", "made texts are kept"


async def test_what_comes_to_a_long_table_and_another_filter_ask_no_more_rows_than_they_must() -> None:
    asked: list[Ref] = []

    def name(row: Record) -> str:
        asked.append(row.ref)
        return row.name

    def load(row: Record) -> int | None:
        asked.append(row.ref)
        return row.load

    columns: list[Column[Record]] = [Column("name", name, load)]
    async with shown(records(*range(3000)), columns=columns, follow=True) as driver:
        driver.table.set_sort("name")
        driver.table.set_filter(driver.table.parse_filter("row"))
        asked.clear()
        driver.table.apply(Change(added=tuple(records(*range(3000, 3010))), removed=(ref(0), ref(1))))
        await driver.pause()
        assert set(asked) == {ref(number) for number in range(3000, 3010)}
        asked.clear()
        driver.table.set_filter(driver.table.parse_filter("row-3009"))
        await driver.pause()
        assert driver.names == ["row-3009"]
        assert asked == [], "neither a text nor a place in the order is made again"


async def test_a_filter_that_is_taken_back_before_its_texts_are_made_does_not_come() -> None:
    async with shown(records(*range(LINES_AT_ONCE + 1))) as driver:
        driver.table.set_filter(driver.table.parse_filter("row-77"))
        driver.table.set_filter(None)
        await driver.app.workers.wait_for_complete()
        assert driver.table.row_count == LINES_AT_ONCE + 1
        driver.table.set_filter(driver.table.parse_filter("row-5000"))
        await driver.app.workers.wait_for_complete()
        assert driver.table.row_count == 1


async def test_a_click_on_a_heading_sorts_and_another_turns_it_round() -> None:
    async with shown(records(2, 1, 3)) as driver:
        await driver.click(RecordTable, offset=(4, 0))
        assert driver.names == ["row-1", "row-2", "row-3"]
        await driver.click(RecordTable, offset=(4, 0))
        assert driver.names == ["row-3", "row-2", "row-1"]


async def test_a_column_for_filters_has_its_texts_while_it_sorts() -> None:
    async with shown(records(*range(1, 5)), columns=STATES) as driver:
        driver.table.set_sort("size", descending=True)
        assert driver.lines[1].split()[-1] == "xxxx"


@pytest.mark.parametrize("descending", [False, True])
async def test_empty_cells_are_last_in_both_directions(descending: bool) -> None:
    columns: list[Column[Record]] = [
        Column("name", lambda row: row.name, lambda row: row.name),
        Column("text", _word, _word),
        Column("natural", _word, lambda row: natural_key(_word(row))),
    ]
    rows = [replace(row, load=None if row.load == 2 else row.load) for row in records(1, 2, 3)]
    async with shown(rows, columns=columns) as driver:
        for key in ("text", "natural"):
            driver.table.set_sort(key, descending)
            assert driver.names[-1] == "row-2"
            assert driver.names[:2] == (["row-3", "row-1"] if descending else ["row-1", "row-3"])


def _word(row: Record) -> str:
    return "" if row.load is None else f"load {row.load}"


def _fussy(row: Record) -> str:
    if row.load == 2:
        raise ValueError("no such load")
    return f"load {row.load}"


@pytest.mark.parametrize("descending", [False, True])
async def test_a_row_that_cannot_be_shown_spoils_nothing_but_itself(descending: bool) -> None:
    faults: list[Exception] = []
    columns: list[Column[Record]] = [
        Column("name", lambda row: row.name, lambda row: row.name),
        Column("load", _fussy, _fussy),
    ]
    async with shown(records(1, 2, 3), columns=columns, on_fault=faults.append) as driver:
        assert [line.split() for line in driver.lines[1:4]][1] == ["row-2", "!"]
        driver.table.set_sort("load", descending)
        assert driver.names == (["row-3", "row-1", "row-2"] if descending else ["row-1", "row-3", "row-2"])
        driver.table.set_filter(driver.table.parse_filter("load:3"))
        assert sorted(driver.names) == ["row-2", "row-3"]
        assert [type(fault) for fault in faults] == [ValueError], "each place once"
