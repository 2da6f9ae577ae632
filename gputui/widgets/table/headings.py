"""The line of a heading: its text at the left, and its totals under the columns that they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gputui.presentation.columns.column import Span
from gputui.widgets.table.columns import GAP, Placed, fit, spans_width

UNFOLDED, FOLDED = "▾ ", "▸ "

LEAST = 16
"""Cells of a text that totals give way to."""


def heading_spans(
    text: Sequence[Span],
    note: Sequence[Span],
    totals: Mapping[str, Sequence[Span]],
    placed: Sequence[Placed[Any]],
    *,
    indent: int,
    room: int,
) -> list[Span]:
    """Return the line, at most ``room`` cells wide; ``indent`` is where the columns begin in it.

    The text gives way to the first total down to ``LEAST`` cells, the ``note`` behind it to nothing. A total that is
    wider than its column uses the free cells before it, then those behind it, and moves the next ones on.
    """
    shown = [(column, spans_width(totals[column.column.key])) for column in placed if column.column.key in totals]
    boxes = [(_begin(column, wide) + indent, wide, totals[column.column.key]) for column, wide in shown if wide]
    behind = spans_width(note)
    end = max(LEAST + behind, boxes[0][0] - GAP) if boxes else room
    name = fit(text, min(spans_width(text), max(min(LEAST, room), min(end, room) - behind)), middle=True)
    line = [*name, *fit(note, min(behind, max(0, room - spans_width(name))))]
    at = spans_width(line)
    for begin, wide, spans in boxes:
        x = max(begin, at + GAP)
        left = room - x
        if left <= 0:
            break
        line += [(" " * (x - at), ""), *fit(spans, min(wide, left))]
        at = x + min(wide, left)
    return line


def _begin(column: Placed[Any], wide: int) -> int:
    """Return where a total begins: with its column, or so far before that both end together."""
    return column.x + column.width - wide if column.column.right else column.x
