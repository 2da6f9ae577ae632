"""Notifications on this terminal: a message, the bell, and those of its desktop."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.notifications import SeverityLevel as Severity

from gputui.agent.protocol import NOTICE, PROBLEM, error_from_plain
from gputui.errors import GputuiError
from gputui.models.notifications import Notification, Topic
from gputui.models.serialize import from_plain
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.agent.link import Link
    from gputui.fleet import Fleet
    from gputui.fleet.notifications.notifier import Notifier
    from gputui.fleet.notifications.settings import Settings

_SECONDS = 30
_LONGEST = 200
"""Characters of a notification for the desktop."""
_BAD = frozenset({Topic.FAILED, Topic.UNREACHABLE, Topic.RUN_OUT, Topic.STOPPED})


def desktop_sequence(kind: str, notification: Notification, environ: Mapping[str, str] = os.environ) -> str:
    """Return what makes a terminal show a notification of its desktop: OSC 9 or OSC 777; '' for ``none``.

    Inside tmux it is passed through: from any window with ``allow-passthrough all``, with ``on`` from one in view.
    """
    title, text = (clean(part).replace(";", ",")[:_LONGEST] for part in (notification.title, notification.text))
    sequences = {
        "osc9": f"\x1b]9;gputui: {title}: {text}\x07",
        "osc777": f"\x1b]777;notify;gputui: {title};{text}\x07",
    }
    sequence = sequences.get(kind, "")
    if sequence and environ.get("TMUX"):
        escaped = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{escaped}\x1b\\"
    return sequence


class TerminalNotifications:
    """Shows notifications of a fleet in an app, and delivers them on the other ways that the user has configured."""

    def __init__(self, app: App[Any], write: Callable[[str], object]) -> None:
        self._app = app
        self._write = write
        self._notifier: Notifier | None = None
        self._settings: Settings | None = None

    def follow(self, fleet: Fleet) -> None:
        """Notify of what happens in a fleet from now on."""
        from gputui.fleet.notifications.notifier import Notifier

        self._settings = fleet.notify
        self._notifier = Notifier(
            fleet, fleet.notify, show=partial(self._show, fleet.notify), on_problem=self._show_problem
        )
        self._notifier.start()

    async def follow_agent(self, agent: Link) -> None:
        """Show what the agent announces from now on; command and webhook have it from the agent."""
        agent.report_other_build(self._show_problem)
        await agent.subscribe(NOTICE, self._take_notice)
        await agent.subscribe(PROBLEM, self._take_problem)

    def _take_notice(self, data: object) -> None:
        if self._settings is not None and isinstance(data, dict):
            notice = from_plain(Notification, data)
            # The session shows the news of leases by itself, with its keys: here they are for the desktop alone.
            self._show(self._settings, replace(notice, shown=notice.shown or notice.topic is Topic.LEASE))

    def _take_problem(self, data: object) -> None:
        self._show_problem(error_from_plain(data))

    def announce(self, notification: Notification) -> None:
        """Deliver a notification that was shown here already, if its topic is chosen."""
        if self._notifier is not None:
            self._notifier.announce(notification)

    async def aclose(self) -> None:
        """Stop."""
        if self._notifier is not None:
            await self._notifier.aclose()

    def _show(self, settings: Settings, notification: Notification) -> None:
        if not notification.shown:
            severity: Severity = "warning" if notification.topic in _BAD else "information"
            self._app.notify(
                notification.text, title=notification.title, severity=severity, markup=False, timeout=_SECONDS
            )
            if settings.bell:
                self._app.bell()
        if sequence := desktop_sequence(settings.terminal, notification):
            self._write(sequence)

    def _show_problem(self, error: GputuiError) -> None:
        self._app.notify(str(error), title=error.title, severity="error", markup=False, timeout=_SECONDS)
