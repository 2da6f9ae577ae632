"""Files of this machine on one side, of an instance on the other."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.worker import WorkType

from gputui.formatting import counted, format_bytes
from gputui.models import Action, FileRow, Instance, Ref, Resource
from gputui.presentation.columns.transfers import file_columns
from gputui.screens.base.fleet_context import FleetContext
from gputui.screens.base.session import Session
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.global_commands import GlobalCommands
from gputui.screens.files.commands import FileCommands
from gputui.screens.files.pane import HOME, Pane, file_table
from gputui.screens.list.tabular_view import TabularView
from gputui.widgets.table.table import RecordTable


class FilesView(TabularView):
    """``u`` on an instance: tab changes sides, enter opens a directory, u copies what is marked to the other side."""

    NAME = "files"
    HEADING = "Files"
    RESOURCES: ClassVar[frozenset[Resource]] = frozenset({Resource.INSTANCES})
    SHOWS_PROBLEMS = False
    CREATES: ClassVar[frozenset[Resource]] = frozenset()
    COMMAND_SETS = (FileCommands, AccountCommands, GlobalCommands)
    FOOTER = ("files", "open", "pane", "directory", "new-directory", "mark-matching")

    DEFAULT_CSS = """
    FilesView #panes { height: 1fr; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        make = partial(file_table, file_columns(FleetContext(session)), on_fault=session.program.show_internal_error)
        self._here = Pane(make(id="table"), os.fsencode(os.getcwd()))  # noqa: PTH109  (names are bytes)
        self._there = Pane(make(id="there"), HOME)

    def compose_body(self) -> ComposeResult:
        """Lay out the two sides."""
        with Horizontal(id="panes"):
            yield self._here
            yield self._there

    @property
    def pane(self) -> Pane:
        """The side with the keys."""
        return self._there if self._there.table.has_focus else self._here

    @property
    def other(self) -> Pane:
        """The other side."""
        return self._here if self.pane is self._there else self._there

    @property
    def table(self) -> RecordTable[FileRow]:
        """The table with the keys."""
        return self.pane.table

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """Show the files of another instance, from its home directory."""
        changed = scope != self.scope
        super().limit_to(scope, select)
        if changed:
            self._there.ref, self._there.path = scope, HOME
            if self.is_mounted:
                self._there.table.set_rows([])
                self.read_both()

    def catch_up(self) -> None:
        """Read both directories again."""
        self._there.ref = self.scope
        self.read_both()

    def follow(self) -> Sequence[Callable[[], None]]:
        """Show the progress of transfers in the title."""
        return (self.session.fleet.work.transfers.listeners.add(lambda _: self.frame.show()),)

    def read_both(self) -> None:
        """Read the directories of both sides, and keep the cursors."""
        for pane in (self._here, self._there):
            row = pane.table.cursor_row
            self.go_to(pane, pane.path, came_from=pane.join(row.raw) if row is not None else b"")

    def go_to(self, pane: Pane, path: bytes, *, came_from: bytes = b"") -> None:
        """Show a directory on one side, with the cursor on the entry that one comes from."""
        if pane is self._there and self.scope is None:
            pane.table.placeholder = Content(f"{self.session.key_of('files')} on an instance shows its files.")
            return
        select = posixpath.basename(came_from) if came_from else b""
        read: WorkType[None] = partial(pane.read, self.session.fleet.work.transfers, path, select)
        self.run_worker(
            read,
            name="files",
            group=f"files {'there' if pane is self._there else 'here'}",
            exclusive=True,
            exit_on_error=False,
        )

    def hide(self, *, hides: bool) -> None:
        """Leave names that begin with a dot out on both sides, or show them again."""
        for pane in (self._here, self._there):
            pane.hide(hides=hides)
        self.frame.show()

    def instance_here(self) -> Instance | None:
        """Return the instance whose files are shown."""
        row = self.session.fleet.get(self.scope) if self.scope is not None else None
        return row if isinstance(row, Instance) else None

    def actions_here(self) -> frozenset[Action]:
        """Return that files can be copied, while an instance is shown."""
        return frozenset({Action.SSH}) if self.scope is not None else frozenset()

    def _apply_filter(self) -> None:
        """Filter the side with the keys; nothing is hidden on the other."""
        self.other.table.set_filter(None)
        super()._apply_filter()

    def status(self) -> tuple[Content, Content]:
        """Return the transfers under way at the left, the marked files at the right."""
        busy = self.session.fleet.work.transfers_under_way
        rate = sum(transfer.rate or 0 for transfer in busy)
        text = f"   {counted(len(busy), 'transfer')} under way" if busy else ""
        if rate:
            text += f"  {format_bytes(int(rate))}/s"
        hint = "" if busy else f"   {self.session.key_of('files')} copies to the other side"
        hidden = self.pane.hidden if self.is_mounted else 0
        left = Content.assemble(
            (text, "$text-accent"),
            (hint, "$muted"),
            self.filter_caption(),
            (f"   {hidden} hidden ({self.session.key_of('hidden')} shows)" if hidden else "", "$muted"),
        )
        return left, self.marks_caption() if self.is_mounted else Content("")

    @on(RecordTable.Opened, "#there")
    def _opened_there(self, event: RecordTable.Opened) -> None:
        event.stop()
        self.open_row()
