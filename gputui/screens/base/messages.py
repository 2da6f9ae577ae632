"""The messages of a session: refusals, warnings and results, those shown now and all that were."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import field
from datetime import UTC, datetime

from gputui.late_dataclasses import dataclass
from gputui.text import clean

MOST_KEPT = 500
"""The messages kept for :messages."""
ERROR, INFORMATION = "error", "information"


@dataclass(slots=True, eq=False)
class Message:
    """One message. ``severity`` is ``information``, ``warning`` or ``error``; ``seconds`` is how long it is shown.

    ``over`` is the dialog that was in front when it came, None for a view. ``about`` is the view or dialog in which
    something was refused or failed: it ends with that; None for what is true in all views, such as a result.
    """

    text: str
    title: str = ""
    severity: str = "information"
    seconds: float = 5.0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    over: object = None
    about: object = None
    key_came: bool = False
    """Whether the user has pressed a key since it is shown."""
    overdue: bool = False
    """Whether it was shown long enough."""
    superseded: bool = False
    """Whether a later one took its place: it is counted next to that, and not shown again after it."""

    @property
    def words(self) -> tuple[str, str, str]:
        """The title, the text and the severity."""
        return self.title, self.text, self.severity

    @property
    def line(self) -> str:
        """All of it on one line."""
        text = "  ".join(filter(None, map(str.strip, self.text.splitlines())))
        title = self.title.rstrip(".:")
        return f"{title}: {text}" if title and not text.startswith(title) else text


class Messages:
    """Shows each message for its time. An error stays after it until the next key: it may be read late.

    A result that a later message covers is not shown again after that: many of them would cover the title for long.
    """

    def __init__(self) -> None:
        self.kept: deque[Message] = deque(maxlen=MOST_KEPT)
        """All messages of the session, the newest last."""
        self.live: list[Message] = []
        """Those shown now, the newest last."""
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` when the messages shown change; returns the way to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def keep(self, message: Message) -> None:
        """Note that a message came, whether or not it can be shown now. One that is repeated is kept once."""
        message.text = clean(message.text, multiline=True)
        message.title = clean(message.title)
        if self.kept and self.kept[-1].words == message.words:
            self.kept.pop()
        self.kept.append(message)

    def show(self, message: Message) -> None:
        """Show a message, in place of one with the same words."""
        self.live = [one for one in self.live if one.words != message.words]
        for one in self.live:
            one.superseded = one.superseded or (one.severity == INFORMATION and one.over is message.over)
        self.live.append(message)
        self._notify()

    def end(self, message: Message) -> None:
        """Note that a message was shown for its time."""
        message.overdue = True
        self._drop_read()

    def note_key(self) -> None:
        """Note that the user pressed a key, or clicked."""
        for message in self.live:
            message.key_came = True
        self._drop_read()

    def leave(self, screen: object) -> None:
        """Show no longer what is about a view that another one takes the place of, or a dialog that is closed."""
        still = [one for one in self.live if one.about is None or one.about is not screen]
        if len(still) != len(self.live):
            self.live = still
            self._notify()

    def clear(self) -> None:
        """Show none of them any more."""
        if self.live:
            self.live = []
            self._notify()

    def _drop_read(self) -> None:
        still = [one for one in self.live if not (one.overdue and (one.key_came or one.severity != ERROR))]
        while still and still[-1].superseded:
            still.pop()
        if len(still) != len(self.live):
            self.live = still
            self._notify()

    def _notify(self) -> None:
        for listener in tuple(self._listeners):
            listener()
