"""Where two versions of a line differ."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from gputui.widgets.table.difference import difference

RED, BLUE = Style(color="red"), Style(color="blue")
TEXTS = st.text("ab 漢", min_size=1, max_size=6)


def line(*parts: tuple[str, Style]) -> Strip:
    return Strip([Segment(text, style) for text, style in parts])


def test_a_figure_that_changed_is_found_within_a_text_of_one_style() -> None:
    old = line(("   eval   yotta  42m  h1 ", RED), ("x", BLUE))
    new = line(("   eval   yotta  43m  h1 ", RED), ("x", BLUE))
    assert difference(old, new) == (17, 20)
    assert difference(old, old) == (0, 0)


def test_another_style_is_another_text_and_another_width_another_line() -> None:
    assert difference(line(("a b", RED), ("c", RED)), line(("a b", BLUE), ("c", RED))) == (0, 3)
    assert difference(line(("a", RED)), line(("ab", RED))) == (0, 2)


PARTS = st.lists(st.tuples(TEXTS, st.sampled_from([RED, BLUE])), max_size=5)


@given(PARTS, PARTS)
def test_outside_of_it_the_lines_are_the_same(one: list[tuple[str, Style]], other: list[tuple[str, Style]]) -> None:
    width = max(line(*one).cell_length, line(*other).cell_length)
    old, new = (line(*parts).adjust_cell_length(width, BLUE) for parts in (one, other))
    start, end = difference(old, new)
    for from_, to in ((0, start), (end if end else 0, width)):
        assert old.crop(from_, to).simplify() == new.crop(from_, to).simplify()
