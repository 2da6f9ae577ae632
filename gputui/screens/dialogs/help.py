"""The help: the keys of a view in sections, as many columns of them as the terminal has room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content

from gputui.screens.dialogs.reader import ReaderDialog
from gputui.widgets.text_view import TextView


class LaidOutText(TextView):
    """A text whose lines depend on its width."""

    def __init__(self, make: Callable[[int], Sequence[Content]]) -> None:
        super().__init__()
        self._make = make

    def on_resize(self) -> None:
        """Lay out the lines for the new width, before they are shown."""
        if (width := self.scrollable_content_region.width) > 0:
            self._lines = list(self._make(width))


class HelpDialog(ReaderDialog):
    """Reads like other texts; ``make`` gives the lines for a width."""

    DEFAULT_CSS = """
    HelpDialog > .dialog { max-width: 190; }
    """

    def __init__(self, heading: str, make: Callable[[int], Sequence[Content]]) -> None:
        super().__init__(heading, ())
        self.view = LaidOutText(make)

    def fit(self) -> None:
        """Take all the room: its columns depend on that."""
