"""A long text to read, search and copy: descriptions, JSON, the output of a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip


class TextView(ScrollView, can_focus=True):
    """Wraps to its width and draws only the lines that are seen.

    Lines are data, never markup. ``find`` moves to the next line that holds a text, whatever its case.
    """

    DEFAULT_CSS = """
    TextView {
        height: 1fr; width: 1fr; overflow-x: hidden; scrollbar-gutter: stable;
        scrollbar-size-vertical: 1; scrollbar-color: $muted; scrollbar-background: $surface;
    }
    TextView > .text-view--match { background: $match; color: $match-text; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"text-view--match"}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", "Down", show=False, id="text.down"),
        Binding("k,up", "scroll_up", "Up", show=False, id="text.up"),
        Binding("ctrl+f,pagedown,space", "page_down", "Page down", show=False, id="text.page-down"),
        Binding("ctrl+u,pageup", "page_up", "Page up", show=False, id="text.page-up"),
        Binding("g,home", "scroll_home", "Top", show=False, id="text.top"),
        Binding("G,end", "scroll_end", "End", show=False, id="text.end"),
        Binding("n", "find_again(1)", "Next match", show=False, id="text.next"),
        Binding("N", "find_again(-1)", "Previous match", show=False, id="text.previous"),
    ]

    @dataclass
    class Found(Message):
        """A search ended; ``summary`` is its result in words."""

        summary: str

    def __init__(self, lines: Sequence[Content] = (), *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines = list(lines)
        self._shown: list[Content] = []
        self._needle = ""
        self._match: int | None = None

    @property
    def text(self) -> str:
        """All of it as plain text, not wrapped."""
        return "\n".join(line.plain for line in self._lines)

    def set_lines(self, lines: Sequence[Content]) -> None:
        """Show another text, from its top."""
        self._lines = list(lines)
        self._match = None
        self._wrap()

    def on_resize(self) -> None:
        """Wrap to the new width."""
        self._wrap()

    def _wrap(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        self._shown = [
            part for line in self._lines for part in ([line] if line.cell_length <= width else line.fold(width))
        ]
        self.virtual_size = Size(width, len(self._shown))
        self.refresh()

    def find(self, needle: str) -> None:
        """Go to the first line at or below the top one that holds ``needle``."""
        self._needle = needle.casefold()
        self._match = None
        self._go(1, self.scroll_offset.y - 1)

    def action_find_again(self, step: int) -> None:
        """Go to the next (1) or previous (-1) match."""
        if self._needle:
            self._go(step, self.scroll_offset.y if self._match is None else self._match)

    def _go(self, step: int, start: int) -> None:
        matches = [number for number, line in enumerate(self._shown) if self._needle in line.plain.casefold()]
        ahead = [number for number in matches if (number > start if step > 0 else number < start)]
        if matches:
            self._match = (ahead or matches)[0 if step > 0 else -1]
            self.scroll_to(y=max(0, self._match - self.size.height // 3), animate=False)
        else:
            self._match = None
        self.refresh()
        found = "nothing matches" if self._match is None else f"{len(matches)} lines match, line {self._match + 1}"
        self.post_message(self.Found(found))

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        top = self.scroll_offset.y
        number = top + y
        width = self.size.width
        style = self.visual_style
        if number >= len(self._shown):
            return Strip.blank(width, style.rich_style)
        line = self._shown[number]
        if number == self._match:
            line = line.stylize(self.get_visual_style("text-view--match"))
        segments = [
            Segment(text, part.rich_style)
            for text, part in line.render(style, end="", parse_style=self.app.stylesheet.parse_style)
        ]
        return Strip(segments).crop_extend(0, width, style.rich_style)
