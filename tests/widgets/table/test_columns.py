"""Cutting cells to their width, and choosing columns for a terminal's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.models import GpuDevice, Ref
from gputui.presentation.columns.column import Column, Span, natural_key, plain_text, spans_of
from gputui.widgets.table.columns import (
    FLOOR,
    GAP,
    YIELDS_TO_BARS,
    Placed,
    arrange,
    choose,
    fit,
    spans_width,
    without_bar,
)


def cut(text: str, width: int, *, right: bool = False) -> str:
    return plain_text(fit([(text, "")], width, right=right))


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("train", 8, "train   "),
        ("train", 5, "train"),
        ("train", 4, "tra…"),
        ("train", 1, "…"),
        ("train", 0, ""),
        ("训练任务", 8, "训练任务"),
        ("训练任务", 7, "训练任…"),
        ("训练任务", 6, "训练 …"),
        ("a\u0301b\u0301c\u0301", 3, "a\u0301b\u0301c\u0301"),
        ("a\u0301b\u0301c\u0301", 2, "a\u0301…"),
        ("[red]x[/x]", 12, "[red]x[/x]  "),
    ],
)
def test_a_cell_is_cut_by_the_width_it_takes(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("train-llama-70b-7f3c", 20, "train-llama-70b-7f3c"),
        ("train-llama-70b-7f3c", 12, "train-l…7f3c"),
        ("train-llama-70b-7f3c", 8, "train…3c"),
        ("train-llama-70b-7f3c", 7, "train-…"),
        ("训练任务训练任务训练", 13, "训练任务…训练"),
        ("训练任务训练任务训练", 12, "训练任 …训练"),
    ],
)
def test_a_name_is_cut_in_the_middle(text: str, width: int, shown: str) -> None:
    found = plain_text(fit([(text, "")], width, middle=True))
    assert found == shown
    assert spans_width([(found, "")]) == width


@pytest.mark.parametrize(
    ("width", "shown"),
    [(16, "◐ creating  0:41"), (15, "◐ creating …   "), (13, "◐ creating … "), (11, "◐ creating…"), (9, "◐ creati…")],
)
def test_a_time_after_a_state_is_there_in_full_or_not_at_all(width: int, shown: str) -> None:
    found = plain_text(fit([("◐ creating", "warning"), ("  0:41", "muted")], width))
    assert found == shown
    assert spans_width([(found, "")]) == width


def test_styles_stay_with_their_text_when_it_is_cut_in_the_middle() -> None:
    assert fit([("abcdef", "good"), ("ghijkl", "muted")], 8, middle=True) == [("abcde…", "good"), ("kl", "muted")]


def test_numbers_are_at_the_right() -> None:
    assert cut("7", 4, right=True) == "   7"


def test_styles_stay_with_their_text_when_it_is_cut() -> None:
    assert fit([("▇▇▇", "good"), ("▁▁▁", "muted")], 5) == [("▇▇▇", "good"), ("▁…", "muted")]
    assert fit([("▇▇▇", "good"), ("▁▁▁", "muted")], 3) == [("▇▇…", "good")]


@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])), st.just("")), max_size=4
    ),
    st.integers(0, 20),
    st.booleans(),
    st.booleans(),
)
def test_a_cell_takes_exactly_its_width(spans: list[Span], width: int, right: bool, middle: bool) -> None:
    fitted = fit(spans, width, right=right, middle=middle)
    assert spans_width(fitted) == width


def test_every_form_of_a_cell_is_read() -> None:
    assert spans_of("plain") == (("plain", ""),)
    assert spans_of(("text", "bad")) == (("text", "bad"),)
    assert spans_of([("a", "good"), ("b", "")]) == (("a", "good"), ("b", ""))
    assert spans_of([("a", "good")]) == (("a", "good"),)
    assert spans_of([]) == ()


def column(
    key: str, *, flex: bool = False, priority: int = 0, shown: bool = True, width: int = 1
) -> Column[GpuDevice]:
    return Column(key, lambda row: row.host, flex=flex, priority=priority, shown=shown, width=width)


COLUMNS = [column("name", flex=True), column("state"), column("gpu", priority=1), column("age", priority=3)]
NATURAL = {"name": 20, "state": 10, "gpu": 10, "age": 10}


def place(columns: list[Column[GpuDevice]], natural: dict[str, int], width: int) -> tuple[Placed[GpuDevice], ...]:
    return arrange(choose(columns, natural, width), natural, width)


def placed(width: int) -> list[tuple[str, int, int]]:
    return [(each.column.key, each.x, each.width) for each in place(COLUMNS, NATURAL, width)]


def test_a_wide_terminal_keeps_what_belongs_together_together() -> None:
    assert placed(76) == [("name", 0, 20), ("state", 22, 10), ("gpu", 34, 10), ("age", 46, 10)]


def test_the_last_column_takes_what_is_left_if_it_is_flexible() -> None:
    columns = [column("state"), column("command", flex=True)]
    assert [each.width for each in place(columns, {"state": 10, "command": 20}, 76)] == [10, 64]


def test_the_flexible_column_gives_way_before_a_column_goes() -> None:
    assert placed(46) == [("name", 0, 10), ("state", 12, 10), ("gpu", 24, 10), ("age", 36, 10)]


def test_a_column_keeps_its_least_while_others_can_go_for_it() -> None:
    columns = [replace(column("name", flex=True), least=20), column("image", flex=True, priority=1)]
    natural = {"name": 22, "image": 30}

    def widths(room: int) -> dict[str, int]:
        return {placed.column.key: placed.width for placed in place(columns, natural, room)}

    assert widths(40) == {"name": 20, "image": 18}
    assert widths(29) == {"name": 29}
    assert widths(15) == {"name": 15}


def test_a_bar_goes_before_a_text_is_cut_or_a_column_is_left_out() -> None:
    columns = [replace(column("gpu", flex=True), least=12), replace(column("util", priority=1), bar=5), column("age")]
    natural = {"gpu": 16, "util": 11, "age": 4}

    def widths(room: int) -> dict[str, tuple[int, bool]]:
        return {each.column.key: (each.width, each.is_bare) for each in place(columns, natural, room)}

    assert widths(35) == {"gpu": (16, False), "util": (11, False), "age": (4, False)}
    assert widths(31) == {"gpu": (12, False), "util": (11, False), "age": (4, False)}
    assert widths(30) == {"gpu": (16, False), "util": (6, True), "age": (4, False)}, "the others take its room"
    assert widths(26) == {"gpu": (12, False), "util": (6, True), "age": (4, False)}
    assert widths(25) == {"gpu": (16, False), "age": (4, False)}


def test_a_less_important_column_gives_way_to_a_bar() -> None:
    columns = [column("name"), replace(column("util"), bar=5), column("image", priority=YIELDS_TO_BARS)]
    natural = {"name": 10, "util": 11, "image": 10}
    assert [each.column.key for each in place(columns, natural, 35)] == ["name", "util", "image"]
    assert [(each.column.key, each.is_bare) for each in place(columns, natural, 34)] == [
        ("name", False),
        ("util", False),
    ]


def test_the_heading_of_a_column_without_its_bar_stays_in_full() -> None:
    columns = [column("name"), replace(column("instances"), bar=5)]
    found = place(columns, {"name": 10, "instances": 13}, 22)
    assert (found[1].width, found[1].is_bare) == (len("INSTANCES↓"), True)


def test_the_figure_without_its_bar_has_the_style_of_that_where_it_can_be_read() -> None:
    assert without_bar([("▁▁▁▁", "warning"), (" 0/2", "")]) == [("0/2", "warning")]
    assert without_bar([("▇▇▁▁", "load-2"), ("  48 %", ""), ("?", "muted")]) == [("48 %", ""), ("?", "muted")]
    assert without_bar([("?", "muted")]) == [("?", "muted")]


def test_columns_go_by_priority() -> None:
    assert [key for key, _, _ in placed(43)] == ["name", "state", "gpu"]
    assert [key for key, _, _ in placed(31)] == ["name", "state"]


def test_below_the_least_the_right_edge_cuts() -> None:
    assert placed(14) == [("name", 0, FLOOR), ("state", FLOOR + GAP, 4)]


def test_columns_for_filters_alone_are_not_placed() -> None:
    assert not place([column("id", shown=False)], {"id": 5}, 80)


@given(st.integers(0, 120), st.lists(st.integers(1, 40), min_size=4, max_size=4))
def test_columns_never_overlap_or_leave_the_table(width: int, naturals: list[int]) -> None:
    natural = dict(zip(NATURAL, naturals, strict=True))
    end = -GAP
    for each in place(COLUMNS, natural, width):
        assert each.x == end + GAP
        assert each.width > 0
        end = each.x + each.width
    assert end <= width


def test_names_sort_as_people_count() -> None:
    names = ["gpu10", "GPU2", "gpu1", "a", "gpu", ""]
    assert sorted(names, key=natural_key) == ["", "a", "gpu", "gpu1", "GPU2", "gpu10"]
    places = ["gpu2", "gpu2/vllm", "gpu2-old", "gpu2.lan", "gpu10"]
    assert sorted(places[2:] + places[:2], key=natural_key) == places


@pytest.mark.parametrize(
    "names",
    [
        ["asr-21c34ce6", "asr-6d02bb90", "asr-8b5db09b"],
        ["12ab34c5", "3f2a9c", "9f00aa"],
        ["wk-1f76bbb31394", "wk-85ca6c4d353a"],
        ["container-8", "container-12", "container-100000"],
        ["feed9", "feed12", "feed100"],
        ["job_26e5f48004", "job_8eeebb07ed"],
        ["10.0.0.9", "10.0.0.12"],
    ],
)
def test_hexadecimal_names_are_sorted_as_text_and_numbers_as_numbers(names: list[str]) -> None:
    assert sorted(set(names), key=natural_key) == names


def test_numbers_of_any_length_sort() -> None:
    names = ["n" + "9" * 5000, "n1" + "0" * 5000, "n007", "n7a", "n²", "n٣"]
    assert sorted(names, key=natural_key)[:4] == ["n007", "n7a", "n" + "9" * 5000, "n1" + "0" * 5000]


def test_a_column_is_searched_by_what_it_shows_unless_defined_otherwise() -> None:
    device = GpuDevice(Ref("lab", "gpu", "0"), "gpu01", 0)
    assert column("host").text(device) == "gpu01"
    other: Column[GpuDevice] = Column("host", lambda row: "x", search=lambda row: f"gpu {row.index}")
    assert other.text(device) == "gpu 0"
