"""The series of attempts of this session: a row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, cast

from gputui.fleet.attempts import Attempt
from gputui.models import Action, Row
from gputui.models.attempts import AttemptRow, AttemptState
from gputui.presentation.columns.attempts import attempt_columns
from gputui.presentation.columns.column import Column
from gputui.screens.attempts.commands import HOW, AttemptCommands
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.global_commands import GlobalCommands
from gputui.screens.list.commands import ListCommands
from gputui.screens.list.session_list import SessionList


class AttemptsView(SessionList):
    """``:attempts``: creates and starts that are tried again while there is no stock."""

    NAME = "attempts"
    HEADING = "Attempts"
    COMMAND_SETS = (AttemptCommands, ListCommands, AccountCommands, GlobalCommands)
    FOOTER = ("open", "stop", "describe", "filter")
    WORDS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "open": ("Open", "Show what was created or started"),
        "stop": ("Stop", "Send nothing more for the selected or marked series"),
    }
    SORT: ClassVar[tuple[str | None, bool]] = ("since", True)

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns of attempts."""
        return cast("Sequence[Column[Row]]", attempt_columns(self.context))

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow every series."""
        return (self.session.fleet.work.attempts.listeners.add(lambda _: self.show_rows()),)

    def rows_now(self) -> Sequence[Row]:
        """Return the series as they are now."""
        return [one.row() for one in self.session.fleet.work.attempts.all]

    def moves(self) -> bool:
        """Whether the time to a next attempt runs down."""
        return bool(self.session.fleet.work.attempts_under_way)

    def limit_to(self, scope: object, select: object = None) -> None:
        """The view is of all series."""

    def empty_text(self) -> str:
        """Return how a series begins."""
        return f"Nothing is tried again. {HOW}"

    def is_problem(self, row: Row) -> bool:
        """Whether it has ended without success."""
        return isinstance(row, AttemptRow) and row.state in (AttemptState.FAILED, AttemptState.EXPIRED)

    def attempt_here(self) -> Attempt | None:
        """Return the series under the cursor."""
        return self.session.fleet.work.attempts.get(self.table.cursor_ref)

    def attempts_here(self) -> list[Attempt]:
        """Return the marked series, else the one under the cursor."""
        found = (self.session.fleet.work.attempts.get(row.ref) for row in self.targets())
        return [attempt for attempt in found if attempt is not None]

    def actions_here(self) -> frozenset[Action]:
        """A series that is under way can be stopped."""
        attempt = self.attempt_here()
        return frozenset({Action.STOP} if attempt is not None and not attempt.over else ())
