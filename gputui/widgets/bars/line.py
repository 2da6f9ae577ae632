"""A one-line widget that writes to the terminal only when its text has changed."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget


class Line(Widget):
    """One line of :class:`Content`, cut at the right edge with ``…``; the base of the header, title and footer.

    A subclass whose content depends on the width makes it in ``lay_out``.
    """

    DEFAULT_CSS = """
    Line { height: 1; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._content = Content("")

    @property
    def content(self) -> Content:
        """The content."""
        return self._content

    def show(self, content: Content) -> None:
        """Show this; nothing is written when it is there already."""
        if content.plain == self._content.plain and content.spans == self._content.spans:
            return
        self._content = content
        self.refresh()

    def lay_out(self) -> None:
        """Show the content that fits the width of now."""

    def on_resize(self) -> None:
        """Fit the content to the new width."""
        self.lay_out()

    def render(self) -> Content:
        """Return the line, cut to the width."""
        return self._content.truncate(self.size.width, ellipsis=True)


def spread(left: Content, right: Content, width: int) -> Content:
    """Put one part at the left and one at the right edge; the left one is cut where both do not fit."""
    room = width - right.cell_length
    if room < 8:
        return left.truncate(width, ellipsis=True)
    left = left.truncate(room - 1, ellipsis=True)
    return Content.assemble(left, " " * (room - left.cell_length), right)
