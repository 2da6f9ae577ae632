"""Commands for the table of a list: marks, order, refresh, save."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from gputui.commands import Condition
from gputui.models import Row
from gputui.screens.commands.save import SaveCommands
from gputui.screens.list.columns import ColumnCommands
from gputui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from gputui.screens.list.tabular_view import TabularView


def _of_table(action: Callable[[RecordTable[Row]], None]) -> Callable[[ListCommands, str], None]:
    """Return the handler that does an action of the view's table."""
    return lambda commands, argument: action(commands.view.table)


class ListCommands(ColumnCommands, SaveCommands):
    """Mark, sort, refresh and save rows."""

    view: TabularView

    def conditions(self) -> Iterable[Condition]:
        """A list can always be filtered and saved."""
        yield Condition.CONTENT

    do_mark = _of_table(RecordTable.action_toggle_mark)
    do_mark_range = _of_table(RecordTable.action_mark_range)
    do_mark_clear = _of_table(RecordTable.action_clear_marks)
    do_sort_previous = _of_table(RecordTable.action_sort_previous)
    do_sort_next = _of_table(RecordTable.action_sort_next)
    do_sort_invert = _of_table(RecordTable.action_sort_invert)

    def do_refresh(self, argument: str) -> None:
        """Refresh now; the columns fit the rows of now."""
        self.session.fleet.refresh(self.view.RESOURCES)
        for table in self.view.query(RecordTable):
            table.refit()

    def do_save(self, argument: str) -> None:
        """Write the rows shown to a file, with the columns that the user chose."""
        table = self.view.table
        rows = [row for ref in table.visible_refs if (row := table.get(ref)) is not None]
        columns = tuple(table.columns.values())
        if (choice := table.chosen.choice) is not None:
            columns = tuple(replace(column, shown=True) for column in choice.apply(columns))
        self.save(columns, rows)
