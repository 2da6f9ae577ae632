"""The commands of a view: which its sets have, which are offered here and now, their keys, and how one is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType

from gputui.commands import BY_ID, COMMANDS, Command, Condition, Group, Here
from gputui.errors import GputuiError
from gputui.screens.base.refusals import why_not
from gputui.screens.commands.command_set import CommandSet

if TYPE_CHECKING:
    from textual.widget import Widget

    from gputui.screens.base.session import Session
    from gputui.screens.base.view import View

Handler = Callable[[str], None]
_NAME, _MAIN = "NAME", "view.instances"
"""The argument of commands that may name a row, and the view to go to for them."""
_MOST_VIEWS = 2
"""As many views that have a command are named."""
_OF_VIEW = {
    view: [each for each in COMMANDS if each.view == view] for view in {each.view for each in COMMANDS} - {""}
}


def key_bindings(view: str) -> list[BindingType]:
    """Return the keys of the commands of one view, for the widget in it that has the focus; of the others for ''."""
    return [
        Binding(
            command.keys,
            f"{'screen.' if view else ''}command('{command.id}')",
            command.title,
            show=False,
            id=command.id,
            tooltip=command.tooltip,
            group=Binding.Group(command.group.value),
        )
        for command in COMMANDS
        if command.keys and command.view == view
    ]


def more_keys(session: Session) -> Iterator[tuple[str, str]]:
    """Yield the keys that the configuration gives to custom commands, and to commands without a key, with actions."""
    for command in COMMANDS:
        if not command.keys and (keys := session.keys.get(command.id)):
            yield keys, f"command({command.id!r})"
    for custom in session.custom_commands:
        if custom.key:
            yield custom.key, f"custom({custom.name!r})"


def handled(sets: tuple[type[CommandSet], ...], command: Command) -> bool:
    """Return whether a view with these command sets has a handler for a command."""
    return command.group is Group.VIEWS or command.id in _handled(sets)


@cache
def _handled(sets: tuple[type[CommandSet], ...]) -> frozenset[str]:
    return frozenset(command.id for command in COMMANDS if any(hasattr(kind, command.handler) for kind in sets))


class ViewCommands:
    """The command sets of a view, the first of which that has a handler for a command carries it out."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.sets = tuple(kind(view) for kind in view.COMMAND_SETS)

    def compose(self) -> Iterator[Widget]:
        """Yield the parts of the screen that the sets have."""
        for commands in self.sets:
            yield from commands.compose()

    def follow(self) -> Iterator[Callable[[], None]]:
        """Subscribe to what these parts show; yields the ways to stop."""
        for commands in self.sets:
            yield from commands.follow()

    def cursor_moved(self) -> None:
        """Let these parts follow the cursor."""
        for commands in self.sets:
            commands.cursor_moved()

    def resized(self) -> None:
        """Give these parts the room of now."""
        for commands in self.sets:
            commands.resized()

    def here(self) -> Here:
        """Return all that decides which commands are offered."""
        conditions = {condition for commands in self.sets for condition in commands.conditions()}
        if self._view.row_here() is not None:
            conditions.add(Condition.ROW)
        return Here(self._view.actions_here(), frozenset(conditions))

    def offers(self, command: Command, here: Here | None = None) -> bool:
        """Return whether a command works here and now; ``here`` spares finding it again."""
        return self._view.handles(command) and command.offered(here or self.here())

    def keys_of(self, command: Command) -> str:
        """Return the keys of a command in this view, as configured: those that no command of the view itself has."""
        session = self._view.session
        keys = session.keys_of(command)
        if command.view or not (own := _OF_VIEW.get(self._view.NAME)):
            return keys
        taken = {key for each in own for key in session.keys_of(each).split(",")}
        return ",".join(key for key in keys.split(",") if key not in taken)

    def handler_of(self, command: Command) -> Handler | None:
        """Return the handler of a command; None where the view has none."""
        if command.group is Group.VIEWS:
            session = self._view.session
            return lambda argument: session.navigator.go(session.view_of(command))
        found = (getattr(commands, command.handler, None) for commands in self.sets)
        return next(filter(None, found), None)

    def run(self, command: Command, argument: str = "") -> None:
        """Run a command; what its handler refuses is shown, not raised."""
        view = self._view
        view.before_command(command)
        handler = self.handler_of(command)
        if handler is None:
            view.notify(self._not_here(command))
            return
        if argument and not command.argument:
            view.notify(f":{command.word} takes no argument.")
            return
        if not argument and not self.offers(command):
            own = (commands.refusal(command) for commands in self.sets)
            view.notify(next(filter(None, own), "") or why_not(view, command))
            return
        try:
            handler(argument)
        except GputuiError as error:
            view.show_error(error)

    def _not_here(self, command: Command) -> str:
        """Return that the view does not have a command, and the view that has."""
        session = self._view.session
        text = f"{self._view.named(command).title}: not in this view."
        views = session.navigator.views_with(command)
        if command.view and f"view.{command.view}" not in BY_ID:
            opened_by = session.key_of(command.view)  # the command has the name of the view
            text = f"{text} It is in the view of {command.view} ({opened_by} on an instance)."
        if command.argument == _NAME and _MAIN in views:
            views = {_MAIN: views[_MAIN]}
        if 1 <= len(views) <= _MOST_VIEWS:
            there = " and ".join(f"{heading} ({session.key_of(shown)})" for shown, heading in views.items())
            text = f"{text} It is in {there}."
        return text
