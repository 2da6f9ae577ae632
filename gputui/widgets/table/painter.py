"""The drawing of a table's lines: cells to strips, cached by Ref, under columns that do not move by themselves."""

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
from gputui.presentation.columns.column import Column, RowT, Span, spans_of
from gputui.text import clean
from gputui.widgets.component_style import component_style
from gputui.widgets.table.columns import Placed, arrange, choose, fit, minimum, spans_width, with_reserves
from gputui.widgets.table.model import TableModel

GUTTER = 3
"""Cells before the first column: the cursor's bar, the mark, a blank."""

STYLE_NAMES = (
    *("header", "sorted", "cursor", "cursor-bar", "marked", "stale", "placeholder", "scrollbar"),
    *("good", "warning", "bad", "muted", "accent", "strong"),
)

_KEPT_CELLS = 2000
_SAMPLE = 200
"""As many rows decide which columns there are and how wide: those in view, and others from all over the list."""
_BAD_CELL: tuple[Span, ...] = (("!", "bad"),)
"""The text of a cell that cannot be made."""


class TablePainter(Generic[RowT]):
    """Makes the lines of one table and remembers those that can be shown again.

    Which columns there are is decided when the list is set up, and again when the user resizes, sorts or filters it
    (:meth:`refit`). Between these times none comes or goes: one whose texts become longer widens into the room that
    is reserved for it, or free, or that flexible columns give; then its texts are cut. A list is being set up until
    :meth:`settle`: rows of several accounts arrive one after the other.
    """

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
        self._chosen: tuple[Column[RowT], ...] = ()
        self._settled = False
        self._refits = True
        self._admits = False
        self._room = 0
        self._cells: dict[Ref, tuple[str, list[tuple[Span, ...]]]] = {}
        self._strips: dict[Ref, dict[tuple[bool, bool], Strip]] = {}
        self._styles: dict[tuple[str, ...], Style] = {}
        self._header: Strip | None = None
        self._blank: Strip | None = None
        self._notice: tuple[Content, list[Strip]] | None = None
        self.placed: tuple[Placed[RowT], ...] = ()

    # -- what is remembered ----------------------------------------------------------------------------------------

    def forget(self, ref: Ref) -> None:
        """Make the row's cells and lines again."""
        self._cells.pop(ref, None)
        self._strips.pop(ref, None)
        self._measured.discard(ref)

    def keep(self, same: Callable[[Ref], bool]) -> None:
        """Forget every row but those that are the same."""
        for ref in [ref for ref in self._cells if not same(ref)]:
            self.forget(ref)

    def forget_cells(self) -> None:
        """Make all cells and lines again: time has passed, which some of them show."""
        self._cells.clear()
        self._strips.clear()
        self._measured.clear()

    def forget_styles(self) -> None:
        """Draw everything again in the colours of now."""
        self._styles.clear()
        self._forget_lines()
        self._notice = None

    def refit(self) -> None:
        """Choose the columns and their widths again at the next paint."""
        self._measured.clear()
        self._natural.clear()
        self._filled.clear()
        self._refits = True

    def admit(self) -> None:
        """Let columns that had nothing to show before join at the next paint, where there is room for them."""
        self._admits = True

    @property
    def settled(self) -> bool:
        """Whether the list is set up."""
        return self._settled

    def settle(self) -> bool:
        """Keep the columns as they are with the rows of now: the list is set up. Returns whether that is new."""
        if self._settled:
            return False
        self._settled = True
        self.refit()
        return True

    def set_sort(self, key: str | None, *, descending: bool) -> None:
        """Show by which column the rows are ordered."""
        unseen = {column.key for column in self._columns if not column.shown}
        if key != self._sort[0] and unseen & {key, self._sort[0]}:
            self._cells.clear()  # such a column has cells only while it sorts
        self._sort = (key, descending)
        self._header = None
        self.refit()

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
        self._lay_out(model, refs)
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

    def _lay_out(self, model: TableModel[RowT], refs: Sequence[Ref]) -> None:
        """Choose columns, or let them widen, where this is the moment for it."""
        if len(self._cells) > _KEPT_CELLS:
            self._cells.clear()
            self._strips.clear()
        room = self._size.width - GUTTER - 1
        chosen = self._chosen
        if self._refits or not self._settled or room != self._room:
            others = model.sample(_SAMPLE) if self._refits else ()
            natural = self._measured_widths(model, (*refs, *others))
            there = self._filled | {self._sort[0]}
            columns = [column for column in self._columns if not column.when_filled or column.key in there]
            self._chosen = choose(columns, natural, room, needed=self._sort[0])
            self._refits = not refs  # the first rows decide
        else:
            natural = self._measured_widths(model, refs)
            if self._admits:
                self._admit(natural, room)
            natural = self._widened(natural, room)
        self._admits = False
        if natural == self._natural and room == self._room and chosen == self._chosen and self._header is not None:
            return
        self._natural, self._room = natural, room
        placed = arrange(self._chosen, with_reserves(self._chosen, natural, room), room)
        if placed != self.placed:
            self.placed = placed
            self._strips.clear()
            self._header = None

    def _measured_widths(self, model: TableModel[RowT], refs: Iterable[Ref]) -> dict[str, int]:
        """Return how wide each column would like to be, also for rows that have not been measured yet."""
        natural = dict(self._natural)
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
                if wanted if column.filled is None else column.filled(model.rows[ref]):
                    self._filled.add(column.key)
        return natural

    def _admit(self, natural: dict[str, int], room: int) -> None:
        """Add the columns that have something to show by now, each where it fits next to those of now."""
        for column in self._columns:
            if column.when_filled and column.key in self._filled and column not in self._chosen:
                more = [one for one in self._columns if one in self._chosen or one is column]
                if minimum(more, {**self._natural, column.key: natural[column.key]}) <= room:
                    self._chosen = tuple(more)

    def _widened(self, wanted: dict[str, int], room: int) -> dict[str, int]:
        """Return the widths of now, grown to what is wanted as far as every column keeps its place."""
        natural = {**wanted, **self._natural}
        for column in self._chosen:
            before = natural[column.key]
            natural[column.key] = wanted[column.key]
            lacking = minimum(self._chosen, natural) - room
            if lacking > 0:
                natural[column.key] = max(before, wanted[column.key] - lacking)
        return natural

    def _cells_of(self, row: RowT) -> tuple[str, list[tuple[Span, ...]]]:
        cells = self._cells.get(row.ref)
        if cells is None:
            sorted_by = self._sort[0]
            spans = [
                self._cell(column, row) if column.shown or column.key == sorted_by else () for column in self._columns
            ]
            cells = self._cells[row.ref] = (self._style_of(row), spans)
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
                column = placed.column
                spans.extend(fit(by_key[column.key], placed.width, right=column.right, middle=column.middle))
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
        return component_style(self._widget, f"record-table--{name}")


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
