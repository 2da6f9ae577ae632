"""Keys typed over the rows of the last session, before their account is open: carried out when it is."""

from __future__ import annotations

from textual.events import Key

from gputui.commands import BY_ID, COMMANDS, Group
from gputui.models import Ref
from gputui.screens.base.session import Session
from gputui.screens.base.view import View

_AT_ONCE = (BY_ID["quit"], BY_ID["back"])
"""Commands that take back the keys that wait, and are carried out at once."""


class EarlyKeys:
    """The keys that wait, and the row they were typed on.

    Each waits behind those before it, whatever its command is. They are carried out on that row alone: a wrong one
    could be stopped or deleted.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: list[Key] = []
        self._place: tuple[View, Ref | None] | None = None
        self.over = False
        """Whether every account is open, or known not to open: no key waits any more."""

    def add(self, key: Key, view: View | None) -> bool:
        """Let a key wait if it has to; returns whether it does. ``view`` has the keys; None where a dialog has."""
        if self.over or view is None:
            return False
        if any(key.key in self._session.keys_of(command).split(",") for command in _AT_ONCE):
            self._forget()
            return False
        if not self._waiting:
            if not self._acts(key.key) or self._can_act(view):
                return False
            row = view.row_here()
            self._place = view, None if row is None else row.ref
        self._waiting.append(key)
        return True

    def take(self, view: View | None) -> tuple[list[Key], bool]:
        """Return the keys that can be carried out now, in their order, and whether any were dropped instead.

        They are dropped when another view or row is in front by now.
        """
        if self._place is None:
            return [], False
        before, ref = self._place
        row = None if view is None else view.row_here()
        if view is not before or (None if row is None else row.ref) != ref:
            self._forget()
            return [], True
        if not self.over and not self._can_act(view):
            return [], False
        keys = self._waiting
        self._forget()
        return keys, False

    def _forget(self) -> None:
        self._waiting, self._place = [], None

    def _acts(self, key: str) -> bool:
        """Whether a key has a command that needs an open account."""
        commands = (command for command in COMMANDS if command.group is Group.ROW or command.action)
        return any(key in self._session.keys_of(command).split(",") for command in commands)

    def _can_act(self, view: View) -> bool:
        row = view.row_here()
        runtimes = self._session.fleet.runtimes
        asked = [row.ref.account] if row is not None else list(runtimes)
        return bool(asked) and all(name in runtimes and runtimes[name].was_opened for name in asked)
