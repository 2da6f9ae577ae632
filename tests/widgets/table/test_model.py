"""The order of rows, checked against the obvious way to compute it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gputui.models import Ref
from gputui.presentation.groups.grouping import Grouping, GroupLine, Total
from gputui.widgets.table.groups import Gap, Heading, Line
from gputui.widgets.table.model import TableModel

NUMBERS = st.integers(0, 40)
VALUES = st.one_of(st.none(), st.integers(0, 5).map(float), st.just(float("nan")))


@dataclass(frozen=True, slots=True)
class Record:
    ref: Ref
    value: float | None


def record(number: int, value: float | None) -> Record:
    return Record(Ref("lab", "row", str(number)), value)


RECORDS = st.builds(record, NUMBERS, VALUES)


def unknown(value: float | None) -> bool:
    return value is None or math.isnan(value)


def no_fault(error: Exception) -> None:
    raise error


def group_of(row: Record) -> int | None:
    return None if row.value is None or math.isnan(row.value) else int(row.value) % 3


def by_group(**options: Any) -> Grouping[Record]:
    return Grouping("third", group_of, lambda key, rows: GroupLine(f"{key}: {len(rows)}"), TOTALS, **options)


TOTALS = {"value": Total[Record](lambda row: None if unknown(row.value) else row.value, dict)}


GROUPINGS = st.one_of(st.none(), st.builds(by_group, spaced=st.booleans(), selectable=st.booleans()))


class Naive:
    """What the model should do, by sorting everything every time."""

    def __init__(self) -> None:
        self.rows: dict[Ref, Record] = {}
        self.sort: Callable[[Record], Any] | None = None
        self.descending = False
        self.keeps: Callable[[Record], bool] | None = None
        self.grouping: Grouping[Record] | None = None
        self.folded: set[int | None] = set()

    def lines(self) -> list[Line]:
        if self.grouping is None:
            return list(self.ungrouped())
        groups: dict[int | None, list[Ref]] = {}
        for ref in self.ungrouped():
            groups.setdefault(group_of(self.rows[ref]), []).append(ref)
        lines: list[Line] = []
        for group in sorted(groups, key=lambda group: (group is None, group)):
            lines += [Gap(group)] if self.grouping.spaced and lines else []
            lines += [Heading(group), *([] if self.is_folded(group) else groups[group])]
        return lines

    def is_folded(self, group: int | None) -> bool:
        return self.grouping is not None and self.grouping.folds and group in self.folded

    def takes_cursor(self, line: Line) -> bool:
        headings = self.grouping is not None and self.grouping.selectable
        return isinstance(line, Ref) or (headings and isinstance(line, Heading))

    def ungrouped(self) -> list[Ref]:
        rows = [row for row in self.rows.values() if self.keeps is None or self.keeps(row)]
        if self.sort is None:
            return [row.ref for row in rows]
        known = [row for row in rows if not unknown(self.sort(row))]
        known.sort(key=self.sort, reverse=self.descending)
        return [row.ref for row in known] + [row.ref for row in rows if unknown(self.sort(row))]


class ModelMachine(RuleBasedStateMachine):
    """Any sequence of changes, sorts and filters."""

    def __init__(self) -> None:
        super().__init__()
        self.model: TableModel[Record] = TableModel(no_fault)
        self.naive = Naive()

    def expect_cursor(self, before: list[Line], cursor: Line | None) -> None:
        """After a change the cursor is on its line, else the next that is left, else the one before."""
        after = [line for line in self.naive.lines() if self.naive.takes_cursor(line)]
        if not after:
            assert self.model.cursor is None
        elif cursor is None:
            assert self.model.cursor in after
        elif cursor in after:
            assert self.model.cursor == cursor
        else:
            at = before.index(cursor)
            left = [line for line in before[at + 1 :] if line in after] or [
                line for line in reversed(before[:at]) if line in after
            ]
            assert self.model.cursor in (left[:1] or after[:2])

    @rule(rows=st.lists(RECORDS, max_size=40, unique_by=lambda row: row.ref))
    def replace(self, rows: list[Record]) -> None:
        self.model.replace(rows)
        self.naive.rows = {row.ref: row for row in rows}

    @rule(rows=st.lists(RECORDS, max_size=4), gone=st.lists(NUMBERS, max_size=3))
    def change_a_few(self, rows: list[Record], gone: list[int]) -> None:
        self.change(rows, gone)

    @rule(rows=st.lists(RECORDS, max_size=40), gone=st.lists(NUMBERS, max_size=40))
    def change_many(self, rows: list[Record], gone: list[int]) -> None:
        self.change(rows, gone)

    def change(self, rows: list[Record], gone: list[int]) -> None:
        before, cursor = list(self.model.lines()), self.model.cursor
        fresh = {row.ref: row for row in rows}
        removed = [ref for number in gone if (ref := Ref("lab", "row", str(number))) not in fresh]
        added = [row for row in fresh.values() if row.ref not in self.naive.rows]
        updated = [row for row in fresh.values() if row.ref in self.naive.rows]
        self.model.change(added, updated, removed)
        for ref in removed:
            self.naive.rows.pop(ref, None)
        self.naive.rows |= {row.ref: row for row in [*updated, *added]}
        self.expect_cursor(before, cursor)

    @rule(descending=st.booleans(), on=st.booleans())
    def sort(self, descending: bool, on: bool) -> None:
        cursor = self.model.cursor
        self.naive.sort = (lambda row: row.value) if on else None
        self.naive.descending = descending
        self.model.set_sort(self.naive.sort, descending=descending)
        assert self.model.cursor == cursor

    @rule(least=st.one_of(st.none(), st.integers(0, 5)))
    def filter(self, least: int | None) -> None:
        self.naive.keeps = None if least is None else lambda row: row.value is not None and row.value >= least
        self.model.set_filter(self.naive.keeps)

    @rule(grouping=GROUPINGS)
    def group(self, grouping: Grouping[Record] | None) -> None:
        self.naive.grouping = grouping
        self.model.group_by(grouping)

    @rule(groups=st.sets(st.sampled_from([0, 1, 2, None])), folded=st.booleans())
    def fold(self, groups: set[int | None], folded: bool) -> None:
        if self.naive.grouping is not None:
            (self.naive.folded.update if folded else self.naive.folded.difference_update)(groups)
            self.model.fold(groups, folded=folded)

    @precondition(lambda self: len(self.model) > 0)
    @rule(data=st.data())
    def move_and_mark(self, data: st.DataObject) -> None:
        ref = data.draw(st.sampled_from(self.model.refs()))
        assert self.model.move_to(ref)
        if self.naive.grouping is not None and self.naive.grouping.folds:
            self.naive.folded.discard(group_of(self.naive.rows[ref]))
        self.model.marks.add(ref)

    @invariant()
    def the_order_is_the_naive_one(self) -> None:
        lines = self.naive.lines()
        assert self.model.lines() == lines
        assert self.model.line_count == len(lines)
        assert [self.model.index_of(line) for line in lines] == list(range(len(lines)))
        assert [self.model.line_at(index) for index in range(len(lines))] == lines
        assert self.model.lines(2, 5) == lines[2:5]
        assert sorted(self.model.refs()) == sorted(self.naive.ungrouped())
        assert (self.model.cursor in lines) is bool(lines)
        assert self.model.marks <= self.naive.rows.keys()
        if self.model.groups is not None:
            for key in self.model.groups.keys:
                assert self.model.groups.content(key).text == f"{key}: {self.model.groups.size(key)}"

    @precondition(lambda self: self.model.groups is not None)
    @rule()
    def the_totals_are_those_made_afresh(self) -> None:
        """Asked for now and then: a total catches up with several changes."""
        assert self.model.groups is not None
        for key in self.model.groups.keys:
            rows = [self.model.rows[ref] for ref in self.model.groups.refs(key)]
            for total in TOTALS.values():
                assert self.model.groups.total(key, total) == total.over(rows)


TestModel = ModelMachine.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def filled(count: int) -> TableModel[Record]:
    model: TableModel[Record] = TableModel(no_fault)
    model.replace(record(number, float(number)) for number in range(count))
    return model


def ids(model: TableModel[Record]) -> str:
    return " ".join(ref.id for ref in model.refs())


def test_a_cursor_that_the_filter_took_away_comes_back_with_its_row() -> None:
    model = filled(10)
    model.move_to(Ref("lab", "row", "6"))
    model.set_filter(lambda row: (row.value or 0) % 2 == 1)
    assert model.cursor == Ref("lab", "row", "7")
    model.set_filter(lambda row: row.value == 3)
    model.set_filter(None)
    assert model.cursor == Ref("lab", "row", "6")


def test_a_cursor_moved_under_a_filter_stays_where_it_was_moved() -> None:
    model = filled(10)
    model.move_to(Ref("lab", "row", "6"))
    model.set_filter(lambda row: (row.value or 0) < 3)
    model.move_to(Ref("lab", "row", "1"))
    model.set_filter(None)
    assert model.cursor == Ref("lab", "row", "1")


def test_an_emptied_table_remembers_the_cursor() -> None:
    model = filled(10)
    model.move_to(Ref("lab", "row", "6"))
    rows = list(model.rows.values())
    model.replace([])
    assert model.cursor is None
    model.replace(rows)
    assert model.cursor == Ref("lab", "row", "6")


def test_unknown_values_come_last_either_way() -> None:
    model = filled(3)
    model.change([record(9, None)], [], [])
    model.set_sort(lambda row: row.value)
    assert ids(model) == "0 1 2 9"
    model.set_sort(lambda row: row.value, descending=True)
    assert ids(model) == "2 1 0 9"


def test_a_mark_goes_with_its_row_and_stays_under_a_filter() -> None:
    model = filled(3)
    model.marks = {Ref("lab", "row", "0"), Ref("lab", "row", "2")}
    model.set_filter(lambda row: row.value == 1)
    assert len(model.marks) == 2
    model.change([], [], [Ref("lab", "row", "0")])
    assert model.marks == {Ref("lab", "row", "2")}


@given(st.lists(RECORDS, max_size=5))
def test_a_row_updated_before_it_was_added_is_added(rows: list[Record]) -> None:
    model: TableModel[Record] = TableModel(no_fault)
    model.change([], rows, [])
    assert set(model.rows.values()) <= set(rows)
    assert len(model) == len({row.ref for row in rows})
