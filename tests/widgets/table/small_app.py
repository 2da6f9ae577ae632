"""An app with nothing but a table of a few columns, to press keys in and to read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot

from gputui.app.theme import DARK, variables
from gputui.models import Ref
from gputui.presentation.columns.column import Column
from gputui.widgets.table.table import RecordTable

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Record:
    ref: Ref
    name: str
    load: int | None = None
    stale: bool = False


def ref(number: int | str) -> Ref:
    return Ref("lab", "row", str(number))


def records(*numbers: int) -> list[Record]:
    return [Record(ref(number), f"row-{number}", number) for number in numbers]


ACCOUNT: Column[Record] = Column("account", lambda row: (row.ref.account, "account-red"), lambda row: row.ref)
COLUMNS: list[Column[Record]] = [
    Column("name", lambda row: row.name, lambda row: row.name, flex=True),
    Column("load", lambda row: ("" if row.load is None else str(row.load), "bad"), lambda row: row.load),
    Column("bar", lambda row: [("▇▇", "good"), ("▁", "muted")], priority=2),
    Column("id", lambda row: row.ref.id, shown=False),
]


class TableApp(App[None]):
    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variables(DARK, "truecolor")

    def __init__(self, columns: list[Column[Record]] = COLUMNS, **options: Any) -> None:
        super().__init__()
        self.table: RecordTable[Record] = RecordTable(columns, is_stale=lambda row: row.stale, **options)
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_record_table_cursor_moved(self, message: RecordTable.CursorMoved) -> None:
        self.heard.append(message)

    def on_record_table_opened(self, message: RecordTable.Opened) -> None:
        self.heard.append(message)

    def on_record_table_changed(self, message: RecordTable.Changed) -> None:
        self.heard.append(message)


class Driver:
    def __init__(self, app: TableApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.table = app.table
        self._press = pilot.press
        self.click = pilot.click
        self.pause = pilot.pause
        self.resize = pilot.resize_terminal

    async def press(self, *keys: str) -> None:
        """Press keys, and let what they cause be drawn."""
        await self._press(*keys)
        await self.pause()

    @property
    def lines(self) -> list[str]:
        return [self.table.render_line(y).text for y in range(self.table.size.height)]

    @property
    def names(self) -> list[str]:
        """The first column of the rows on the screen."""
        return [line[3:-1].split()[0] for line in self.lines[1:] if line[3:-1].strip()]

    @property
    def cursor_line(self) -> int:
        return next(y for y, line in enumerate(self.lines) if line.startswith("▌"))

    def repainted(self) -> int:
        """Lines that the next frame repaints."""
        return len({y for region in self.table._repaint_regions for y in region.line_range})

    def heard(self, kind: type[M]) -> list[M]:
        return [message for message in self.app.heard if isinstance(message, kind)]


@asynccontextmanager
async def shown(rows: list[Record], *, width: int = 40, height: int = 9, **options: Any) -> AsyncIterator[Driver]:
    app = TableApp(**options)
    async with app.run_test(size=(width, height)) as pilot:
        app.table.set_rows(rows)
        await pilot.pause()
        yield Driver(app, pilot)


STATES: list[Column[Record]] = [
    Column("name", lambda row: row.name, lambda row: row.name, width=12, flex=True, least=12),
    Column("load", lambda row: "" if row.load is None else str(row.load), lambda row: row.load),
    Column("id", lambda row: row.ref.id, lambda row: row.ref.id, priority=2),
    Column("size", lambda row: "x" * (row.load or 0), lambda row: row.load, shown=False),
    Column("flag", lambda row: "old" if row.stale else "", when_filled=True, priority=1),
]


def keys_of(driver: Driver) -> list[str]:
    return [placed.column.key for placed in driver.table.layout_columns]
