"""Commands for lines of cost and packages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gputui.analytics.cost_lines import UNPRICED, CostLine
from gputui.commands import Condition
from gputui.models import Ref
from gputui.screens.commands.inspect import OpenCommands

if TYPE_CHECKING:
    from gputui.screens.cost.view import CostView


class CostCommands(OpenCommands):
    """Open a line, change sides."""

    view: CostView

    def conditions(self) -> Iterable[Condition]:
        """Every line can be opened; there is another side where something is prepaid."""
        if self.view.packages.has_focus or self.view.table.cursor_row is not None:
            yield Condition.OPEN
        if self.view.packages.row_count:
            yield Condition.PANE

    def do_open(self, argument: str) -> None:
        """Show the instances, or the volumes, that cost it; describe a package."""
        line = self.view.table.cursor_row
        if self.view.packages.has_focus or not isinstance(line, CostLine):
            self.do_describe(argument)
        elif line.is_unpriced:
            account = line.ref.account
            self.session.navigator.go("instances", scope=Ref(account, UNPRICED, f"Unpriced in {account}"))
        elif line.deployment is not None:
            self.session.navigator.go("instances", scope=line.deployment)
        elif line.volumes and not line.whole:
            self.session.choose(account=line.ref.account)
            self.session.navigator.go("volumes")
        else:
            self.session.choose(account=line.ref.account)
            self.session.navigator.go("instances")

    def do_pane(self, argument: str) -> None:
        """Change between what is spent and what is prepaid."""
        if self.view.packages.row_count:
            self.view.set_focus(self.view.table if self.view.packages.has_focus else self.view.packages)
