"""What a table's columns are, how wide they become, and how a cell's text is cut to its width."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from rich.cells import cell_len, split_text

from gputui.models import Row

RowT = TypeVar("RowT", bound=Row)

Span: TypeAlias = tuple[str, str]
"""A piece of text and the name of its style ('' for the row's own)."""

Cell: TypeAlias = str | Span | Sequence[Span]
"""What a column shows of a row: a text, a text with a style, or several. Never read as markup."""

GAP = 2
"""Blank cells between two columns."""

FLOOR = 8
"""Cells that a flexible column keeps however narrow the terminal is."""

ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Column(Generic[RowT]):
    """One column.

    ``key`` names it in filters and sorting, lower case. ``cell`` makes what is shown. ``sort_key`` makes what rows
    are ordered by, None for unknown, which comes last either way; without one the column does not sort.
    ``width`` is the least width in cells, ``max_width`` the most it takes of itself. A column with ``flex`` gives
    way first when the terminal is narrow, down to ``least`` cells while others can go for it; as the last one it
    takes what a wide one leaves over. ``priority`` 0 is
    always shown; the higher it is, the earlier the column goes. ``search`` makes the text that filters see where
    the cell's own is not it. ``shown`` False makes a column that only filters and sorting know; ``when_filled`` one
    that is there only while a row in view has something in it.
    """

    key: str
    title: str
    cell: Callable[[RowT], Cell]
    sort_key: Callable[[RowT], Any] | None = None
    width: int = 1
    max_width: int = 60
    flex: bool = False
    right: bool = False
    priority: int = 0
    search: Callable[[RowT], str] | None = None
    shown: bool = True
    when_filled: bool = False
    least: int = 0

    def text(self, row: RowT) -> str:
        """Return what filters see of a row."""
        if self.search is not None:
            return self.search(row)
        cell = self.cell(row)
        return cell if isinstance(cell, str) else plain_text(cell)


class Placed(NamedTuple, Generic[RowT]):
    """A column that is on the screen: where it begins and how wide it is, in cells."""

    column: Column[RowT]
    x: int
    width: int


def spans_of(cell: Cell) -> tuple[Span, ...]:
    """Return any form of a cell as spans."""
    if isinstance(cell, str):
        return ((cell, ""),)
    if len(cell) == 2 and isinstance(cell[0], str) and isinstance(cell[1], str):
        return ((cell[0], cell[1]),)
    return tuple(span for span in cell if not isinstance(span, str))


def plain_text(cell: Cell) -> str:
    """Return a cell's text without its styles."""
    return "".join(text for text, _ in spans_of(cell))


def spans_width(spans: Iterable[Span]) -> int:
    """Return how many cells the spans take on a terminal."""
    return sum(cell_len(text) for text, _ in spans)


def fit(spans: Sequence[Span], width: int, *, right: bool = False) -> list[Span]:
    """Cut or pad spans to exactly ``width`` cells; what is cut ends in an ellipsis, never in half a glyph."""
    length = spans_width(spans)
    if length <= width:
        padding = [(" " * (width - length), "")] if length < width else []
        return [*padding, *spans] if right else [*spans, *padding]
    if width <= 0:
        return []
    room = width - 1
    kept: list[Span] = []
    for text, style in spans:
        wide = cell_len(text)
        if wide > room:
            head = split_text(text, room)[0] if room else ""
            kept.append((head + " " * (room - cell_len(head)) + ELLIPSIS, style))
            break
        kept.append((text, style))
        room -= wide
    return kept


def place(columns: Iterable[Column[RowT]], natural: Mapping[str, int], width: int) -> tuple[Placed[RowT], ...]:
    """Choose the columns that fit in ``width`` cells and how wide each is.

    ``natural`` is the width each would like, by key. Columns of the highest priority number go until the rest
    fits with its flexible columns at their least; then those give way, widest first; then the right edge cuts.
    """
    chosen = [column for column in columns if column.shown]
    while _least(chosen, natural) > width:
        optional = [column for column in chosen if column.priority > 0]
        if not optional:
            break
        last = max(column.priority for column in optional)
        chosen.remove([column for column in optional if column.priority == last][-1])
    widths = {column.key: natural[column.key] for column in chosen}
    spare = width - sum(widths.values()) - GAP * max(0, len(chosen) - 1)
    if spare < 0:
        _shrink(chosen, widths, -spare)
    elif chosen and chosen[-1].flex:
        widths[chosen[-1].key] += spare
    placed: list[Placed[RowT]] = []
    x = 0
    for column in chosen:
        room = min(widths[column.key], width - x)
        if room <= 0:
            break
        placed.append(Placed(column, x, room))
        x += room + GAP
    return tuple(placed)


def _least(columns: Sequence[Column[RowT]], natural: Mapping[str, int]) -> int:
    gaps = GAP * max(0, len(columns) - 1)
    return gaps + sum(_rest_width(column, natural[column.key]) for column in columns)


def _rest_width(column: Column[RowT], natural: int) -> int:
    return min(natural, max(column.width, column.least, FLOOR)) if column.flex else natural


def _shrink(columns: Sequence[Column[RowT]], widths: dict[str, int], missing: int) -> None:
    """Take ``missing`` cells from the flexible columns, always from the widest: down to their least, then further."""
    for bound in (lambda column: max(column.least, FLOOR), lambda column: FLOOR):
        floors = {column.key: bound(column) for column in columns if column.flex}
        while missing > 0:
            giving = [key for key, floor in floors.items() if widths[key] > floor]
            if not giving:
                break
            widths[max(giving, key=widths.__getitem__)] -= 1
            missing -= 1


_DIGITS = re.compile(r"([0-9]+)")


@lru_cache(maxsize=1 << 14)
def natural_key(text: str) -> tuple[tuple[str, int, str], ...]:
    """Return a sort key that puts ``gpu2`` before ``gpu10`` and ignores case.

    Numbers are compared by their length, then as text: ``int`` refuses those of thousands of digits.
    """
    parts = _DIGITS.split(text.casefold())
    numbers = [number.lstrip("0") for number in (*parts[1::2], "")]
    return tuple((word, len(number), number) for word, number in zip(parts[::2], numbers, strict=True))
