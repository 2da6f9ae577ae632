"""Commands of the home view: open what a line is about, refresh, save."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from textual.content import Content

from gputui.commands import Condition
from gputui.models import Row
from gputui.presentation.columns.column import Column
from gputui.screens import dialogs
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.save import SaveCommands

if TYPE_CHECKING:
    from gputui.screens.home.view import HomeView


class HomeCommands(SaveCommands):
    """Open a line, refresh and save all."""

    view: HomeView

    def conditions(self) -> Iterable[Condition]:
        """Every line leads somewhere."""
        yield Condition.CONTENT
        if self.view.line_here() is not None:
            yield Condition.OPEN

    def do_open(self, argument: str) -> None:
        """Go to what the line is about, show its text, or describe its account."""
        line = self.view.line_here()
        if line is None:
            return
        opens = line.opens
        if opens.text:
            self.app.push_screen(dialogs.ReaderDialog("Configuration", [Content(each) for each in opens.text]))
            return
        if not opens.view:
            AccountCommands(self.view).describe_account(opens.account or line.account)
            return
        self.session.navigator.go(
            opens.view,
            scope=opens.scope,
            select=opens.select,
            account=opens.account,
            typed=opens.typed,
            problems=opens.problems,
        )

    def do_refresh(self, argument: str) -> None:
        """Refresh now; the columns fit the lines of now."""
        self.session.fleet.refresh(self.view.RESOURCES)
        self.view.table.refit()

    def do_save(self, argument: str) -> None:
        """Write the lines shown to a file."""
        table = self.view.table
        lines = [line for ref in table.visible_refs if (line := table.get(ref)) is not None]
        self.save(cast("list[Column[Row]]", list(table.columns.values())), lines)
