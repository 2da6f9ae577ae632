"""The volumes of all accounts: storage that outlives what it is mounted in."""

from __future__ import annotations

from typing import ClassVar

from gputui.models import Phase, Resource, Row, Volume
from gputui.screens.library.tabs import LibraryPart


class VolumesView(LibraryPart):
    """A part of ``7``: name, storage, state, size, mounts, price; create, rename, resize, delete."""

    NAME = "volumes"
    HEADING = "Library › Volumes"
    RESOURCE = Resource.VOLUMES
    RESOURCES = frozenset({Resource.VOLUMES})
    CREATES = frozenset({Resource.VOLUMES})
    SORT: ClassVar[tuple[str | None, bool]] = ("name", False)
    SHOWS_AGE = True

    def is_problem(self, row: Row) -> bool:
        """Failed, unknown, in transition, or under way."""
        settled = isinstance(row, Volume) and row.phase in (Phase.RUNNING, Phase.STOPPED) and not row.problem
        return not settled or self.session.fleet.mutations.pending(row.ref) is not None

    def empty_text(self) -> str:
        """Return why there are no rows, and the key that creates one."""
        return self.nothing("volumes")
