"""The choice of a table's columns, their widths, and the cutting of cells to these."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple

from rich.cells import cell_len, split_text

from gputui.presentation.columns.column import Column, RowT, Span
from gputui.presentation.heat import LOAD_STYLES

GAP = 2
"""Blank cells between two columns."""

FLOOR = 8
"""Cells that a flexible column keeps however narrow the terminal is."""

_SHRINKS = 5
"""The priority from which on a flexible column becomes narrower before others do."""

YIELDS = 6
"""The priority from which on a column gives way to the room that another reserves."""

YIELDS_TO_BARS = 4
"""The priority from which on a column gives way to the bars of others."""

ELLIPSIS = "…"
_ADDED = "  "
"""The gap before what is added to a text in a cell."""

LEAST_FOR_MIDDLE = 8
"""Cells from which on there is room for the beginning and the end of a text."""


class Placed(NamedTuple, Generic[RowT]):
    """A column that is on the screen: its place, its width in cells, and whether it is without its bar."""

    column: Column[RowT]
    x: int
    width: int
    is_bare: bool = False


def spans_width(spans: Iterable[Span]) -> int:
    """Return how many cells the spans take on a terminal."""
    return sum(cell_len(text) for text, _ in spans)


def fit(spans: Sequence[Span], width: int, *, right: bool = False, middle: bool = False) -> list[Span]:
    """Cut or pad spans to exactly ``width`` cells, never in half a glyph.

    An ellipsis replaces the end, or with ``middle`` the middle of the text: its beginning and end both remain.
    A figure that is added to a text after a gap, such as a time in a state, is there in full or not at all.
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
            if text.startswith(_ADDED) and text.lstrip()[:1].isdigit():
                # The beginning of a figure would be read as another one.
                kept.append((f"{head[:1]}{ELLIPSIS}".ljust(width - spans_width(kept)), style))
            else:
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


def without_bar(spans: Sequence[Span]) -> Sequence[Span]:
    """Return the content of a cell without the bar that it begins with.

    The figure behind that takes its style, but for a step of a ramp: not in all of them can texts be read.
    """
    if len(spans) < 2:
        return spans
    (_, drawn), (figure, style), *rest = spans
    return [(figure.lstrip(), style or ("" if drawn in LOAD_STYLES else drawn)), *rest]


def choose(
    columns: Iterable[Column[RowT]], natural: Mapping[str, int], width: int, *, needed: Container[str] = ()
) -> tuple[Column[RowT], ...]:
    """Choose the columns that fit in ``width`` cells.

    ``natural`` is the width each would like, by key. Columns of the highest priority number are left out until the
    rest fits with its flexible columns at their least. The columns ``needed`` are always chosen; where even those of
    priority 0 do not fit, those at the right are left out for them. Columns that only take spare room
    (from priority ``YIELDS`` on) also give way to what others reserve, those from ``YIELDS_TO_BARS`` on to bars.
    """
    chosen = [column for column in columns if column.shown or column.key in needed]
    ranks = {column.key: column.rank for column in chosen}
    grown = {column.key: max(natural[column.key], column.reserve) for column in chosen}

    def leave_out(lowest: int, widths: Mapping[str, int], *, reserved: bool = False, barred: bool = False) -> None:
        while minimum(chosen, widths, reserved=reserved, barred=barred) > width:
            optional = [column for column in chosen if ranks[column.key] >= lowest and column.key not in needed]
            if not optional:
                break
            last = max(ranks[column.key] for column in optional)
            chosen.remove([column for column in optional if ranks[column.key] == last][-1])

    leave_out(YIELDS, grown, reserved=True, barred=True)
    leave_out(YIELDS_TO_BARS, natural, barred=True)
    leave_out(1, natural)
    while any(column.key in needed for column in chosen) and minimum(chosen, natural) > width:
        spare = [column for column in chosen[1:] if column.key not in needed]
        if not spare:
            break
        chosen.remove(spare[-1])
    return tuple(chosen)


def arrange(chosen: Sequence[Column[RowT]], natural: Mapping[str, int], width: int) -> tuple[Placed[RowT], ...]:
    """Return where the chosen columns begin and how wide each is.

    Flexible columns give way, the widest first, down to their least; then bars, those of the least important columns
    first; then the flexible ones again, and the right edge cuts.
    """
    widths = {column.key: natural[column.key] for column in chosen}
    bare: set[str] = set()
    for column in sorted(chosen, key=lambda column: -column.rank):
        if column.bar and minimum(chosen, widths, barred=True) > width:
            widths[column.key] = _bare_width(column, widths[column.key])
            bare.add(column.key)
    spare = width - sum(widths.values()) - GAP * max(0, len(chosen) - 1)
    if spare < 0:
        _shrink(chosen, widths, -spare)
    elif chosen and chosen[-1].flex and not chosen[-1].right:
        widths[chosen[-1].key] += spare
    placed: list[Placed[RowT]] = []
    x = 0
    for column in chosen:
        room = min(widths[column.key], width - x)
        if room <= 0:
            break
        placed.append(Placed(column, x, room, column.key in bare))
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


def minimum(
    columns: Sequence[Column[RowT]], natural: Mapping[str, int], *, reserved: bool = False, barred: bool = False
) -> int:
    """Return the cells that the columns need with their flexible ones at their least, without bars.

    ``reserved``: those that reserve room keep it; ``barred``: those with a bar keep that.
    """

    def least(column: Column[RowT]) -> int:
        width = natural[column.key]
        if (reserved and column.reserve) or (barred and column.bar):
            return width
        return min(width, column.least or max(column.width, FLOOR)) if column.flex else _bare_width(column, width)

    return GAP * max(0, len(columns) - 1) + sum(map(least, columns))


def _bare_width(column: Column[RowT], natural: int) -> int:
    """Return the width of a column without its bar; the heading and the sign of the order stay in full."""
    return min(natural, max(natural - column.bar, cell_len(column.title) + 1)) if column.bar else natural


def _shrink(columns: Sequence[Column[RowT]], widths: dict[str, int], missing: int) -> None:
    """Take ``missing`` cells from the flexible columns, always from the widest: down to their least, then further.

    The less important ones are the first.
    """
    flexible = [column for column in columns if column.flex]
    spare = [column for column in flexible if column.rank >= _SHRINKS]
    for some, bound in ((spare, _least), (flexible, _least), (flexible, lambda column: FLOOR)):
        floors = {column.key: bound(column) for column in some}
        while missing > 0:
            giving = [key for key, floor in floors.items() if widths[key] > floor]
            if not giving:
                break
            widths[max(giving, key=widths.__getitem__)] -= 1
            missing -= 1


def _least(column: Column[RowT]) -> int:
    return max(column.least, FLOOR)
