"""A choice of columns: applied to a table's columns, changed step by step, kept as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gputui.models import Instance, Phase, Ref
from gputui.presentation.columns.choice import ChoiceEditor, ColumnChoice, find_columns
from gputui.presentation.columns.column import Column

COLUMNS: list[Column[Instance]] = [
    Column("name", lambda row: row.name, flex=True),
    Column("gpumem", lambda row: "1G", heading="GPU MEM"),
    Column("price", lambda row: "$1", heading="PRICE/H"),
    Column("phase", lambda row: row.phase.value, shown=False),
]
ROW = Instance(Ref("lab", "pod", "a"), "a", Phase.RUNNING, "running")


def test_a_choice_has_its_own_order_and_leaves_out_what_is_not_known() -> None:
    choice = ColumnChoice(("phase", "gone", "name"), {"phase": 5})
    applied = choice.apply(COLUMNS)
    assert [column.key for column in applied] == ["phase", "name"]
    assert (applied[0].width, applied[0].max_width, applied[0].cell(ROW)) == (5, 5, "running")
    assert choice.unknown(COLUMNS) == ("gone",)


def test_a_choice_comes_back_from_json_and_anything_else_is_refused() -> None:
    choice = ColumnChoice(("name", "price"), {"price": 9})
    assert ColumnChoice.of_plain(json.loads(json.dumps(choice.plain()))) == choice
    wrong: tuple[Any, ...] = (None, [], {"keys": "name"}, {"keys": [1]}, {"keys": [], "widths": {"name": "9"}})
    for value in wrong:
        with pytest.raises(ValueError, match="column"):
            ColumnChoice.of_plain(value)


def test_columns_are_shown_hidden_moved_and_sized_one_step_at_a_time() -> None:
    keys = [column.key for column in COLUMNS]
    editor = ChoiceEditor.begin(keys, ["name", "price"], None)
    assert editor.choice == ColumnChoice(("name", "price"))
    editor = editor.toggled("phase").moved("phase", -1).moved("phase", -1)
    assert editor.choice.keys == ("name", "phase", "price")
    assert editor.moved("name", -1) == editor
    editor = editor.sized("price", 7, 1).sized("price", 7, 1)
    assert editor.choice.widths == {"price": 11}
    again = ChoiceEditor.begin(keys, [], editor.choice)
    assert (again.order, again.choice) == (("name", "phase", "price", "gpumem"), editor.choice)


def test_the_last_column_cannot_be_hidden() -> None:
    editor = ChoiceEditor.begin(["name", "price"], ["name"], None)
    assert editor.toggled("name") == editor


def test_columns_are_found_as_in_a_filter_and_a_wrong_name_gets_a_suggestion() -> None:
    found, problems = find_columns(COLUMNS, ["price/h", "na", "gpu-mem"])
    assert [column.key for column in found] == ["price", "name", "gpumem"]
    assert problems == []
    assert find_columns(COLUMNS, ["prise", "p"])[1] == [
        "There is no column 'prise'. Did you mean price or phase?",
        "'p' may be price or phase.",
    ]
