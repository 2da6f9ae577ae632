"""A view over a table, of rows of any kind: filter, marks, the row under the cursor."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.content import Content
from textual.events import DescendantFocus

from gputui.commands import Command, Group
from gputui.query import Query
from gputui.screens.base.session import Session
from gputui.screens.base.view import View
from gputui.screens.list.remembered import keep_columns, keep_order
from gputui.widgets.table.table import RecordTable


class TabularView(View):
    """The keys and the filter act on ``table``, which a subclass lays out."""

    TYPED_OVER: ClassVar[str] = "/"
    """The text before the typed filter in the title: the part of the view that it applies to."""

    _entered: RecordTable[Any] | None = None
    _query: Query | None = None
    _settled = False
    """Whether all accounts have answered once, so that the cursor stays on its row."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        keep_order(self.memory, "sort", lambda: self.table)
        keep_columns(self.memory, "columns", lambda: self.table)

    @property
    def table(self) -> RecordTable[Any]:
        """The table that the keys act on."""
        return self.query_one("#table", RecordTable)

    @property
    def table_in_use(self) -> RecordTable[Any]:
        """The table that had the focus last, also while a bar or a dialog has it; ``table`` where that is hidden."""
        entered = self._entered
        return entered if entered is not None and entered.is_attached and entered.display else self.table

    @on(DescendantFocus)
    def _table_entered(self, event: DescendantFocus) -> None:
        if isinstance(event.widget, RecordTable):
            self._entered = event.widget

    def focus_body(self) -> None:
        """Give the keys back to the table in use."""
        self.set_focus(self.table_in_use)

    def open_row(self) -> None:
        """Open the row under the cursor."""
        self.action_command("open")

    # --- the cursor ------------------------------------------------------------------------------------------

    def _settle_cursor(self) -> None:
        """Begin on the first row of all accounts, not on that of the account that answered first."""
        if self._settled:
            return
        self.table.rest_on_first()
        if not self.feeds.loading_text() and self.table.total_count:
            self._settled = True
            self.table.hold_cursor()

    def before_command(self, command: Command) -> None:
        """From now on the cursor stays on the row that the command is used for; the help is used for none."""
        if command.id == "help":
            return
        self.table.hold_cursor()
        if command.group is Group.ROW and (ref := self.table.cursor_ref) is not None:
            self.table.select(ref)

    def position(self) -> tuple[object, ...]:
        """Return where the user is; a row that comes or goes under the cursor is no move."""
        return self.app.screen, self.focused, self.table.viewport.moves

    # --- filter and marks ------------------------------------------------------------------------------------

    def set_filter(self, text: str) -> None:
        """Show only rows that match; raises QueryError."""
        self._query = self.table.parse_filter(text) or None
        self._apply_filter()

    def filter_typed(self) -> None:
        """Show the columns in which alone rows match."""
        self._apply_filter()

    def _apply_filter(self) -> None:
        self.table.set_filter(self._query, typing=self.frame.is_filtering)
        self.frame.show()

    def clear_filter(self) -> bool:
        """Clear the filter; returns whether any was set."""
        had = self._query is not None
        self._query = None
        self._apply_filter()
        return had

    def clear_limits(self) -> bool:
        """Clear the marks, then the filter."""
        if self.table.marked or self.table.marked_hidden:
            self.table.action_clear_marks()
            return True
        return self.clear_filter()

    def filter_caption(self) -> Content:
        """Return the filter as the title shows it."""
        return Content.styled(f"   {self.TYPED_OVER} {self._query.text}" if self._query else "", "$text-accent")

    def marks_caption(self) -> Content:
        """Return how many rows are marked, as the title shows it."""
        marked, hidden = len(self.table.marked), len(self.table.marked_hidden)
        return Content.assemble(
            (f"{marked} marked" if marked else "", "$text-accent"),
            (f"   {hidden} marked, hidden by filter" if hidden else "", "$text-warning"),
        )

    # --- news of the table -----------------------------------------------------------------------------------

    def show_changed_table(self) -> None:
        """Show what depends on the rows, the marks and the order of the table."""
        self.frame.show()

    @on(RecordTable.CursorMoved)
    def _cursor_moved(self) -> None:
        self.frame.show_keys()
        self.commands.cursor_moved()

    @on(RecordTable.Changed)
    def _table_changed(self) -> None:
        self.show_changed_table()
        self.commands.cursor_moved()

    @on(RecordTable.Opened, "#table")
    def _opened(self, event: RecordTable.Opened) -> None:
        event.stop()
        self.open_row()
