"""The widget under a table: keys and mouse move cursor and view, and only the lines that changed are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Generic, Self

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from gputui.models import Ref
from gputui.presentation.columns.column import Column, RowT
from gputui.widgets.internal_errors import GuardedHandlers
from gputui.widgets.table.columns import Placed
from gputui.widgets.table.difference import difference
from gputui.widgets.table.groups import Line
from gputui.widgets.table.model import TableModel
from gputui.widgets.table.painter import GUTTER, STYLE_NAMES, TablePainter
from gputui.widgets.table.sideways import ChosenColumns
from gputui.widgets.table.viewport import Faults, Viewport

WHEEL_LINES = 3


class TableView(GuardedHandlers, Widget, Generic[RowT], can_focus=True):
    """Shows a table's model under a fixed heading.

    It draws its scroll bar itself: a Textual ``ScrollView`` repaints the whole widget with every scroll and every new
    number of rows, even when the lines on the screen stay the same.
    """

    ALLOW_SELECT = False

    _restyled = True

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="table.down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="table.up"),
        Binding("g,home", "first", "First", show=False, id="table.first"),
        Binding("end", "last", "Last", show=False, id="table.last"),
        Binding("ctrl+f,pagedown", "page(1)", "Page down", show=False, id="table.page_down"),
        Binding("ctrl+u,pageup", "page(-1)", "Page up", show=False, id="table.page_up"),
        Binding("left", "columns(-1)", "Columns to the left", show=False, id="table.left"),
        Binding("right", "columns(1)", "Columns to the right", show=False, id="table.right"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"record-table--{name}" for name in STYLE_NAMES}

    DEFAULT_CSS = """
    TableView {
        width: 1fr;
        height: 1fr;
        & > .record-table--header { color: $muted; text-style: bold; }
        & > .record-table--sorted { color: $foreground; text-style: bold; }
        & > .record-table--group { color: $foreground; text-style: bold; }
        & > .record-table--cursor { background: $foreground 10%; }
        & > .record-table--cursor-bar { color: $muted; }
        &:focus > .record-table--cursor { background: $selected; text-style: bold; }
        &:focus > .record-table--cursor-bar { color: $accent; text-style: bold; }
        & > .record-table--marked { color: $text-accent; }
        & > .record-table--stale { color: $muted; text-style: italic; }
        & > .record-table--placeholder { color: $muted; }
        & > .record-table--scrollbar { color: $muted; }
        & > .record-table--good { color: $text-success; }
        & > .record-table--warning { color: $text-warning; }
        & > .record-table--bad { color: $text-error; }
        & > .record-table--muted { color: $muted; }
        & > .record-table--accent { color: $text-accent; }
        & > .record-table--strong { text-style: bold; }
        & > .record-table--load-1 { color: $load-1; }
        & > .record-table--load-2 { color: $load-2; }
        & > .record-table--load-3 { color: $load-3; }
        & > .record-table--load-4 { color: $load-4; }
        & > .record-table--account-red { color: $account-red; }
        & > .record-table--account-orange { color: $account-orange; }
        & > .record-table--account-yellow { color: $account-yellow; }
        & > .record-table--account-green { color: $account-green; }
        & > .record-table--account-cyan { color: $account-cyan; }
        & > .record-table--account-blue { color: $account-blue; }
        & > .record-table--account-purple { color: $account-purple; }
        & > .record-table--account-pink { color: $account-pink; }
    }
    """

    def __init__(
        self,
        columns: Iterable[Column[RowT]],
        *,
        row_style: Callable[[RowT], str | None] | None,
        is_stale: Callable[[RowT], bool] | None,
        follow: bool,
        favourite: Callable[[Ref], bool] | None,
        on_fault: Callable[[Exception], None] | None,
        id: str | None,  # noqa: A002  (Textual's own name for it)
    ) -> None:
        super().__init__(id=id)
        self.columns: Mapping[str, Column[RowT]] = {column.key: column for column in columns}
        faults = Faults(on_fault)
        self._model: TableModel[RowT] = TableModel(faults.report)
        self._painter: TablePainter[RowT] = TablePainter(
            self,
            tuple(self.columns.values()),
            row_style,
            faults.report,
            is_stale=is_stale,
            favourite=favourite,
        )
        self.viewport: Viewport[RowT] = Viewport(self._model, lambda: self.size.height - 1, follow=follow)
        self.chosen: ChosenColumns = ChosenColumns(self._painter, self._sync)
        self._dragging = False
        self._lines: list[Strip] = []

    @property
    def row_count(self) -> int:
        """Rows that pass the filter."""
        return len(self._model)

    @property
    def line_count(self) -> int:
        """Lines of the body: rows and the headings of their groups, without the rows of folded groups."""
        return self._model.line_count

    @property
    def total_count(self) -> int:
        """Rows with those that the filter hides."""
        return len(self._model.rows)

    @property
    def cursor_ref(self) -> Ref | None:
        """The Ref under the cursor, None on a heading and without rows."""
        return self._model.cursor if isinstance(self._model.cursor, Ref) else None

    @property
    def cursor_row(self) -> RowT | None:
        """The row under the cursor, None on a heading and without rows."""
        return None if (ref := self.cursor_ref) is None else self._model.rows[ref]

    # -- cursor and scroll -----------------------------------------------------------------------------------------

    def rest_on_first(self) -> None:
        """Put a cursor that has not been used yet on the first row: the first list was not whole."""
        before = self._model.cursor, self.viewport.top
        self.viewport.to_top_if_unused()
        self.viewport.reveal()
        if before != (self._model.cursor, self.viewport.top):
            self._sync()

    def hold_cursor(self) -> None:
        """Keep the cursor on its row from now on: it has been used for something, though not moved."""
        self.viewport.used = True

    def settle(self) -> None:
        """Keep the columns still from now on: the first rows of all sources are there."""
        if self._painter.layout.settle():
            self._sync()

    def refit(self) -> None:
        """Choose the columns again, from the rows there are now: the user asked for what is new."""
        self._painter.layout.refit()
        self._sync()

    def admit(self) -> None:
        """Let columns that had nothing to show join with the next change, where there is room: the user caused it."""
        self._painter.layout.admit()

    def select(self, line: Line) -> bool:
        """Put the cursor on a row, or a heading, and bring it into view; returns whether it is shown."""
        found = self.viewport.select(line)
        if found:
            self._sync()
        return found

    def action_move(self, lines: int) -> None:
        """Move the cursor by some lines."""
        if self.viewport.step(lines):
            self._sync()

    def action_page(self, pages: int) -> None:
        """Move cursor and view by screens."""
        lines = pages * self.viewport.page
        self.viewport.top += lines
        self.action_move(lines)

    def action_first(self) -> None:
        """Go to the first line."""
        self.action_move(-self._model.line_count)

    def action_last(self) -> None:
        """Go to the last line."""
        self.action_move(self._model.line_count)

    def action_columns(self, steps: int) -> None:
        """Bring columns to the left or right into view; the first one stays."""
        self.chosen.scroll(steps)

    def _scroll_view(self, top: int) -> None:
        self.viewport.scroll_to(top)
        self._sync()

    # -- events ----------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Lay the columns out again and keep the cursor in view."""
        self._painter.layout.refit()
        self.viewport.reveal()
        self._sync()

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Repaint; without regions with new styles, as Textual asks for when focus or theme change."""
        if not regions:
            # The new component styles may not be there yet: the lines are made when they are next asked for.
            self._restyled = True
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def notify_style_update(self) -> None:
        """Use the colours of the theme of now."""
        super().notify_style_update()
        self._restyled = True

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll the view, with shift its columns; the cursor stays on its row."""
        event.stop()
        self.chosen.scroll(1) if event.shift else self._scroll_view(self.viewport.top + WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll the view, with shift its columns; the cursor stays on its row."""
        event.stop()
        self.chosen.scroll(-1) if event.shift else self._scroll_view(self.viewport.top - WHEEL_LINES)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """Bring the columns to the right into view."""
        event.stop()
        self.chosen.scroll(1)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Bring the columns to the left into view."""
        event.stop()
        self.chosen.scroll(-1)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to drag the scroll bar."""
        if event.x == self.size.width - 1 and event.y > 0 and self._model.line_count > self.viewport.page:
            self._dragging = True
            self.capture_mouse()
            self._drag(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the scroll bar."""
        if self._dragging:
            self._drag(event.y)

    def on_mouse_up(self) -> None:
        """End dragging the scroll bar."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()

    def _drag(self, y: int) -> None:
        page = self.viewport.page
        self._scroll_view(round((y - 1) / max(1, page - 1) * (self._model.line_count - page)))

    # -- painting --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen as last synchronised."""
        if self._restyled:
            self._make_lines()
            self._announce()
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width, self.rich_style)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return these lines as they are: a table has neither border nor padding, which Textual adds to copies."""
        width, background, filters = self.size.width, self.background_colors[1], self.get_line_filters()
        lines = []
        for y in crop.line_range:
            line = self.render_line(y)
            if line.cell_length != width:  # made before the size of now
                line = line.adjust_cell_length(width, self.rich_style)
            for line_filter in filters:
                line = line.apply_filter(line_filter, background)
            lines.append(line.crop(crop.x, crop.right))
        return lines

    @property
    def layout_columns(self) -> tuple[Placed[RowT], ...]:
        """The columns on the screen now, with their places and widths."""
        return self._painter.layout.placed

    def _sync(self) -> None:
        """Bring lines and listeners up to date; ask for a repaint of exactly the lines that differ."""
        dirty = self._make_lines()
        self._announce()
        if dirty:
            self.refresh(*dirty)

    def _make_lines(self) -> list[Region]:
        """Make the lines of now; returns where they differ from those before."""
        width, height = self.size
        if not self.is_mounted or width <= GUTTER or height == 0:
            return []
        if self._restyled:
            self._restyled = False
            self._painter.forget_styles()
        before = self._lines
        self._lines = self._painter.paint(self._model, self.viewport.top, self.size, self._notice())
        dirty: list[Region] = []
        for y, line in enumerate(self._lines):
            old = before[y] if y < len(before) else None
            if old is not line:
                start, end = (0, width) if old is None else difference(old, line)
                if end > start:
                    dirty.append(Region(start, y, end - start, 1))
        return dirty

    def _notice(self) -> Content:
        """Return what the body shows while it has no rows."""
        return Content("")

    def _announce(self) -> None:
        """Notify listeners; called with every change."""
