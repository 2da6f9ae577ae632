"""A chart of readings over time, drawn on a canvas of braille dots. It imports numpy: import it when first shown."""

from __future__ import annotations

from typing import ClassVar, Self

from rich.cells import split_graphemes
from textual.geometry import Region, Size
from textual.strip import Strip
from textual_hires_canvas import Canvas, HiResMode

from gputui.widgets.chart.buckets import Buckets, Timeline, runs, timeline
from gputui.widgets.chart.data import ChartData
from gputui.widgets.chart.painter import STYLE_NAMES, Picture, Trace, form, picture
from gputui.widgets.chart.scale import span_of
from gputui.widgets.component_style import component_style
from gputui.widgets.internal_errors import GuardedHandlers

_BRAILLE = range(0x2800, 0x2900)
Row = tuple[tuple[str, str], ...]


class Chart(GuardedHandlers, Canvas):
    """Title with the newest value, axes and a line; a sparkline where there is no room for that.

    The line goes through the mean of each bucket of time. Where a bucket holds several readings, a dot marks the
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
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{name}" for name in STYLE_NAMES}

    def __init__(self, *, phase: float = 0.0) -> None:
        super().__init__(1, 1, HiResMode.BRAILLE)
        self._phase = phase
        self.data: ChartData | None = None
        """The data that it shows."""
        self._selected = False
        self._buckets: tuple[str, Buckets] = "", Buckets(1.0)
        self._colours: dict[str, str] = {}
        self._rows: list[Row] = []
        self._last: tuple[Size, Picture] | None = None
        self._drawing = False

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
        self._colours.clear()
        self._last = None
        if self.is_attached:
            # The colours of its parts are there only after this.
            self.call_later(self._draw)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Repaint; not while the canvas is being drawn on, what differs in the end is repainted then."""
        if self._drawing:
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def set_pixel(self, x: int, y: int, char: str = "█", style: str = "white") -> None:
        """Put a character into a cell; the dots that are there already stay."""
        if ord(char[:1] or " ") in _BRAILLE:
            before = ord(self.get_pixel(x, y)[0][:1] or " ")
            char = chr(ord(char) | before) if before in _BRAILLE else char
        super().set_pixel(x, y, char, style)

    def render_line(self, y: int) -> Strip:
        """Return a line as wide as the widget: the canvas has a cell more, and no lines before it is drawn on."""
        if y >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        return super().render_line(y).crop(0, self.size.width)

    # --- from data to what is on the screen --------------------------------------------------------------------

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
        self._drawing = True
        try:
            self._paint(drawn, size)
            regions = self._differing(size)
        finally:
            self._drawing = False
        if regions:
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

    def _paint(self, drawn: Picture, size: Size) -> None:
        # The library's lines end one cell before the edges of its canvas.
        self.reset(size=Size(size.width + 1, size.height + 1))
        if drawn.dots:
            self.set_hires_pixels(drawn.dots, style=self._colour("peak"))
        for strokes, style in drawn.strokes:
            self.draw_hires_lines(strokes, style=self._colour(style))
        for x, y, text, style in drawn.texts:
            self._write(x, y, text, self._colour(style))

    def _write(self, x: int, y: int, text: str, style: str) -> None:
        """Write a text as data. A wide character takes a cell and leaves the next one empty."""
        spans, _ = split_graphemes(text)
        for begin, end, cells in spans:
            self.set_pixel(x, y, text[begin:end], style)
            for more in range(1, cells):
                self.set_pixel(x + more, y, "", style)
            x += cells

    def _differing(self, size: Size) -> list[Region]:
        """Return the cells that differ from what is on the screen, one piece of each line."""
        columns = range(size.width)
        rows = [tuple([self.get_pixel(x, y) for x in columns]) for y in range(size.height)]
        before, self._rows = self._rows, rows
        for y, row in enumerate(rows):
            self._join(y, row)
        if len(rows) != len(before) or len(rows[0]) != len(before[0]):
            return [size.region]
        regions = []
        for y, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:
                differ = [x for x in columns if old[x] != new[x]]
                regions.append(Region(differ[0], y, differ[-1] - differ[0] + 1, 1))
        return regions

    def _join(self, y: int, row: Row) -> None:
        """Give blank cells the colour of the text before them: it is written once then, not for each piece."""
        style = ""
        for x, (_, own) in enumerate(row):
            if own:
                style = "" if own == self._colours.get("selected") else own
            elif style:
                Canvas.set_pixel(self, x, y, " ", style)

    def _colour(self, style: str) -> str:
        """Return a style in the canvas's words, with the colours of the theme."""
        colour = self._colours.get(style)
        if colour is None:
            colour = self._colours[style] = str(component_style(self, f"chart--{style}"))
        return colour
