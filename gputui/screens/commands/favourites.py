"""The command that marks rows as favourites."""

from __future__ import annotations

from collections.abc import Iterable

from gputui.commands import Command, Condition
from gputui.formatting import counted
from gputui.models import LIBRARY, Resource, Row
from gputui.models.resources import BY_MODEL
from gputui.presentation.actions import name_of
from gputui.screens.commands.command_set import CommandSet
from gputui.widgets.table.table import RecordTable

_LISTS = frozenset(
    {
        *(Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.STOCK, Resource.GPUS, Resource.HOSTS),
        *(Resource.QUEUES, Resource.BLACKLIST, *LIBRARY.values()),
    }
)
"""The lists whose rows stay: an event or a process is soon another one."""


class FavouriteCommands(CommandSet):
    """Add rows to the favourites, or remove them."""

    def conditions(self) -> Iterable[Condition]:
        """Rows that stay can be favourites."""
        if self._rows():
            yield Condition.FAVOURITE

    def refusal(self, command: Command) -> str:
        """Return that the row cannot be a favourite."""
        if command.when is Condition.FAVOURITE and self.view.targets():
            return "Favourites are instances, deployments, GPUs, offers, blocked hosts and rows of the library."
        return ""

    def do_favourite(self, argument: str) -> None:
        """Add the rows to the favourites; remove them where all are."""
        row = self.row_for(argument) if argument else None
        rows = [row] if row is not None else [] if argument else self._rows()
        if not rows:
            return
        added = self.session.favourites.toggle({row.ref: name_of(row) for row in rows})
        if len(rows) > 1:
            changed = "added to" if added else "removed from"
            self.view.notify(f"{counted(len(rows), 'row')} {changed} the favourites.", severity="information")
        elif not any(table.get(rows[0].ref) for table in self.view.query(RecordTable)):
            # No star shows it: the row in front is an event of it, or a line of the costs.
            text = f"{name_of(rows[0])} is {'now' if added else 'no longer'} a favourite."
            self.view.notify(text, severity="information")

    def _rows(self) -> list[Row]:
        return [row for row in self.view.targets() if BY_MODEL.get(type(row)) in _LISTS]
