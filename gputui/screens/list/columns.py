"""Commands for the columns of a table: which there are, and which one sorts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gputui.errors import InvalidError
from gputui.presentation.columns.choice import ColumnChoice, find_columns
from gputui.presentation.columns.column import Column
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from gputui.screens.list.tabular_view import TabularView

_AUTOMATIC = "auto"
"""The argument of ``:columns`` for those that fit."""


class ColumnCommands(CommandSet):
    """Choose and sort by columns of the table in use."""

    view: TabularView

    def completions(self) -> Mapping[str, Sequence[str]]:
        """Return the names of the columns."""
        columns = self.view.table_in_use.columns
        return {
            "COLUMNS": (*columns, _AUTOMATIC),
            "COLUMN": [key for key, column in columns.items() if column.sort_key is not None],
        }

    def do_columns(self, argument: str) -> None:
        """Show these columns, or open the dialog in which they are chosen."""
        table = self.view.table_in_use
        if not argument:
            self._choose_columns(table)
        elif argument == _AUTOMATIC:
            table.chosen.choose(None)
        else:
            found = self._find(table, argument.replace(",", " ").split())
            table.chosen.choose(ColumnChoice(tuple(column.key for column in found)))

    @in_worker("dialog")
    async def _choose_columns(self, table: RecordTable[Any]) -> None:
        heading = f"Columns of {self.view.HEADING}"
        columns = tuple(table.columns.values())
        await self.app.push_screen_wait(dialogs.ColumnsDialog(heading, columns, table.chosen, table.cursor_row))

    def do_sort(self, argument: str) -> None:
        """Sort by this column, or by one from a menu."""
        table = self.view.table_in_use
        if not argument:
            self._choose_order(table)
            return
        name, _, direction = argument.partition(":")
        if direction not in ("", "asc", "desc"):
            raise InvalidError(f"The order is asc or desc: :sort {name}:desc.")
        (column,) = self._find(table, [name])
        if column.sort_key is None:
            raise InvalidError(f"{column.title} does not sort.")
        table.set_sort(column.key, direction == "desc")

    @in_worker("dialog")
    async def _choose_order(self, table: RecordTable[Any]) -> None:
        sorting = [column for column in table.columns.values() if column.sort_key is not None]
        choices = [dialogs.Choice(column.key, column.title, note=column.key) for column in sorting]
        key, descending = table.sort
        menu = dialogs.MenuDialog("Sort by", choices, enter="sort", selected=key or "")
        if chosen := await self.app.push_screen_wait(menu):
            table.set_sort(chosen, descending if chosen != key else not descending)

    def _find(self, table: RecordTable[Any], names: Sequence[str]) -> list[Column[Any]]:
        """Return the columns with these names; raises InvalidError."""
        found, problems = find_columns(tuple(table.columns.values()), names)
        if problems or not found:
            raise InvalidError(" ".join(problems), hint=f"Columns: {', '.join(table.columns)}.")
        return found
