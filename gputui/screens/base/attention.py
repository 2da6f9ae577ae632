"""When the user last looked: the end of the session before, or the last key before a long pause."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from gputui.history.preferences import Preferences
from gputui.history.values import UNUSABLE, time

_KEY = "last_looked"
AWAY = timedelta(minutes=30)
"""Without a key for so long, the user was away."""


class Attention:
    """Follows the keys of a session. ``since`` is when the user last looked before now, None where not known."""

    def __init__(self, preferences: Preferences, now: Callable[[], datetime]) -> None:
        self.since: datetime | None = None
        with suppress(*UNUSABLE):
            self.since = time(preferences.get(_KEY))
        self._preferences = preferences
        self._now = now
        self._last = now()

    def input_came(self) -> None:
        """Note a key or a click: after a long pause, the one before was the last look."""
        now = self._now()
        if now - self._last >= AWAY:
            self.since = self._last
        self._last = now

    def end(self) -> None:
        """Keep the time of the last key for the next session."""
        self._preferences.put(_KEY, self._last.timestamp())
