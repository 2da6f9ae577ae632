"""The drawing of a table's lines: cells to strips, cached by Ref, under columns that do not move by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Generic, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip
from textual.style import Style as VisualStyle
from textual.visual import Visual
from textual.widget import Widget

from gputui.models import Ref
from gputui.presentation.account_colors import STYLES as ACCOUNT_STYLES
from gputui.presentation.columns.column import Cell, Column, RowT, Span, spans_of
from gputui.presentation.groups.grouping import GroupLine, Total
from gputui.presentation.heat import LOAD_STYLES
from gputui.text import clean
from gputui.widgets.component_style import component_style
from gputui.widgets.table.columns import Placed, fit, spans_width, without_bar
from gputui.widgets.table.groups import Groups, Heading, Line
from gputui.widgets.table.headings import FOLDED, UNFOLDED, heading_spans
from gputui.widgets.table.layout import ColumnLayout
from gputui.widgets.table.model import TableModel
from gputui.widgets.table.sideways import EARLIER, LATER

GUTTER = 3
"""Cells before the first column: the cursor's bar, the mark, a blank."""

FAVOURITE = "★"
"""The sign of a favourite."""

STYLE_NAMES = (
    *("header", "sorted", "group", "cursor", "cursor-bar", "marked", "stale", "placeholder", "scrollbar"),
    *("good", "warning", "bad", "muted", "accent", "strong"),
    *LOAD_STYLES,
    *ACCOUNT_STYLES,
)

_KEPT_CELLS = 2000
_STALE = "stale"
_BAD_CELL: tuple[Span, ...] = (("!", "bad"),)
"""The text of a cell that cannot be made."""


class _Cells(NamedTuple):
    """The style of a row, the content of its cells, and their widths once they are measured."""

    style: str
    spans: list[tuple[Span, ...]]
    widths: list[int]


class TablePainter(Generic[RowT]):
    """Makes the lines of one table and remembers those that can be shown again."""

    def __init__(
        self,
        widget: Widget,
        columns: Sequence[Column[RowT]],
        row_style: Callable[[RowT], str | None] | None,
        on_fault: Callable[[Exception], None],
        *,
        is_stale: Callable[[RowT], bool] | None = None,
        favourite: Callable[[Ref], bool] | None = None,
    ) -> None:
        self._widget = widget
        self._on_fault = on_fault
        self._columns = columns
        self._row_style = row_style
        self._is_stale = is_stale
        self._staleness: Total[RowT] = Total(self._style_if_stale, lambda styles: _STALE in styles)
        self._favourite = favourite or (lambda ref: False)
        self._size = Size(0, 0)
        self._cells: dict[Ref, _Cells] = {}
        self.layout: ColumnLayout[RowT] = ColumnLayout(columns, self._measures_of, self._cells.clear)
        self._lines: dict[Ref, dict[tuple[bool, bool, bool], Strip]] = {}
        """The lines of each row: with or without the cursor, marked or not, with or without the bar's thumb."""
        self._headings: dict[Heading, tuple[GroupLine, str, dict[tuple[bool, int, bool, bool], Strip]]] = {}
        """The content, the style and the lines of each heading: with the cursor, marks, folded, with the thumb."""
        self.indent = 0
        """Cells before the first column of rows that are under headings."""
        self._styles: dict[tuple[str, ...], Style] = {}
        self._header: Strip | None = None
        self._blank: Strip | None = None
        self._notice: tuple[Content, list[Strip]] | None = None

    # -- what is remembered ----------------------------------------------------------------------------------------

    def forget(self, ref: Ref) -> None:
        """Make the row's cells and lines again."""
        self._cells.pop(ref, None)
        self._lines.pop(ref, None)
        self.layout.forget(ref)

    def keep(self, same: Callable[[Ref], bool]) -> None:
        """Forget every row but those that are the same."""
        for ref in [ref for ref in self._cells if not same(ref)]:
            self.forget(ref)

    def forget_cells(self) -> None:
        """Make all cells and lines again: time has passed, which some of them show."""
        self._cells.clear()
        self._forget_lines()
        self.layout.forget_all()

    def set_grouping(self, key: str, *, indent: int) -> None:
        """Show rows under headings that have the content of one column, so many cells to the right of these."""
        self.indent = indent
        self.layout.in_headings = key
        self._forget_lines()
        self.layout.refit()

    def forget_styles(self) -> None:
        """Draw everything again in the colours of now."""
        self._styles.clear()
        self._forget_lines()
        self._notice = None

    def set_sort(self, key: str | None, *, descending: bool) -> None:
        """Show by which column the rows are ordered."""
        self.layout.sort = (key, descending)
        self._header = None
        self.layout.refit()

    def scroll_to(self, stop: int) -> bool:
        """Scroll the columns to a place; returns whether others are in view."""
        if not self.layout.scroll_to(stop):
            return False
        self._lines.clear()
        self._headings.clear()
        self._header = None
        return True

    def _forget_lines(self) -> None:
        self._lines.clear()
        self._headings.clear()
        self._header = self._blank = None

    # -- painting --------------------------------------------------------------------------------------------------

    def paint(self, model: TableModel[RowT], top: int, size: Size, notice: Content) -> list[Strip]:
        """Return every line, the scroll bar in its last cell. ``notice`` fills the body while it has no rows.

        A line that looks as before is the same object as before, wherever it is by now: with it, Textual remembers
        what to write to the terminal.
        """
        if size.width != self._size.width:
            self._forget_lines()
            self._notice = None
        self._size = size
        page = size.height - 1
        lines = model.lines(top, top + page)
        refs = [line for line in lines if isinstance(line, Ref)]
        if len(self._cells) > _KEPT_CELLS:
            self._cells.clear()
            self._lines.clear()
            self._headings.clear()
        if self.layout.lay_out(model, refs, size.width - GUTTER - self.indent - 1):
            self._lines.clear()
            self._headings.clear()
            self._header = None
        if self._header is None:
            self._header = self._make_header()
        if self._blank is None:
            self._blank = self._ended([Segment(" " * (size.width - 1), self._style())])
        if lines:
            first, last = _thumb(top, page, model.line_count)
            marked = self._marked_of_groups(model)
            body = [self._line(model, line, marked, thumb=first <= y < last) for y, line in enumerate(lines)]
        else:
            body = self._notice_lines(notice)[:page]
        return [self._header, *body, *[self._blank] * (page - len(body))]

    def column_at(self, x: int) -> Placed[RowT] | None:
        """Return the column whose cells or gap are at ``x`` of a line."""
        begun = [placed for placed in self.layout.placed if placed.x + GUTTER + self.indent <= x]
        return begun[-1] if begun else None

    def sign_at(self, x: int) -> int:
        """Return which way the sign at ``x`` of the heading scrolls the columns, -1 or 1; 0 where there is none."""
        if x == self._size.width - 1:
            return int(self.layout.has_later)
        placed, stay = self.layout.placed, self.layout.stay
        return -int(self.layout.stop > 0 and len(placed) > stay and x == GUTTER + self.indent + placed[stay].x - 1)

    def _cells_of(self, row: RowT) -> _Cells:
        cells = self._cells.get(row.ref)
        if cells is None:
            brought = self.layout.brought
            spans = [
                self._cell(column, row) if column.shown or column.key in brought else () for column in self._columns
            ]
            cells = self._cells[row.ref] = _Cells(self._style_of(row), spans, [])
        return cells

    def _measures_of(self, row: RowT) -> Sequence[int]:
        """Return the width of each of its cells, as long as these are remembered."""
        cells = self._cells_of(row)
        if not cells.widths:
            cells.widths.extend(map(spans_width, cells.spans))
        return cells.widths

    def _cell(self, column: Column[RowT], row: RowT) -> tuple[Span, ...]:
        try:
            return _safe(spans_of(column.cell(row)))
        except Exception as error:  # noqa: BLE001  (one bad row must not take the view down)
            self._on_fault(error)
            return _BAD_CELL

    def _style_of(self, row: RowT) -> str:
        try:
            return self._style_if_stale(row) or ("" if self._row_style is None else self._row_style(row) or "")
        except Exception as error:  # noqa: BLE001  (as above)
            self._on_fault(error)
            return ""

    def _style_if_stale(self, row: RowT) -> str:
        return _STALE if self._is_stale is not None and self._is_stale(row) else ""

    def _marked_of_groups(self, model: TableModel[RowT]) -> Counter[Hashable]:
        """Return how many rows of each group are marked."""
        groups = model.groups
        if groups is None or not model.marks:
            return Counter()
        return Counter(groups.group_of(ref) for ref in model.marks if ref in model)

    def _line(self, model: TableModel[RowT], line: Line, marked: Counter[Hashable], *, thumb: bool) -> Strip:
        if isinstance(line, Ref):
            return self._row_line(model, line, thumb=thumb)
        if isinstance(line, Heading):
            return self._heading_line(model, line, marked[line.group], thumb=thumb)
        blank = [Segment(" " * (self._size.width - 1), self._style())]
        return self._blank if self._blank is not None and not thumb else self._ended(blank, thumb=thumb)

    def _heading_line(self, model: TableModel[RowT], heading: Heading, marked: int, *, thumb: bool) -> Strip:
        groups, cursor = model.groups, heading == model.cursor
        assert groups is not None  # noqa: S101  (there is a heading)
        content, folded = groups.content(heading.group), groups.is_folded(heading.group)
        before, style, lines = self._headings.get(heading, (None, "", {}))
        if before is not content:
            old = self._is_stale is not None and groups.total(heading.group, self._staleness) is True
            style, lines = _STALE if old else "", {}
            self._headings[heading] = content, style, lines
        line = lines.get((cursor, marked, folded, thumb))
        if line is None:
            glyph = (FOLDED if folded else UNFOLDED) if groups.grouping.folds else ""
            whole = marked == groups.size(heading.group)
            note = [*_spans(content.note), *self._distinct(groups, heading)]
            note += [(f"  {marked} marked", "accent")] if marked else []
            names = [
                name for name, holds in (("group", True), ("cursor", cursor), ("marked", marked and whole)) if holds
            ]
            line = lines[cursor, marked, folded, thumb] = self._ended(
                self._make_heading(groups, heading, [(glyph, ""), *_spans(content.text)], note, names, style),
                thumb=thumb,
            )
        return line

    def _distinct(self, groups: Groups[RowT], heading: Heading) -> Sequence[Span]:
        """Return what distinguishes a group from others of its name, unless the column that has it is in view."""
        key = groups.content(heading.group).distinct
        if not key or any(placed.column.key == key for placed in self.layout.placed):
            return []
        total = _spans(groups.total(heading.group, groups.grouping.totals[key]))
        return [("  ", ""), *total] if spans_width(total) else []

    def _make_heading(
        self,
        groups: Groups[RowT],
        heading: Heading,
        text: Sequence[Span],
        note: Sequence[Span],
        names: Sequence[str],
        over: str,
    ) -> Strip:
        totals = groups.grouping.totals
        keys = [placed.column.key for placed in self.layout.placed if placed.column.key in totals]
        line = heading_spans(
            text,
            note,
            {key: _spans(groups.total(heading.group, totals[key])) for key in keys},
            self.layout.placed,
            indent=self.indent,
            room=self._size.width - GUTTER - 1,
        )
        gutter = [("▌", "cursor-bar") if "cursor" in names else (" ", ""), ("+ " if "marked" in names else "  ", "")]
        return self._make_strip([*gutter, *line], names, over)

    def _row_line(self, model: TableModel[RowT], ref: Ref, *, thumb: bool) -> Strip:
        cursor, marked = ref == model.cursor, ref in model.marks if model.marks else False
        lines = self._lines.get(ref)
        if lines is None:
            lines = self._lines[ref] = {}
        line = lines.get((cursor, marked, thumb))
        if line is None:
            other = lines.get((cursor, marked, not thumb))
            body = self._make_row(model.rows[ref], cursor, marked) if other is None else list(other)[:-1]
            line = lines[cursor, marked, thumb] = self._ended(body, thumb=thumb)
        return line

    def _make_row(self, row: RowT, cursor: bool, marked: bool) -> Strip:
        row_style, cells, _ = self._cells_of(row)
        line = [name for name, holds in (("cursor", cursor), ("marked", marked)) if holds]
        by_key = dict(zip((column.key for column in self._columns), cells, strict=True))
        spans: list[Span] = [("▌", "cursor-bar") if cursor else (" ", ""), *self._signs(row.ref, marked=marked)]
        end = 0
        for column, x, width, is_bare in self.layout.placed:
            content = by_key[column.key] if not is_bare else without_bar(by_key[column.key])
            spans.append((" " * (x - end), ""))
            spans.extend(fit(content, width, right=column.right, middle=column.middle))
            end = x + width
        return self._make_strip(spans, line, row_style)

    def _signs(self, ref: Ref, *, marked: bool) -> list[Span]:
        """Return the mark and the star of a row, both where it has both, and the cells up to its first column."""
        room = GUTTER - 1 + self.indent
        mark = "+" if marked else ""
        if not self._favourite(ref):
            return [(mark.ljust(room), "")]
        return [(mark, ""), (FAVOURITE, "accent"), (" " * (room - len(mark) - 1), "")]

    def _make_header(self) -> Strip:
        spans: list[Span] = [(" " * (GUTTER + self.indent), "")]
        end = 0
        for number, (column, x, width, _) in enumerate(self.layout.placed):
            if number == self.layout.stay and self.layout.stop:
                spans += [(" " * (x - end - 1), ""), (EARLIER, "accent")]
            else:
                spans.append((" " * (x - end), ""))
            style = "sorted" if column.key == self.layout.sort[0] else ""
            spans.extend(fit([(self.layout.title(column), style)], width, right=column.right))
            end = x + width
        later = LATER if self.layout.has_later else " "
        body = self._make_strip(spans, ["header"], "")
        return Strip([*body, Segment(later, self._style("header", "accent"))], self._size.width)

    def _notice_lines(self, notice: Content) -> list[Strip]:
        if self._notice is None or self._notice[0] != notice:
            width = self._size.width - 1
            style = self._widget.get_visual_style("record-table--placeholder")
            room = max(1, width - 2 * GUTTER)
            lines = Visual.to_strips(self._widget, notice, room, None, style, apply_selection=False)
            gutter = Strip([Segment(" " * GUTTER, self._style())], GUTTER)
            strips = [Strip.join([gutter, line]).adjust_cell_length(width, self._style()) for line in lines]
            self._notice = (notice, [self._ended(strip) for strip in strips])
        return self._notice[1]

    def _make_strip(self, spans: Sequence[Span], line: Sequence[str], over: str) -> Strip:
        """Join spans of one style and fill the line up."""
        width = self._size.width - 1
        blank = (" " * (width - spans_width(spans)), "")
        segments = [
            Segment("".join(text for text, _ in run), self._style(*line, *_layered(style, over)))
            for style, run in groupby((*spans, blank), key=itemgetter(1))
        ]
        return Strip(segments).adjust_cell_length(width, self._style(*line))

    def _ended(self, body: Iterable[Segment], *, thumb: bool = False) -> Strip:
        """Return a line with its last cell, which the scroll bar has."""
        return Strip([*body, Segment("┃" if thumb else " ", self._style("scrollbar"))], self._size.width)

    def _style(self, *names: str) -> Style:
        """Return the table's own style under the named ones, the later over the earlier."""
        style = self._styles.get(names)
        if style is None:
            style = self._widget.rich_style
            for name in names:
                if name:
                    style += self._resolve(name)
            self._styles[names] = style
        return style

    def _resolve(self, name: str) -> Style:
        if name not in STYLE_NAMES:
            return VisualStyle.parse(name).rich_style
        return component_style(self._widget, f"record-table--{name}")


def _layered(style: str, over: str) -> tuple[str, str]:
    """Return the style of a cell and that of its row, the later over the earlier.

    The colour of an account stays in rows in trouble: there it matters most.
    """
    return (over, style) if style in ACCOUNT_STYLES else (style, over)


def _spans(cell: Cell) -> tuple[Span, ...]:
    return _safe(spans_of(cell))


def _safe(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Keep a line break or a control character that slipped through from breaking the screen."""
    if all(text.isprintable() for text, _ in spans):
        return spans
    return tuple((clean(text), style) for text, style in spans)


def _thumb(top: int, page: int, count: int) -> tuple[int, int]:
    """Return the body lines from and to which the scroll bar's thumb reaches; none when all rows are in view."""
    if count <= page or page <= 0:
        return 0, 0
    length = max(1, page * page // count)
    start = round(top / (count - page) * (page - length))
    return start, start + length
