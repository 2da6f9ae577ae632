"""The filter of lines of a log."""

from __future__ import annotations

import pytest

from gputui.logs.line_filter import LineFilter
from gputui.query import QueryError


@pytest.mark.parametrize(
    ("text", "line", "held"),
    [
        ("error", "An ERROR here", True),
        ("ERROR", "an error here", False),
        ("cuda memory", "CUDA out of memory", True),
        ("cuda !memory", "CUDA out of memory", False),
        ('"out of"', "out memory of", False),
        ("/step \\d+$/", "step 12", True),
        ("INFO: 3/4", "INFO: step 3/4", True),
        ("[x]", "a [x] b", True),
        ("done !", "done!", True),
    ],
)
def test_words_must_be_there_or_not(text: str, line: str, held: bool) -> None:
    assert LineFilter(text).holds(line) is held


def test_where_it_contains_what_was_looked_for_is_reported() -> None:
    assert LineFilter("ab !x").spans("ab cAB") == [(0, 2), (4, 6)]


@pytest.mark.parametrize("text", ["/(/", "/(a+)+/"])
def test_an_expression_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        LineFilter(text)


def test_a_refusal_has_the_place_of_the_word() -> None:
    with pytest.raises(QueryError) as refusal:
        LineFilter("  error !/(/ more")
    assert refusal.value.word == len("  error ")


def test_nothing_lets_all_through() -> None:
    assert not LineFilter("  ")


@pytest.mark.parametrize(
    ("text", "line", "held"),
    [
        ("step 50", "291 steps at 18:34:50", False),
        ("step 50", "INFO Step 50 done", True),
        ("Step 50", "INFO step 50 done", False),
        ("a!b [x]", "a!b [x]", True),
        ("/step \\d+$/", "step 12", True),
        ("/step \\d+$/", "step 12 done", False),
        ("/data/run 7", "saved to /data/run 7", True),
    ],
)
def test_a_text_that_is_found_is_one_phrase(text: str, line: str, held: bool) -> None:
    assert LineFilter.phrase(text).holds(line) is held
    assert bool(LineFilter.phrase(text).spans(line)) is held


def test_no_text_finds_nothing() -> None:
    assert not LineFilter.phrase("")
    with pytest.raises(QueryError):
        LineFilter.phrase("/(/")
