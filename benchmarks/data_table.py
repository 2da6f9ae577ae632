"""The reference: the rows of ``tests.tui.sample_table`` in Textual's DataTable, changed by the same keys.

Fixed column widths spare it measuring 100,000 cells. ``python -m benchmarks.data_table ROWS``.
"""

from __future__ import annotations

import sys
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from tests.tui.sample_table import COLUMNS, changed, make_rows


class DataTableApp(App[None]):
    """One table."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "change"), Binding("u", "update")]

    def __init__(self, count: int) -> None:
        super().__init__()
        self.rows = make_rows(count)
        self.version = 0

    def compose(self) -> ComposeResult:
        """Show the table."""
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        """Fill it."""
        for number in range(COLUMNS):
            self.table.add_column(f"COLUMN{number}", key=f"c{number}", width=9)
        self.fill()
        self.table.focus()

    @property
    def table(self) -> DataTable[str]:
        """The table."""
        return self.query_one(DataTable)

    def fill(self) -> None:
        """Add all rows."""
        for row in self.rows:
            self.table.add_row(*row.cells, key=row.ref.id)

    def action_change(self) -> None:
        """Change every hundredth row and fill the table again."""
        self.version += 1
        for number in range(0, len(self.rows), 100):
            self.rows[number] = changed(self.rows[number], 3, self.version)
        self.table.clear()
        self.fill()

    def action_update(self) -> None:
        """Change one cell."""
        self.version += 1
        self.rows[3] = changed(self.rows[3], 2, self.version)
        self.table.update_cell("3", "c2", self.rows[3].cells[2])


if __name__ == "__main__":
    DataTableApp(int(sys.argv[1])).run()
