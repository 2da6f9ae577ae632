"""The ports of this machine that are forwarded to instances, with their state and traffic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, cast

from textual import on
from textual.content import Content

from gputui.models import Action, Instance, Resource, Row
from gputui.models.forwards import ForwardState, PortForward
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.forwards import forward_columns
from gputui.screens.commands.access import AccessCommands
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.global_commands import GlobalCommands
from gputui.screens.forwards.commands import ForwardCommands, how_to_forward
from gputui.screens.list.commands import ListCommands
from gputui.screens.list.session_list import SessionList
from gputui.widgets.table.table import RecordTable


class ForwardsView(SessionList):
    """``:forwards``: a row a forward. Commands for a row act on the forward, or go to its instance."""

    NAME = "forwards"
    HEADING = "Forwards"
    COMMAND_SETS = (ForwardCommands, ListCommands, AccessCommands, AccountCommands, GlobalCommands)
    FOOTER = ("open", "stop", "restart", "copy", "ssh")
    WORDS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "open": ("Open", "Open the address in the browser, or copy it"),
        "stop": ("Stop", "Stop the selected or marked forwards"),
        "restart": ("Connect again", "Log in again for a forward that is not served"),
        "copy": ("Copy address", "Copy the address to the clipboard"),
    }

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns of forwards."""
        return cast("Sequence[Column[Row]]", forward_columns(self.context))

    def follow(self) -> Sequence[Callable[[], None]]:
        """The commands depend on the instances; the forwards themselves are looked at each second."""
        return (self.session.fleet.subscribe(Resource.INSTANCES, lambda _: self.frame.show_keys()),)

    def rows_now(self) -> Sequence[Row]:
        """Return the forwards as they are now."""
        return self.session.fleet.work.forward_rows()

    def status(self) -> tuple[Content, Content]:
        """Add the last error of the forward under the cursor: its column may be narrow."""
        left, right = super().status()
        row = self.forward_here()
        return (
            Content.assemble(left, (f"   {row.problem}", "$text-warning")) if row and row.problem else left
        ), right

    @on(RecordTable.CursorMoved)
    def _show_problem(self) -> None:
        self.frame.show()

    def empty_text(self) -> str:
        """Return how a port is forwarded."""
        return f"No ports are forwarded. {how_to_forward(self.session)}"

    def is_problem(self, row: Row) -> bool:
        """Whether a forward is not served."""
        return isinstance(row, PortForward) and row.state is not ForwardState.OPEN

    # --- what the commands act on ----------------------------------------------------------------------------

    def forward_here(self) -> PortForward | None:
        """Return the forward under the cursor."""
        row = self.table.cursor_row
        return row if isinstance(row, PortForward) else None

    def forwards_here(self) -> list[PortForward]:
        """Return the marked forwards, else the one under the cursor."""
        return [row for row in self.targets() if isinstance(row, PortForward)]

    def instance_here(self) -> Instance | None:
        """Return the instance of the forward under the cursor, while it is listed."""
        row = self.forward_here()
        return None if row is None else self.session.fleet.find(Instance, row.instance)

    def actions_here(self) -> frozenset[Action]:
        """A forward can be stopped, one that is not served connected; its instance can be entered."""
        row, instance = self.forward_here(), self.instance_here()
        if row is None:
            return frozenset()
        own = {Action.STOP} if row.state is ForwardState.OPEN else {Action.STOP, Action.RESTART}
        entered = {Action.SSH} & self.session.fleet.actions(instance) if instance is not None else set[Action]()
        return frozenset(own | entered)
