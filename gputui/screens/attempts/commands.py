"""Commands for series of attempts: stop one, go to what it made, show its last answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputui.commands import Command, Group
from gputui.models import RESOURCES
from gputui.presentation.columns.attempts import attempt_columns
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet
from gputui.screens.detail import field_lines

if TYPE_CHECKING:
    from gputui.screens.attempts.view import AttemptsView

HOW = "Where a create or a start finds no stock, gputui offers to try it again."


class AttemptCommands(CommandSet):
    """Stop a series, open what it made, describe it."""

    view: AttemptsView

    def refusal(self, command: Command) -> str:
        """Return how a series begins, or that it has made nothing."""
        attempt = self.view.attempt_here()
        if attempt is None:
            return f"Nothing is tried again. {HOW}" if command.group is Group.ROW else ""
        if command.id == "stop":
            return f"{attempt.name}: nothing more is sent, it is {attempt.state}."
        return f"{attempt.name} does not exist yet." if command.id == "open" else ""

    def do_open(self, argument: str) -> None:
        """Show what was created or started."""
        attempt = self.view.attempt_here()
        if attempt is not None and attempt.made is not None:
            view = RESOURCES[self.session.fleet.resource_of(attempt.made)].view
            self.session.navigator.go(view, select=attempt.made)
        elif attempt is not None:
            self.view.notify(f"{attempt.name} does not exist yet.")

    def do_describe(self, argument: str) -> None:
        """Show everything known about the series."""
        if (attempt := self.view.attempt_here()) is not None:
            lines = [
                line
                for column in attempt_columns(self.view.context)
                for line in field_lines(column.label or column.title.lower(), column.described(attempt.row()))
            ]
            self.app.push_screen(dialogs.ReaderDialog(f"Attempts: {attempt.action} {attempt.name}", lines))

    def do_stop(self, argument: str) -> None:
        """Send nothing more for the marked series, else for the one under the cursor."""
        chosen = [attempt for attempt in self.view.attempts_here() if not attempt.over]
        for attempt in chosen:
            self.session.fleet.work.attempts.stop(attempt)
        if chosen:
            stopped = chosen[0].name if len(chosen) == 1 else f"{len(chosen)} series"
            self.view.notify(f"{stopped}: nothing more is sent.", severity="information")
