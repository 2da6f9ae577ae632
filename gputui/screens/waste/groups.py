"""The groups of waste."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gputui.presentation.groups.grouping import Grouping
from gputui.presentation.groups.waste import waste_groupings
from gputui.screens.list.groups import GroupCommands


class WasteGroupCommands(GroupCommands):
    """Group the rows by reason or account."""

    def groupings(self) -> Sequence[Grouping[Any]]:
        """Return the groupings of waste."""
        return waste_groupings()
