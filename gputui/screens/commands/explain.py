"""Why a deployment does not start: asked of its back end, and shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.analytics.shortage import may_be_explained
from gputui.commands import Command, Condition
from gputui.models import Deployment, Instance, Phase, Row
from gputui.presentation.actions import name_of
from gputui.presentation.columns.column import Cell
from gputui.presentation.explanation import heading, limits_text, reason_lines
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.screens.detail import content_of, field_lines

if TYPE_CHECKING:
    from gputui.screens.base.session import Session

ReasonLines = Sequence[tuple[str, Cell]]
"""Labels, '' for most, and texts."""
STILL_ASKED: ReasonLines = (("", ("Asking for the reasons …", "muted")),)


class ExplainCommands(CommandSet):
    """Explain why a deployment runs fewer instances than it should: that under the cursor, or that of the row."""

    def conditions(self) -> Iterable[Condition]:
        """The row is a deployment, or belongs to one; and there is something to explain."""
        from gputui.fleet.explanations import deployment_of

        row = self.view.row_here()
        found = deployment_of(self.session.fleet, row)
        if found is not None:
            yield Condition.EXPLAIN
            if may_be_explained(found) and not _runs(row):
                yield Condition.SHORT

    def refusal(self, command: Command) -> str:
        """Return that only deployments are explained."""
        row = self.view.row_here()
        return _no_deployment(name_of(row)) if command.id == "explain" and row is not None else ""

    def do_explain(self, argument: str) -> None:
        """Show why the deployment does not start, and what would help."""
        from gputui.fleet.explanations import deployment_of

        row = self.row_for(argument)
        found = deployment_of(self.session.fleet, row)
        if found is not None:
            self._explain(found)
        elif row is not None:
            self.view.notify(_no_deployment(name_of(row)))

    @in_worker("describe")
    async def _explain(self, row: Deployment) -> None:
        limits = field_lines("limits", text) if (text := limits_text(row)) else []
        reader = dialogs.ReaderDialog(heading(row), [*limits, *_lines(STILL_ASKED)])
        self.app.push_screen(reader)
        reader.set_lines(_lines(await explanation_of(self.session, row)))


async def explanation_of(session: Session, row: Deployment, *, described: bool = False) -> ReasonLines:
    """Ask why a deployment does not start. ``described``: its events are shown already."""
    from gputui.fleet.explanations import explain

    fleet = session.fleet
    reasons = await explain(fleet, row)
    return list(reason_lines(reasons, fleet.now(), utc=session.utc, events=not described))


def _lines(reasons: ReasonLines) -> list[Content]:
    return [line for label, cell in reasons for line in (field_lines(label, cell) if label else [content_of(cell)])]


def _runs(row: Row | None) -> bool:
    return isinstance(row, Instance) and row.phase is Phase.RUNNING


def _no_deployment(name: str) -> str:
    return f"{name} is no deployment: only the starts of deployments are explained. :deployments lists them."
