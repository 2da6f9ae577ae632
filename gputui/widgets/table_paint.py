"""How a table's lines are drawn: cells to strips, cached by Ref, with column widths that seldom change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Generic

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip
from textual.style import Style as VisualStyle
from textual.visual import Visual
from textual.widget import Widget

from gputui.models import Ref
from gputui.text import clean
from gputui.widgets.table_columns import Column, Placed, RowT, Span, fit, place, spans_of, spans_width
from gputui.widgets.table_model import TableModel

GUTTER = 3
"""Cells before the first column: the cursor's bar, the mark, a blank."""

STYLE_NAMES = (
    *("header", "sorted", "cursor", "cursor-bar", "marked", "stale", "placeholder", "scrollbar"),
    *("good", "warning", "bad", "muted", "accent", "strong"),
)

_KEPT_CELLS = 2000
_BAD_CELL: tuple[Span, ...] = (("!", "bad"),)
"""What a cell shows that cannot be made."""


class TablePainter(Generic[RowT]):
    """Makes the lines of one table and remembers those that can be shown again."""

    def __init__(
        self,
        widget: Widget,
        columns: Sequence[Column[RowT]],
        row_style: Callable[[RowT], str | None] | None,
        on_fault: Callable[[Exception], None],
    ) -> None:
        self._widget = widget
        self._on_fault = on_fault
        self._columns = columns
        self._row_style = row_style
        self._sort: tuple[str | None, bool] = (None, False)
        self._size = Size(0, 0)
        self._natural: dict[str, int] = {}
        self._measured: set[Ref] = set()
        self._filled: set[str] = set()
        self._cells: dict[Ref, tuple[str, list[tuple[Span, ...]]]] = {}
        self._strips: dict[Ref, dict[tuple[bool, bool], Strip]] = {}
        self._styles: dict[tuple[str, ...], Style] = {}
        self._header: Strip | None = None
        self._blank: Strip | None = None
        self._notice: tuple[Content, list[Strip]] | None = None
        self.placed: tuple[Placed[RowT], ...] = ()

    # -- what is remembered ----------------------------------------------------------------------------------------

    def forget(self, ref: Ref) -> None:
        """Make the row's cells and lines anew."""
        self._cells.pop(ref, None)
        self._strips.pop(ref, None)
        self._measured.discard(ref)

    def keep(self, same: Callable[[Ref], bool]) -> None:
        """Forget every row but those that are the same."""
        for ref in [ref for ref in self._cells if not same(ref)]:
            self.forget(ref)

    def forget_styles(self) -> None:
        """Draw everything anew in the colours of now."""
        self._styles.clear()
        self._forget_lines()
        self._notice = None

    def shrink(self) -> None:
        """Let columns become narrower at the next paint; between these moments they only grow."""
        self._measured.clear()
        self._natural.clear()
        self._filled.clear()

    def set_sort(self, key: str | None, *, descending: bool) -> None:
        """Show by which column the rows are ordered."""
        self._sort = (key, descending)
        self._header = None
        self.shrink()

    def _forget_lines(self) -> None:
        self._strips.clear()
        self._header = self._blank = None

    # -- painting --------------------------------------------------------------------------------------------------

    def paint(self, model: TableModel[RowT], top: int, size: Size, notice: Content) -> list[tuple[Strip, bool]]:
        """Return every line without its last cell, and whether the scroll bar's thumb is in that cell.

        A line that looks as before is the same object as before. ``notice`` fills the body while it has no rows.
        """
        if size.width != self._size.width:
            self._forget_lines()
            self._notice = None
        self._size = size
        page = size.height - 1
        refs = model.refs(top, top + page)
        self._measure(model, refs)
        first, last = _thumb(top, page, len(model))
        if self._header is None:
            self._header = self._make_header()
        if self._blank is None:
            self._blank = Strip([Segment(" " * (size.width - 1), self._style())], size.width - 1)
        lines = [(self._header, False)]
        body = [self._row_strip(model, ref) for ref in refs] if refs else self._notice_strips(notice)
        body = body[:page] + [self._blank] * (page - len(body))
        lines.extend((strip, first <= y < last) for y, strip in enumerate(body))
        return lines

    def finish(self, strip: Strip, *, bar: bool) -> Strip:
        """Add the last cell to a line."""
        return Strip([*strip, Segment("┃" if bar else " ", self._style("scrollbar"))], self._size.width)

    def column_at(self, x: int) -> Placed[RowT] | None:
        """Return the column whose cells or gap are at ``x`` of a line."""
        begun = [placed for placed in self.placed if placed.x + GUTTER <= x]
        return begun[-1] if begun else None

    def _measure(self, model: TableModel[RowT], refs: Iterable[Ref]) -> None:
        """Widen columns to what the rows in view need; place the columns anew when that changes anything."""
        if len(self._cells) > _KEPT_CELLS:
            self._cells.clear()
            self._strips.clear()
        natural, filled = dict(self._natural), len(self._filled)
        for column in self._columns:
            title = cell_len(self._title(column))
            natural[column.key] = max(natural.get(column.key, 0), column.width, title)
        for ref in refs:
            if ref in self._measured:
                continue
            self._measured.add(ref)
            for column, spans in zip(self._columns, self._cells_of(model.rows[ref])[1], strict=True):
                wanted = min(spans_width(spans), column.max_width)
                natural[column.key] = max(natural[column.key], wanted)
                if wanted:
                    self._filled.add(column.key)
        if natural == self._natural and len(self._filled) == filled and self._header is not None:
            return
        self._natural = natural
        columns = [column for column in self._columns if not column.when_filled or column.key in self._filled]
        placed = place(columns, natural, self._size.width - GUTTER - 1)
        if placed != self.placed:
            self.placed = placed
            self._strips.clear()
            self._header = None

    def _cells_of(self, row: RowT) -> tuple[str, list[tuple[Span, ...]]]:
        cells = self._cells.get(row.ref)
        if cells is None:
            made = [self._cell(column, row) if column.shown else () for column in self._columns]
            cells = self._cells[row.ref] = (self._style_of(row), made)
        return cells

    def _cell(self, column: Column[RowT], row: RowT) -> tuple[Span, ...]:
        try:
            return _safe(spans_of(column.cell(row)))
        except Exception as error:  # noqa: BLE001  (one bad row must not take the view down)
            self._on_fault(error)
            return _BAD_CELL

    def _style_of(self, row: RowT) -> str:
        try:
            return "" if self._row_style is None else self._row_style(row) or ""
        except Exception as error:  # noqa: BLE001  (as above)
            self._on_fault(error)
            return ""

    def _row_strip(self, model: TableModel[RowT], ref: Ref) -> Strip:
        state = cursor, marked = ref == model.cursor, ref in model.marks if model.marks else False
        strips = self._strips.setdefault(ref, {})
        strip = strips.get(state)
        if strip is None:
            row_style, cells = self._cells_of(model.rows[ref])
            line = [name for name, holds in (("cursor", cursor), ("marked", marked)) if holds]
            by_key = dict(zip((column.key for column in self._columns), cells, strict=True))
            spans: list[Span] = [("▌", "cursor-bar") if cursor else (" ", ""), ("+ " if marked else "  ", "")]
            for placed in self.placed:
                spans.append((" " * (placed.x + GUTTER - spans_width(spans)), ""))
                spans.extend(fit(by_key[placed.column.key], placed.width, right=placed.column.right))
            strip = self._make_strip(spans, line, row_style)
            strips[state] = strip
        return strip

    def _title(self, column: Column[RowT]) -> str:
        key, descending = self._sort
        return column.title + ("↓" if descending else "↑") if column.key == key else column.title

    def _make_header(self) -> Strip:
        spans: list[Span] = [(" " * GUTTER, "")]
        for placed in self.placed:
            spans.append((" " * (placed.x + GUTTER - spans_width(spans)), ""))
            style = "sorted" if placed.column.key == self._sort[0] else ""
            spans.extend(fit([(self._title(placed.column), style)], placed.width, right=placed.column.right))
        return self._make_strip(spans, ["header"], "")

    def _notice_strips(self, notice: Content) -> list[Strip]:
        if self._notice is None or self._notice[0] != notice:
            width = self._size.width - 1
            style = self._widget.get_visual_style("record-table--placeholder")
            room = max(1, width - 2 * GUTTER)
            lines = Visual.to_strips(self._widget, notice, room, None, style, apply_selection=False)
            gutter = Strip([Segment(" " * GUTTER, self._style())], GUTTER)
            strips = [Strip.join([gutter, line]).adjust_cell_length(width, self._style()) for line in lines]
            self._notice = (notice, strips)
        return self._notice[1]

    def _make_strip(self, spans: Sequence[Span], line: Sequence[str], over: str) -> Strip:
        """Join spans of one style and fill the line up."""
        width = self._size.width - 1
        blank = (" " * (width - spans_width(spans)), "")
        segments = [
            Segment("".join(text for text, _ in run), self._style(*line, style, over))
            for style, run in groupby((*spans, blank), key=itemgetter(1))
        ]
        return Strip(segments).adjust_cell_length(width, self._style(*line))

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
        component = f"record-table--{name}"
        full = self._widget.get_component_rich_style(component)
        part = self._widget.get_component_rich_style(component, partial=True)
        # The partial style says what is set, the full one in which colours, with translucency blended in.
        return part + Style(
            color=full.color if part.color is not None else None,
            bgcolor=full.bgcolor if part.bgcolor is not None else None,
        )


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
