"""Commands for the life of instances and deployments: start, stop, restart, delete, save, run a command."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from gputui.actions import ACTIONS
from gputui.errors import GputuiError
from gputui.models import Action, Row
from gputui.presentation.actions import effect, name_of
from gputui.presentation.description import targets_text
from gputui.screens import dialogs
from gputui.screens.commands.action_flow import ActionCommands, add_handlers
from gputui.screens.commands.command_set import in_worker
from gputui.screens.detail import describe_exec, subject_line


class LifecycleCommands(ActionCommands):
    """Start, stop, restart, delete, save as an image, run a command."""

    def do_commit(self, argument: str) -> None:
        """Save the target as an image."""
        if not argument and len(self.view.targets()) > 1:
            self.view.notify("Save one at a time: each needs a tag of its own.")
            return
        self._begin(Action.COMMIT, argument)

    def do_exec(self, argument: str) -> None:
        """Run a shell command in the targets."""
        if rows := self.chosen(Action.EXEC, argument):
            self._run_command_in(rows)

    def _begin(self, action: Action, argument: str) -> None:
        if rows := self.chosen(action, argument):
            self.confirm_and_act(action, rows)

    @in_worker("dialog")
    async def _run_command_in(self, rows: Sequence[Row]) -> None:
        what = targets_text(rows)
        command = await self.app.push_screen_wait(
            dialogs.PromptDialog(
                f"Run in {what}",
                subjects=[subject_line(row, account=len(rows) > 1) for row in rows],
                note=" ".join([effect(Action.EXEC, rows[:1]), *self.staleness(rows)]),
                check=lambda text: "" if text.strip() else "Type a command.",
            )
        )
        if command is None:
            return
        if len(rows) > 1:
            question = self.question(Action.EXEC, rows, "Run", command)
            if not await self.app.push_screen_wait(question):
                return
        waiting = [Content.styled(f"Running in {what} …", "$muted")]
        reader = dialogs.ReaderDialog(f"Run in {what}", waiting, as_printed=True)
        await self.app.push_screen(reader)
        lines: list[Content] = []
        ends: list[str] = []
        accounts = len({row.ref.account for row in rows})
        outcomes = await self.session.fleet.act_on_all(Action.EXEC, rows, lambda _: {"command": command})
        for row, outcome in outcomes:
            called = name_of(row) if accounts == 1 else f"{row.ref.account}/{name_of(row)}"
            if isinstance(outcome, GputuiError):
                ends.append(f"{called}: {outcome}")
                lines += [
                    Content.assemble((called, "bold"), "  $ ", command),
                    Content.styled(f"{outcome.title}: {outcome}", "$text-error"),
                ]
            elif outcome.exec is not None:
                code = outcome.exec.exit_code
                ends.append(f"{called}: " + ("time limit" if code is None else f"exit code {code}"))
                lines += describe_exec(called, command, outcome.exec)
            lines.append(Content(""))
        if reader.is_attached:
            reader.set_lines(lines)
        else:
            self.app.notify("\n".join(ends), title=f"Run: {command}", markup=False, timeout=15)


# An action of the command line without options of its own needs a yes alone here, as start does.
add_handlers(LifecycleCommands, "_begin", [action for action, spec in ACTIONS.items() if spec.cli_help])
