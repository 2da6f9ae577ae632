"""The volumes of all accounts: storage that outlives what it is mounted in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from gputui.models import Phase, Resource, Row, Volume
from gputui.presentation.actions import progress_text
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.glyphs import PHASE_GLYPHS
from gputui.presentation.storage import size_text, storage_text
from gputui.screens.instances import PHASE_TABLE_STYLES
from gputui.screens.library.tabs import LibraryPart
from gputui.screens.list.shared_columns import account_column, age_column, name_column, price_column

_ORDER = {phase: number for number, phase in enumerate((Phase.FAILED, Phase.UNKNOWN, *Phase))}


class VolumesView(LibraryPart):
    """A part of ``7``: name, storage, state, size, mounts, price; create, rename, resize, delete."""

    NAME = "volumes"
    HEADING = "Library › Volumes"
    RESOURCE = Resource.VOLUMES
    RESOURCES = frozenset({Resource.VOLUMES})
    CREATES = frozenset({Resource.VOLUMES})
    SORT: ClassVar[tuple[str | None, bool]] = ("name", False)
    SHOWS_AGE = True

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns; the state shows what is under way."""
        columns: list[Column[Volume]] = [
            name_column(),
            account_column(self.session, 1),
            Column("type", "TYPE", storage_text, storage_text, max_width=16),
            Column(
                "state",
                "STATE",
                self._state,
                lambda row: (_ORDER[row.phase], row.status),
                width=11,
                max_width=16,
                search=lambda row: f"{row.phase} {row.status}",
            ),
            Column("size", "SIZE", size_text, lambda row: row.size, right=True, width=8, number=lambda row: row.size),
            Column(
                "region",
                "REGION",
                lambda row: row.region,
                lambda row: natural_key(row.region),
                priority=3,
                max_width=20,
                when_filled=True,
            ),
            Column(
                "mounts",
                "MOUNTS",
                lambda row: "" if row.mounts is None else str(row.mounts),
                lambda row: row.mounts,
                right=True,
                priority=2,
            ),
            price_column(self.session, 2),
            age_column(4),
            Column("id", "ID", lambda row: row.ref.id, lambda row: natural_key(row.ref.id), shown=False),
            Column("phase", "PHASE", lambda row: row.phase.value, shown=False),
            Column("problem", "PROBLEM", lambda row: row.problem or "", shown=False),
        ]
        return cast("Sequence[Column[Row]]", columns)

    def _state(self, row: Volume) -> Cell:
        pending = self.session.fleet.pending(row.ref)
        if pending is not None:
            return (f"◐ {progress_text(pending.action)}", "warning")
        if row.problem:
            return (f"{PHASE_GLYPHS[row.phase]} not read", "warning")
        return (f"{PHASE_GLYPHS[row.phase]} {row.status}", PHASE_TABLE_STYLES[row.phase])

    def is_problem(self, row: Row) -> bool:
        """Failed, unknown, in transition, or under way."""
        settled = isinstance(row, Volume) and row.phase in (Phase.RUNNING, Phase.STOPPED) and not row.problem
        return not settled or self.session.fleet.pending(row.ref) is not None

    def empty_text(self) -> str:
        """Return why there are no rows, and the key that creates one."""
        return self.nothing("volumes")
