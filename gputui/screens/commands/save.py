"""Save the rows of a view to a file."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.errors import GputuiError, reason_of
from gputui.models import Row
from gputui.presentation.columns.column import Column
from gputui.screens import dialogs
from gputui.screens.base.export import SAVE_FORMATS, save_rows
from gputui.screens.commands.command_set import CommandSet, in_worker


class SaveCommands(CommandSet):
    """The base of sets that save the rows of their view."""

    @in_worker("dialog")
    async def save(self, columns: Sequence[Column[Row]], rows: Sequence[Row]) -> None:
        """Ask for the format, and write the rows to a file."""
        # A small j moves in a menu.
        keys = {"json": "J"}
        choices = [
            dialogs.Choice(name, label, keys.get(name, label[0].lower())) for name, label in SAVE_FORMATS.items()
        ]
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog("Save the rows shown as", choices))
        if not chosen:
            return
        try:
            path = await save_rows(self.app, chosen, self.view.NAME, columns, rows)
        except OSError as error:
            raise GputuiError(
                f"Not saved: {reason_of(error)}.", hint="Start gputui in a folder you may write to."
            ) from error
        self.view.notify(f"Saved as {path}", severity="information")
