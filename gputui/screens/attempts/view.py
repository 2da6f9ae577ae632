"""The series of attempts of this session: a row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, cast

from textual.content import Content

from gputui.fleet.attempts import Attempt
from gputui.models import Action, Resource, Row
from gputui.models.attempts import AttemptRow, AttemptState
from gputui.presentation.columns.attempts import attempt_columns
from gputui.presentation.columns.column import Column
from gputui.screens.attempts.commands import HOW, AttemptCommands
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.global_commands import GlobalCommands
from gputui.screens.list.commands import ListCommands
from gputui.screens.list.list_view import ListView


class AttemptsView(ListView):
    """``:attempts``: creates and starts that are tried again while there is no stock."""

    NAME = "attempts"
    HEADING = "Attempts"
    RESOURCE = Resource.INSTANCES
    RESOURCES = frozenset({Resource.INSTANCES})
    CREATES: ClassVar[frozenset[Resource]] = frozenset()
    COMMAND_SETS = (AttemptCommands, ListCommands, AccountCommands, GlobalCommands)
    FOOTER = ("open", "stop", "describe", "filter")
    WORDS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "open": ("Open", "Show what was created or started"),
        "stop": ("Stop", "Send nothing more for the selected or marked series"),
    }
    SORT: ClassVar[tuple[str | None, bool]] = ("since", True)

    def on_mount(self) -> None:
        """Count down to the next attempts."""
        super().on_mount()
        self.every(1.0, self._pass_second)

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns of attempts."""
        return cast("Sequence[Column[Row]]", attempt_columns(self.context))

    def row_style(self, row: Row) -> str | None:
        """A series is always as it is now."""

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow every series."""
        return (self.session.fleet.attempts.listeners.add(lambda _: self._show_attempts()),)

    def catch_up(self) -> None:
        """Show the series as they are now."""
        self._show_attempts()
        self._apply_filter()

    def _pass_second(self) -> None:
        if self.session.fleet.attempts_under_way:
            self._show_attempts()

    def _show_attempts(self) -> None:
        if self.is_mounted:
            self.table.set_rows(cast("list[Row]", [one.row() for one in self.session.fleet.attempts.all]))
            self.table.settle()
            self.frame.show()

    def limit_to(self, scope: object, select: object = None) -> None:
        """The view is of all series."""

    def _show_placeholder(self) -> None:
        hidden = self.table.total_count
        clears = f"{hidden} hidden. {self.session.key_of('back')} clears the filter."
        self.table.placeholder = Content(clears if hidden else self.empty_text())

    def empty_text(self) -> str:
        """Return how a series begins."""
        return f"Nothing is tried again. {HOW}"

    @property
    def server_filtered(self) -> None:
        """No server lists attempts."""

    def is_problem(self, row: Row) -> bool:
        """Whether it has ended without success."""
        return isinstance(row, AttemptRow) and row.state in (AttemptState.FAILED, AttemptState.EXPIRED)

    def attempt_here(self) -> Attempt | None:
        """Return the series under the cursor."""
        return self.session.fleet.attempts.get(self.table.cursor_ref)

    def attempts_here(self) -> list[Attempt]:
        """Return the marked series, else the one under the cursor."""
        found = (self.session.fleet.attempts.get(row.ref) for row in self.targets())
        return [attempt for attempt in found if attempt is not None]

    def actions_here(self) -> frozenset[Action]:
        """A series that is under way can be stopped."""
        attempt = self.attempt_here()
        return frozenset({Action.STOP} if attempt is not None and not attempt.over else ())
