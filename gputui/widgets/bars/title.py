"""The line under the header: where one is, how many rows, what limits them."""

from __future__ import annotations

from textual.content import Content

from gputui.widgets.bars.line import Line, spread


class TitleLine(Line):
    """Breadcrumbs and counts at the left, marks and order at the right."""

    DEFAULT_CSS = """
    TitleLine { padding: 0 1; color: $foreground; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._left = Content("")
        self._right = Content("")

    def set_parts(self, left: Content, right: Content) -> None:
        """Show these two parts."""
        self._left, self._right = left, right
        self._layout()

    def on_resize(self) -> None:
        """Spread the parts over the new width."""
        self._layout()

    def _layout(self) -> None:
        width = self.size.width - 2
        if width > 0:
            self.show(spread(self._left, self._right, width))
