"""Commands for the table of a list: marks, order, refresh, save."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gputui.commands import Condition
from gputui.errors import GputuiError
from gputui.models import Row
from gputui.screens import dialogs
from gputui.screens.base.export import SAVE_FORMATS, save_rows
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from gputui.screens.list.list_view import ListView


def _of_table(action: Callable[[RecordTable[Row]], None]) -> Callable[[ListCommands, str], None]:
    """Return the handler that does an action of the view's table."""
    return lambda commands, argument: action(commands.view.table)


class ListCommands(CommandSet):
    """Mark, sort, refresh and save rows."""

    view: ListView

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

    @in_worker("dialog")
    async def do_save(self, argument: str) -> None:
        """Write the rows shown to a file."""
        # A small j moves in a menu.
        keys = {"json": "J"}
        choices = [
            dialogs.Choice(name, label, keys.get(name, label[0].lower())) for name, label in SAVE_FORMATS.items()
        ]
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog("Save the rows shown as", choices))
        if not chosen:
            return
        table = self.view.table
        rows = [row for ref in table.visible_refs if (row := table.get(ref)) is not None]
        try:
            path = await save_rows(self.app, chosen, self.view.NAME, tuple(table.columns.values()), rows)
        except OSError as error:
            raise GputuiError(
                f"Not saved: {error.strerror}.", hint="Start gputui in a folder you may write to."
            ) from error
        self.view.notify(f"Saved as {path}", severity="information")
