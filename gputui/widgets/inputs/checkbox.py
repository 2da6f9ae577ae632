"""A choice of yes or no on a line of its own."""

from __future__ import annotations

from textual.content import Content
from textual.events import Click, Key
from textual.message import Message
from textual.widgets import Static

from gputui.widgets.internal_errors import GuardedHandlers


class Tick(GuardedHandlers, Static, can_focus=True):
    """``[x] words``: space changes it. ``key`` stands behind the words, for a dialog that binds it."""

    DEFAULT_CSS = """
    Tick { width: 1fr; height: auto; padding: 0 1; }
    Tick:focus { background: $selected; }
    """

    class Changed(Message):
        """It was ticked, or unticked."""

    def __init__(self, words: str, *, key: str = "", value: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._words = words
        self._key = key
        self._value = value
        self._draw()

    @property
    def value(self) -> bool:
        """Whether it is ticked."""
        return self._value

    def toggle(self) -> None:
        """Tick it, or untick it."""
        self._value = not self._value
        self._draw()
        self.post_message(self.Changed())

    def _draw(self) -> None:
        self.update(
            Content.assemble(
                ("[x] ", "bold $text-accent") if self._value else ("[ ] ", "$muted"),
                (self._words, "bold" if self._value else ""),
                (f" ({self._key})" if self._key else "", "$muted"),
            )
        )

    def on_key(self, event: Key) -> None:
        """Change it with space."""
        if event.key == "space":
            event.stop()
            self.toggle()

    def on_click(self, event: Click) -> None:
        """Change it with the mouse."""
        event.stop()
        self.toggle()
