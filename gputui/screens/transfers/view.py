"""The copies of files that run, wait or have ended."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.content import Content

from gputui.formatting import counted, format_bytes
from gputui.models import Ref, Resource, TransferRow
from gputui.presentation.columns.transfers import transfer_columns
from gputui.screens.base.fleet_context import FleetContext
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.global_commands import GlobalCommands
from gputui.screens.list.tabular_view import TabularView
from gputui.screens.transfers.commands import TransferCommands
from gputui.text import clean
from gputui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from gputui.fleet.transfer import Transfer


class TransfersView(TabularView):
    """``:transfers``: progress of each copy; enter pauses, continues, retries or cancels it."""

    NAME = "transfers"
    HEADING = "Transfers"
    RESOURCES: ClassVar[frozenset[Resource]] = frozenset()
    SHOWS_PROBLEMS = False
    CREATES: ClassVar[frozenset[Resource]] = frozenset()
    COMMAND_SETS = (TransferCommands, AccountCommands, GlobalCommands)

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

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow every transfer."""
        return (self.session.fleet.work.transfers.listeners.add(lambda _: self._show_soon()),)

    def _show_soon(self) -> None:
        """Show all that changes now at once."""
        if not self._due and self.is_mounted:
            self._due = True
            self.call_later(self.catch_up)

    def catch_up(self) -> None:
        """Show the transfers as they are now."""
        self._due = False
        if self.is_mounted:
            self.table.set_rows(map(row_of, self.session.fleet.work.transfers.all))
            self.frame.show()

    def transfers_here(self) -> list[Transfer]:
        """Return the marked transfers, else the one under the cursor."""
        refs = set(self.table.marked or filter(None, [self.table.cursor_ref]))
        return [transfer for transfer in self.session.fleet.work.transfers.all if ref_of(transfer) in refs]

    def status(self) -> tuple[Content, Content]:
        """Return how many there are, and the rate of all."""
        transfers = self.session.fleet.work.transfers
        rate = sum(transfer.rate or 0 for transfer in transfers.busy)
        busy = f"   {counted(len(transfers.busy), 'transfer')} under way" if transfers.busy else ""
        return (
            Content.assemble(
                (f"   {len(transfers.all)}", "$muted"),
                (busy, "$text-accent"),
                (f"   {format_bytes(int(rate))}/s" if rate else "", "$text-accent"),
                self.filter_caption(),
            ),
            self.marks_caption() if self.is_mounted else Content(""),
        )


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
