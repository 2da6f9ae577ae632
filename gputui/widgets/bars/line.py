"""One-line widgets, which write only when their text has changed: their base and the footer."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget


class Line(Widget):
    """One line of :class:`Content`, cut at the right edge with ``…``; the base of the header and the footer.

    A subclass whose content depends on the width makes it in ``lay_out``.
    """

    DEFAULT_CSS = """
    Line { height: 1; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.content = Content("")

    def show(self, content: Content) -> None:
        """Show this; nothing is written when it is there already."""
        if content.plain == self.content.plain and content.spans == self.content.spans:
            return
        self.content = content
        self.refresh()

    def lay_out(self) -> None:
        """Show the content that fits the width of now."""

    def on_resize(self) -> None:
        """Fit the content to the new width."""
        self.lay_out()

    def render(self) -> Content:
        """Return the line, cut to the width."""
        return self.content.truncate(self.size.width, ellipsis=True)


def spread(left: Content, right: Content, width: int) -> Content:
    """Put one part at the left and one at the right edge; the left one is cut where both do not fit."""
    room = width - right.cell_length
    if room < 8:
        return left.truncate(width, ellipsis=True)
    left = left.truncate(room - 1, ellipsis=True)
    return Content.assemble(left, " " * (room - left.cell_length), right)


def follow_caption(*, following: bool, new: int, key: str) -> Content:
    """Return that the end of a stream is followed, or the number of new rows below and the key that goes there."""
    if following:
        return Content.styled("   following", "$text-success")
    if new > 0:
        return Content.styled(f"   {new:,} new below ↓  {key} to follow", "$text-warning")
    return Content.styled(f"   paused  {key} to follow", "$muted")


class FooterBar(Line):
    """Shows as many keys as fit on one line; the last ones are always there."""

    DEFAULT_CSS = """
    FooterBar { background: $panel; color: $foreground; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[tuple[str, str], ...] = ()
        self._kept = 1

    def set_keys(self, keys: Sequence[tuple[str, str]], *, kept: int = 1) -> None:
        """Show these (key, what it does), in this order; the last ``kept`` also when the line is too short."""
        self._keys, self._kept = tuple(keys), kept
        self.lay_out()

    def lay_out(self) -> None:
        """Show the keys for which there is room."""
        if not self._keys:
            self.show(Content(""))
            return
        parts = [Content.assemble((key, "bold $text-accent"), f" {label}") for key, label in self._keys]
        first, last = parts[: len(parts) - self._kept], parts[len(parts) - self._kept :]
        gap = Content("   ")
        room = self.size.width - gap.join(last).cell_length
        shown: list[Content] = []
        for part in first:
            if part.cell_length + 3 > room:
                break
            shown.append(part)
            room -= part.cell_length + 3
        self.show(gap.join([*shown, *last]))
