"""The images of every account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar, cast

from gputui.models import Image, Resource, Row
from gputui.screens.list_view import ListView
from gputui.text import format_age, format_bytes
from gputui.widgets.table_columns import Column


class LibraryView(ListView):
    """``7``: images, the server's and one's own; create from one, delete one's own."""

    NAME = "library"
    HEADING = "Library › Images"
    RESOURCE = Resource.IMAGES
    RESOURCES = frozenset({Resource.IMAGES})
    SORT: ClassVar[tuple[str | None, bool]] = ("name", False)

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns."""
        columns: list[Column[Image]] = [
            Column(
                "name",
                "IMAGE",
                lambda row: row.reference,
                lambda row: row.reference,
                width=12,
                flex=True,
                max_width=70,
            ),
            Column("account", "ACCOUNT", lambda row: row.ref.account, lambda row: row.ref.account, priority=1),
            Column(
                "owner",
                "WHOSE",
                lambda row: ("yours", "accent") if row.own else "the server's",
                lambda row: not row.own,
                search=lambda row: "yours private" if row.own else "server public",
            ),
            Column(
                "size",
                "SIZE",
                lambda row: format_bytes(row.size),
                lambda row: row.size,
                right=True,
                priority=2,
                when_filled=True,
            ),
            Column(
                "age",
                "AGE",
                lambda row: format_age(row.created_at, datetime.now(UTC)),
                lambda row: row.created_at,
                right=True,
                priority=4,
                when_filled=True,
            ),
            Column("id", "ID", lambda row: row.ref.id, lambda row: row.ref.id, shown=False),
            Column(
                "about",
                "ABOUT",
                lambda row: row.description,
                lambda row: row.description,
                flex=True,
                priority=3,
                max_width=70,
                when_filled=True,
            ),
        ]
        return cast("Sequence[Column[Row]]", columns)

    def is_problem(self, row: Row) -> bool:
        """An image has no state to worry about."""
        return False

    def do_new(self, argument: str) -> None:
        """Create an instance from the image under the cursor."""
        row = self.row_here()
        if argument or not isinstance(row, Image) or row.ref.account not in self.creatable():
            super().do_new(argument)
        else:
            self._create([row.ref.account], {"image": row.reference, "image_uuid": row.ref.id})

    def empty_text(self) -> str:
        """Say why there is nothing."""
        return f"No images in {self.session.account or 'any account'}."
