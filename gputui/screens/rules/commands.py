"""Commands for rules: open what one obtained, describe, pause and resume, delete."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from gputui.commands import Command, Condition, Group
from gputui.models import RESOURCES
from gputui.models.rules import RuleState, RuleStatus
from gputui.presentation.columns.rules import rule_columns
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.screens.detail import field_lines

if TYPE_CHECKING:
    from gputui.rules.book import RuleBook
    from gputui.screens.rules.view import RulesView


class RuleCommands(CommandSet):
    """Open, describe, pause, delete."""

    view: RulesView

    def conditions(self) -> Iterable[Condition]:
        """The row can be opened where the rule has obtained something."""
        row = self.view.rule_here()
        if row is not None and row.refs:
            yield Condition.OPEN

    def refusal(self, command: Command) -> str:
        """Return that there is no rule, or why it cannot be paused."""
        row = self.view.rule_here()
        if row is None:
            return f"There is no rule. {self.view.how}" if command.group is Group.ROW else ""
        if command.id == "stop":
            if row.kind == "lease":
                return f"A lease is not paused: {self.session.key_of('lease')} on its instance edits it."
            return f"{row.ref.id}: it is over."
        return f"{row.ref.id} has obtained nothing." if command.id == "open" else ""

    def do_open(self, argument: str) -> None:
        """Show what the rule obtained, or the row of its lease."""
        row = self.view.rule_here()
        if row is not None and row.refs:
            view = RESOURCES[self.session.fleet.resource_of(row.refs[-1])].view
            self.session.navigator.go(view, select=row.refs[-1])

    def do_describe(self, argument: str) -> None:
        """Show everything known about the rule, and each outcome."""
        if (row := self.view.rule_here()) is None:
            return
        lines = [
            line
            for column in rule_columns(self.view.context)
            for line in field_lines(column.label or column.title.lower(), column.described(row))
        ]
        more = {"obtained refs": ", ".join(map(str, row.refs)), "by": row.user}
        lines += [line for label, text in more.items() if text for line in field_lines(label, text)]
        lines += [line for text in reversed(row.lines) for line in field_lines("outcome", text)]
        self.app.push_screen(dialogs.ReaderDialog(f"Rule {row.ref.id}", lines))

    def do_stop(self, argument: str) -> None:
        """Pause the marked rules, else the one under the cursor, or let them continue."""
        chosen = [row for row in self.view.rules_here() if row.kind != "lease" and not row.state.over]
        if chosen:
            self._pause(chosen, paused=any(row.state is not RuleState.PAUSED for row in chosen))

    @in_worker("rules")
    async def _pause(self, rows: list[RuleStatus], *, paused: bool) -> None:
        rules = self.session.rules
        for row in rows:
            await rules.edit(self.session.agent, partial(_pause_one, row.ref.id, paused))
        names = ", ".join(row.ref.id for row in rows)
        does = "sends and announces nothing" if paused else "continues"
        self.view.notify(f"{names} {does}.", severity="information")

    def do_delete(self, argument: str) -> None:
        """Delete the marked rules, else the one under the cursor."""
        if rows := self.view.rules_here():
            self._delete(rows)

    @in_worker("dialog")
    async def _delete(self, rows: list[RuleStatus]) -> None:
        open_ = [row.ref.id for row in rows if row.state in {RuleState.UNKNOWN, RuleState.CHECKING}]
        it = "it" if len(rows) == 1 else "them"
        effects = [f"The agent follows {it} no longer."]
        if any(row.kind == "lease" for row in rows):
            effects.append("Without a lease an instance or deployment runs on, and costs money, until you end it.")
        if any(row.refs and row.kind != "lease" for row in rows):
            effects.append("Everything obtained stays, with its leases, which are rules of their own.")
        if open_:
            effects.append(
                f"{', '.join(open_)}: the outcome of a request is not known yet. It is no longer looked for."
            )
        confirmed = await self.app.push_screen_wait(
            dialogs.ConfirmDialog(
                f"Delete {'the rule' if len(rows) == 1 else f'{len(rows)} rules'}?",
                subjects=[self.view.subject(row) for row in rows],
                effects=effects,
                confirm="Delete",
                danger=bool(open_),
            )
        )
        if not confirmed:
            return
        for row in rows:
            await self.session.rules.edit(self.session.agent, partial(_delete_one, row.ref.id, bool(open_)))
        self.view.notify(f"Deleted: {', '.join(row.ref.id for row in rows)}.", severity="information")


def _pause_one(id_: str, paused: bool, book: RuleBook) -> None:
    book.pause(book.watch(id_), paused=paused)


def _delete_one(id_: str, force: bool, book: RuleBook) -> None:
    book.delete(book.files.get(id_), force=force)
