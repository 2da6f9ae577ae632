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

YIELDS = 6
"""The priority from which on a column gives way to the room that another reserves."""

ELLIPSIS = "…"

LEAST_FOR_MIDDLE = 8
"""Cells from which on there is room for the beginning and the end of a text."""


@dataclass(frozen=True, slots=True)
class Column(Generic[RowT]):
    """One column.

    ``key`` names it in filters and sorting, lower case. ``cell`` makes what is shown. ``sort_key`` makes what rows
    are ordered by, None for unknown, which comes last either way; without one the column does not sort.
    ``width`` is the least width in cells, ``max_width`` the most it takes of itself. A column with ``flex`` gives
    way first when the terminal is narrow, down to ``least`` cells while others can go for it; as the last one it
    takes what a wide one leaves over. ``priority`` 0 is
    always shown; the higher it is, the earlier the column goes. ``search`` makes the text that filters see where
    the cell's own is not it. ``shown`` False makes a column that is there for filters, and on the screen only while
    it sorts; ``when_filled`` one that is left out where no row has something in it: ``filled`` says so where the
    cell's text does not. ``middle`` cuts a long text in the middle: for names, whose ends tell them apart.
    ``number`` makes what a filter compares, in bytes, seconds or as counted, None for unknown: needed where the
    text is no plain figure, as in ``#4 RTX 4090``. ``reserve`` is the width that it can grow to without another
    having to go for it, unless the terminal is narrow.
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
    middle: bool = False
    filled: Callable[[RowT], bool] | None = None
    reserve: int = 0
    number: Callable[[RowT], float | None] | None = None

    def order(self, row: RowT) -> Any:
        """Return the value that the row is ordered by, None for an unknown or empty one. Needs a ``sort_key``."""
        if self.sort_key is None:
            return None
        value = self.sort_key(row)
        return None if value in ("", EMPTY_NAME) else value

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


def fit(spans: Sequence[Span], width: int, *, right: bool = False, middle: bool = False) -> list[Span]:
    """Cut or pad spans to exactly ``width`` cells, never in half a glyph.

    An ellipsis replaces the end, or with ``middle`` the middle of the text: its beginning and end both remain.
    """
    length = spans_width(spans)
    if length <= width:
        padding = [(" " * (width - length), "")] if length < width else []
        return [*padding, *spans] if right else [*spans, *padding]
    if width <= 0:
        return []
    if middle and width >= LEAST_FOR_MIDDLE:
        tail = _tail(spans, (width - 1) * 2 // 5)
        return [*fit(spans, width - spans_width(tail)), *tail]
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


def _tail(spans: Sequence[Span], room: int) -> list[Span]:
    """Return the end of spans that takes at most ``room`` cells."""
    kept: list[Span] = []
    for text, style in reversed(spans):
        wide = cell_len(text)
        if wide > room:
            # A glyph of two cells may not fit into the last one: then the tail is a cell shorter.
            rest = split_text(text, wide - room)[1]
            rest = rest if cell_len(rest) <= room else split_text(text, wide - room + 1)[1]
            return [(rest, style), *kept] if rest else kept
        kept.insert(0, (text, style))
        room -= wide
    return kept


def choose(
    columns: Iterable[Column[RowT]], natural: Mapping[str, int], width: int, *, needed: str | None = None
) -> tuple[Column[RowT], ...]:
    """Choose the columns that fit in ``width`` cells.

    ``natural`` is the width each would like, by key. Columns of the highest priority number are left out until the
    rest fits with its flexible columns at their least. The column ``needed`` is always chosen; where even the
    columns of priority 0 do not fit, those at the right are left out for it. Columns that only take spare room
    (from priority ``YIELDS`` on) also give way to what others reserve.
    """
    chosen = [column for column in columns if column.shown or column.key == needed]
    grown = {column.key: max(natural[column.key], column.reserve) for column in chosen}
    for widths, lowest in ((grown, YIELDS), (natural, 1)):
        while minimum(chosen, widths) > width:
            optional = [column for column in chosen if column.priority >= lowest and column.key != needed]
            if not optional:
                break
            last = max(column.priority for column in optional)
            chosen.remove([column for column in optional if column.priority == last][-1])
    while needed is not None and minimum(chosen, natural) > width:
        spare = [column for column in chosen[1:] if column.key != needed]
        if not spare:
            break
        chosen.remove(spare[-1])
    return tuple(chosen)


def arrange(chosen: Sequence[Column[RowT]], natural: Mapping[str, int], width: int) -> tuple[Placed[RowT], ...]:
    """Return where the chosen columns begin and how wide each is.

    Flexible columns give way, the widest first; then the right edge cuts.
    """
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


def with_reserves(chosen: Sequence[Column[RowT]], natural: Mapping[str, int], width: int) -> dict[str, int]:
    """Return the widths with the free room given to the columns that reserve some, from the left."""
    widths = {column.key: natural[column.key] for column in chosen}
    free = width - sum(widths.values()) - GAP * max(0, len(chosen) - 1)
    for column in chosen:
        more = max(0, min(free, column.reserve - widths[column.key]))
        widths[column.key] += more
        free -= more
    return widths


def minimum(columns: Sequence[Column[RowT]], natural: Mapping[str, int]) -> int:
    """Return the cells that the columns need with their flexible ones at their least."""
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


EMPTY_NAME = natural_key("")
"""The key of a text that is not there."""
