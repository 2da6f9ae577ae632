"""The table as a user meets it, in a headless app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest
from textual.app import App, ComposeResult
from textual.content import Content
from textual.message import Message
from textual.pilot import Pilot

from gputui.app.theme import DARK, variables
from gputui.models import Change, Ref
from gputui.presentation.columns.column import Column, natural_key
from gputui.query import QueryError
from gputui.widgets.table.row_filter import LINES_AT_ONCE
from gputui.widgets.table.table import RecordTable

M = TypeVar("M", bound=Message)
DEADLINE = 20.0


@dataclass(frozen=True, slots=True)
class Record:
    ref: Ref
    name: str
    load: int | None = None
    stale: bool = False


def ref(number: int | str) -> Ref:
    return Ref("lab", "row", str(number))


def records(*numbers: int) -> list[Record]:
    return [Record(ref(number), f"row-{number}", number) for number in numbers]


COLUMNS: list[Column[Record]] = [
    Column("name", lambda row: row.name, lambda row: row.name, flex=True),
    Column("load", lambda row: ("" if row.load is None else str(row.load), "bad"), lambda row: row.load),
    Column("bar", lambda row: [("▇▇", "good"), ("▁", "muted")], priority=2),
    Column("id", lambda row: row.ref.id, shown=False),
]


class TableApp(App[None]):
    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variables(DARK, "truecolor")

    def __init__(self, columns: list[Column[Record]] = COLUMNS, **options: Any) -> None:
        super().__init__()
        self.table: RecordTable[Record] = RecordTable(
            columns, row_style=lambda row: "stale" if row.stale else None, **options
        )
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_record_table_cursor_moved(self, message: RecordTable.CursorMoved) -> None:
        self.heard.append(message)

    def on_record_table_opened(self, message: RecordTable.Opened) -> None:
        self.heard.append(message)

    def on_record_table_changed(self, message: RecordTable.Changed) -> None:
        self.heard.append(message)


class Driver:
    def __init__(self, app: TableApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.table = app.table
        self.press = pilot.press
        self.click = pilot.click
        self.pause = pilot.pause
        self._resize_terminal = pilot.resize_terminal

    async def resize(self, width: int, height: int) -> None:
        """Resize the terminal and wait until the table has taken its new size.

        Pilot waits for a moment in which the process uses no processor time, which on a busy machine comes before
        the work is done. A callback in the table's own queue comes after it.
        """
        await self._resize_terminal(width, height)
        while self.table.size != (width, height):
            await self._resized()
        await self._resized()

    async def _resized(self) -> None:
        handled = asyncio.Event()
        self.table.call_later(handled.set)
        await asyncio.wait_for(handled.wait(), DEADLINE)

    @property
    def lines(self) -> list[str]:
        return [self.table.render_line(y).text for y in range(self.table.size.height)]

    @property
    def names(self) -> list[str]:
        """The first column of the rows on the screen."""
        return [line[3:-1].split()[0] for line in self.lines[1:] if line[3:-1].strip()]

    @property
    def cursor_line(self) -> int:
        return next(y for y, line in enumerate(self.lines) if line.startswith("▌"))

    def repainted(self) -> int:
        """Lines that the next frame repaints."""
        return len({y for region in self.table._repaint_regions for y in region.line_range})

    def heard(self, kind: type[M]) -> list[M]:
        return [message for message in self.app.heard if isinstance(message, kind)]


@asynccontextmanager
async def shown(rows: list[Record], *, width: int = 40, height: int = 9, **options: Any) -> AsyncIterator[Driver]:
    app = TableApp(**options)
    async with app.run_test(size=(width, height)) as pilot:
        app.table.set_rows(rows)
        await pilot.pause()
        yield Driver(app, pilot)


async def test_rows_stand_under_a_heading() -> None:
    async with shown(records(1, 2)) as driver:
        assert driver.lines[0].split() == ["NAME", "LOAD", "BAR"]
        assert driver.lines[1].split() == ["▌", "row-1", "1", "▇▇▁"]
        assert driver.lines[2].split() == ["row-2", "2", "▇▇▁"]
        assert all(len(line) == 40 for line in driver.lines)


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ("j j", "row-2"),
        ("down down up", "row-1"),
        ("k", "row-0"),
        ("G", "row-29"),
        ("end k", "row-28"),
        ("G g", "row-0"),
        ("end home", "row-0"),
        ("ctrl+f", "row-8"),
        ("pagedown pagedown", "row-16"),
        ("G ctrl+u", "row-21"),
        ("G pageup pageup", "row-13"),
        ("pageup", "row-0"),
    ],
)
async def test_keys_move_the_cursor(keys: str, name: str) -> None:
    async with shown(records(*range(30))) as driver:
        await driver.press(*keys.split())
        row = driver.table.cursor_row
        assert row is not None
        assert row.name == name
        assert name in driver.lines[driver.cursor_line]


async def test_a_step_repaints_two_lines() -> None:
    async with shown(records(*range(30))) as driver:
        driver.table.action_move(1)
        assert driver.repainted() == 2


async def test_a_change_repaints_its_line_and_one_out_of_view_none() -> None:
    async with shown(records(*range(30))) as driver:
        driver.table.apply(Change(updated=(replace(records(3)[0], load=9),)))
        assert driver.repainted() == 1
        assert driver.lines[4].split()[:2] == ["row-3", "9"]
        await driver.pause()
        driver.table.apply(Change(updated=(replace(records(20)[0], load=9),)))
        driver.table.invalidate([ref(3)])
        assert driver.repainted() == 0


async def test_the_cursor_keeps_row_and_line_through_inserts_and_deletes_above() -> None:
    async with shown(records(*range(10, 40))) as driver:
        driver.table.set_sort("load")
        await driver.press(*["down"] * 4)
        line = driver.cursor_line
        driver.table.apply(Change(added=tuple(records(1, 2, 3))))
        assert driver.names[0] == "row-10"
        assert driver.repainted() <= 2, "only the thumb of the scroll bar moves"
        assert (driver.table.cursor_ref, driver.cursor_line) == (ref(14), line)
        driver.table.apply(Change(removed=(ref(1), ref(2), ref(11))))
        assert (driver.table.cursor_ref, driver.cursor_line) == (ref(14), line)
        assert driver.names[:3] == ["row-3", "row-10", "row-12"]


async def test_rows_above_do_not_push_the_top_away_before_the_user_has_moved() -> None:
    async with shown(records(5)) as driver:
        driver.table.set_sort("load")
        driver.table.apply(Change(added=tuple(records(1, 2))))
        assert driver.names == ["row-1", "row-2", "row-5"]
        assert driver.table.cursor_ref == ref(5)


async def test_a_vanished_row_leaves_the_cursor_in_place_and_says_so() -> None:
    async with shown(records(*range(30))) as driver:
        await driver.press("end", "k", "k")
        line = driver.cursor_line
        driver.table.apply(Change(removed=(ref(27),)))
        await driver.pause()
        assert (driver.table.cursor_ref, driver.cursor_line) == (ref(28), line + 1)
        assert driver.heard(RecordTable.CursorMoved)[-1].ref == ref(28)


async def test_the_last_rows_scroll_down_when_rows_above_them_go() -> None:
    async with shown(records(*range(10))) as driver:
        await driver.press("end")
        driver.table.apply(Change(removed=tuple(ref(number) for number in range(5))))
        assert driver.names == [f"row-{number}" for number in range(5, 10)]


async def test_the_cursor_follows_a_row_that_sorts_elsewhere() -> None:
    async with shown(records(*range(30))) as driver:
        driver.table.set_sort("load")
        await driver.press("down", "down")
        driver.table.apply(Change(updated=(replace(records(2)[0], load=20),)))
        assert driver.table.cursor_ref == ref(2)
        assert driver.table.viewport.cursor_index == 19
        assert "row-2 " in driver.lines[driver.cursor_line]
        assert "row-20" in driver.lines[driver.cursor_line - 1] or "row-20" in driver.lines[driver.cursor_line + 1]


async def test_wheel_scrolls_and_the_view_holds_while_the_cursor_is_out_of_it() -> None:
    async with shown(records(*range(10, 60))) as driver:
        driver.table.set_sort("load")
        for _ in range(5):
            driver.table._scroll_view(driver.table.viewport.top + 3)
        assert driver.names[0] == "row-25"
        driver.table.apply(Change(added=tuple(records(1, 2)), removed=(ref(25),)))
        assert driver.names[:2] == ["row-24", "row-26"]
        assert driver.table.cursor_ref == ref(10)


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
        assert asked == [], "neither a text nor a place in the order is made anew"


async def test_a_filter_that_is_taken_back_before_its_texts_are_made_does_not_come() -> None:
    async with shown(records(*range(LINES_AT_ONCE + 1))) as driver:
        driver.table.set_filter(driver.table.parse_filter("row-77"))
        driver.table.set_filter(None)
        await driver.app.workers.wait_for_complete()
        assert driver.table.row_count == LINES_AT_ONCE + 1
        driver.table.set_filter(driver.table.parse_filter("row-5000"))
        await driver.app.workers.wait_for_complete()
        assert driver.table.row_count == 1


async def test_marks_advance_range_and_survive_a_filter() -> None:
    async with shown(records(*range(10))) as driver:
        table = driver.table
        table.action_toggle_mark()
        assert table.cursor_ref == ref(1)
        await driver.press("down", "down")
        table.action_mark_range()
        assert table.marked == [ref(number) for number in range(4)]
        assert [line[1] for line in driver.lines[1:6]] == ["+", "+", "+", "+", " "]
        table.set_filter(None, where=lambda row: row.load is not None and row.load >= 2)
        await driver.pause()
        assert (table.marked, table.marked_hidden) == ([ref(2), ref(3)], [ref(0), ref(1)])
        table.select(ref(2))
        table.action_toggle_mark()
        table.mark(ref(9), ref("unknown"))
        table.apply(Change(removed=(ref(3),)))
        await driver.pause()
        assert driver.heard(RecordTable.Changed)
        assert (len(table.marked), len(table.marked_hidden)) == (1, 2)
        table.action_clear_marks()
        assert table.marked == table.marked_hidden == []


async def test_enter_opens_and_so_does_a_double_click() -> None:
    async with shown(records(*range(5))) as driver:
        await driver.press("down", "enter")
        await driver.click(RecordTable, offset=(5, 4))
        assert driver.table.cursor_ref == ref(3)
        await driver.click(RecordTable, offset=(5, 3), times=2)
        assert [message.ref for message in driver.heard(RecordTable.Opened)] == [ref(1), ref(2)]


async def test_a_click_on_a_heading_sorts_and_another_turns_it_round() -> None:
    async with shown(records(2, 1, 3)) as driver:
        await driver.click(RecordTable, offset=(4, 0))
        assert driver.names == ["row-1", "row-2", "row-3"]
        await driver.click(RecordTable, offset=(4, 0))
        assert driver.names == ["row-3", "row-2", "row-1"]


async def test_the_scroll_bar_can_be_dragged() -> None:
    async with shown(records(*range(100))) as driver:
        assert driver.lines[1].endswith("┃")
        await driver.click(RecordTable, offset=(39, 8))
        assert driver.names[-1] == "row-99"
        assert driver.lines[8].endswith("┃")


async def test_follow_keeps_the_cursor_at_the_end_until_it_leaves_it() -> None:
    async with shown(records(*range(20)), follow=True) as driver:
        await driver.press("end")
        driver.table.apply(Change(added=tuple(records(20, 21))))
        assert driver.table.cursor_ref == ref(21)
        assert driver.names[-1] == "row-21"
        await driver.press("up")
        view = driver.names
        driver.table.apply(Change(added=tuple(records(22))))
        assert driver.table.cursor_ref == ref(20)
        assert driver.names == view


async def test_follow_pauses_while_the_view_is_scrolled_away() -> None:
    async with shown(records(*range(20)), follow=True) as driver:
        await driver.press("end")
        driver.table._scroll_view(0)
        driver.table.apply(Change(added=tuple(records(20))))
        assert not driver.table.viewport.at_end
        assert driver.names[0] == "row-0"
        assert driver.table.cursor_ref == ref(19)


async def test_a_placeholder_stands_while_there_are_no_rows() -> None:
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


STATES: list[Column[Record]] = [
    Column("name", lambda row: row.name, lambda row: row.name, width=12, flex=True, least=12),
    Column("load", lambda row: "" if row.load is None else str(row.load), lambda row: row.load),
    Column("id", lambda row: row.ref.id, lambda row: row.ref.id, priority=2),
    Column("size", lambda row: "x" * (row.load or 0), lambda row: row.load, shown=False),
    Column("flag", lambda row: "old" if row.stale else "", when_filled=True, priority=1),
]


def keys_of(driver: Driver) -> list[str]:
    return [placed.column.key for placed in driver.table.layout_columns]


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
@pytest.mark.parametrize("key", ["name", "load", "id", "size"])
async def test_the_column_that_sorts_is_always_shown(key: str, width: int) -> None:
    async with shown(records(*range(1, 5)), width=width, columns=STATES) as driver:
        driver.table.settle()
        driver.table.set_sort(key, descending=True)
        assert key in keys_of(driver)
        assert "↓" in driver.lines[0]
        driver.table.set_sort(None)
        assert "size" not in keys_of(driver)


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


async def test_a_stale_row_is_dimmed_and_cells_keep_their_colours_under_the_cursor() -> None:
    async with shown([*records(1, 2), Record(ref(3), "row-3", 3, stale=True)]) as driver:

        def styles(y: int) -> dict[str, Any]:
            return {segment.text.strip(): segment.style for segment in driver.table.render_line(y)}

        assert styles(1)["1"].color == styles(2)["2"].color
        assert styles(1)["1"].bgcolor != styles(2)["2"].bgcolor
        assert styles(3)["row-3"].italic
        assert not styles(2)["row-2"].italic


async def test_the_cursor_line_is_drawn_otherwise_without_the_focus() -> None:
    async with shown(records(1, 2)) as driver:
        driver.table.focus()
        await driver.pause()
        focused = list(driver.table.render_line(1))
        driver.table.blur()
        await driver.pause()
        assert [segment.text for segment in driver.table.render_line(1)] == [segment.text for segment in focused]
        assert list(driver.table.render_line(1)) != focused


async def test_another_theme_repaints_the_rows() -> None:
    async with shown(records(1, 2)) as driver:
        dark = list(driver.table.render_line(2))
        driver.app.theme = "textual-light"
        await driver.pause()
        light = list(driver.table.render_line(2))
        assert [segment.text for segment in light] == [segment.text for segment in dark]
        assert all(now.style != before.style for now, before in zip(light, dark, strict=True))


async def test_select_goes_to_a_row_that_is_shown() -> None:
    async with shown(records(*range(30))) as driver:
        assert driver.table.select(ref(25))
        assert "row-25" in driver.lines[driver.cursor_line]
        driver.table.set_filter(None, where=lambda row: row.load == 3)
        assert not driver.table.select(ref(25))
        assert driver.table.get(ref(25)) == records(25)[0]


async def test_movement_keys_can_be_changed_in_the_keymap() -> None:
    async with shown(records(*range(5))) as driver:
        driver.app.set_keymap({"table.down": "ctrl+n"})
        await driver.press("ctrl+n", "j")
        assert driver.table.cursor_ref == ref(1)


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
