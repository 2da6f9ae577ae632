"""Commands for the life of instances and deployments: start, stop, restart, delete, save, run a command."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.actions import ACTIONS
from gputui.fleet.orders import Order
from gputui.fleet.remote_run import RemoteRun
from gputui.formatting import some_of
from gputui.models import Action, Instance, Row
from gputui.presentation.actions import name_of
from gputui.presentation.description import targets_text
from gputui.screens import dialogs
from gputui.screens.commands.action_flow import ActionCommands, add_handlers
from gputui.screens.commands.command_set import colored, in_worker
from gputui.screens.detail import subject_line

_MOST_NAMES = 6


class LifecycleCommands(ActionCommands):
    """Start, stop, restart, delete, save as an image, run a command."""

    def do_commit(self, argument: str) -> None:
        """Save the target as an image."""
        if not argument and len(self.view.targets()) > 1:
            self.view.notify("Save one at a time: each needs a tag of its own.")
            return
        self._begin(Action.COMMIT, argument)

    def do_exec(self, argument: str) -> None:
        """Run a shell command in the targets that permit it."""
        rows = self.chosen(Action.EXEC, argument)
        able = [row for row in rows if Action.EXEC in self.session.fleet.actions(row)]
        if able:
            left_out = [name_of(row) for row in rows if row not in able]
            self._run_command_in(able, left_out)

    def _begin(self, action: Action, argument: str) -> None:
        if rows := self.chosen(action, argument):
            self.confirm_and_act(action, rows)

    @in_worker("dialog")
    async def _run_command_in(self, rows: Sequence[Row], left_out: Sequence[str]) -> None:
        notes = [f"Left out, as they cannot run it now: {some_of(left_out, _MOST_NAMES)}."] if left_out else []
        accounts = [row.ref.account for row in rows]
        prompt = dialogs.PromptDialog(
            f"Run in {targets_text(rows)}",
            subjects=[subject_line(row, account=len(rows) > 1) for row in rows],
            note=" ".join([*self._effects(Action.EXEC, rows), *notes]),
            check=lambda text: "" if text.strip() else "Type a command.",
        )
        command = await self.app.push_screen_wait(colored(self.session, prompt, accounts))
        if command is None:
            return
        if len(rows) > 1:
            question = self.question(Action.EXEC, rows, "Run", command, notes=notes)
            if not await self.app.push_screen_wait(colored(self.session, question, accounts)):
                return
        instances = [row for row in rows if isinstance(row, Instance)]
        self.session.program.run_command(RemoteRun(self.session.fleet, instances, Order(command)), instances)


# An action of the command line without options of its own needs a yes alone here, as start does.
add_handlers(LifecycleCommands, "_begin", [action for action, spec in ACTIONS.items() if spec.cli_help])
