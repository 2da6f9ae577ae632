"""Lanes over an axis of time with a cursor: a move of it draws two columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gputui.late_dataclasses import dataclass
from gputui.presentation.lanes import LABEL_WIDTH, Cell, LaneLine
from gputui.widgets.internal_errors import GuardedHandlers

CURSOR = "▲"
_STYLES = ("accent", "warning", "bad", "muted", "load-1", "load-2", "load-3", "load-4", "label", "axis", "cursor")
LANES_HEIGHT = 6
"""Lines: five lanes, and the axis."""


class Lanes(GuardedHandlers, Widget):
    """Draws lanes and the axis. The cursor is a column of all lanes; on the axis it is an arrow."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Lanes { height: 6; width: 1fr; }
    Lanes > .lanes--accent { color: $text-accent; }
    Lanes > .lanes--warning { color: $text-warning; }
    Lanes > .lanes--bad { color: $text-error; text-style: bold; }
    Lanes > .lanes--muted { color: $muted; }
    Lanes > .lanes--load-1 { color: $load-1; }
    Lanes > .lanes--load-2 { color: $load-2; }
    Lanes > .lanes--load-3 { color: $load-3; }
    Lanes > .lanes--load-4 { color: $load-4; }
    Lanes > .lanes--label { color: $muted; }
    Lanes > .lanes--axis { color: $muted; }
    Lanes > .lanes--cursor { background: $selected; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"lanes--{name}" for name in _STYLES}

    @dataclass
    class Pointed(Message):
        """The mouse has chosen a part of the window."""

        slot: int

    class Resized(Message):
        """There is room for another number of parts."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  (Textual's own name for it)
        super().__init__(id=id)
        self._lines: tuple[LaneLine, ...] = ()
        self._axis = ""
        self._cursor = 0
        self._styles: dict[str, Style] = {}

    @property
    def slots(self) -> int:
        """The parts for which there is room."""
        return max(1, self.size.width - LABEL_WIDTH - 1)

    def show(self, lines: Sequence[LaneLine], axis: str, cursor: int) -> None:
        """Show these; only what differs is drawn."""
        before, self._lines = self._lines, tuple(lines)
        moved = cursor != self._cursor
        old_axis, old_cursor = self._axis, self._cursor
        self._axis, self._cursor = axis, cursor
        regions = [
            Region(0, y, self.size.width, 1)
            for y, line in enumerate(self._lines)
            if y >= len(before) or before[y] != line
        ]
        if axis != old_axis or len(before) != len(self._lines):
            regions.append(Region(0, len(self._lines), self.size.width, 1))
        if moved:
            height = len(self._lines) + 1
            regions += (Region(LABEL_WIDTH + slot, 0, 1, height) for slot in (old_cursor, cursor))
        if regions:
            self.refresh(*regions)

    def on_resize(self) -> None:
        """Ask for lanes of the new width."""
        self.post_message(self.Resized())

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is."""
        slot = event.x - LABEL_WIDTH
        if 0 <= slot < self.slots:
            self.post_message(self.Pointed(slot))

    def notify_style_update(self) -> None:
        """Use the colours of the theme of now."""
        super().notify_style_update()
        self._styles = {}

    def render_line(self, y: int) -> Strip:
        """Return a lane, or the axis."""
        width = self.size.width
        if y < len(self._lines):
            line = self._lines[y]
            cells = [Segment(f" {line.name:<{LABEL_WIDTH - 1}}", self._style("label")), *self._cells(line.cells)]
        elif y == len(self._lines) and self._axis:
            text = self._axis
            cells = [
                Segment(" " * LABEL_WIDTH, self._style("")),
                Segment(text[: self._cursor], self._style("axis")),
                Segment(CURSOR, self._style("accent")),
                Segment(text[self._cursor + 1 :], self._style("axis")),
            ]
        else:
            return Strip.blank(width, self.rich_style)
        return Strip(cells).crop_extend(0, width, self.rich_style)

    def _cells(self, cells: Sequence[Cell]) -> list[Segment]:
        """Return segments, equal neighbours as one."""
        segments: list[Segment] = []
        text, style = "", ""
        for slot, (character, name) in enumerate(cells):
            if slot == self._cursor:
                segments += (Segment(text, self._style(style)), Segment(character, self._under_cursor(name)))
                text, style = "", ""
                continue
            if name != style:
                segments.append(Segment(text, self._style(style)))
                text, style = "", name
            text += character
        return [segment for segment in (*segments, Segment(text, self._style(style))) if segment.text]

    def _style(self, name: str) -> Style:
        found = self._styles.get(name)
        if found is None:
            visual = self.get_visual_style(f"lanes--{name}") if name else self.visual_style
            found = self._styles[name] = visual.rich_style
        return found

    def _under_cursor(self, name: str) -> Style:
        return self._style(name) + Style(bgcolor=self._style("cursor").bgcolor, bold=True)
