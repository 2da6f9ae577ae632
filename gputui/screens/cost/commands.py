"""Commands of the cost view: open a line, change sides, choose the period and the groups of the spending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from gputui.analytics.cost_lines import UNPRICED, CostLine
from gputui.analytics.spend import SpendLine
from gputui.commands import BY_ID, Command, Condition
from gputui.models import RESOURCES, Ref
from gputui.models.periods import By
from gputui.screens import dialogs
from gputui.screens.commands.command_set import in_worker
from gputui.screens.commands.inspect import OpenCommands

if TYPE_CHECKING:
    from gputui.screens.cost.view import CostView


class CostCommands(OpenCommands):
    """Open a line, change sides, choose the period and by what it is added up."""

    view: CostView

    def conditions(self) -> Iterable[Condition]:
        """Every line can be opened; there is another side where something is prepaid."""
        if self.view.on_packages or self.view.table.cursor_row is not None:
            yield Condition.OPEN
        if self.view.spent.is_shown:
            yield Condition.TO_GROUP
        elif self.view.packages.row_count:
            yield Condition.PANE

    def refusal(self, command: Command) -> str:
        """Return that the cost of now has no groups."""
        if command.id == "group" and not self.view.spent.is_shown:
            return f"{command.title}: choose a period first, with {self.session.key_of('window-longer')}."
        return super().refusal(command)

    def do_window_longer(self, argument: str) -> None:
        """Show a longer period."""
        self.view.spent.step(1)

    def do_window_shorter(self, argument: str) -> None:
        """Show a shorter period, at the end the cost of now."""
        self.view.spent.step(-1)

    def completions(self) -> Mapping[str, Sequence[str]]:
        """Return what spending can be added up by."""
        return {BY_ID["group"].argument: [by.value for by in By]}

    def do_group(self, argument: str) -> None:
        """Add up the period by what is named, or chosen in a menu."""
        names = [by.value for by in By]
        if argument in names:
            self.view.spent.group_by(By(argument))
        elif argument:
            self.view.notify(f"Spending is not added up by {argument}, but by: {', '.join(names)}.")
        else:
            self._choose_group()

    @in_worker("dialog")
    async def _choose_group(self) -> None:
        now = self.view.spent.by
        choices = [dialogs.Choice(by.value, by.value, by.value[0], "now" if by is now else "") for by in By]
        menu = dialogs.MenuDialog("Add up spending by", choices, selected=now.value)
        chosen = await self.app.push_screen_wait(menu)
        if chosen:
            self.view.spent.group_by(By(chosen))

    def do_open(self, argument: str) -> None:
        """Show the instances, or the volumes, that cost it; describe a package."""
        line = self.view.table.cursor_row
        if isinstance(line, SpendLine):
            self._open_spent(line)
            return
        if self.view.on_packages or not isinstance(line, CostLine):
            self.do_describe(argument)
        elif line.is_unpriced:
            account = line.ref.account
            self.session.navigator.go("instances", scope=Ref(account, UNPRICED, f"Unpriced in {account}"))
        elif line.deployment is not None:
            self.session.navigator.go("instances", scope=line.deployment)
        elif line.volumes and not line.whole:
            self.session.navigator.go("volumes", account=line.ref.account)
        else:
            self.session.navigator.go("instances", account=line.ref.account)

    def _open_spent(self, line: SpendLine) -> None:
        """Show what a line of a period is made of; a thing in its own view, where it is still listed."""
        ref = self.view.spent.open(line)
        if ref is None:
            return
        fleet = self.session.fleet
        if fleet.get(ref) is None:
            self.view.notify(f"{ref} is no longer listed.")
            return
        view = RESOURCES[fleet.resource_of(ref)].view
        self.session.navigator.go(view, select=ref)

    def do_pane(self, argument: str) -> None:
        """Change between what is spent and what is prepaid."""
        if self.view.packages.row_count and not self.view.spent.is_shown:
            self.view.set_focus(self.view.table if self.view.on_packages else self.view.packages)
