"""A program for the harness's own tests and the benchmarks: a table of made-up rows, changed by keys.

``python -m tests.tui.sample_table ROWS record|data``: ``u`` changes one cell in view, ``o`` one out of view,
``r`` refreshes with 1 % of the rows changed, ``i`` inserts a row at the top, ``x`` removes the cursor's row.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from gputui.app.theme import DARK, variables
from gputui.models import Change, Ref
from gputui.presentation.columns.column import Column
from gputui.widgets.table.table import RecordTable

COLUMNS = 10


@dataclass(frozen=True, slots=True)
class Record:
    """A row of ten short texts."""

    ref: Ref
    cells: tuple[str, ...]


def make_rows(count: int) -> list[Record]:
    """Return rows ``r0c0v0 …`` of equal widths."""
    return [
        Record(Ref("lab", "row", str(number)), tuple(f"r{number}c{column}v0" for column in range(COLUMNS)))
        for number in range(count)
    ]


def changed(row: Record, column: int, version: int) -> Record:
    """Return the row with another text in one column."""
    cells = list(row.cells)
    cells[column] = cells[column].rsplit("v", 1)[0] + f"v{version % 10}"
    return replace(row, cells=tuple(cells))


def record_table() -> RecordTable[Record]:
    """Return an empty table for these rows."""

    def column(number: int) -> Column[Record]:
        return Column(f"c{number}", lambda row: row.cells[number], heading=f"COLUMN{number}", width=9)

    return RecordTable([column(number) for number in range(COLUMNS)])


class SampleApp(App[None]):
    """One table."""

    ENABLE_COMMAND_PALETTE = False

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Add the colours that the program's themes have."""
        return variables(DARK, "truecolor")

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "update(3)"),
        Binding("o", "update(-1)"),
        Binding("r", "change"),
        Binding("i", "insert"),
        Binding("x", "remove"),
        Binding("q", "quit"),
    ]

    def __init__(self, count: int) -> None:
        super().__init__()
        self.rows = make_rows(count)
        self.version = 0

    def compose(self) -> ComposeResult:
        """Show the table."""
        yield record_table()

    def on_mount(self) -> None:
        """Fill it."""
        self.table.set_rows(self.rows)
        self.table.focus()

    @property
    def table(self) -> RecordTable[Record]:
        """The table."""
        return self.query_one(RecordTable)

    def action_update(self, number: int) -> None:
        """Change one cell of one row."""
        self.version += 1
        self.rows[number] = changed(self.rows[number], 2, self.version)
        self.table.apply(Change(updated=(self.rows[number],)))

    def action_change(self) -> None:
        """Change every hundredth row."""
        self.version += 1
        for number in range(0, len(self.rows), 100):
            self.rows[number] = changed(self.rows[number], 3, self.version)
        self.table.apply(Change(updated=tuple(self.rows[::100])))

    def action_insert(self) -> None:
        """Put a row before all others."""
        self.version += 1
        row = Record(Ref("lab", "row", f"new{self.version}"), (f"new{self.version}",) * COLUMNS)
        self.rows.insert(0, row)
        self.table.set_rows(self.rows)

    def action_remove(self) -> None:
        """Take the cursor's row away."""
        ref = self.table.cursor_ref
        if ref is not None:
            self.table.apply(Change(removed=(ref,)))


if __name__ == "__main__":
    SampleApp(int(sys.argv[1])).run()
