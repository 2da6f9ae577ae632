"""Commands of the user's own, for the row or the marked rows."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from textual.content import Content

from gputui.commands import Command, Condition
from gputui.config.keymap import key_text
from gputui.errors import ForbiddenError
from gputui.formatting import counted
from gputui.home_paths import home_expanded
from gputui.models import Row
from gputui.models.custom_commands import ANY, CustomCommand, Mode, fields_in
from gputui.presentation.actions import name_of
from gputui.presentation.custom_commands import shell_command, values_of
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet, colored, in_worker
from gputui.screens.commands.copy import copy_text

_MOST_LINES = 10
"""Commands that a question shows."""


class CustomCommands(CommandSet):
    """Run a custom command: by its key, by its name, or from a menu."""

    def conditions(self) -> Iterable[Condition]:
        """There is one for the row under the cursor."""
        row = self.view.row_here()
        if row is not None and any(self._fits(command, row) for command in self.session.custom_commands):
            yield Condition.CUSTOM

    def refusal(self, command: Command) -> str:
        """Return that none is configured, or none for such a row."""
        if command.id != "custom":
            return ""
        if not self.session.custom_commands:
            none = "There are no custom commands: write them in config.toml, as [[commands]]."
            return self._left_out("No custom command can be used.") or none
        return "There is no custom command for this row."

    def do_custom(self, argument: str) -> None:
        """Run the command that is named, or show a menu of those for this row."""
        rows = self.view.targets()
        commands = self.session.custom_commands
        if not argument:
            self._choose(rows)
            return
        command = next((one for one in commands if one.name == argument), None)
        if command is None:
            there = ", ".join(one.name for one in commands) or "none"
            text = f"No custom command {argument}. There are: {there}."
            self.view.notify(self._left_out(text) or text)
        elif not rows:
            self.view.notify(f"{command.name}: there is no row here.")
        elif other := next((row for row in rows if not self._fits(command, row)), None):
            self.view.notify(f"{command.name} is for {' and '.join(command.scope)}, not for {name_of(other)}.")
        else:
            self._run(command, rows)

    def _left_out(self, text: str) -> str:
        """Return the text with the place that says why commands are left out; '' where none is."""
        home = self.session.key_of("view.home")
        return f"{text} Home ({home}) has the problems of the configuration." if self.session.config_problems else ""

    def _fits(self, command: CustomCommand, row: Row) -> bool:
        return ANY in command.scope or self.session.fleet.resource_of(row.ref).value in command.scope

    @in_worker("dialog")
    async def _choose(self, rows: Sequence[Row]) -> None:
        fitting = [one for one in self.session.custom_commands if all(self._fits(one, row) for row in rows)]
        choices = [
            dialogs.Choice(one.name, one.name, key_text(one.key), self._shown(one, rows), also=one.key)
            for one in fitting
        ]
        heading = name_of(rows[0]) if len(rows) == 1 else counted(len(rows), "row")
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog(f"Run for {heading}", choices))
        command = next((one for one in fitting if one.name == chosen), None)
        if command is not None:
            await self._ask_and_run(command, rows)

    def _shown(self, command: CustomCommand, rows: Sequence[Row]) -> str:
        """Return the shell command of the first row as it would be run, with the number of the others."""
        first, more = rows[0], f"  and {len(rows) - 1} more" if len(rows) > 1 else ""
        known = {name: f"({name} unknown)" for name in fields_in(command.run)} | {"path": "PATH"}
        return shell_command(command, first, known | values_of(first, self.session.ssh_way(first))) + more

    @in_worker("dialog")
    async def _run(self, command: CustomCommand, rows: Sequence[Row]) -> None:
        await self._ask_and_run(command, rows)

    async def _ask_and_run(self, command: CustomCommand, rows: Sequence[Row]) -> None:
        read_only = [row.ref.account for row in rows if self._is_read_only(row.ref.account)]
        if read_only and command.mode is not Mode.COPY:
            raise ForbiddenError(
                f"{read_only[0]} is read-only: custom commands are not run there.", hint="Nothing was run."
            )
        session = self.session
        values = [values_of(row, session.ssh_way(row)) for row in rows]
        given = {}
        if "path" in fields_in(command.run):
            # A field that is unknown is refused before the question.
            for row, known in zip(rows, values, strict=True):
                shell_command(command, row, known | {"path": ""})
            path = await self.app.push_screen_wait(
                dialogs.PromptDialog(f"Path for {command.name}", value="", note="A path on this machine;")
            )
            if not path:
                return
            given = {"path": shlex.quote(home_expanded(path))}
        lines = [shell_command(command, row, known | given) for row, known in zip(rows, values, strict=True)]
        if command.mode is Mode.COPY:
            copy_text(self.view, "\n".join(lines), command.name)
            return
        question = colored(session, self._question(command, rows, lines), [row.ref.account for row in rows])
        if command.confirm and not await self.app.push_screen_wait(question):
            return
        session.program.run_custom(command, [name_of(row) for row in rows], lines)

    def _is_read_only(self, account: str) -> bool:
        return self.session.fleet.health()[account].read_only

    def _question(self, command: CustomCommand, rows: Sequence[Row], lines: Sequence[str]) -> dialogs.ConfirmDialog:
        shown = [Content(f"  {line}") for line in lines[:_MOST_LINES]]
        if (left := len(lines) - _MOST_LINES) > 0:
            shown.append(Content.styled(f"  and {left} more", "$muted"))
        where = "in the background" if command.mode is Mode.BACKGROUND else "in this terminal"
        names = name_of(rows[0]) if len(rows) == 1 else counted(len(rows), "row")
        return dialogs.ConfirmDialog(
            f"Run {command.name} for {names}?",
            subjects=shown,
            effects=[f"It runs on this machine, {where}."],
            confirm="Run",
        )
