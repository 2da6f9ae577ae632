"""The copies of files that run, wait or have ended."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.content import Content

from gputui.formatting import counted, format_bytes
from gputui.models import Ref, Resource, TransferRow
from gputui.presentation.columns.transfers import transfer_columns
from gputui.query import Query
from gputui.screens.base.fleet_context import FleetContext
from gputui.screens.base.view import View
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.global_commands import GlobalCommands
from gputui.screens.transfers.commands import TransferCommands
from gputui.text import clean
from gputui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from gputui.fleet.transfer import Transfer


class TransfersView(View):
    """``:transfers``: progress of each copy; enter pauses, continues, retries or cancels it."""

    NAME = "transfers"
    HEADING = "Transfers"
    RESOURCES: ClassVar[frozenset[Resource]] = frozenset()
    SHOWS_PROBLEMS = False
    CREATES: ClassVar[frozenset[Resource]] = frozenset()
    COMMAND_SETS = (TransferCommands, AccountCommands, GlobalCommands)

    _query: Query | None = None
    _due = False

    def compose_body(self) -> ComposeResult:
        """Lay out the table."""
        table: RecordTable[TransferRow] = RecordTable(
            transfer_columns(FleetContext(self.session)),
            id="table",
            placeholder=f"No transfers. {self.session.key_of('files')} on an instance copies files.",
            on_fault=self.session.program.show_internal_error,
        )
        yield table

    @property
    def table(self) -> RecordTable[TransferRow]:
        """The table of this view."""
        return cast("RecordTable[TransferRow]", self.query_one("#table", RecordTable))

    def focus_body(self) -> None:
        """Give the keys back to the table."""
        self.set_focus(self.table)

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow every transfer."""
        return (self.session.fleet.transfers.listeners.add(lambda _: self._show_soon()),)

    def _show_soon(self) -> None:
        """Show all that changes now at once."""
        if not self._due and self.is_mounted:
            self._due = True
            self.call_later(self.catch_up)

    def catch_up(self) -> None:
        """Show the transfers as they are now."""
        self._due = False
        if self.is_mounted:
            self.table.set_rows(map(row_of, self.session.fleet.transfers.all))
            self.frame.show()

    def transfers_here(self) -> list[Transfer]:
        """Return the marked transfers, else the one under the cursor."""
        refs = set(self.table.marked or filter(None, [self.table.cursor_ref]))
        return [transfer for transfer in self.session.fleet.transfers.all if ref_of(transfer) in refs]

    def set_filter(self, text: str) -> None:
        """Show only transfers that match; raises QueryError."""
        self._query = self.table.parse_filter(text) or None
        self.table.set_filter(self._query)
        self.frame.show()

    def clear_limits(self) -> bool:
        """Clear the marks, then the filter."""
        if self.table.marked or self.table.marked_hidden:
            self.table.action_clear_marks()
            return True
        if self._query is None:
            return False
        self.set_filter("")
        return True

    def status(self) -> tuple[Content, Content]:
        """Return how many there are, and the rate of all."""
        transfers = self.session.fleet.transfers
        rate = sum(transfer.rate or 0 for transfer in transfers.busy)
        busy = f"   {counted(len(transfers.busy), 'transfer')} under way" if transfers.busy else ""
        marked = len(self.table.marked) if self.is_mounted else 0
        return (
            Content.assemble(
                (f"   {len(transfers.all)}", "$muted"),
                (busy, "$text-accent"),
                (f"   {format_bytes(int(rate))}/s" if rate else "", "$text-accent"),
                (f"   / {self._query.text}" if self._query else "", "$text-accent"),
            ),
            Content.styled(f"{marked} marked" if marked else "", "$text-accent"),
        )

    @on(RecordTable.CursorMoved)
    def _cursor_moved(self) -> None:
        self.frame.show_keys()

    @on(RecordTable.Changed)
    def _table_changed(self) -> None:
        self.frame.show()

    @on(RecordTable.Opened, "#table")
    def _opened(self, event: RecordTable.Opened) -> None:
        event.stop()
        self.action_command("open")


def ref_of(transfer: Transfer) -> Ref:
    """Return a Ref for a transfer: its account is that of its instance."""
    return Ref(transfer.refs[0].account, "transfer", str(transfer.number))


def row_of(transfer: Transfer) -> TransferRow:
    """Return a transfer as a row."""
    progress = transfer.progress
    name = posixpath.basename(transfer.source.path.rstrip(b"/")) or transfer.source.path
    note = str(transfer.error) if transfer.error is not None else transfer.skipped[0] if transfer.skipped else ""
    return TransferRow(
        ref_of(transfer),
        clean(name.decode("utf-8", "surrogateescape")),
        transfer.source.text,
        transfer.target.text,
        transfer.state.value,
        *(progress.done, progress.total, progress.files_done, progress.files, progress.counted),
        transfer.rate,
        transfer.left,
        note,
    )
