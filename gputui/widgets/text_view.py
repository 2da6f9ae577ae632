"""Long texts to read, search and copy: descriptions, JSON, the output of a command."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from itertools import zip_longest
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style as VisualStyle

from gputui.late_dataclasses import dataclass
from gputui.widgets.internal_errors import GuardedHandlers

_INDENT = re.compile(r" *(?:\S+(?: \S+)*  +)?")
_LONGEST_INDENT = 20
_BREAKS = "/-,;:=&?|"
"""Characters after which a word too long for a line may break."""


def wrapped(line: Content, width: int) -> list[Content]:
    """Break a line at words; what follows is under its text, after the indentation or label that it begins with."""
    if line.cell_length <= width:
        return [line]
    text = line.plain
    found = _INDENT.match(text[:_LONGEST_INDENT])
    indent = found.end() if found is not None else 0
    indent = indent if indent <= width // 2 else 0
    parts: list[Content] = []
    start = 0
    while start < len(text):
        room = max(2, width - indent if parts else width)
        end = start + room
        while cell_len(text[start:end]) > room:
            end -= 1
        if end < len(text):
            end = _break(text, start if parts else indent, end, width - indent)
        part = line[start:end].rstrip()
        parts.append(Content(" " * indent) + part if parts else part)
        start = end
        while text.startswith(" ", start):
            start += 1
    return parts


def _break(text: str, start: int, end: int, room: int) -> int:
    """Return where a part ends that may extend to ``end``: before a word, or within one longer than ``room``."""
    space = text.rfind(" ", start + 1, end + 1)
    mark = max(text.rfind(mark, start, end) for mark in _BREAKS)
    word = text.find(" ", space + 1, space + 2 + room)
    fits = word >= 0 or len(text) - space - 1 <= room
    return space if space > start and (fits or mark < space) else mark + 1 if mark > start else end


def same_cells(one: Content, other: Content) -> int:
    """Return how many cells at the beginning are the same in both, text and style."""
    same = next(
        (place for place, pair in enumerate(zip(one.plain, other.plain, strict=False)) if pair[0] != pair[1]),
        min(len(one.plain), len(other.plain)),
    )
    for spans, others in ((one.spans, other.spans), (other.spans, one.spans)):
        for span in spans:
            ends = (min(found.end, same) for found in others if found[::2] == span[::2])
            if span.start < same and min(span.end, same) not in ends:
                same = span.start
    return cell_len(one.plain[:same])


class SearchView(GuardedHandlers, ScrollView, can_focus=True):
    """The base of texts to scroll and search: only the lines in view are drawn. Lines are data, never markup."""

    DEFAULT_CSS = """
    SearchView {
        height: 1fr; width: 1fr; overflow-x: hidden; scrollbar-gutter: stable;
        scrollbar-size-vertical: 1; scrollbar-color: $muted; scrollbar-background: $surface;
    }
    SearchView > .search-view--match { background: $match; color: $match-text; text-style: bold; }
    SearchView > .search-view--cursor { background: $foreground 10%; }
    SearchView:focus > .search-view--cursor { background: $selected; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"search-view--match", "search-view--cursor"}

    _needle = ""

    @dataclass
    class Found(Message):
        """A search ended; ``summary`` is its result in words."""

        summary: str

    def find(self, needle: str) -> None:
        """Go to the first match at the place of now or after it; the case does not count."""
        self._needle = needle
        self.search(0)

    def action_find_again(self, step: int) -> None:
        """Go to the next (1) or previous (-1) match."""
        if self._needle:
            self.search(step)

    @abstractmethod
    def search(self, step: int) -> None:
        """Go to a match: the next (1), the previous (-1), or the first from the place of now on (0)."""

    def draw(self, line: Content, style: VisualStyle) -> Strip:
        """Return a line of the screen."""
        segments = [
            Segment(text, part.rich_style)
            for text, part in line.render(style, end="", parse_style=self.app.stylesheet.parse_style)
        ]
        return Strip(segments).crop_extend(0, self.size.width, style.rich_style)


class TextView(SearchView):
    """Wraps long lines to its width: at words, or with ``as_printed`` exactly at it, as a terminal does."""

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

    def __init__(self, lines: Sequence[Content] = (), *, as_printed: bool = False) -> None:
        super().__init__()
        self._as_printed = as_printed
        self._lines = list(lines)
        self._shown: list[Content] = []
        self._sources: list[int] = []
        """The number of the line that each part is of."""
        self._match: int | None = None

    @property
    def text(self) -> str:
        """All of it as plain text, not wrapped."""
        return "\n".join(line.plain for line in self._lines)

    def height_at(self, width: int, most: int) -> int:
        """Return how many lines the text has in a width, ``most`` at most."""
        height = 0
        for number in range(len(self._lines)):
            height += len(self._broken(number, width))
            if height >= most:
                return most
        return height

    def set_lines(self, lines: Sequence[Content]) -> None:
        """Show another text. A line of the screen that stays the same is not drawn again."""
        self._lines = list(lines)
        had_match, self._match = self._match is not None, None
        self._wrap(whole=had_match)

    def action_scroll_home(self) -> None:
        """Go to the top."""
        self.scroll_to(y=0, animate=False, immediate=True)

    def action_scroll_end(self) -> None:
        """Go to the end."""
        self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)

    def on_resize(self) -> None:
        """Wrap to the new width."""
        self._wrap(whole=True)

    def _wrap(self, *, whole: bool) -> None:
        width, height = self.scrollable_content_region.size
        if width <= 0:
            return
        before = self._shown
        parts = [(part, number) for number in range(len(self._lines)) for part in self._broken(number, width)]
        self._shown, self._sources = [part for part, _ in parts], [number for _, number in parts]
        # What fits has the size of the room that it has: a change of that size is a new layout.
        size = Size(width, max(height, len(parts)))
        if size != self.virtual_size:
            whole = not self._resize_text(size) or whole
        if whole:
            self.refresh()
            return
        for number, (old, new) in enumerate(zip_longest(before, self._shown)):
            if old is None or new is None or not old.is_same(new):
                self._refresh_difference(number, old or Content(""), new or Content(""))

    def _refresh_difference(self, number: int, old: Content, new: Content) -> None:
        """Draw a line again from the first cell that differs to the end of the longer text."""
        start = same_cells(old, new)
        width = max(old.cell_length, new.cell_length) - start
        self.refresh(Region(start, number - self.scroll_offset.y, max(1, width), 1))

    def _resize_text(self, size: Size) -> bool:
        """Take another size of the text; returns whether the lines are where they were."""
        self.virtual_size = size
        return False

    def _broken(self, number: int, width: int) -> list[Content]:
        """Return a line as it is broken at this width."""
        line = self._lines[number]
        return line.fold(width) if self._as_printed else wrapped(line, width)

    def search(self, step: int) -> None:
        """Go to a line that matches."""
        top = self.scroll_offset.y
        if not step:
            step, start = 1, top - 1
        else:
            start = top if self._match is None else self._match
        needle = self._needle.casefold()
        matches = [number for number, line in enumerate(self._shown) if needle in line.plain.casefold()]
        ahead = [number for number in matches if (number > start if step > 0 else number < start)]
        if matches:
            self._match = (ahead or matches)[0 if step > 0 else -1]
            self.scroll_to(y=max(0, self._match - self.size.height // 3), animate=False)
        else:
            self._match = None
        self.refresh()
        matching = "1 line matches" if len(matches) == 1 else f"{len(matches):,} lines match"
        found = "nothing matches" if self._match is None else f"{matching}, line {self._match + 1}"
        self.post_message(self.Found(found))

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        number = self.scroll_offset.y + y
        style = self.visual_style
        if number >= len(self._shown):
            return Strip.blank(self.size.width, style.rich_style)
        return self.draw(self._styled(number), style)

    def _styled(self, number: int) -> Content:
        """Return a line of the screen with what is marked in it."""
        line = self._shown[number]
        return line.stylize(self.get_visual_style("search-view--match")) if number == self._match else line
