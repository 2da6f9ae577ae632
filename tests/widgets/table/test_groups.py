"""Rows under headings: totals, folding, marks, and what the cursor does there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from gputui.models import Change
from gputui.presentation.columns.column import Column
from gputui.presentation.groups.grouping import Grouping, GroupLine, Total
from gputui.widgets.table.columns import Placed
from gputui.widgets.table.headings import heading_spans
from tests.widgets.table.small_app import Driver, Record, records, ref, shown


def tens(key: int, rows: Sequence[Record]) -> GroupLine:
    return GroupLine(f"{key}x", f"  {len(rows)}")


SUMS = {"load": Total[Record](lambda row: row.load or 0, lambda parts: str(sum(one * n for one, n in parts.items())))}


def by_tens(**options: Any) -> Grouping[Record]:
    return Grouping("tens", lambda row: None if row.load is None else row.load // 10, tens, SUMS, **options)


@asynccontextmanager
async def grouped(*numbers: int, height: int = 12, **options: Any) -> AsyncIterator[Driver]:
    async with shown(records(*numbers), height=height) as driver:
        driver.table.set_sort("name")
        driver.table.set_group(by_tens(**options))
        await driver.pause()
        yield driver


def body(driver: Driver) -> list[str]:
    return [line[:-1].rstrip() for line in driver.lines[1:] if line.strip()]


async def test_headings_have_the_totals_of_their_rows_under_the_columns() -> None:
    async with grouped(21, 10, 12, 22) as driver:
        assert body(driver) == [
            "   ▾ 1x  2   22",
            "▌    row-10  10    ▇▇▁",
            "     row-12  12    ▇▇▁",
            "   ▾ 2x  2   43",
            "     row-21  21    ▇▇▁",
            "     row-22  22    ▇▇▁",
        ]
        driver.table.apply(Change(updated=(replace(records(21)[0], load=24),)))
        assert driver.repainted() == 2
        driver.table.apply(Change(removed=(ref(10), ref(12))))
        assert body(driver)[0] == "▌  ▾ 2x  2   46"


async def test_enter_on_a_heading_folds_its_rows_and_opens_nothing() -> None:
    async with grouped(10, 11, 20, 21) as driver:
        await driver.press("up", "enter")
        assert [line[3:].split()[0] for line in body(driver)] == ["▸", "▾", "row-20", "row-21"]
        assert driver.cursor_line == 1
        assert driver.table.cursor_row is None
        assert driver.table.row_count == 4
        driver.table.apply(Change(added=(records(12)[0],)))
        assert body(driver)[0] == "▌  ▸ 1x  3   33"
        assert driver.heard(driver.table.Opened) == []
        assert driver.table.select(ref(12))  # asked for by name: its group is unfolded
        assert driver.lines[driver.cursor_line].split()[1] == "row-12"


async def test_a_click_on_the_glyph_folds_and_one_on_the_text_selects() -> None:
    async with grouped(10, 11, 20, 21) as driver:
        await driver.click(offset=(4, 1))
        assert driver.lines[1].startswith("▌  ▸ 1x")
        await driver.click(offset=(6, 2))
        assert driver.lines[2].startswith("▌  ▾ 2x")


async def test_all_groups_are_folded_and_unfolded_at_once_and_the_cursor_stays_in_its_group() -> None:
    async with grouped(*range(10, 60), height=9) as driver:
        driver.table.select(ref(37))
        assert driver.table.folding.fold_all()
        assert driver.lines[driver.cursor_line].split()[2] == "3x"
        assert len(body(driver)) == 5
        assert driver.table.folding.fold_all()
        assert driver.lines[driver.cursor_line].split()[2] == "3x"
        driver.table.set_group(None)
        assert driver.table.cursor_ref == ref(30)


async def test_space_on_a_heading_marks_its_rows_and_goes_to_the_next_heading() -> None:
    async with grouped(10, 11, 20, 21) as driver:
        await driver.press("up", "enter", "space")
        driver.table.action_toggle_mark()
        assert driver.table.marked == [ref(10), ref(11)]
        assert body(driver)[0].startswith(" + ▸ 1x  2  2 marked")
        driver.table.action_toggle_mark()
        assert len(driver.table.marked) == 4
        driver.table.action_toggle_mark()  # there is no heading further down
        assert driver.table.marked == [ref(10), ref(11)]


async def test_the_cursor_passes_over_headings_that_cannot_be_selected() -> None:
    async with grouped(*range(10, 40), height=6, selectable=False, spaced=True) as driver:
        assert body(driver)[0] == "   1x  10  145"
        await driver.press("end", *["up"] * 9)
        assert driver.table.cursor_ref == ref(30)
        await driver.press("up")
        assert driver.table.cursor_ref == ref(29)
        await driver.press("g")
        assert driver.table.cursor_ref == ref(10)
        assert body(driver)[0] == "   1x  10  145"


async def test_groups_follow_the_order_of_the_rows_only_where_that_is_by_what_groups_them() -> None:
    grouping = Grouping("load", lambda row: None if row.load is None else row.load // 10, tens)
    async with shown([*records(10, 20), replace(records(30)[0], load=None)], height=12) as driver:
        driver.table.set_group(grouping)
        for key, descending, first in (("load", True, "2x"), ("name", True, "1x"), ("load", False, "1x")):
            driver.table.set_sort(key, descending)
            assert body(driver)[0].split()[1] == first, key
            assert driver.names[-1] == "row-30"


PLACED: list[Placed[Record]] = [
    Placed(Column("name", lambda row: ""), 0, 12),
    Placed(Column("state", lambda row: ""), 14, 8),
    Placed(Column("price", lambda row: "", right=True), 24, 6),
    Placed(Column("image", lambda row: ""), 32, 10),
]


@pytest.mark.parametrize(
    ("text", "totals", "line"),
    [
        ("lab", {}, "lab  4"),
        ("lab", {"state": "2 up", "price": "$1.00"}, "lab  4          2 up       $1.00"),
        ("a-name-that-is-too-long", {"state": "2 up"}, "a-name-th…o-long  4  2 up"),
        ("lab", {"price": "$14.00 + 2 unpriced"}, "lab  4       $14.00 + 2 unpriced"),
        ("lab", {"state": "2 up", "price": "$14.00 + 2 unpriced"}, "lab  4          2 up  $14.00 + 2 unpriced"),
        ("lab", {"state": "twelve up", "price": "$14.00 + 2 unpriced"}, "lab  4          twelve up  $14.00 + 2 unp…"),
        ("a-name-that-is-too-long-for-all-of-the-line", {}, "a-name-that-is-too-long…all-of-the-line  4"),
        ("lab", {"gone": "9"}, "lab  4"),
    ],
)
def test_totals_are_under_their_columns_and_are_cut_last(text: str, totals: dict[str, str], line: str) -> None:
    spans = heading_spans(
        [(text, "")],
        [("  4", "")],
        {key: [(total, "")] for key, total in totals.items()},
        PLACED,
        indent=2,
        room=42,
    )
    assert "".join(part for part, _ in spans) == line


def test_a_long_note_is_cut_and_not_the_text_before_it() -> None:
    spans = heading_spans(
        [("Waste", "")],
        [("   ~$1.78/h + 1 unpriced + 53 instances of unknown load", "")],
        {},
        PLACED,
        indent=2,
        room=30,
    )
    assert "".join(part for part, _ in spans) == "Waste   ~$1.78/h + 1 unpriced…"
