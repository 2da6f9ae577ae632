"""Commands that show a row: description, JSON, and the menu of its actions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.analytics.shortage import may_be_explained
from gputui.commands import COMMANDS, Command, Condition, Group
from gputui.config.keymap import key_text
from gputui.errors import GputuiError
from gputui.formatting import kind_noun
from gputui.models import Deployment, Instance, Row
from gputui.presentation.actions import name_of
from gputui.presentation.description import targets_text
from gputui.presentation.details import WHY, Detail, Place
from gputui.screens import dialogs
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.command_set import CommandSet, colored, in_worker
from gputui.screens.commands.explain import STILL_ASKED, ReasonLines, explanation_of
from gputui.screens.detail import describe_json, detail_lines
from gputui.screens.details.places import go_to
from gputui.screens.details.related import DetailContext, details_of

if TYPE_CHECKING:
    from gputui.screens.base.view import View


class InspectCommands(CommandSet):
    """Read a row."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._details = DetailContext(self.session)

    def do_describe(self, argument: str) -> None:
        """Show everything known about the row, or the account that is named."""
        if argument in self.session.fleet.accounts:
            AccountCommands(self.view).describe_account(argument)
        elif (row := self.row_for(argument)) is not None:
            self._describe(row)

    @in_worker("describe")
    async def _describe(self, row: Row) -> None:
        fleet = self.session.fleet
        named = f"{kind_noun(row.ref.kind)} {name_of(row)} in {row.ref.account}"
        reader = dialogs.LinkedReaderDialog(named, *self.description(row))

        def closed(nothing: None) -> None:
            if isinstance(reader.chosen, Place):
                go_to(self.session, reader.chosen, row.ref)

        self.app.push_screen(reader, closed)
        try:
            fresh = await fleet.detail(row.ref)
        except GputuiError as error:
            if isinstance(row, Instance | Deployment):
                await self._details.prices.read(row)
                note = Content.styled(f"refresh failed: {error}", "$text-warning")
                lines, links = self.description(row, [("", ("unknown: the refresh failed", "warning"))])
                reader.set_linked([*lines, Content(""), note], links)
            return
        await self._details.prices.read(fresh)
        lines, links = self.description(fresh)
        reader.set_linked(lines, links)
        if isinstance(fresh, Deployment) and may_be_explained(fresh):
            reasons = await explanation_of(self.session, fresh, described=True)
            reader.set_linked(*self.description(fresh, reasons))

    def description(self, row: Row, reasons: ReasonLines = STILL_ASKED) -> tuple[list[Content], dict[int, Place]]:
        """Return everything known about a row as lines, and the places of those that name another thing.

        ``reasons`` are why it does not start, if it does not.
        """
        found = details_of(self.session, row, self._details)
        if WHY in found:
            found[WHY] = [Detail(label, cell) for label, cell in reasons]
        if isinstance(row, Instance | Deployment):
            place = Place("timeline", scope=row.ref)
            found.setdefault("Events", []).append(Detail("", ("All on an axis of time", "muted"), place))
        return detail_lines(found)

    def do_json(self, argument: str) -> None:
        """Show the raw API response, secrets hidden."""
        if (row := self.row_for(argument)) is not None:
            self._show_json(row)

    @in_worker("describe")
    async def _show_json(self, row: Row) -> None:
        try:
            row = await self.session.fleet.detail(row.ref)
        except GputuiError:
            if not getattr(row, "raw", ""):
                raise
        self.app.push_screen(dialogs.ReaderDialog(f"JSON of {row.ref}", describe_json(getattr(row, "raw", ""))))

    def do_actions(self, argument: str) -> None:
        """Show a menu of what can be done to the row, or to the marked rows."""
        if rows := self.view.targets():
            self._menu_of_actions(rows)

    @in_worker("dialog")
    async def _menu_of_actions(self, rows: Sequence[Row]) -> None:
        with self.view.acting_on(rows):
            here = self.view.commands.here()
            choices = [
                dialogs.Choice(
                    command.id,
                    command.title,
                    key_text(self.view.commands.keys_of(command)),
                    command.tooltip,
                    disabled=not self.view.commands.offers(command, here) or (len(rows) > 1 and not command.several),
                )
                for command in map(self.view.named, COMMANDS)
                if command.group is Group.ROW
                and command.id not in ("open", "actions")
                and self.view.handles(command)
                and (self.view.commands.offers(command, here) or not (command.optional or self._never(command, rows)))
            ]
        what = targets_text(rows, "marked")
        menu = colored(self.session, dialogs.MenuDialog(what, choices), [row.ref.account for row in rows])
        chosen = await self.app.push_screen_wait(menu)
        if chosen is None:
            return
        now = [self.session.fleet.get(row.ref) for row in rows]
        if any(row is None for row in now):
            self.view.notify(f"{what} no longer exists.")
            return
        with self.view.acting_on([row for row in now if row is not None]):
            self.view.action_command(chosen)

    def _never(self, command: Command, rows: Sequence[Row]) -> bool:
        """Whether a command can apply to none of these rows, in any state."""
        if command.when is not None:
            return self.view.instance_here() is None
        fleet = self.session.fleet
        return command.action is not None and all(fleet.never(row, command.action) is not None for row in rows)


class OpenCommands(InspectCommands):
    """Open a row: describe it, where there is nothing inside."""

    def conditions(self) -> Iterable[Condition]:
        """Every row can be opened."""
        if self.view.row_here() is not None:
            yield Condition.OPEN

    def do_open(self, argument: str) -> None:
        """Describe the row."""
        self.do_describe(argument)
