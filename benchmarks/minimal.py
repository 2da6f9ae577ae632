"""The reference for the start: the least Textual app that shows a table. ``python -m benchmarks.minimal ROWS``."""

from __future__ import annotations

import sys

from textual.app import App, ComposeResult
from textual.widgets import DataTable


class MinimalApp(App[None]):
    """One DataTable."""

    def compose(self) -> ComposeResult:
        """Show the table."""
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        """Fill it."""
        table = self.query_one(DataTable)
        table.add_columns("NAME", "STATE", "IMAGE", "PORTS")
        for number in range(int(sys.argv[1])):
            table.add_row(f"row-{number}", "● running", "pytorch:2.7", "8704→22")


if __name__ == "__main__":
    MinimalApp().run()
