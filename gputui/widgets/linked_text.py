"""A text to read, some lines of which name things that open."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.strip import Strip

from gputui.late_dataclasses import dataclass
from gputui.widgets.text_view import TextView, wrapped

_OPENS = " ›"
"""Behind what opens."""


class LinkedText(TextView):
    """Goes from link to link as it moves: to the next one where it is in view, else a line further.

    ``cut``: lines with a link are cut to the width, not wrapped.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Open", show=False, id="text.open")]

    @dataclass
    class Opened(Message):
        """A link was chosen."""

        link: Hashable

    def __init__(
        self, lines: Sequence[Content] = (), links: Mapping[int, Hashable] | None = None, *, cut: bool = False
    ) -> None:
        super().__init__(lines)
        self._links: Mapping[int, Hashable] = links or {}
        self._cut = cut
        self._at: int | None = None
        """The number of the line whose link is selected."""

    @property
    def link(self) -> Hashable | None:
        """The link that is selected."""
        return None if self._at is None else self._links.get(self._at)

    def set_linked(self, lines: Sequence[Content], links: Mapping[int, Hashable], *, top: bool = False) -> None:
        """Show another text with its links, by number of line; the one selected stays so. ``top``: from its top."""
        selected, self._links = self.link, links
        kept = () if top or selected is None else (number for number, link in links.items() if link == selected)
        self._select(next(iter(kept), None))
        self.set_lines(lines)
        if top and self.scroll_offset.y:
            self.scroll_to(y=0, animate=False, immediate=True, force=True)

    def _broken(self, number: int, width: int) -> list[Content]:
        if number not in self._links:
            return super()._broken(number, width)
        room = width - len(_OPENS)
        line = self._lines[number]
        parts = [line.truncate(room, ellipsis=True)] if self._cut else wrapped(line, room)
        return [*parts[:-1], Content.assemble(parts[-1], (_OPENS, "$text-accent"))]

    # --- moving ----------------------------------------------------------------------------------------------

    def _select(self, at: int | None) -> None:
        if at != self._at:
            for number, source in enumerate(self._sources):
                if source in (at, self._at):
                    self.refresh_line(number)
            self._at = at

    def _in_view(self, margin: int) -> list[int]:
        """Return the links in view, and those ``margin`` lines further down (or up, where it is negative)."""
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        first, last = top + min(0, margin), top + height + max(0, margin)
        return [number for number in dict.fromkeys(self._sources[max(0, first) : last]) if number in self._links]

    def _move(self, step: int) -> bool:
        """Select the next link (1), or the one before (-1), if it is in view."""
        near = self._in_view(step)
        if self._at is None or self._at not in near:
            found = near[:1] if step > 0 else near[-1:]
        else:
            found = [number for number in near if (number > self._at if step > 0 else number < self._at)]
            found = found[:1] if step > 0 else found[-1:]
        if not found:
            return False
        self._select(found[0])
        self._reveal(found[0])
        return True

    def _reveal(self, at: int) -> None:
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        first = self._sources.index(at)
        if not top <= first < top + height:
            self.scroll_to(y=first if first < top else first - height + 1, animate=False, immediate=True, force=True)

    def action_scroll_down(self) -> None:
        """Go to the next link, else a line down."""
        if not self._move(1):
            self.scroll_relative(y=1, animate=False, immediate=True)

    def action_scroll_up(self) -> None:
        """Go to the link before, else a line up."""
        if not self._move(-1):
            self.scroll_relative(y=-1, animate=False, immediate=True)

    def action_scroll_home(self) -> None:
        """Go to the top, and to the first link there."""
        super().action_scroll_home()
        self._select(next(iter(self._in_view(0)), None))

    def action_scroll_end(self) -> None:
        """Go to the end, and to the last link there."""
        super().action_scroll_end()
        self._select(next(reversed(self._in_view(0)), None))

    def action_open(self) -> None:
        """Open what the selected line names."""
        if (link := self.link) is not None:
            self.post_message(self.Opened(link))

    def on_click(self, event: events.Click) -> None:
        """Select the link that is clicked; a double click opens it."""
        number = self.scroll_offset.y + event.y
        if number < len(self._sources) and (at := self._sources[number]) in self._links:
            self._select(at)
            if event.chain == 2:
                self.action_open()

    # --- drawing ---------------------------------------------------------------------------------------------

    def on_focus(self) -> None:
        """Select the first link in view where none is."""
        if self._at is None:
            self._select(next(iter(self._in_view(0)), None))

    def _wrap(self, *, whole: bool) -> None:
        super()._wrap(whole=whole)
        if self.has_focus:  # a new text, or one that had no width before
            self.on_focus()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen: the selected one from edge to edge."""
        number = self.scroll_offset.y + y
        if not self.has_focus or number >= len(self._sources) or self._sources[number] != self._at:
            return super().render_line(y)
        return self.draw(self._styled(number), self.visual_style + self.get_visual_style("search-view--cursor"))
