"""A chart of readings over time, drawn with braille dots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from gputui.widgets.chart.buckets import Buckets, Timeline, runs, timeline
from gputui.widgets.chart.data import ChartData
from gputui.widgets.chart.painter import GUTTER, STYLE_NAMES, Picture, Trace, form, picture
from gputui.widgets.chart.raster import Cell, Raster
from gputui.widgets.chart.scale import span_of
from gputui.widgets.component_style import component_style
from gputui.widgets.internal_errors import GuardedHandlers

_SELECTED = "selected"
_BRAILLE_BYTES = 3
_PIECE_BYTES = 45
"""The bytes that the place and the colours of a piece take."""


class Chart(GuardedHandlers, Widget):
    """Title with the newest value, axes and an area; a sparkline where there is no room for that.

    The area reaches up to the mean of each bucket of time. Where a bucket holds several readings, a dot marks the
    highest of them. Only what differs from what is on the screen is written, and nothing moves by itself: the
    right edge is the time of the data last shown. ``phase`` (0 to 1) is when within a cell's time the picture
    moves on by that cell; where charts differ in it, they do not all move in the same refresh.
    """

    DEFAULT_CSS = """
    Chart { height: 1fr; width: 1fr; }
    Chart > .chart--title { color: $foreground; }
    Chart > .chart--selected { background: $accent; color: $background; text-style: bold; }
    Chart > .chart--value { color: $foreground; text-style: bold; }
    Chart > .chart--axis { color: $muted; }
    Chart > .chart--note { color: $muted; }
    Chart > .chart--stale { color: $muted; text-style: italic; }
    Chart > .chart--peak { color: $accent 45%; }
    Chart > .chart--line { color: $accent; }
    Chart > .chart--warning { color: $text-warning; }
    Chart > .chart--bad { color: $text-error; }
    Chart > .chart--load-1 { color: $load-1; }
    Chart > .chart--load-2 { color: $load-2; }
    Chart > .chart--load-3 { color: $load-3; }
    Chart > .chart--load-4 { color: $load-4; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{name}" for name in STYLE_NAMES}

    def __init__(self, *, phase: float = 0.0) -> None:
        super().__init__()
        self._phase = phase
        self.data: ChartData | None = None
        """The data that it shows."""
        self._selected = False
        self._buckets: tuple[str, Buckets] = "", Buckets(1.0)
        self._styles: dict[str, Style] = {}
        self._rows: list[list[Cell]] = []
        self._last: tuple[Size, Picture] | None = None

    def show(self, data: ChartData, *, selected: bool = False) -> None:
        """Show this; nothing is written when it looks as before."""
        self.data, self._selected = data, selected
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._draw()

    def notify_style_update(self) -> None:
        """Draw in the colours of now."""
        super().notify_style_update()
        if self.is_attached:
            # The colours of its parts are there only after this.
            self.call_later(self._restyle)

    def render_line(self, y: int) -> Strip:
        """Return a line; it is blank before there is something to draw."""
        if y >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        segments = [
            Segment("".join(text for text, _ in cells), self._style(name))
            for name, cells in groupby(self._rows[y], itemgetter(1))
        ]
        return Strip(segments).crop(0, self.size.width)

    # --- from data to what is on the screen --------------------------------------------------------------------

    def _restyle(self) -> None:
        self._styles.clear()
        self.refresh()

    def _draw(self) -> None:
        data, size = self.data, self.size
        if data is None or not size.area or not self.is_attached:
            return
        shape = form(size.width, size.height)
        line = timeline(self._window(data), data.now, shape.cells, shape.per_cell, self._phase)
        drawn = picture(data, self._trace(data, line), shape, line, selected=self._selected)
        if self._last == (size, drawn):
            return
        self._last = (size, drawn)
        before, self._rows = self._rows, _rows(drawn, size)
        if regions := _differing(before, self._rows, size):
            self.refresh(*regions)

    @staticmethod
    def _window(data: ChartData) -> float:
        if data.window is not None:
            return data.window
        return span_of((data.now - data.points[0][0]).total_seconds() if data.points else 0.0)

    def _trace(self, data: ChartData, line: Timeline) -> Trace:
        key, buckets = self._buckets
        if key != data.key or (buckets.length, buckets.offset) != (line.length, line.offset):
            buckets = Buckets(line.length, line.offset)
            self._buckets = data.key, buckets
        buckets.take(data.points, line.begin - line.columns // 4 * line.length)
        return Trace(runs(buckets.visible(line), line.length, data.interval), buckets.latest)

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self.rich_style
            if name:
                style += component_style(self, f"chart--{name}")
            self._styles[name] = style
        return style


def _rows(drawn: Picture, size: Size) -> list[list[Cell]]:
    """Return the cells of a picture."""
    raster = Raster(size.width, size.height)
    bottom = len(drawn.below)
    raster.fill(GUTTER, bottom, drawn.area, drawn.below)
    for column, dot in drawn.dots:
        raster.dot(GUTTER, bottom, column, dot)
    for text in drawn.texts:
        raster.write(*text)
    raster.join(without=_SELECTED)
    return raster.rows


def _differing(before: list[list[Cell]], after: list[list[Cell]], size: Size) -> list[Region]:
    """Return the cells that differ from what is on the screen, in pieces of lines."""
    if len(after) != len(before) or len(after[0]) != len(before[0]):
        return [size.region]
    return [
        Region(begin, y, end - begin, 1)
        for y, (old, new) in enumerate(zip(before, after, strict=True))
        if old != new
        for begin, end in _pieces(old, new)
    ]


def _pieces(old: Sequence[Cell], new: Sequence[Cell]) -> Iterator[tuple[int, int]]:
    """Yield begin and end of what differs; a few bytes that are the same cost less than another piece."""
    begin = end = same = 0
    for x, (cell, other) in enumerate(zip(new, old, strict=True)):
        if cell == other or (cell[0] == other[0] == " " and _SELECTED not in (cell[1], other[1])):
            same += 1 if cell[0].isascii() else _BRAILLE_BYTES
            continue
        if same > _PIECE_BYTES and end:
            yield begin, end
            begin = x
        elif not end:
            begin = x
        end, same = x + 1, 0
    if end:
        yield begin, end
