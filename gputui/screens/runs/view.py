"""The commands that were run in this session: a row each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, cast

from gputui.fleet.remote_run import RemoteRun
from gputui.models import Action, Row, RunRow
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.runs import run_columns
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.global_commands import GlobalCommands
from gputui.screens.list.commands import ListCommands
from gputui.screens.list.session_list import SessionList
from gputui.screens.runs.commands import RUN_WORDS, RunListCommands, how_to_run, run_actions


class RunsView(SessionList):
    """``:runs``: every command of this session that is kept. Commands for a row act on the run under the cursor."""

    NAME = "runs"
    HEADING = "Runs"
    COMMAND_SETS = (RunListCommands, ListCommands, AccountCommands, GlobalCommands)
    FOOTER = ("open", "stop", "restart", "save", "filter")
    WORDS = RUN_WORDS
    SORT: ClassVar[tuple[str | None, bool]] = ("started", True)

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns of runs."""
        return cast("Sequence[Column[Row]]", run_columns(self.context))

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow every run."""
        return (self.session.fleet.work.runs.listeners.add(lambda _: self.show_rows()),)

    def rows_now(self) -> Sequence[Row]:
        """Return the runs as they are now."""
        return [run.row() for run in self.session.fleet.work.runs.all]

    def moves(self) -> bool:
        """Whether a command runs."""
        return bool(self.session.fleet.work.runs_under_way)

    def limit_to(self, scope: object, select: object = None) -> None:
        """The view is of all runs."""

    def empty_text(self) -> str:
        """Return how a command is run."""
        return f"No command was run. {how_to_run(self.session)}"

    def shows(self, row: Row) -> bool:
        """Show every run, whichever account is chosen."""
        return not self.problems_only or self.is_problem(row)

    def is_problem(self, row: Row) -> bool:
        """Whether it has failed somewhere."""
        return isinstance(row, RunRow) and bool(row.failed)

    @property
    def run(self) -> RemoteRun | None:
        """The run under the cursor."""
        return self.session.fleet.work.runs.get(self.table.cursor_ref)

    def actions_here(self) -> frozenset[Action]:
        """A run can be ended, what failed retried."""
        return run_actions(self.run)
