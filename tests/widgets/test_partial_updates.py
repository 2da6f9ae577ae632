"""What is written of a partial update: the changed spans and nothing else."""

from __future__ import annotations

import io
from itertools import pairwise

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from gputui.widgets.textual_internals import partial_update

WIDTH, HEIGHT = 24, 3
BEFORE = "·" * WIDTH


def console() -> Console:
    """Return a terminal of many colours."""
    return Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=WIDTH)


def drawn(update: ChopsUpdate) -> list[str]:
    """Return what a screen full of dots looks like after an update."""
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.Stream(screen)
    for y in range(HEIGHT):
        stream.feed(f"\x1b[{y + 1};1H{BEFORE}")
    stream.feed(update.render_segments(console()))
    return list(screen.display)


def update(cuts: list[int], spans: list[tuple[int, int, int]]) -> ChopsUpdate:
    """Return an update of lines ``abc…`` made of widgets that begin at the cuts."""
    edges = [0, *cuts, WIDTH]
    line = "".join(chr(ord("a") + x) for x in range(WIDTH))
    chops = [{left: Strip([Segment(line[left:right])]) for left, right in pairwise(edges)} for _ in range(HEIGHT)]
    return ChopsUpdate(chops, spans, [edges[1:]] * HEIGHT)


@st.composite
def spans(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Draw spans in the compositor's order: by line, apart from each other."""
    found = []
    for y in range(HEIGHT):
        edges = sorted(draw(st.sets(st.integers(0, WIDTH), max_size=6)))
        found += [(y, left, right) for left, right in zip(edges[::2], edges[1::2], strict=False)]
    return found


@given(st.sets(st.integers(1, WIDTH - 1), max_size=4), spans().filter(bool))
def test_the_spans_are_drawn_and_nothing_else(cuts: set[int], given_spans: list[tuple[int, int, int]]) -> None:
    line = "".join(chr(ord("a") + x) for x in range(WIDTH))
    wanted = [
        "".join(
            line[x] if any(left <= x < right for row, left, right in given_spans if row == y) else "·"
            for x in range(WIDTH)
        )
        for y in range(HEIGHT)
    ]
    assert drawn(partial_update(update(sorted(cuts), given_spans))) == wanted


def test_a_cell_at_the_end_of_a_line_costs_itself() -> None:
    assert partial_update(update([], [(1, 20, 22)])).render_segments(console()) == "\x1b[2;21Huv"


def test_anything_else_is_left_as_it_is() -> None:
    assert partial_update(None) is None
    assert partial_update("text") == "text"
