"""A checkbox on a line of its own."""

from __future__ import annotations

from textual.content import Content
from textual.events import Click, Key
from textual.message import Message
from textual.widgets import Static

from gputui.widgets.internal_errors import GuardedHandlers

TICKED, FREE = "[x]", "[ ]"


def tick(on: bool) -> tuple[str, str]:
    """Return the box before what is chosen or not, with its style."""
    return (f"{TICKED} ", "bold $text-accent") if on else (f"{FREE} ", "$muted")


class Checkbox(GuardedHandlers, Static, can_focus=True):
    """``[x] label``: space toggles it. ``key`` is shown behind the label, for a dialog that binds it."""

    DEFAULT_CSS = """
    Checkbox { width: 1fr; height: auto; padding: 0 1; }
    Checkbox:focus { background: $selected; }
    """

    class Changed(Message):
        """It was checked, or unchecked."""

    def __init__(self, label: str, *, key: str = "", value: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._label = label
        self._key = key
        self.value = value
        """Whether it is checked."""
        self.update(self.draw())

    def toggle(self) -> None:
        """Check it, or uncheck it."""
        self.value = not self.value
        self.update(self.draw())
        self.post_message(self.Changed())

    def draw(self) -> Content:
        """Return its text."""
        return Content.assemble(
            tick(self.value),
            (self._label, "bold" if self.value else ""),
            (f" ({self._key})" if self._key else "", "$muted"),
        )

    def on_key(self, event: Key) -> None:
        """Toggle it with space."""
        if event.key == "space":
            event.stop()
            self.toggle()

    def on_click(self, event: Click) -> None:
        """Toggle it with the mouse."""
        event.stop()
        self.toggle()
