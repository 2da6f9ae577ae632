"""Commands for the table of a list: marks, order, refresh, save."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gputui.commands import Condition
from gputui.errors import GputuiError
from gputui.screens import dialogs
from gputui.screens.base.export import SAVE_FORMATS, save_rows
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from gputui.screens.list.list_view import ListView


class ListCommands(CommandSet):
    """Mark, sort, refresh and save rows."""

    view: ListView

    def conditions(self) -> Iterable[Condition]:
        """A list can always be filtered and saved."""
        yield Condition.CONTENT

    def do_mark(self, argument: str) -> None:
        """Mark the row and go to the next."""
        self.view.table.action_toggle_mark()

    def do_mark_range(self, argument: str) -> None:
        """Mark from the last mark to here."""
        self.view.table.action_mark_range()

    def do_mark_clear(self, argument: str) -> None:
        """Unmark all rows."""
        self.view.table.action_clear_marks()

    def do_refresh(self, argument: str) -> None:
        """Refresh now; the columns fit the rows of now."""
        self.session.fleet.refresh(self.view.RESOURCES)
        for table in self.view.query(RecordTable):
            table.refit()

    def do_sort_previous(self, argument: str) -> None:
        """Sort by the column to the left."""
        self.view.table.action_sort_previous()
        self.view.frame.show()

    def do_sort_next(self, argument: str) -> None:
        """Sort by the column to the right."""
        self.view.table.action_sort_next()
        self.view.frame.show()

    def do_sort_invert(self, argument: str) -> None:
        """Reverse the order."""
        self.view.table.action_sort_invert()
        self.view.frame.show()

    def do_save(self, argument: str) -> None:
        """Write what is shown to a file."""
        self._save()

    @in_worker("dialog")
    async def _save(self) -> None:
        # A small j moves in a menu.
        keys = {"json": "J"}
        choices = [
            dialogs.Choice(name, label, keys.get(name, label[0].lower())) for name, label in SAVE_FORMATS.items()
        ]
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog("Save what is shown as", choices))
        if not chosen:
            return
        table = self.view.table
        rows = [row for ref in table.visible_refs if (row := table.get(ref)) is not None]
        try:
            path = await save_rows(self.app, chosen, self.view.NAME, tuple(table.columns.values()), rows)
        except OSError as error:
            self.view.show_error(
                GputuiError(f"It was not saved: {error.strerror}.", hint="Start gputui in a folder you may write to.")
            )
            return
        self.view.notify(f"Saved as {path}", severity="information")
