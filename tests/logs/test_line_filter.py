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


def test_nothing_lets_all_through() -> None:
    assert not LineFilter("  ")
