"""The groups of waste."""

from __future__ import annotations

from collections.abc import Mapping

from gputui.presentation.groups.waste import waste_groupings
from gputui.screens.list.groups import GroupCommands, GroupedTable


class WasteGroupCommands(GroupCommands):
    """Group the rows by reason or account."""

    def tables(self) -> Mapping[str, GroupedTable]:
        """Return the table of waste."""
        view = self.view
        return {"group": GroupedTable(lambda: view.table, lambda: waste_groupings(view.context))}
