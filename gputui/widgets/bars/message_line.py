"""Messages as they are drawn: a glyph and a colour for the severity, over a dialog in a line of their own."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

_LOOKS = {"error": ("✗", "$text-error"), "warning": ("!", "$text-warning")}
_INFORMATION = "•", "$text-accent"


def message_content(text: str, severity: str) -> Content:
    """Return a message with its glyph; errors and warnings in their colour."""
    glyph, style = _LOOKS.get(severity, _INFORMATION)
    return Content.assemble((f"{glyph} ", f"bold {style}"), (text, style if severity in _LOOKS else "$foreground"))


class MessageLine(Static):
    """Shows a message at the top of the terminal, over the view behind a dialog."""

    DEFAULT_CSS = """
    MessageLine {
        dock: top; layer: messages; width: 1fr; height: auto; max-height: 3; padding: 0 1; background: $panel;
    }
    """
