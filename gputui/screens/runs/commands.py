"""Commands for runs and their results: open, end, retry the failed ones, save."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.commands import Command, Condition, Group
from gputui.errors import GputuiError, reason_of
from gputui.fleet.remote_run import RemoteRun
from gputui.formatting import counted
from gputui.models import Action, Instance, RunResult
from gputui.presentation.run_results import end_text, group, plain_of, text_of_groups
from gputui.redaction import redact
from gputui.screens import dialogs
from gputui.screens.base.export import save_text
from gputui.screens.commands.action_flow import ActionCommands
from gputui.screens.commands.command_set import colored, in_worker
from gputui.screens.detail import describe_run

if TYPE_CHECKING:
    from gputui.screens.base.session import Session
    from gputui.screens.runs.results import ResultsView
    from gputui.screens.runs.view import RunsView

_FORMATS = {"txt": "Text, equal outputs as one", "jsonl": "JSON, a line an instance"}
RUN_WORDS: Mapping[str, tuple[str, str]] = {
    "stop": ("End", "End the command in all instances"),
    "restart": ("Retry failed", "Run the command again where it failed"),
}
"""The words of commands that act on a run."""
_SAFE = re.compile(r"[^\w.-]+")
_AT_ONCE = 2**17
"""Bytes of output that are laid out at once, more in a thread."""


def how_to_run(session: Session) -> str:
    """Return how a command is run."""
    key, view = session.key_of("exec"), session.key_of("view.instances")
    return f"Press {key} on an instance, or on marked ones ({view})."


def run_actions(run: RemoteRun | None) -> frozenset[Action]:
    """Return the actions on a run: it can be ended, and what failed retried after its end."""
    if run is None:
        return frozenset()
    return frozenset({Action.STOP} if run.running else {Action.RESTART} if run.retryable() else ())


class RunCommands(ActionCommands):
    """End a run, retry what failed, save its results."""

    view: RunsView | ResultsView

    def refusal(self, command: Command) -> str:
        """Return why there is nothing to end or to retry."""
        run = self.view.run
        if run is None:
            return self.view.empty_text() if command.group is Group.ROW else ""
        if command.id == "stop":
            return "The command has ended everywhere."
        if command.id == "restart":
            return "It still runs: retry what has failed at its end." if run.running else "Nothing failed."
        return ""

    def do_stop(self, argument: str) -> None:
        """End the command everywhere, once the user has confirmed it."""
        if self.view.run is not None and self.view.run.running:
            self._stop(self.view.run)

    @in_worker("dialog")
    async def _stop(self, run: RemoteRun) -> None:
        question = dialogs.ConfirmDialog(
            f"End the command in {counted(run.row().moving, 'instance')}?",
            subjects=[Content.assemble("  $ ", (run.order.text, "bold"))],
            effects=[
                "Over SSH it gets TERM with all that it started, then KILL. An answer of an API is awaited.",
                "Instances in which it has not started are skipped.",
            ],
            confirm="End",
            danger=True,
        )
        if await self.app.push_screen_wait(colored(self.session, question, [ref.account for ref in run.refs])):
            run.stop()

    def do_restart(self, argument: str) -> None:
        """Run it again where it failed, once the user has confirmed it."""
        if (run := self.view.run) is not None and not run.running and (rows := run.retryable()):
            fleet = self.session.fleet
            self._retry(run, [fleet.find(Instance, row.ref) or row for row in rows])

    @in_worker("dialog")
    async def _retry(self, run: RemoteRun, rows: list[Instance]) -> None:
        question = self.question(Action.EXEC, rows, "Run again", run.order.text)
        accounts = [row.ref.account for row in rows]
        if await self.app.push_screen_wait(colored(self.session, question, accounts)) and not run.running:
            self.session.program.run_command(run, rows)

    def do_save(self, argument: str) -> None:
        """Save the results to a file."""
        if self.view.run is not None:
            self._save(self.view.run)

    @in_worker("dialog")
    async def _save(self, run: RemoteRun) -> None:
        choices = [dialogs.Choice(form, label, label[0].lower()) for form, label in _FORMATS.items()]
        choices[1] = dialogs.Choice("jsonl", _FORMATS["jsonl"], "J")
        form = await self.app.push_screen_wait(dialogs.MenuDialog("Save the results as", choices))
        if not form:
            return
        text = await asyncio.to_thread(_text_of, form, run.order.text, run.results)
        stem = f"gputui-run-{file_words(run.order.text)}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
        try:
            path = await save_text(stem, form, text)
        except OSError as error:
            raise GputuiError(
                f"Not saved: {reason_of(error)}.", hint="Start gputui in a folder you may write to."
            ) from error
        self.view.notify(f"Saved as {path}", severity="information")


def file_words(command: str) -> str:
    """Return the beginning of a command for the name of a file, without secrets."""
    return _SAFE.sub("_", redact(command))[:24].strip("_.") or "command"


class RunListCommands(RunCommands):
    """Open a run."""

    view: RunsView

    def conditions(self) -> Iterable[Condition]:
        """A run can be opened."""
        if self.view.run is not None:
            yield Condition.OPEN

    def do_open(self, argument: str) -> None:
        """Show the results of the run under the cursor."""
        if (run := self.view.run) is not None:
            self.session.navigator.go("run", scope=run.ref)


class ResultCommands(RunCommands):
    """Read a result, log into its instance, go to the output."""

    view: ResultsView

    def conditions(self) -> Iterable[Condition]:
        """A result can be opened; there is output to go to while a run is shown."""
        if self.view.run is not None:
            yield Condition.PANE
        if self.view.table.cursor_ref is not None:
            yield Condition.OPEN

    def do_open(self, argument: str) -> None:
        """Read all that was kept of one instance's output."""
        run, ref = self.view.run, self.view.table.cursor_ref
        if run is not None and ref is not None:
            self._read(run.order.text, run.result(ref))

    do_describe = do_open

    @in_worker("dialog")
    async def _read(self, command: str, result: RunResult) -> None:
        if len(result.stdout) + len(result.stderr) <= _AT_ONCE:
            lines = describe_run(result.name, command, result)
        else:
            lines = await asyncio.to_thread(describe_run, result.name, command, result)
        self.app.push_screen(dialogs.ReaderDialog(f"{result.name}: {end_text(result)}", lines, as_printed=True))

    def do_ssh(self, argument: str) -> None:
        """Log into the instance."""
        if (instance := self.view.instance_here()) is not None:
            self.session.program.log_in(instance)

    def do_pane(self, argument: str) -> None:
        """Change between the instances and the output."""
        self.view.set_focus(self.view.table if self.view.output.has_focus else self.view.output)


def _text_of(form: str, command: str, results: Sequence[RunResult]) -> str:
    """Return results as ``txt`` or ``jsonl``."""
    if form == "txt":
        return f"$ {command}\n\n{text_of_groups(group(results))}"
    return "\n".join(json.dumps(plain_of(result), ensure_ascii=False) for result in results)
