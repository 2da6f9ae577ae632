"""The commands that were run in this session: a row each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, cast

from textual.content import Content

from gputui.fleet.remote_run import RemoteRun
from gputui.models import Action, Resource, Row, RunRow
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.runs import run_columns
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.global_commands import GlobalCommands
from gputui.screens.list.commands import ListCommands
from gputui.screens.list.list_view import ListView
from gputui.screens.runs.commands import RUN_WORDS, RunListCommands, how_to_run, run_actions


class RunsView(ListView):
    """``:runs``: every command of this session that is kept. Commands for a row act on the run under the cursor."""

    NAME = "runs"
    HEADING = "Runs"
    RESOURCE = Resource.INSTANCES
    RESOURCES = frozenset({Resource.INSTANCES})
    CREATES: ClassVar[frozenset[Resource]] = frozenset()
    COMMAND_SETS = (RunListCommands, ListCommands, AccountCommands, GlobalCommands)
    FOOTER = ("open", "stop", "restart", "save", "filter")
    WORDS = RUN_WORDS
    SORT: ClassVar[tuple[str | None, bool]] = ("started", True)

    def on_mount(self) -> None:
        """Show the seconds of now; only changed text reaches the terminal."""
        super().on_mount()
        self.every(1.0, self._pass_second)

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns of runs."""
        return cast("Sequence[Column[Row]]", run_columns(self.context))

    def row_style(self, row: Row) -> str | None:
        """A run is always as it is now."""

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow every run."""
        return (self.session.fleet.runs.listeners.add(lambda _: self._show_runs()),)

    def catch_up(self) -> None:
        """Show the runs as they are now."""
        self._show_runs()
        self._apply_filter()

    def _pass_second(self) -> None:
        if self.session.fleet.runs_under_way:
            self._show_runs()

    def _show_runs(self) -> None:
        if self.is_mounted:
            self.table.set_rows(cast("list[Row]", [run.row() for run in self.session.fleet.runs.all]))
            self.table.rest_on_first()
            self.table.settle()
            self.frame.show()

    def limit_to(self, scope: object, select: object = None) -> None:
        """The view is of all runs."""

    def _show_placeholder(self) -> None:
        hidden = self.table.total_count
        clears = f"{hidden} hidden. {self.session.key_of('back')} clears the filter."
        self.table.placeholder = Content(clears if hidden else self.empty_text())

    def empty_text(self) -> str:
        """Return how a command is run."""
        return f"No command was run. {how_to_run(self.session)}"

    @property
    def server_filtered(self) -> None:
        """No server lists runs."""

    def shows(self, row: Row) -> bool:
        """Show every run, whichever account is chosen."""
        return not self.problems_only or self.is_problem(row)

    def is_problem(self, row: Row) -> bool:
        """Whether it has failed somewhere."""
        return isinstance(row, RunRow) and bool(row.failed)

    @property
    def run(self) -> RemoteRun | None:
        """The run under the cursor."""
        return self.session.fleet.runs.get(self.table.cursor_ref)

    def actions_here(self) -> frozenset[Action]:
        """A run can be ended, what failed retried."""
        return run_actions(self.run)
