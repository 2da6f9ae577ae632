"""One side of the view of files: a directory of this machine or of an instance."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from gputui.errors import GputuiError
from gputui.models import FileRow, Ref
from gputui.presentation.columns.column import Column
from gputui.screens.base.view_commands import key_bindings
from gputui.text import clean
from gputui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from gputui.fleet.transfers import Transfers
    from gputui.ssh.sftp.wire import Attrs

UP = b".."
HOME = b"."
"""The home directory of an instance, over SFTP."""
_HERE = "this machine"


class Pane(Vertical):
    """A heading with the directory, and its files. ``ref`` is the instance, None for this machine."""

    DEFAULT_CSS = """
    Pane { width: 1fr; height: 1fr; }
    Pane > Static { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; color: $muted; }
    Pane:focus-within > Static { color: $text-accent; text-style: bold; }
    Pane > RecordTable { height: 1fr; }
    """

    def __init__(self, table: RecordTable[FileRow], path: bytes) -> None:
        super().__init__()
        self.table = table
        self.ref: Ref | None = None
        self.path = path
        """The directory; of an instance a relative one begins at the home directory until it is read."""
        self.hides = False
        """Whether names that begin with a dot are left out."""
        self._names: Sequence[tuple[bytes, Attrs]] = ()
        self._heading = Static()
        self._shown_path = path

    def compose(self) -> ComposeResult:
        """Lay out heading and table."""
        yield self._heading
        yield self.table

    async def read(self, transfers: Transfers, path: bytes, select: bytes = b"") -> None:
        """Show a directory, with the cursor on one of its names.

        A failure is shown in its place, or raised where another directory is shown.
        """
        ref = self.ref
        try:
            async with transfers.open(ref) as place:
                found = await place.real(path)
                names = await place.scan(found)
        except GputuiError as error:
            if self.table.total_count:
                raise
            if self.ref == ref:
                self.show_failure(path, error)
            return
        if self.ref == ref:
            self.path = found
            self.show(names, select)

    def show(self, names: Sequence[tuple[bytes, Attrs]], select: bytes = b"") -> None:
        """Show the names of the directory."""
        self._names = names
        rows = [self._row(UP, None)] if self.path != b"/" else []
        rows += [self._row(name, attrs) for name, attrs in names if not (self.hides and name.startswith(b"."))]
        self.table.set_rows(rows)
        self.table.placeholder = Content("An empty directory.")
        self.table.refit()
        self._show_heading(self.path)
        self.table.select(self._ref_of(select or UP))

    def hide(self, *, hides: bool) -> None:
        """Leave names that begin with a dot out, or show them again; the cursor stays on its name."""
        row = self.table.cursor_row
        self.hides = hides
        self.show(self._names, row.raw if row is not None else b"")

    @property
    def hidden(self) -> int:
        """How many names are left out."""
        return sum(name.startswith(b".") for name, _ in self._names) if self.hides else 0

    def mark_matching(self, pattern: str) -> int:
        """Mark the names that match a pattern as a shell would read it; returns how many do."""
        found = [
            row.ref
            for ref in self.table.visible_refs
            if (row := self.table.get(ref)) is not None and row.raw != UP and _matches(row.raw, pattern)
        ]
        self.table.mark(*found)
        return len(found)

    def show_failure(self, path: bytes, error: GputuiError) -> None:
        """Show why a directory could not be read, in its place."""
        self.table.placeholder = Content.styled(str(error), "$text-error")
        self._show_heading(path)

    def on_resize(self) -> None:
        """Fit the heading to the new width."""
        self._show_heading(self._shown_path)

    def _show_heading(self, path: bytes) -> None:
        """Show the directory: of a long path the end."""
        self._shown_path = path
        where, text = f"{self.where}:", "~" if path == HOME else _shown(path)
        room = max(8, self.size.width - 2 - len(where))
        self._heading.update(Content(where + (text if len(text) <= room else f"…{text[1 - room :]}")))

    def join(self, name: bytes) -> bytes:
        """Return the path of a name in the directory."""
        return posixpath.normpath(posixpath.join(self.path, name))

    def targets(self) -> list[FileRow]:
        """Return the marked files, else the one under the cursor; never the way up."""
        marked = [row for ref in self.table.marked if (row := self.table.get(ref)) is not None]
        rows = marked or [row for row in [self.table.cursor_row] if row is not None]
        return [row for row in rows if row.raw != UP]

    def names(self) -> set[bytes]:
        """Return the names in the directory."""
        return {row.raw for ref in self.table.refs if (row := self.table.get(ref)) is not None}

    @property
    def where(self) -> str:
        """The instance or this machine, for a message."""
        return _HERE if self.ref is None else str(self.ref)

    @property
    def text(self) -> str:
        """The directory, for a message."""
        return f"{self.where}:{_shown(self.path)}"

    def _ref_of(self, name: bytes) -> Ref:
        # With the directory: a mark must not pass to a file of the same name in another one.
        account = self.ref.account if self.ref is not None else ""
        return Ref(account, "file", os.fsdecode(posixpath.join(self.path, name)))

    def _row(self, name: bytes, attrs: Attrs | None) -> FileRow:
        kind, size, at = "directory", None, None
        if attrs is not None:
            kind = "directory" if attrs.is_dir else "link" if attrs.is_link else "file" if attrs.is_file else "other"
            size = attrs.size if attrs.is_file else None
            at = _time(attrs.seconds)
        return FileRow(self._ref_of(name), _shown(name), name, kind, size, at)


def _matches(name: bytes, pattern: str) -> bool:
    hidden = name.startswith(b".") and not pattern.startswith(".")
    return not hidden and fnmatchcase(os.fsdecode(name), pattern)


def _shown(name: bytes) -> str:
    return clean(os.fsdecode(name))


def _time(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


class FileTable(RecordTable[FileRow]):
    """The files of a directory, with the keys of this view."""

    BINDINGS: ClassVar[list[BindingType]] = key_bindings("files")


def file_table(columns: Sequence[Column[FileRow]], **options: object) -> FileTable:
    """Return a table of files in the order of names, directories first."""
    table = FileTable(columns, **options)  # type: ignore[arg-type]  # passed on
    table.set_sort("name")
    return table
