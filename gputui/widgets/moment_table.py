"""The list under the lanes of a timeline: up and down go from moment to moment, left and right along the axis."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from gputui.late_dataclasses import dataclass
from gputui.models import Ref, Row
from gputui.widgets.table.table import RecordTable


class MomentTable(RecordTable[Row], inherit_bindings=False):
    """A table whose keys move the cursor of the axis as well."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Next moment", show=False, id="lanes.down"),
        Binding("k,up", "move(-1)", "Previous moment", show=False, id="lanes.up"),
        Binding("ctrl+f,pagedown", "page(1)", "Page down", show=False, id="lanes.page-down"),
        Binding("ctrl+u,pageup", "page(-1)", "Page up", show=False, id="lanes.page-up"),
        Binding("right", "along(1)", "Later", show=False, id="lanes.right"),
        Binding("left", "along(-1)", "Earlier", show=False, id="lanes.left"),
        Binding("shift+right", "pages(1)", "Half a window later", show=False, id="lanes.forward"),
        Binding("shift+left", "pages(-1)", "Half a window earlier", show=False, id="lanes.back"),
        Binding("g,home", "oldest", "Oldest", show=False, id="lanes.oldest"),
        Binding("end", "newest", "Now", show=False, id="lanes.newest"),
        Binding("enter", "open", "Open", show=False, id="lanes.open"),
    ]

    @dataclass
    class Along(Message):
        """The cursor of the axis is to move by ``parts`` of the window, or by ``pages``: halves of it."""

        parts: int = 0
        pages: int = 0

    @dataclass
    class ToEnd(Message):
        """The cursor is to go to the newest, or the oldest that is kept."""

        newest: bool

    def choose(self, ref: Ref) -> None:
        """Put the cursor on a moment; one that is out of view comes into the middle, so that few moves scroll."""
        place, top, page = self.index_of(ref), self.viewport.top, self.viewport.page
        if place is not None and not top <= place < top + page:
            self.viewport.scroll_to(place - page // 2)
        self.select(ref)

    def action_along(self, parts: int) -> None:
        """Move along the axis."""
        self.post_message(self.Along(parts=parts))

    def action_pages(self, pages: int) -> None:
        """Move along the axis by half a window."""
        self.post_message(self.Along(pages=pages))

    def action_newest(self) -> None:
        """Go to now."""
        self.post_message(self.ToEnd(newest=True))

    def action_oldest(self) -> None:
        """Go to the oldest that is kept."""
        self.post_message(self.ToEnd(newest=False))
