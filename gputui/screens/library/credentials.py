"""The credentials for image registries, of all accounts. Passwords are never shown, and never kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from gputui.formatting import format_time
from gputui.models import RegistryCredential, Resource, Row
from gputui.presentation.actions import progress_text
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.storage import registry_text
from gputui.screens.library.tabs import LibraryPart
from gputui.screens.list.shared_columns import account_column, name_column


class CredentialsView(LibraryPart):
    """A part of ``7``: name, kind of registry, when it was made; create, change, delete."""

    NAME = "credentials"
    HEADING = "Library › Credentials"
    RESOURCE = Resource.CREDENTIALS
    RESOURCES = frozenset({Resource.CREDENTIALS})
    CREATES = frozenset({Resource.CREDENTIALS})
    SORT: ClassVar[tuple[str | None, bool]] = ("name", False)

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns; the state is there only while something is under way, or could not be read."""
        columns: list[Column[RegistryCredential]] = [
            name_column(),
            account_column(self.session, 1),
            Column("state", "STATE", self._state, self._state_text, width=11, when_filled=True),
            Column("type", "REGISTRY", registry_text, registry_text, search=_type_search, max_width=34),
            Column(
                "created",
                "CREATED",
                lambda row: "" if row.created_at is None else format_time(row.created_at, utc=self.session.utc),
                lambda row: row.created_at,
                priority=2,
                when_filled=True,
            ),
            Column("id", "ID", lambda row: row.ref.id, lambda row: natural_key(row.ref.id), priority=1),
            Column("problem", "PROBLEM", lambda row: row.problem or "", shown=False),
        ]
        return cast("Sequence[Column[Row]]", columns)

    def _state(self, row: RegistryCredential) -> Cell:
        text = self._state_text(row)
        glyph = "◐" if self.session.fleet.pending(row.ref) is not None else "?"
        return (f"{glyph} {text}", "warning") if text else ""

    def _state_text(self, row: RegistryCredential) -> str:
        pending = self.session.fleet.pending(row.ref)
        if pending is not None:
            return progress_text(pending.action)
        return "not read" if row.problem else ""

    def is_problem(self, row: Row) -> bool:
        """It has no state to worry about, unless it could not be read."""
        return bool(getattr(row, "problem", None)) or self.session.fleet.pending(row.ref) is not None

    def empty_text(self) -> str:
        """Return why there are no rows, and the key that creates one."""
        return self.nothing("credentials")


def _type_search(row: RegistryCredential) -> str:
    return f"{registry_text(row)} {row.type}"
