"""The pane with the details of a row: right of the list on a wide terminal, below it on a narrow one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.geometry import Size

from gputui.presentation.details import Place
from gputui.widgets.linked_text import LinkedText
from gputui.widgets.textual_internals import resize_content

WIDE = 150
"""Columns of a terminal from which on list and details have room next to each other."""
ROOMY = 180
"""Columns from which on a list keeps its important columns next to the details."""
LEAST_HEIGHT = 20
"""Lines of a terminal from which on there is room for details below a list."""
_LEAST_LINES = 6


class DetailPane(LinkedText, inherit_bindings=False):
    """Has only keys that move, so that the commands of the view work while it has the focus."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    DetailPane {
        dock: right; width: 36%; max-width: 90; padding: 0 1 0 2; display: none;
        border-left: vkey $foreground 20%; overflow-y: scroll; scrollbar-background: $background;
    }
    DetailPane:focus { border-left: vkey $accent; }
    DetailPane.-below {
        dock: bottom; width: 1fr; max-width: 100%; padding: 0 1;
        border-left: none; border-top: hkey $foreground 20%;
    }
    DetailPane.-below:focus { border-top: hkey $accent; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", "Down", show=False, id="details.down"),
        Binding("k,up", "scroll_up", "Up", show=False, id="details.up"),
        Binding("ctrl+f,pagedown", "page_down", "Page down", show=False, id="details.page-down"),
        Binding("ctrl+u,pageup", "page_up", "Page up", show=False, id="details.page-up"),
        Binding("g,home", "scroll_home", "Top", show=False, id="details.top"),
        Binding("end", "scroll_end", "End", show=False, id="details.end"),
        Binding("enter", "open", "Open", show=False, id="details.open"),
        Binding("escape", "leave", "Back to the list", show=False, id="details.leave"),
        Binding("tab", "close", "Close", show=False, id="details.close"),
    ]

    def __init__(self, leave: Callable[[], None], close: Callable[[], None], go: Callable[[Place], None]) -> None:
        super().__init__(cut=True)
        self._leave, self._close, self._go = leave, close, go
        self._lines_below = 0

    @property
    def lines_below(self) -> int:
        """The lines that it takes from the list above it; 0 where it is hidden or next to the list."""
        return self._lines_below if self.display else 0

    def _resize_text(self, size: Size) -> bool:
        resize_content(self, size)  # the scroll bar has its cells whatever the size
        return True

    def action_leave(self) -> None:
        """Give the keys back to the list."""
        self._leave()

    def action_close(self) -> None:
        """Hide it."""
        self._close()

    @on(LinkedText.Opened)
    def _opened(self, event: LinkedText.Opened) -> None:
        event.stop()
        if isinstance(event.link, Place):
            self._go(event.link)

    def place(self, width: int, height: int) -> None:
        """Take the room that it has in a terminal of this size."""
        below = width < WIDE
        self.set_class(below, "-below")
        self._lines_below = max(_LEAST_LINES, height // 3) if below else 0
        self.styles.height = self._lines_below or "100%"
