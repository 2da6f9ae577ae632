"""The list of rules: a row each, of watches, grabs and leases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, cast

from textual import work
from textual.content import Content

from gputui.formatting import counted
from gputui.models import Action, Coverage, Ref, Row
from gputui.models.rules import RuleState, RuleStatus
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.rules import rule_columns
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.global_commands import GlobalCommands
from gputui.screens.list.commands import ListCommands
from gputui.screens.list.session_list import SessionList
from gputui.screens.rules.commands import RuleCommands

_READ_SECONDS = 2.0


class RulesView(SessionList):
    """``:rules``: what the agent does while no terminal is open."""

    NAME = "rules"
    HEADING = "Rules"
    COMMAND_SETS = (RuleCommands, ListCommands, AccountCommands, GlobalCommands)
    FOOTER = ("describe", "stop", "delete", "open", "filter")
    WORDS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "open": ("Open", "Show what it obtained"),
        "stop": ("Pause", "Send and announce nothing for the time being, or continue"),
        "delete": ("Delete", "Delete the rule; what it obtained stays"),
    }
    SORT: ClassVar[tuple[str | None, bool]] = ("state", False)

    _wanted: Ref | None = None
    """The rule on which the cursor is to be put once it is read."""

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns of rules."""
        return cast("Sequence[Column[Row]]", rule_columns(self.context))

    def on_mount(self) -> None:
        """Read the rules again and again while they are shown."""
        self.every(_READ_SECONDS, self._read)

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the rules."""
        self._read()
        return (self.session.rules.changed.add(lambda _: self._changed_rules()),)

    # Not in the group of the commands on rules: a reading would cancel them.
    @work(group="reading", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        await self.session.rules.read(self.session.agent)

    def _changed_rules(self) -> None:
        self.show_rows()
        self._select()
        self._show_placeholder()
        self.frame.show()

    def rows_now(self) -> Sequence[Row]:
        """Return the rules as they were read last."""
        now = self.session.rules.now
        rows = () if now is None else now.rows
        shown = [row for row in rows if not row.accounts or any(map(self.session.shows_account, row.accounts))]
        return cast("Sequence[Row]", shown)

    def coverage(self) -> Coverage:
        """Return whether the rules are read; some of them could not be, or not yet."""
        rules = self.session.rules
        read = rules.now is not None and not rules.failure and not rules.now.problems
        return Coverage.UNREAD if rules.folder is not None and not read else Coverage.COMPLETE

    def moves(self) -> bool:
        """Whether the time to a next step or to the end runs down."""
        now = self.session.rules.now
        return now is not None and any(row.next_at or row.expires for row in now.rows if not row.state.over)

    def status(self) -> tuple[Content, Content]:
        """Add that nothing follows the rules, or what could not be read."""
        left, right = super().status()
        rules = self.session.rules
        if rules.failure:
            return left, Content.styled(f"   {rules.failure}", "$text-error")
        now = rules.now
        if now is not None and not now.agent and any(not row.state.over for row in now.rows):
            text = "no agent runs: nothing follows these rules (gputui agent --background)"
            return left, Content.styled(f"   {text}", "$text-error")
        return left, right

    def warning(self) -> str:
        """Return which files of rules cannot be used, and why."""
        now = self.session.rules.now
        if now is None or not now.problems:
            return super().warning()
        first, *others = now.problems
        return f"{first} Also unusable: {counted(len(others), 'other file')}." if others else first

    def limit_to(self, scope: object, select: object = None) -> None:
        """Put the cursor on a rule; the view is of all rules."""
        self._wanted = select if isinstance(select, Ref) else None
        if self.is_mounted:
            self._select()

    def _select(self) -> None:
        if self._wanted is not None and self.table.select(self._wanted):
            self._wanted = None

    @property
    def how(self) -> str:
        """How a rule is made."""
        if self.session.rules.folder is None:
            return "This session has none: the demo has no agent."
        watch, lease = self.session.key_of("watch"), self.session.key_of("lease")
        return f"{watch} in Stock makes a watch or a grab, {lease} on an instance a lease."

    def empty_text(self) -> str:
        """Return how a rule is made, or why none is shown."""
        rules = self.session.rules
        if rules.failure:
            return rules.failure
        if rules.now is None and rules.folder is not None:
            return "Reading the rules …"
        if rules.now is not None and rules.now.problems:
            return "No rule can be read."
        return f"There are no rules. {self.how}"

    def is_problem(self, row: Row) -> bool:
        """Whether it needs a look."""
        return isinstance(row, RuleStatus) and row.state in (RuleState.FAILED, RuleState.UNKNOWN)

    def subject(self, row: RuleStatus) -> Content:
        """Return the line that identifies a rule in a question."""
        return Content(f"{row.ref.id}   {row.state.value}   {row.what}")

    def rule_here(self) -> RuleStatus | None:
        """Return the rule under the cursor."""
        ref = self.table.cursor_ref
        rows = cast("Sequence[RuleStatus]", self.rows_now())
        return next((row for row in rows if row.ref == ref), None)

    def rules_here(self) -> list[RuleStatus]:
        """Return the marked rules, else the one under the cursor."""
        return [row for row in self.targets() if isinstance(row, RuleStatus)]

    def actions_here(self) -> frozenset[Action]:
        """A watch that is not over can be paused; each can be deleted."""
        row = self.rule_here()
        if row is None:
            return frozenset()
        paused = {Action.STOP} if row.kind != "lease" and not row.state.over else set()
        return frozenset({Action.DELETE, *paused})
