"""Commands for waste: open the resource, hide the row for a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.commands import Command, Condition
from gputui.errors import InvalidError
from gputui.formatting import counted
from gputui.models import RESOURCES, Volume
from gputui.presentation.times import end_text, parse_end
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.screens.commands.inspect import InspectCommands

if TYPE_CHECKING:
    from datetime import datetime

    from gputui.models.waste import Waste
    from gputui.screens.waste.view import WasteView


_NO_WASTE = "Snooze: this is no waste."


class SnoozeCommands(CommandSet):
    """Hide waste for a time with a reason, or show it again. For any view whose rows may be waste."""

    def conditions(self) -> Iterable[Condition]:
        """The row under the cursor is waste."""
        row, fleet = self.view.row_here(), self.session.fleet
        # The fleet of the first frame knows of none, and needs no analysis.
        if row is not None and fleet.polls and fleet.waste.found.of(row.ref) is not None:
            yield Condition.WASTE

    def refusal(self, command: Command) -> str:
        """Return that only waste is snoozed."""
        return _NO_WASTE if command.id == "snooze" and self.view.row_here() is not None else ""

    def do_snooze(self, argument: str) -> None:
        """Hide the targets; where all of them are hidden already, show them again."""
        waste = self.session.fleet.waste
        found = [one for row in self.view.targets() if (one := waste.of(row.ref)) is not None]
        shown = [one for one in found if one.snooze is None]
        if not found:
            self.view.notify(_NO_WASTE)
        elif argument:
            when, _, note = argument.partition(" ")
            try:
                until = parse_end(when, self.session.fleet.now(), utc=self.session.utc)
            except ValueError as error:
                raise InvalidError(f"The time {error}.", hint=":snooze 8h restarts at noon") from None
            self._snooze(found, until, note.strip())
        elif shown:
            self._ask(shown)
        else:
            self._end(found)

    @in_worker("dialog")
    async def _ask(self, chosen: Sequence[Waste]) -> None:
        from gputui.presentation.columns.waste import REASONS

        session = self.session

        def read(text: str) -> datetime:
            return parse_end(text, session.fleet.now(), utc=session.utc)

        answer = await self.app.push_screen_wait(
            dialogs.SnoozeDialog(
                f"Snooze {chosen[0].name if len(chosen) == 1 else counted(len(chosen), 'row')}?",
                subjects=[
                    Content.assemble("  ", (one.name, "bold"), f"   {one.ref.account}   {REASONS[one.reason]}")
                    for one in chosen
                ],
                read=read,
                time_text=self._time_text,
            )
        )
        if answer is not None:
            await self._hide(chosen, *answer)

    @in_worker("snooze")
    async def _snooze(self, chosen: Sequence[Waste], until: datetime, note: str) -> None:
        await self._hide(chosen, until, note)

    async def _hide(self, chosen: Sequence[Waste], until: datetime, note: str) -> None:
        stored = await self.session.fleet.waste.snooze(chosen, until, note)
        self._say(f"{_names(chosen)} snoozed until {self._time_text(until)}.", stored=stored)

    def _say(self, text: str, *, stored: bool) -> None:
        history = self.session.history
        problem = "" if history is None else history.failure
        if stored and (history is None or history.lasting or not problem):
            self.view.notify(text, severity="information")
        else:
            why = f": {problem}." if problem else "."
            self.view.notify(f"{text} It is not stored{why}", severity="warning")

    def _time_text(self, at: datetime) -> str:
        return end_text(at, self.session.fleet.now(), utc=self.session.utc)

    @in_worker("snooze")
    async def _end(self, chosen: Sequence[Waste]) -> None:
        stored = await self.session.fleet.waste.end_snooze(chosen)
        self._say(f"{_names(chosen)} no longer snoozed.", stored=stored)


def _names(chosen: Sequence[Waste]) -> str:
    return chosen[0].name if len(chosen) == 1 else counted(len(chosen), "row")


class WasteCommands(InspectCommands):
    """Open the resource of a row, describe it; show the snoozed rows."""

    view: WasteView

    def conditions(self) -> Iterable[Condition]:
        """Every row can be opened."""
        if self.view.row_here() is not None:
            yield Condition.OPEN

    def refusal(self, command: Command) -> str:
        """Return how a volume, which cannot be stopped, is ended."""
        row = self.view.row_here()
        if command.id == "stop" and isinstance(row, Volume):
            return f"{row.name}: a volume cannot be stopped; {self.session.key_of('delete')} deletes it."
        return ""

    def do_open(self, argument: str) -> None:
        """Show the resource in its own view."""
        if (row := self.view.row_here()) is not None:
            resource = self.session.fleet.resource_of(row.ref)
            self.session.navigator.go(RESOURCES[resource].view, select=row.ref)

    def do_problems(self, argument: str) -> None:
        """Show the rows that do not count as well, or hide them again."""
        self.view.show_all(not self.view.shows_all)
