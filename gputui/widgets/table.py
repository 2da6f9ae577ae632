"""The table every list is shown in: keeps its place by Ref and writes only the lines that changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gputui.models import Change, Ref, Row
from gputui.query import Query, parse
from gputui.widgets.table_columns import Column, Placed, RowT
from gputui.widgets.table_model import TableModel
from gputui.widgets.table_paint import GUTTER, STYLE_NAMES, TablePainter

WHEEL_LINES = 3


class RecordTable(Widget, Generic[RowT], can_focus=True):
    """Rows with a Ref under a fixed heading.

    Cursor, marks, sort, filter and scroll follow the Ref through every change. Cell texts are data, cut by cell
    width. A style name in a cell is one of the table's own (``good``, ``warning``, ``bad``, ``muted``, ``accent``,
    ``strong``) or any Textual style (``"bold $primary"``); ``row_style`` names one for a whole row, ``stale`` for a
    row that is not up to date. ``placeholder`` stands in the body while there are no rows; ``follow`` keeps a
    cursor that is on the last row on the last row.

    The table binds movement and enter. Marks, sorting and filtering are methods, and actions where a key fits:
    ``toggle_mark``, ``mark_range``, ``clear_marks``, ``sort_next``, ``sort_previous``, ``sort_invert``.
    """

    ALLOW_SELECT = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "cursor_down", "Down", show=False, id="table.down"),
        Binding("k,up", "cursor_up", "Up", show=False, id="table.up"),
        Binding("g,home", "first", "First", show=False, id="table.first"),
        Binding("G,end", "last", "Last", show=False, id="table.last"),
        Binding("ctrl+f,pagedown", "page_down", "Page down", show=False, id="table.page_down"),
        Binding("ctrl+u,pageup", "page_up", "Page up", show=False, id="table.page_up"),
        Binding("enter", "open", "Open", show=False, id="table.open"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"record-table--{name}" for name in STYLE_NAMES}

    DEFAULT_CSS = """
    RecordTable {
        width: 1fr;
        height: 1fr;
        & > .record-table--header { color: $text-muted; text-style: bold; }
        & > .record-table--sorted { color: $foreground; text-style: bold; }
        & > .record-table--cursor { background: $foreground 10%; }
        & > .record-table--cursor-bar { color: $text-muted; }
        &:focus > .record-table--cursor { background: $primary 25%; text-style: bold; }
        &:focus > .record-table--cursor-bar { color: $accent; text-style: bold; }
        & > .record-table--marked { color: $text-accent; }
        & > .record-table--stale { color: $text-muted; text-style: dim; }
        & > .record-table--placeholder { color: $text-muted; }
        & > .record-table--scrollbar { color: $text-muted; }
        & > .record-table--good { color: $text-success; }
        & > .record-table--warning { color: $text-warning; }
        & > .record-table--bad { color: $text-error; }
        & > .record-table--muted { color: $text-muted; }
        & > .record-table--accent { color: $text-accent; }
        & > .record-table--strong { text-style: bold; }
    }
    """

    class _TableMessage(Message):
        def __init__(self, table: RecordTable[Any]) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> RecordTable[Any]:
            """The table it comes from."""
            return self.table

    class CursorMoved(_TableMessage):
        """The cursor is on another row, None when there is none. ``forced``: its own row went away."""

        def __init__(self, table: RecordTable[Any], ref: Ref | None, *, forced: bool) -> None:
            super().__init__(table)
            self.ref = ref
            self.forced = forced

    class Opened(_TableMessage):
        """Enter or a double click on a row."""

        def __init__(self, table: RecordTable[Any], ref: Ref) -> None:
            super().__init__(table)
            self.ref = ref

    class MarksChanged(_TableMessage):
        """Other rows are marked: ``marked`` of those shown, ``hidden`` of those the filter keeps out."""

        def __init__(self, table: RecordTable[Any], marked: int, hidden: int) -> None:
            super().__init__(table)
            self.marked = marked
            self.hidden = hidden

    class CountsChanged(_TableMessage):
        """There are other numbers of rows: ``shown`` pass the filter, of ``total``."""

        def __init__(self, table: RecordTable[Any], shown: int, total: int) -> None:
            super().__init__(table)
            self.shown = shown
            self.total = total

    def __init__(
        self,
        columns: Iterable[Column[RowT]],
        *,
        placeholder: Content | str = "",
        row_style: Callable[[RowT], str | None] | None = None,
        follow: bool = False,
        name: str | None = None,
        id: str | None = None,  # noqa: A002  (Textual's own name for it)
        classes: str | None = None,
        disabled: bool = False,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes, disabled=disabled)
        self.columns: Mapping[str, Column[RowT]] = {column.key: column for column in columns}
        self.follow = follow
        self._placeholder = Content(placeholder) if isinstance(placeholder, str) else placeholder
        self._model: TableModel[RowT] = TableModel()
        self._painter: TablePainter[RowT] = TablePainter(self, tuple(self.columns.values()), row_style)
        self._texts: dict[Ref, Mapping[str, str]] = {}
        self._query: Query | None = None
        self._sort_key: str | None = None
        self._descending = False
        self._range_start: Ref | None = None
        self._top = 0
        self._used = False
        self._dragging = False
        self._restyled = False
        self._lines: list[Strip] = []
        self._sources: list[tuple[Strip, bool]] = []
        self._told: tuple[Ref | None, frozenset[Ref], int, int] = (None, frozenset(), 0, 0)

    # -- what is in it ---------------------------------------------------------------------------------------------

    @property
    def row_count(self) -> int:
        """Rows that pass the filter."""
        return len(self._model)

    @property
    def total_count(self) -> int:
        """Rows with those that the filter keeps out."""
        return len(self._model.rows)

    @property
    def cursor_ref(self) -> Ref | None:
        """The Ref under the cursor, None without rows."""
        return self._model.cursor

    @property
    def cursor_row(self) -> RowT | None:
        """The row under the cursor, None without rows."""
        return None if self._model.cursor is None else self._model.rows[self._model.cursor]

    @property
    def cursor_index(self) -> int | None:
        """Where the cursor is among the rows shown, from 0."""
        return self._model.index_of(self._model.cursor)

    @property
    def at_end(self) -> bool:
        """Whether the cursor is on the last row, or there is none."""
        return self.cursor_index in {None, self.row_count - 1}

    @property
    def visible_refs(self) -> list[Ref]:
        """All rows that pass the filter, in their order."""
        return self._model.refs()

    @property
    def marked(self) -> list[Ref]:
        """The marked rows that are shown, in their order."""
        return [ref for ref in self._model.refs() if ref in self._model.marks] if self._model.marks else []

    @property
    def marked_hidden(self) -> list[Ref]:
        """The marked rows that the filter keeps out."""
        return sorted(ref for ref in self._model.marks if ref not in self._model)

    @property
    def sort(self) -> tuple[str | None, bool]:
        """The key of the column that sorts, None for the order of arrival, and whether it descends."""
        return self._sort_key, self._descending

    @property
    def placeholder(self) -> Content:
        """What stands in the body while there are no rows: loading, empty with the way out, or an error."""
        return self._placeholder

    @placeholder.setter
    def placeholder(self, content: Content | str) -> None:
        content = Content(content) if isinstance(content, str) else content
        if content != self._placeholder:
            self._placeholder = content
            self._sync()

    def get(self, ref: Ref) -> RowT | None:
        """Return a row, filtered away or not."""
        return self._model.rows.get(ref)

    # -- new data --------------------------------------------------------------------------------------------------

    def set_rows(self, rows: Iterable[RowT]) -> None:
        """Take these rows instead of all others; a row that was there keeps its cursor and mark."""
        old = self._model.rows
        with _Anchored(self):
            self._model.replace(rows)
        new = self._model.rows
        self._painter.keep(lambda ref: new.get(ref) == old.get(ref))
        self._texts.clear()
        self._painter.shrink()
        self._sync()

    def apply(self, change: Change) -> None:
        """Take in a difference. Off the screen it writes nothing; on it, the lines whose cells are others."""
        added, updated = cast(Sequence[RowT], change.added), cast(Sequence[RowT], change.updated)
        for rows in (added, updated):
            for row in rows:
                self._forget(row.ref)
        for ref in change.removed:
            self._forget(ref)
        with _Anchored(self):
            self._model.change(added, updated, change.removed)
        self._sync()

    def invalidate(self, refs: Iterable[Ref] | None = None) -> None:
        """Make the cells of these rows anew, or of all: what they are made from has changed beside the row."""
        if refs is None:
            refs = tuple(self._model.rows)
        rows = [self._model.rows[ref] for ref in refs if ref in self._model.rows]
        self.apply(Change(updated=tuple(cast(Sequence[Row], rows))))

    # -- filter and sort -------------------------------------------------------------------------------------------

    def parse_filter(self, text: str) -> Query:
        """Read a filter over this table's columns; raises QueryError."""
        return parse(text, self.columns)

    def set_filter(self, keeps: Query | Callable[[RowT], bool] | None) -> None:
        """Show only the rows that match; None shows all. Marks of the others are kept."""
        self._query = keeps if isinstance(keeps, Query) else None
        with _Anchored(self):
            if isinstance(keeps, Query):
                self._model.set_filter(self._matches if keeps else None)
            else:
                self._texts.clear()
                self._model.set_filter(keeps)
            self._to_top_if_unused()
        self._painter.shrink()
        self._sync()

    def set_sort(self, key: str | None, descending: bool = False) -> None:
        """Order by a column; None orders by arrival. Raises KeyError, and ValueError for one that does not sort."""
        column = None if key is None else self.columns[key]
        if column is not None and column.sort_key is None:
            raise ValueError(f"column {key!r} has no sort key")
        self._sort_key, self._descending = key, descending
        with _Anchored(self):
            self._model.set_sort(None if column is None else column.sort_key, descending=descending)
            self._to_top_if_unused()
        self._painter.set_sort(key, descending=descending)
        self._sync()

    def action_sort_next(self, step: int = 1) -> None:
        """Sort by the next column that sorts, after the last by arrival."""
        keys = [None, *(key for key, column in self.columns.items() if column.sort_key is not None)]
        self.set_sort(keys[(keys.index(self._sort_key) + step) % len(keys)], self._descending)

    def action_sort_previous(self) -> None:
        """Sort by the column before."""
        self.action_sort_next(-1)

    def action_sort_invert(self) -> None:
        """Turn the order round."""
        self.set_sort(self._sort_key, not self._descending)

    # -- marks -----------------------------------------------------------------------------------------------------

    def mark(self, *refs: Ref) -> None:
        """Mark rows; unknown Refs are left out."""
        self._model.marks |= self._model.rows.keys() & set(refs)
        self._sync()

    def unmark(self, *refs: Ref) -> None:
        """Take marks away."""
        self._model.marks -= set(refs)
        self._sync()

    def action_toggle_mark(self) -> None:
        """Mark or unmark the row under the cursor and go to the next."""
        ref = self._model.cursor
        if ref is None:
            return
        self._model.marks ^= {ref}
        self._range_start = ref
        self._step(1)

    def action_mark_range(self) -> None:
        """Mark from the row marked last to the cursor, both included."""
        end = self.cursor_index
        if end is None:
            return
        start = self._model.index_of(self._range_start)
        start = end if start is None else start
        self._range_start = self._model.cursor
        self.mark(*self._model.refs(min(start, end), max(start, end) + 1))

    def action_clear_marks(self) -> None:
        """Take all marks away, also of the rows that are not shown."""
        self._model.marks.clear()
        self._range_start = None
        self._sync()

    # -- cursor and scroll -----------------------------------------------------------------------------------------

    def select(self, ref: Ref) -> bool:
        """Put the cursor on a row and bring it into view; returns whether it is shown."""
        found = self._model.move_to(ref)
        if found:
            self._used = True
            self._reveal()
            self._sync()
        return found

    def action_cursor_down(self) -> None:
        """Go to the next row."""
        self._step(1)

    def action_cursor_up(self) -> None:
        """Go to the row before."""
        self._step(-1)

    def action_page_down(self) -> None:
        """Go a screen down."""
        self._top += self._page
        self._step(self._page)

    def action_page_up(self) -> None:
        """Go a screen up."""
        self._top -= self._page
        self._step(-self._page)

    def action_first(self) -> None:
        """Go to the first row."""
        self._step(-self.row_count)

    def action_last(self) -> None:
        """Go to the last row."""
        self._step(self.row_count)

    def action_open(self) -> None:
        """Say that the row under the cursor is opened."""
        if self._model.cursor is not None:
            self.post_message(self.Opened(self, self._model.cursor))

    @property
    def _page(self) -> int:
        """Lines of the body."""
        return max(1, self.size.height - 1)

    def _step(self, rows: int) -> None:
        index = self.cursor_index
        if index is None:
            return
        self._model.move_to(self._model.ref_at(min(max(index + rows, 0), self.row_count - 1)))
        self._used = True
        self._reveal()
        self._sync()

    def _reveal(self) -> None:
        """Scroll as little as brings the cursor into view."""
        index = self.cursor_index
        if index is not None:
            self._top = min(max(self._top, index - self._page + 1), index)
        self._clamp()

    def _clamp(self) -> None:
        self._top = max(0, min(self._top, self.row_count - self._page))

    def _scroll_view(self, top: int) -> None:
        self._top = top
        self._used = True
        self._clamp()
        self._sync()

    def _to_top_if_unused(self) -> None:
        """A user who has not moved yet wants the first row of a new order, not the row that happened to be first."""
        if not self._used and self.row_count:
            self._model.move_to(self._model.ref_at(0))

    # -- events ----------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Lay the columns out anew and keep the cursor in view."""
        self._painter.shrink()
        self._reveal()
        self._sync()

    def notify_style_update(self) -> None:
        """Take the theme's colours anew."""
        super().notify_style_update()
        self._painter.forget_styles()
        # The new component styles are not worked out yet: the lines are made when they are next asked for.
        self._restyled = True

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll the view; the cursor stays on its row."""
        event.stop()
        self._scroll_view(self._top + WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll the view; the cursor stays on its row."""
        event.stop()
        self._scroll_view(self._top - WHEEL_LINES)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the scroll bar."""
        if event.x == self.size.width - 1 and event.y > 0 and self.row_count > self._page:
            self._dragging = True
            self.capture_mouse()
            self._drag(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the scroll bar."""
        if self._dragging:
            self._drag(event.y)

    def on_mouse_up(self) -> None:
        """Let the scroll bar go."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()

    def _drag(self, y: int) -> None:
        share = (y - 1) / max(1, self._page - 1)
        self._scroll_view(round(share * (self.row_count - self._page)))

    def on_click(self, event: events.Click) -> None:
        """Select a row, open it on a double click; on the heading, sort by the column or turn its order round."""
        if event.x >= self.size.width - 1:
            return
        if event.y == 0:
            placed = self._painter.column_at(event.x)
            if placed is not None and placed.column.sort_key is not None:
                key = placed.column.key
                self.set_sort(key, not self._descending if key == self._sort_key else self._descending)
            return
        index = self._top + event.y - 1
        if index < self.row_count:
            self.select(self._model.ref_at(index))
            if event.chain == 2:
                self.action_open()

    # -- painting --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen as last synchronised."""
        if self._restyled:
            self._sync()
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width, self.rich_style)

    @property
    def layout_columns(self) -> tuple[Placed[RowT], ...]:
        """The columns on the screen now, with their places and widths."""
        return self._painter.placed

    def _sync(self) -> None:
        """Bring lines and listeners up to date; ask for a repaint of exactly the lines that differ."""
        self._tell()
        width, height = self.size
        if not self.is_mounted or width <= GUTTER or height == 0:
            return
        self._restyled = False
        sources = self._painter.paint(self._model, self._top, self.size, self._notice())
        old_lines, old_sources = self._lines, self._sources
        self._lines, self._sources = [], sources
        dirty: list[Region] = []
        for y, (strip, bar) in enumerate(sources):
            old = old_lines[y] if y < len(old_lines) else None
            if old is not None and old_sources[y][0] is strip and old_sources[y][1] == bar:
                self._lines.append(old)
                continue
            line = self._painter.finish(strip, bar=bar)
            self._lines.append(line)
            end = width if old is None else _end_of_difference(old, line)
            if end:
                dirty.append(Region(0, y, end, 1))
        if dirty:
            self.refresh(*dirty)

    def _notice(self) -> Content:
        if self._model.rows:
            return Content(f"None of the {len(self._model.rows):,} rows match the filter.")
        return self._placeholder

    def _tell(self) -> None:
        """Post what listeners do not know yet."""
        cursor, marks, shown, total = self._told
        model = self._model
        if model.cursor != cursor:
            forced = cursor is not None and cursor not in model
            self.post_message(self.CursorMoved(self, model.cursor, forced=forced))
        hidden = len(self.marked_hidden)
        if model.marks != marks:
            self.post_message(self.MarksChanged(self, len(model.marks) - hidden, hidden))
        if (len(model), len(model.rows)) != (shown, total):
            self.post_message(self.CountsChanged(self, len(model), len(model.rows)))
        told_marks = marks if model.marks == marks else frozenset(model.marks)
        self._told = (model.cursor, told_marks, len(model), len(model.rows))

    def _matches(self, row: RowT) -> bool:
        texts = self._texts.get(row.ref)
        if texts is None:
            texts = self._texts[row.ref] = {key: column.text(row) for key, column in self.columns.items()}
        return self._query is None or self._query.matches(texts)

    def _forget(self, ref: Ref) -> None:
        self._painter.forget(ref)
        self._texts.pop(ref, None)


class _Anchored:
    """Keeps the cursor's line, or the first line that stays when the cursor is out of view, where it is."""

    def __init__(self, table: RecordTable[Any]) -> None:
        self._table = table

    def __enter__(self) -> None:
        table = self._table
        index = table.cursor_index
        line = -1 if index is None else index - table._top
        self._line = line if 0 <= line < table._page else None
        self._following = table.follow and table.at_end
        self._view = table._model.refs(table._top, table._top + table._page) if self._line is None else []

    def __exit__(self, *_: object) -> None:
        table, model = self._table, self._table._model
        if self._following and len(model):
            model.move_to(model.ref_at(len(model) - 1))
            table._reveal()
            return
        if not table._used and table._top == 0:
            table._reveal()
            return
        index = table.cursor_index
        if self._line is not None and index is not None:
            table._top = index - self._line
        else:
            places = ((model.index_of(ref), line) for line, ref in enumerate(self._view))
            table._top = next((index - line for index, line in places if index is not None), table._top)
        table._clamp()


def _end_of_difference(old: Strip, new: Strip) -> int:
    """Return the cell behind the last one that differs, 0 when the lines are the same."""
    end = new.cell_length
    before, after = list(old), list(new)
    if old.cell_length != end:
        return end
    while before and after and before[-1] == after[-1]:
        end -= after.pop().cell_length
        before.pop()
    return end
