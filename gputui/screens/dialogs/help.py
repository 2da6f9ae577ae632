"""The help: the keys of a view in sections, as many columns of them as the terminal has room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from textual.content import Content

from gputui.screens.dialogs.reader import ReaderDialog
from gputui.widgets.text_view import TextView

_RENEWED_SECONDS = 1.0


class Layout(Protocol):
    """Makes the lines of a text."""

    def __call__(self, width: int, *, whole: bool) -> Sequence[Content]:
        """Return the lines for a width; those of ``whole`` lack nothing, others may."""


class LaidOutText(TextView):
    """A text whose lines depend on its width. A search is in all of it: it shows the lines that lack nothing."""

    def __init__(self, make: Layout) -> None:
        super().__init__()
        self._make = make
        self._whole = False

    def on_resize(self) -> None:
        """Lay out the lines for the new width, before they are shown."""
        if (width := self.scrollable_content_region.width) > 0:
            self._lines = list(self._make(width, whole=self._whole))

    def find(self, needle: str) -> None:
        """Go to the first match."""
        if not self._whole:
            self._whole = True
            self.set_lines(self._make(self.scrollable_content_region.width, whole=True))
        super().find(needle)

    def lay_out_again(self) -> None:
        """Show the lines of now, if they are others."""
        if (width := self.scrollable_content_region.width) <= 0:
            return
        lines = list(self._make(width, whole=self._whole))
        same = len(lines) == len(self._lines) and all(map(Content.is_same, lines, self._lines))
        if not same:
            self.set_lines(lines)


class HelpDialog(ReaderDialog):
    """Reads like other texts; ``make`` gives the lines for a width, as they are now."""

    DEFAULT_CSS = """
    HelpDialog > .dialog { max-width: 190; }
    """

    def __init__(self, heading: str, make: Layout) -> None:
        super().__init__(heading, ())
        self.view: LaidOutText = LaidOutText(make)

    def on_mount(self) -> None:
        """Follow which keys work: rows may arrive, or change, while the help is open."""
        self.set_interval(_RENEWED_SECONDS, self.view.lay_out_again)

    def fit(self) -> None:
        """Take all the room: its columns depend on that."""
