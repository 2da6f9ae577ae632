"""The cursor of the table: how it moves, and where it stays while rows come and go."""

from __future__ import annotations

from dataclasses import replace

from gputui.models import Change
from gputui.widgets.table.table import RecordTable
from tests.widgets.table.small_app import records, ref, shown

MOVES = {
    "j j": "row-2",
    "down down up": "row-1",
    "k": "row-0",
    "end": "row-29",
    "end k": "row-28",
    "end g": "row-0",
    "end home": "row-0",
    "ctrl+f": "row-8",
    "pagedown pagedown": "row-16",
    "end ctrl+u": "row-21",
    "end pageup pageup": "row-13",
    "pageup": "row-0",
}


async def test_keys_move_the_cursor() -> None:
    async with shown(records(*range(30))) as driver:
        for keys, name in MOVES.items():
            driver.table.select(ref(0))
            await driver.pause()
            assert driver.lines[driver.cursor_line].split()[1] == "row-0"
            await driver.press(*keys.split())
            row = driver.table.cursor_row
            assert row is not None
            assert row.name == name, keys
            assert name in driver.lines[driver.cursor_line], keys


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


async def test_wheel_scrolls_and_the_view_stays_while_the_cursor_is_out_of_it() -> None:
    async with shown(records(*range(10, 60))) as driver:
        driver.table.set_sort("load")
        for _ in range(5):
            driver.table._scroll_view(driver.table.viewport.top + 3)
        assert driver.names[0] == "row-25"
        driver.table.apply(Change(added=tuple(records(1, 2)), removed=(ref(25),)))
        assert driver.names[:2] == ["row-24", "row-26"]
        assert driver.table.cursor_ref == ref(10)


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
