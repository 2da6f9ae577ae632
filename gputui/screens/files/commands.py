"""Commands for files: go to directories and create them, mark, change sides, copy to the other side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.commands import Condition
from gputui.fleet.transfer import Spot
from gputui.formatting import counted, format_bytes, some_of
from gputui.models import FileRow
from gputui.screens import dialogs
from gputui.screens.commands.access import AccessCommands
from gputui.screens.commands.command_set import colored, in_worker
from gputui.screens.files.pane import UP
from gputui.screens.files.typed_paths import PathSuggester, path_of
from gputui.screens.list.commands import ListCommands

if TYPE_CHECKING:
    from gputui.fleet.transfer import Transfer
    from gputui.screens.files.view import FilesView

_SHOWN = 6


class FileCommands(ListCommands):
    """Move between directories and sides, and copy."""

    view: FilesView

    def conditions(self) -> Iterable[Condition]:
        """There is another side, and something to open on a directory."""
        yield from (Condition.CONTENT, Condition.PANE)
        row = self.view.table.cursor_row
        if row is not None and row.kind in {"directory", "link"}:
            yield Condition.OPEN

    def do_open(self, argument: str) -> None:
        """Show the directory under the cursor."""
        pane, row = self.view.pane, self.view.table.cursor_row
        if row is not None:
            self.view.go_to(pane, pane.join(row.raw), came_from=pane.path if row.raw == UP else b"")

    def do_directory(self, argument: str) -> None:
        """Go to the directory that is typed."""
        if argument:
            self._go_to_typed(argument)
        else:
            self._ask_directory()

    @in_worker("dialog")
    async def _ask_directory(self) -> None:
        pane = self.view.pane
        typed = await self.app.push_screen_wait(
            dialogs.PromptDialog(
                f"Go to a directory of {pane.where}",
                note="right completes, ~ is the home directory;",
                suggester=PathSuggester(self.session.fleet.work.transfers, pane.path, pane.ref),
            )
        )
        if typed:
            self._go_to_typed(typed)

    def _go_to_typed(self, text: str) -> None:
        pane = self.view.pane
        self.view.go_to(pane, path_of(text.strip(), pane.path, pane.ref))

    @in_worker("dialog")
    async def do_new_directory(self, argument: str) -> None:
        """Create a directory, and go to it in the list."""
        pane, transfers = self.view.pane, self.session.fleet.work.transfers
        if pane.ref is not None:
            self.session.fleet.mutations.writable(pane.ref.account)
        typed: str | None = argument
        if not typed:
            typed = await self.app.push_screen_wait(dialogs.PromptDialog(f"New directory in {pane.text}"))
        if typed:
            path = path_of(typed, pane.path, pane.ref)
            await transfers.make_directory(Spot(pane.ref, path))
            self.view.go_to(pane, pane.path, came_from=path)

    @in_worker("dialog")
    async def do_mark_matching(self, argument: str) -> None:
        """Mark the names that match a pattern."""
        pane = self.view.pane
        pattern: str | None = argument
        if not pattern:
            note = "*, ? and [a-z] as in a shell;"
            pattern = await self.app.push_screen_wait(
                dialogs.PromptDialog("Mark the names that match", value="*", note=note)
            )
        if pattern and not pane.mark_matching(pattern):
            self.view.notify(f"No name here matches {pattern}.")

    def do_hidden(self, argument: str) -> None:
        """Show or hide names that begin with a dot, on both sides."""
        self.view.hide(hides=not self.view.pane.hides)

    def do_pane(self, argument: str) -> None:
        """Go to the other side."""
        self.view.set_focus(self.view.other.table)

    def do_refresh(self, argument: str) -> None:
        """Read both directories again."""
        self.view.read_both()

    def do_files(self, argument: str) -> None:
        """Copy the marked files, or the one under the cursor, to the other side."""
        if argument:
            AccessCommands(self.view).do_files(argument)
            return
        if (target := self.view.other.ref) is not None:
            self.session.fleet.mutations.writable(target.account)
        rows = self.view.pane.targets()
        if not rows:
            self.view.notify("Copy files: mark some, or go to one.")
            return
        self._copy(rows)

    @in_worker("dialog")
    async def _copy(self, rows: Sequence[FileRow]) -> None:
        from gputui.ssh.sftp.state import Options

        source, target = self.view.pane, self.view.other
        spot = Spot(target.ref, target.path + (b"" if target.path == b"/" else b"/"))
        sources = [Spot(source.ref, source.join(row.raw)) for row in rows]
        replaced = [row.name for row in rows if row.raw in target.names()]
        effects = [extent_text(rows)]
        if replaced:
            effects.append(f"Replaced where they differ: {some_of(replaced, _SHOWN)}.")
        question = dialogs.ConfirmDialog(
            f"Copy to {spot.text}?",
            subjects=[Content(f"  {row.name}") for row in rows[:_SHOWN]],
            effects=effects,
            confirm="Copy",
        )
        accounts = [] if target.ref is None else [target.ref.account]
        if not await self.app.push_screen_wait(colored(self.session, question, accounts)):
            return
        transfers = self.session.fleet.work.transfers
        options = Options(recursive=True, into=True)
        added = transfers.add_all([(one, spot) for one in sources], options)
        source.table.action_clear_marks()
        self.app.run_worker(self._report(added), name="copies", exit_on_error=False)

    async def _report(self, copies: Sequence[Transfer]) -> None:
        """Say how the copies ended, whichever view is in front by then."""
        await self.session.fleet.work.transfers.wait(copies)
        failed = [copy for copy in copies if copy.error is not None]
        where = copies[0].target.text
        if failed:
            more = f" And {len(failed) - 1} more: :transfers." if len(failed) > 1 else ""
            self.view.notify(f"{failed[0].error}{more}", title="Copy", severity="error", timeout=12)
        elif all(copy.state.value == "done" for copy in copies):
            files = sum(copy.progress.files_done for copy in copies)
            self.view.notify(f"Copied to {where}: {counted(files, 'file')}.", severity="information")
        if self.view.is_current:
            self.view.read_both()


def extent_text(rows: Sequence[FileRow]) -> str:
    """Say how much a copy of these is, as far as it is known before it is counted."""
    trees = sum(row.kind == "directory" for row in rows)
    parts = []
    if files := len(rows) - trees:
        size = sum(row.size or 0 for row in rows if row.kind != "directory")
        parts.append(f"{counted(files, 'file')}, {format_bytes(size)}")
    if trees:
        noun = "directory" if trees == 1 else "directories"
        parts.append(f"{trees:,} {noun} with all that is in {'it' if trees == 1 else 'them'}")
    return f"{', and '.join(parts)}."
