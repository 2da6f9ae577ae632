"""Messages as they are drawn: a glyph and a colour for the severity, over a dialog in lines of their own."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.widgets import Static

from gputui.widgets.bars.line import spread

_LOOKS = {"error": ("✗", "$text-error"), "warning": ("!", "$text-warning")}
_INFORMATION = "•", "$text-accent"
_MOST_LINES, _PADDING = 3, 2


def message_content(text: str, severity: str) -> Content:
    """Return a message with its glyph; errors and warnings in their colour."""
    glyph, style = _LOOKS.get(severity, _INFORMATION)
    return Content.assemble((f"{glyph} ", f"bold {style}"), (text, style if severity in _LOOKS else "$foreground"))


class MessageLine(Static):
    """Shows a message over a dialog; ``top`` returns the terminal's line at which one of so many lines begins."""

    DEFAULT_CSS = """
    MessageLine { dock: top; layer: messages; width: 1fr; height: auto; padding: 0 1; background: $panel; }
    """

    def __init__(self, top: Callable[[int], int]) -> None:
        super().__init__()
        self._top = top
        self._message: Content | None = None
        self._more = Content("")

    def show(self, message: Content | None, more: int = 0) -> None:
        """Show a message and how many others there are, or none."""
        self._message = message
        self._more = Content.styled(f"  +{more}" if more else "", "$muted")
        self.display = message is not None
        self.place()

    def place(self) -> None:
        """Break the message into lines for the terminal of now, and show them where they cover least."""
        if self._message is None:
            return
        width = self.app.size.width - _PADDING
        lines = self._message.wrap(width)
        if len(lines) > _MOST_LINES:
            lines[_MOST_LINES - 1 :] = [Content.assemble(lines[_MOST_LINES - 1], " …").truncate(width, ellipsis=True)]
        if self._more:
            lines[-1] = spread(lines[-1].rstrip(), self._more, width)
        self.styles.offset = 0, self._top(len(lines))
        self.update(Content("\n").join(lines))
