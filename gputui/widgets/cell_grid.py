"""The base of grids of styled cells: lines are drawn as a whole, and only the cells that have changed painted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class CellGrid(Widget, can_focus=True):
    """Draws all lines after each change, and paints the cells that differ. With the focus it shows its cursor."""

    STYLE_PREFIX: ClassVar[str]
    """The beginning of the names of its component classes."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  (Textual's own name for it)
        super().__init__(id=id)
        self._lines: list[list[Segment]] = []
        self._styles: dict[str, Style] = {}

    @abstractmethod
    def draw(self, width: int, height: int) -> list[list[Segment]]:
        """Return the lines as they are now, in this many cells."""

    def sync(self) -> None:
        """Paint what has changed."""
        width, height = self.size
        if not self.is_mounted or not width or not height:
            return
        before, self._lines = self._lines, self.draw(width, height)
        if len(before) != len(self._lines):
            self.refresh(Region(0, 0, width, height))
            return
        changed = [
            Region(x, y, length, 1)
            for y, (old, new) in enumerate(zip(before, self._lines, strict=True))
            for x, length in changed_cells(old, new, width)
            if x < width
        ]
        if changed:
            self.refresh(*changed)

    def style_of(self, name: str) -> Style:
        """Return a style of a component class; of the widget itself for ''."""
        found = self._styles.get(name)
        if found is None:
            # The visual style blends a share of a colour with what is behind it; the plain one would take it whole.
            visual = self.get_visual_style(f"{self.STYLE_PREFIX}--{name}") if name else self.visual_style
            found = self._styles[name] = visual.rich_style
        return found

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show the cursor, or hide it."""
        super().watch_has_focus(has_focus)
        self.sync()

    def notify_style_update(self) -> None:
        """Use the colours of the theme of now."""
        super().notify_style_update()
        self._styles = {}
        self._lines = []
        if self.is_mounted:
            self.sync()

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen as last synchronised."""
        width = self.size.width
        if y >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        return Strip(self._lines[y]).crop_extend(0, width, self.rich_style)


def changed_cells(before: Sequence[Segment], after: Sequence[Segment], width: int) -> list[tuple[int, int]]:
    """Return where two drawings of a line differ, as (first cell, number of cells)."""
    if [segment.cell_length for segment in before] != [segment.cell_length for segment in after]:
        return [(0, width)]
    spans: list[tuple[int, int]] = []
    x = 0
    for old, new in zip(before, after, strict=True):
        if old != new:
            spans.append((x, new.cell_length))
        x += new.cell_length
    return spans
