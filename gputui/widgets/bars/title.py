"""The line under the header: the view, its number of rows, and its limits."""

from __future__ import annotations

from textual.content import Content

from gputui.widgets.bars.line import Line, spread


class TitleLine(Line):
    """Breadcrumbs and counts at the left, marks and order at the right."""

    DEFAULT_CSS = """
    TitleLine { padding: 0 1; color: $foreground; }
    """

    _parts = Content(""), Content("")

    def set_parts(self, left: Content, right: Content) -> None:
        """Show these two parts."""
        self._parts = left, right
        self.lay_out()

    def lay_out(self) -> None:
        """Spread the parts over the width."""
        width = self.size.width - 2
        if width > 0:
            self.show(spread(*self._parts, width))


def follow_caption(*, following: bool, new: int, key: str) -> Content:
    """Return that the end of a stream is followed, or the number of new rows below and the key that goes there."""
    if following:
        return Content.styled("   following", "$text-success")
    if new > 0:
        return Content.styled(f"   {new:,} new below ↓  {key} to follow", "$text-warning")
    return Content.styled(f"   paused  {key} to follow", "$muted")
