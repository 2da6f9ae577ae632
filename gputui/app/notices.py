"""Messages on their way to the screen: at once, after a shell, in the title of a view or over a dialog."""

from __future__ import annotations

from functools import partial
from typing import Any

from textual.app import App, ScreenStackError
from textual.dom import DOMNode
from textual.screen import Screen

from gputui.screens.base.messages import Message, Messages
from gputui.screens.base.view import View
from gputui.screens.dialogs.dialog import Dialog
from gputui.widgets.bars.message_line import message_content

_SECONDS = 5.0


def place_of(node: DOMNode) -> Screen[Any] | None:
    """Return the dialog or view that a failure in a part of the screen is about.

    None for one of the app itself, and of a view while another one is in front.
    """
    screen = next((one for one in node.ancestors_with_self if isinstance(one, Screen)), None)
    return screen.if_in_front if isinstance(screen, View) else screen


class Notices:
    """Shows messages; those that come before the first view, or while a shell has the terminal, after it.

    A view shows them in its title by itself (:class:`gputui.screens.base.frame.Frame`).
    """

    def __init__(self, app: App[Any], messages: Messages) -> None:
        self._app = app
        self._messages = messages
        self._deferred: list[Message] = []
        messages.subscribe(self._show_over_dialogs)

    def add(
        self,
        text: str,
        *,
        title: str = "",
        severity: str = "information",
        timeout: float | None = None,
        about: Screen[Any] | None = None,
        now: bool,
    ) -> None:
        """Show a message for ``timeout`` seconds; unless ``now``, when ``show_deferred`` is called.

        ``about``: it ends when another view takes the place of this one, or with this dialog.
        """
        message = Message(text, title, severity, timeout or _SECONDS, about=about)
        self._messages.keep(message)
        if now:
            self._show(message)
        else:
            self._deferred.append(message)

    def show_deferred(self) -> None:
        """Show the messages that could not be shown when they came."""
        deferred, self._deferred = self._deferred, []
        for message in deferred:
            self._show(message)

    def _show(self, message: Message) -> None:
        app = self._app
        try:
            front = app.screen
        except ScreenStackError:
            return  # the program has ended
        message.over = None if isinstance(front, View) else front
        self._messages.show(message)
        app.set_timer(message.seconds, partial(self._messages.end, message))

    def _show_over_dialogs(self) -> None:
        for screen in self._app.screen_stack:
            if isinstance(screen, Dialog) and screen.is_mounted:
                live = [one for one in self._messages.live if one.over is screen]
                shown = message_content(live[-1].line, live[-1].severity) if live else None
                screen.show_message(shown, len(live) - 1)
