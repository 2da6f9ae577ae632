"""Why a deployment does not start: asked of its back end, and shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.commands import Command, Condition
from gputui.errors import GputuiError
from gputui.models import Deployment
from gputui.presentation.explanation import heading, limits_text, other_lines, stock_lines
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.screens.detail import content_of, field_lines

if TYPE_CHECKING:
    from gputui.screens.base.session import Session

ASKING = Content.styled("Comparing its limits with the stock …", "$muted")


class ExplainCommands(CommandSet):
    """Explain why a deployment runs fewer instances than it should."""

    def conditions(self) -> Iterable[Condition]:
        """Some back ends can compare the limits of a deployment with their stock."""
        from gputui.fleet.explanations import can_explain

        row = self.view.row_here()
        if row is not None and can_explain(self.session.fleet, row):
            yield Condition.EXPLAIN

    def refusal(self, command: Command) -> str:
        """Return that the API of the account cannot compare."""
        row = self.view.row_here()
        if command.id != "explain" or not isinstance(row, Deployment):
            return ""
        return f"{row.ref.account}: its API does not compare the limits of a deployment with the stock."

    def do_explain(self, argument: str) -> None:
        """Show why the deployment does not start, and what would help."""
        row = self.row_for(argument)
        if isinstance(row, Deployment):
            self._explain(row)
        elif row is not None:
            self.view.notify(f"{argument} is no deployment.")

    @in_worker("describe")
    async def _explain(self, row: Deployment) -> None:
        limits = field_lines("limits", limits_text(row))
        reader = dialogs.ReaderDialog(heading(row), [*limits, Content(""), ASKING])
        self.app.push_screen(reader)
        reader.set_lines([*limits, Content(""), *await explanation_of(self.session, row)])


async def explanation_of(session: Session, row: Deployment) -> list[Content]:
    """Ask why a deployment does not start; returns the lines, those of a failure too."""
    from gputui.fleet.explanations import circumstances, explain, read_circumstances

    fleet = session.fleet
    try:
        explanation = await explain(fleet, row)
        await read_circumstances(fleet, row.ref.account)
    except GputuiError as error:
        return [Content.styled(f"The stock could not be asked: {error}", "$text-error")]
    known = circumstances(fleet, row)
    others = other_lines(
        row, blocks=known.blocks, image=known.image, balance=known.balance, now=fleet.now(), utc=session.utc
    )
    return [*map(content_of, stock_lines(row, explanation)), Content(""), *map(content_of, others)]
