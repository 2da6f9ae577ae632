import csv
import io
import json

import pytest

from gputui.cli.output import about_it, cell_width, csv_cell, fit, format_table, write_csv, write_json


def test_columns_align_by_cells_not_by_characters() -> None:
    table = format_table(("NAME", "N"), [("日本", "1"), ("abcd", "2"), ("e\u0301x", "3")])

    starts = [
        cell_width(line[: line.rindex(digit)]) for line, digit in zip(table.splitlines()[1:], "123", strict=True)
    ]

    assert starts == [6, 6, 6]


def test_numbers_align_to_the_right() -> None:
    assert format_table(("NAME", "N"), [("a", "1"), ("b", "10")], right=frozenset({1})).splitlines() == [
        "NAME   N",
        "a      1",
        "b     10",
    ]


def test_a_line_is_cut_to_the_terminal_without_splitting_a_wide_glyph() -> None:
    assert fit("ab日本語", 6) == "ab日…"
    assert cell_width(fit("日本語日本語", 6)) <= 6
    assert fit("fits", 4) == "fits"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_text_that_a_spreadsheet_would_run_is_disarmed_in_csv(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


def test_csv_leaves_negative_numbers_alone_and_joins_lists() -> None:
    assert csv_cell(-5) == "-5"
    assert csv_cell(-0.5) == "-0.5"
    assert csv_cell(None) == ""
    assert csv_cell(True) == "true"
    assert csv_cell(["a", "b"]) == "a b"
    assert json.loads(csv_cell([{"host_port": 1}])) == [{"host_port": 1}]


def test_csv_quotes_what_csv_has_to_quote() -> None:
    stream = io.StringIO()

    write_csv(("a", "b"), [{"a": 'x,"y"', "b": "line\nbreak"}], stream)

    assert list(csv.reader(io.StringIO(stream.getvalue()))) == [["a", "b"], ['x,"y"', "line\nbreak"]]


def test_json_outside_a_terminal_is_an_array_with_one_row_a_line() -> None:
    stream = io.StringIO()

    write_json([{"a": 1}, {"a": 2}], stream)

    assert stream.getvalue().splitlines() == ["[", '{"a": 1},', '{"a": 2}', "]"]
    assert json.loads(stream.getvalue()) == [{"a": 1}, {"a": 2}]


def test_json_for_a_stream_that_is_not_utf8_is_ascii() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1")

    write_json([{"name": "日本"}], stream)
    stream.flush()

    assert json.loads(raw.getvalue().decode("ascii")) == [{"name": "日本"}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no answer in 30 s", "lab: no answer in 30 s"),
        ("lab: its answer is no JSON", "lab: its answer is no JSON"),
        ("lab has no price", "lab has no price"),
        ("lab-b does not answer", "lab: lab-b does not answer"),
        ("labels are not listed", "lab: labels are not listed"),
    ],
)
def test_a_message_names_its_account_once(text: str, said: str) -> None:
    assert about_it("lab", text) == said
    assert about_it("", text) == text
