"""The base of command sets: commands that views list, each with its handler."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from textual.worker import WorkType

from gputui.commands import Command, Condition
from gputui.models import Resource, Row
from gputui.presentation.actions import candidates
from gputui.screens.base.session import FINDABLE, Session

if TYPE_CHECKING:
    from textual.app import App
    from textual.widget import Widget

    from gputui.screens.base.view import View
    from gputui.screens.dialogs.dialog import Dialog

_SHOWN = 6
"""Rows that a notification names where a name matches several; more are counted."""

S = TypeVar("S", bound="CommandSet")
DialogT = TypeVar("DialogT", bound="Dialog[Any]")
P = ParamSpec("P")

Started = Callable[Concatenate[S, P], None]
Work = Callable[Concatenate[S, P], Coroutine[Any, Any, None]]


class CommandSet:
    """Commands of a view. A handler is a method named ``do_<command id>``.

    It takes the argument typed behind the command, '' when a key was pressed. What it refuses it raises as
    GputuiError or shows. Of two sets with a handler for the same command, the one that the view lists first has it.
    """

    view: View

    def __init__(self, view: View) -> None:
        self.view = view

    @property
    def session(self) -> Session:
        """The session of the view."""
        return self.view.session

    @property
    def app(self) -> App[Any]:
        """The app of the view."""
        return self.view.app

    def conditions(self) -> Iterable[Condition]:
        """Yield the conditions that hold here, of those of this set."""
        return ()

    def remember(self) -> None:
        """Keep the choices of this set in the memory of the view."""

    def compose(self) -> Iterable[Widget]:
        """Yield the parts of the screen that are its own, behind the body of the view."""
        return ()

    def follow(self) -> Iterable[Callable[[], None]]:
        """Subscribe to what its part of the screen shows; yields the ways to stop."""
        return ()

    def cursor_moved(self) -> None:
        """Follow the cursor of the view."""

    def resized(self) -> None:
        """Take the room that the terminal has now."""

    def completions(self) -> Mapping[str, Sequence[str]]:
        """Return the arguments that its commands take here, by the name that the registry gives to the argument."""
        return {}

    def refusal(self, command: Command) -> str:
        """Return why a command is not offered here; '' for the general reason."""
        return ""

    def row_for(self, argument: str) -> Row | None:
        """Return the row that is named, else the one under the cursor."""
        return self.row_named(argument) if argument else self.view.row_here()

    def row_named(self, text: str, resources: Iterable[Resource] = FINDABLE) -> Row | None:
        """Return the one row of these lists with this name; shows why when there is none, or several."""
        found = self.session.find(text, resources)
        if len(found) == 1:
            return found[0]
        several = "\n".join([f"{text} matches several rows; name one of:", *candidates(found, _SHOWN)])
        self.view.notify(several if found else f"No match for {text}.")
        return None


def colored(session: Session, dialog: DialogT, accounts: Iterable[str]) -> DialogT:
    """Return a dialog about accounts with the colour of the first of them that has one."""
    found = ((name, style) for name in dict.fromkeys(accounts) if (style := session.account_style(name)))
    dialog.account = next(found, dialog.account)
    return dialog


def in_worker(group: str, *, exclusive: bool = False) -> Callable[[Work[S, P]], Started[S, P]]:
    """Run a method of a command set as a worker of its view; a GputuiError that it raises is shown."""

    def decorate(method: Work[S, P]) -> Started[S, P]:
        @wraps(method)
        def start(commands: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
            work: WorkType[None] = partial(method, commands, *args, **kwargs)
            commands.view.run_worker(
                work, name=method.__name__, group=group, exclusive=exclusive, exit_on_error=False
            )

        return start

    return decorate
