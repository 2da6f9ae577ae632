"""Commands for forwards: stop, connect again, open or copy the address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gputui.commands import Command, Condition, Group
from gputui.formatting import counted
from gputui.models.forwards import ForwardState, PortForward
from gputui.presentation.columns.forwards import forward_columns
from gputui.presentation.service_ports import is_web_port
from gputui.screens import dialogs
from gputui.screens.base.session import Session
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.screens.commands.copy import copy_text
from gputui.screens.commands.web_browser import has_browser, open_in_browser
from gputui.screens.detail import field_lines

if TYPE_CHECKING:
    from gputui.screens.forwards.view import ForwardsView


def how_to_forward(session: Session) -> str:
    """Return the keys that forward a port."""
    return f"Press {session.key_of('forward')} on an instance ({session.key_of('view.instances')}) to forward one."


class ForwardCommands(CommandSet):
    """Stop a forward, connect again, open or copy its address."""

    view: ForwardsView

    def conditions(self) -> Iterable[Condition]:
        """The address of a forward can be opened or copied."""
        if self.view.forward_here() is not None:
            yield Condition.OPEN

    def refusal(self, command: Command) -> str:
        """Return how a port is forwarded, or that there is nothing to connect."""
        row = self.view.forward_here()
        if row is None:
            return f"No ports are forwarded. {how_to_forward(self.session)}" if command.group is Group.ROW else ""
        return f"{row.local} is served: there is nothing to connect." if command.id == "restart" else ""

    def do_open(self, argument: str) -> None:
        """Open the address in the browser, where that is a web page and there is a browser; else copy it."""
        if (row := self.view.forward_here()) is not None:
            self._open(row)

    @in_worker("open")
    async def _open(self, row: PortForward) -> None:
        address = f"http://{row.local}"
        if is_web_port(row.remote_port) and has_browser() and await open_in_browser(address):
            self.view.notify(f"Opened in the browser: {address}", severity="information")
        else:
            self._copy(row)

    def do_copy(self, argument: str) -> None:
        """Copy the address."""
        if (row := self.view.forward_here()) is not None:
            self._copy(row)

    def _copy(self, row: PortForward) -> None:
        if row.remote_port is None:
            copy_text(self.view, f"socks5h://{row.local}", "the address of the proxy")
        else:
            scheme = "http://" if is_web_port(row.remote_port) else ""
            copy_text(self.view, f"{scheme}{row.local}", "the address")

    def do_describe(self, argument: str) -> None:
        """Show everything known about the forward."""
        if (row := self.view.forward_here()) is not None:
            lines = [
                line
                for column in forward_columns(self.view.context)
                if column.label is not None
                for line in field_lines(column.label or column.title.lower(), column.described(row))
            ]
            self.app.push_screen(dialogs.ReaderDialog(f"Forward {row.text}", lines))

    def do_restart(self, argument: str) -> None:
        """Connect again, with the questions of a login."""
        if (row := self.view.forward_here()) is not None and row.state is not ForwardState.OPEN:
            self.session.program.reconnect(row)

    def do_stop(self, argument: str) -> None:
        """Stop the marked forwards, else the one under the cursor; asks where connections are open."""
        if rows := self.view.forwards_here():
            self._stop(rows)

    @in_worker("dialog")
    async def _stop(self, rows: Sequence[PortForward]) -> None:
        used = [row for row in rows if row.open]
        if used:
            question = dialogs.ConfirmDialog(
                f"Stop {rows[0].local}?" if len(rows) == 1 else f"Stop {len(rows)} forwards?",
                effects=[f"{row.text}: {counted(row.open, 'open connection')} will end." for row in used],
                confirm="Stop",
                danger=True,
            )
            if not await self.app.push_screen_wait(question):
                return
        forwards = self.session.fleet.work.forwards
        for row in rows:
            if (opened := forwards.find(row.ref)) is not None:
                await forwards.stop(opened)
        self.view.show_rows()
        stopped = rows[0].text if len(rows) == 1 else counted(len(rows), "forward")
        self.view.notify(f"Stopped {stopped}.", severity="information")
