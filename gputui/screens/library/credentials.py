"""The credentials for image registries, of all accounts. Passwords are never shown, and never kept."""

from __future__ import annotations

from typing import ClassVar

from gputui.models import Resource, Row
from gputui.screens.library.tabs import LibraryPart


class CredentialsView(LibraryPart):
    """A part of ``7``: name, kind of registry, when it was made; create, change, delete."""

    NAME = "credentials"
    HEADING = "Library › Credentials"
    RESOURCE = Resource.CREDENTIALS
    RESOURCES = frozenset({Resource.CREDENTIALS})
    CREATES = frozenset({Resource.CREDENTIALS})
    SORT: ClassVar[tuple[str | None, bool]] = ("name", False)

    def is_problem(self, row: Row) -> bool:
        """It has no state to worry about, unless it could not be read."""
        return bool(getattr(row, "problem", None)) or self.session.fleet.mutations.pending(row.ref) is not None

    def empty_text(self) -> str:
        """Return why there are no rows, and the key that creates one."""
        return self.nothing("credentials")
