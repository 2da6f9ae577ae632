"""The table as a user meets it, in a headless app."""

from __future__ import annotations

from typing import Any

from textual.content import Content

from gputui.widgets.table.table import RecordTable
from tests.widgets.table.small_app import ACCOUNT, COLUMNS, Driver, Record, TableApp, records, ref, shown


async def test_rows_are_under_a_heading() -> None:
    async with shown(records(1, 2)) as driver:
        assert driver.lines[0].split() == ["NAME", "LOAD", "BAR"]
        assert driver.lines[1].split() == ["▌", "row-1", "1", "▇▇▁"]
        assert driver.lines[2].split() == ["row-2", "2", "▇▇▁"]
        assert all(len(line) == 40 for line in driver.lines)


async def test_a_placeholder_is_shown_while_there_are_no_rows() -> None:
    async with shown([], placeholder="Asking lab for its [instances] …") as driver:
        assert driver.lines[1].strip() == "Asking lab for its [instances] …"
        driver.table.placeholder = Content("No instances in lab. Press n to create one, or r to ask again.")
        assert driver.lines[1].strip() == "No instances in lab. Press n to"
        assert driver.lines[2].strip() == "create one, or r to ask again."
        driver.table.set_rows(records(1))
        driver.table.set_filter(None, where=lambda row: False)
        assert driver.lines[1].strip() == "No instances in lab. Press n to"
        driver.table.set_filter(None)
        driver.table.set_rows(records(1))
        assert driver.names == ["row-1"]


async def test_text_is_data_and_wide_glyphs_keep_the_columns_straight() -> None:
    rows = [Record(ref(1), "[red]x[/x] [@click=app.quit]"), Record(ref(2), "训练任务-一二三四五六七八九十", 7)]
    async with shown(rows) as driver:
        assert "[red]x[/x] [@click" in driver.lines[1]
        assert all(driver.table.render_line(y).cell_length == 40 for y in range(9))
        bar = [line.index("▇") for line in driver.lines[1:2]]
        assert bar == [driver.lines[0].index("BAR")]


async def test_control_characters_never_reach_the_terminal() -> None:
    async with shown([Record(ref(1), "a\x1b[31mb\nc\u202ed")]) as driver:
        assert driver.lines[1][3:].startswith("a\ufffd[31mb\ufffdc\ufffdd")


async def test_a_stale_row_is_dimmed_and_cells_keep_their_colours_under_the_cursor() -> None:
    async with shown([*records(1, 2), Record(ref(3), "row-3", 3, stale=True)]) as driver:

        def styles(y: int) -> dict[str, Any]:
            return {segment.text.strip(): segment.style for segment in driver.table.render_line(y)}

        assert styles(1)["1"].color == styles(2)["2"].color
        assert styles(1)["1"].bgcolor != styles(2)["2"].bgcolor
        assert styles(3)["row-3"].italic
        assert not styles(2)["row-2"].italic


async def test_the_colour_of_an_account_stays_in_a_row_with_a_style_of_its_own() -> None:
    async with shown([*records(1, 2), Record(ref(3), "row-3", 3, stale=True)], columns=[*COLUMNS, ACCOUNT]) as driver:

        def styles(y: int) -> dict[str, Any]:
            return {segment.text.strip(): segment.style for segment in driver.table.render_line(y)}

        assert styles(3)["lab"].color == styles(2)["lab"].color != styles(2)["row-2"].color
        assert styles(3)["lab"].italic, "the rest of the style of the row is kept"


async def test_the_cursor_line_is_drawn_otherwise_without_the_focus() -> None:
    async with shown(records(1, 2)) as driver:
        driver.table.focus()
        await driver.pause()
        focused = list(driver.table.render_line(1))
        driver.table.blur()
        await driver.pause()
        assert [segment.text for segment in driver.table.render_line(1)] == [segment.text for segment in focused]
        assert list(driver.table.render_line(1)) != focused


async def test_a_row_that_was_opened_keeps_the_cursor_while_rows_come() -> None:
    async with shown(records(2)) as driver:
        driver.table.focus()
        await driver.press("enter")
        driver.table.set_rows(records(1, 2))
        driver.table.rest_on_first()
        assert driver.table.cursor_row == records(2)[0]


async def test_another_theme_repaints_the_rows() -> None:
    async with shown(records(1, 2)) as driver:
        dark = list(driver.table.render_line(2))
        driver.app.theme = "textual-light"
        await driver.pause()
        light = list(driver.table.render_line(2))
        assert [segment.text for segment in light] == [segment.text for segment in dark]
        assert all(now.style != before.style for now, before in zip(light, dark, strict=True))


async def test_a_row_style_that_fails_leaves_the_row_its_own_style() -> None:
    faults: list[Exception] = []

    class Odd(TableApp):
        def __init__(self) -> None:
            super().__init__()
            self.table = RecordTable(
                COLUMNS, row_style=lambda row: {1: "stale"}[row.load or 0], on_fault=faults.append
            )

    app = Odd()
    async with app.run_test(size=(40, 9)) as pilot:
        app.table.set_rows(records(1, 2))
        await pilot.pause()
        assert Driver(app, pilot).names == ["row-1", "row-2"]
    assert [type(fault) for fault in faults] == [KeyError]
