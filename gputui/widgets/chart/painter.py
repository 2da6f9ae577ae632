"""A chart as an area of dots, single dots and texts at places of its cells: what to draw, before it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from itertools import groupby
from operator import itemgetter

from rich.cells import cell_len, set_cell_size

from gputui.late_dataclasses import dataclass
from gputui.presentation.heat import LOAD_STYLES
from gputui.widgets.chart.buckets import Bucket, Timeline
from gputui.widgets.chart.data import ChartData
from gputui.widgets.chart.raster import DOTS, Cell, Dot
from gputui.widgets.chart.scale import age_words, axis, clock_marks, clock_step, span_words
from gputui.widgets.table.columns import fit

GUTTER = 5
"""Cells for the figures of the axis and its line: the same in every chart, so that charts above one another align."""
LEAST_WIDTH, LEAST_HEIGHT = 20, 3
"""A smaller chart has room for a sparkline only."""
SPARKS = "▁▂▃▄▅▆▇█"
STYLE_NAMES = (
    *("title", "selected", "value", "axis", "note", "stale", "peak", "line", "warning", "bad"),
    *LOAD_STYLES,
)

_TITLE = 1
"""Lines above the plot."""
_AXIS_FROM, _CLOCK_FROM = 5, 10
"""Heights from which there is a line of times, and times of day in place of spans."""
_MIDDLE_FROM = 5
_PEAK_DOTS = 3
"""Dots, four to a line, that a peak is above the mean at least to be drawn."""
_CLOCK_CELLS, _MIDDLE_CELLS = 30, 40
_CLOCK_ROOM = 12
_SELECTED_BAR = "▌"
_VALUE_CELLS = 7
_LEAST_PLACE = 6
"""Cells in which a name that is cut is still recognised."""
NO_READINGS = "no readings yet"
NOT_REPORTED = "not reported"
_HIGH = ("warning", "bad")

_Style = Callable[[float, float], str]
"""From a value and its share (0 to 1) of the axis to a style."""

Placed = tuple[int, Bucket]


@dataclass(frozen=True, slots=True)
class Form:
    """The places of the parts of a chart: the plot's cells and rows below the title, the line of times if any."""

    width: int
    height: int
    cells: int
    rows: int
    times: int | None
    spark: bool

    @property
    def per_cell(self) -> int:
        """Buckets in a cell: a braille character has two columns of dots."""
        return 1 if self.spark else 2


@dataclass(frozen=True, slots=True)
class Trace:
    """The readings in view: buckets between gaps, and the newest reading (POSIX time, value)."""

    runs: Sequence[Sequence[Placed]]
    latest: tuple[float, float] | None


@dataclass(slots=True)
class Picture:
    """The parts to draw, the later over the earlier.

    ``area`` has the height and the style of each column of dots of the plot, None where nothing is known; ``below``
    the styles of the cells under the uppermost ones, from the bottom; ``dots`` the columns and heights of peaks.
    """

    area: Sequence[Dot | None] = ()
    below: Sequence[str] = ()
    dots: list[tuple[int, Dot]] = field(default_factory=list)
    texts: list[tuple[int, int, str, str]] = field(default_factory=list)

    def write(self, x: int, y: int, text: str, style: str) -> None:
        """Put a text at a cell."""
        if text:
            self.texts.append((x, y, text, style))


def form(width: int, height: int) -> Form:
    """Divide the room of a chart."""
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        label, value = _spark_parts(width)
        return Form(width, height, max(1, width - label - value), 1, None, spark=True)
    times = height >= _AXIS_FROM
    rows = height - _TITLE - times
    # An odd number of rows has a middle one for the figure of the middle; the line left over is space.
    if rows >= _MIDDLE_FROM and not rows % 2:
        rows -= 1
    return Form(width, height, width - GUTTER, rows, _TITLE + rows if times else None, spark=False)


def picture(data: ChartData, trace: Trace, shape: Form, line: Timeline, *, selected: bool) -> Picture:
    """Draw a chart's data in the room there is."""
    drawn = Picture()
    old = data.now.timestamp() - trace.latest[0] if trace.latest is not None else 0.0
    age = age_words(old) if old > data.stale_after else ""
    note = NOT_REPORTED if not data.reported else NO_READINGS if trace.latest is None else ""
    value = "" if trace.latest is None else data.measure.value(trace.latest[1])
    scale = _axis(data, trace)
    style: _Style = (lambda value, share: "stale") if age else data.measure.style
    if shape.spark:
        label = _spark_parts(shape.width)[0]
        if label:
            _write_title(drawn, data, label - 1, selected=selected)
        if note:
            drawn.write(label, 0, _cut(note, shape.width - label), "note")
            return drawn
        for x, glyphs, name in _sparks(trace, line, scale, style):
            drawn.write(label + x, 0, glyphs, name)
        value = _cut(value, shape.width - label)
        drawn.write(shape.width - cell_len(value), 0, value, "stale" if age else "value")
        return drawn
    if data.reported:
        _area(drawn, trace, shape, scale, style)
        _frame(drawn, data, shape, line, scale)
    if note:
        text = _cut(note, shape.cells)
        drawn.write(GUTTER + (shape.cells - cell_len(text)) // 2, _TITLE + shape.rows // 2, text, "note")
    _title(drawn, data, value, shape, age=age, selected=selected)
    return drawn


def _axis(data: ChartData, trace: Trace) -> tuple[float, float]:
    buckets = [bucket for run in trace.runs for _, bucket in run]
    lows = [bucket.lowest for bucket in buckets]
    highs = [bucket.highest for bucket in buckets]
    return axis(data.measure, min(lows, default=None), max(highs, default=None))


# --- the area under the line --------------------------------------------------------------------------------------


def _area(drawn: Picture, trace: Trace, shape: Form, scale: tuple[float, float], style: _Style) -> None:
    """Fill the area under the means, and place a dot on each peak that they hide.

    The lowest value has one dot: it differs from what is unknown. A filled cell has the colour of the value at its
    upper edge, the uppermost one that of the reading.
    """
    low, high = scale
    dots = shape.rows * DOTS

    def dot_of(value: float) -> Dot:
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return 1 + round(share * (dots - 1)), style(value, share)

    area: list[Dot | None] = [None] * (shape.cells * shape.per_cell)
    for run in trace.runs:
        for column, value in _filled(run, len(area)):
            area[column] = dot_of(value)
        for column, bucket in run:
            if column >= 0 and bucket.peak is not None:
                dot = dot_of(bucket.peak)
                if dot[0] - dot_of(bucket.mean)[0] >= _PEAK_DOTS:
                    drawn.dots.append((column, dot if dot[1] in _HIGH else (dot[0], "peak")))
    drawn.area = area
    drawn.below = [style(low + share * (high - low), share) for share in _upper_edges(shape.rows)]


def _upper_edges(rows: int) -> Iterator[float]:
    """Yield the share of the axis that the uppermost dot of each row has, from the bottom."""
    return ((row * DOTS + DOTS - 1) / (rows * DOTS - 1) for row in range(rows))


def _filled(run: Sequence[Placed], columns: int) -> Iterator[tuple[int, float]]:
    """Yield the columns in view of buckets without a gap between them, with means, and values in between."""
    (column, bucket), *others = run
    if column >= 0:
        yield column, bucket.mean
    for after, other in others:
        step = (other.mean - bucket.mean) / (after - column)
        for place in range(max(0, column + 1), min(after + 1, columns)):
            yield place, other.mean if place == after else bucket.mean + step * (place - column)
        column, bucket = after, other


# --- axes and words ----------------------------------------------------------------------------------------------


def _frame(drawn: Picture, data: ChartData, shape: Form, line: Timeline, scale: tuple[float, float]) -> None:
    """Draw both axes. The gutter is written whole: parts of lines in it are removed."""
    low, high = scale
    marks = {0: high, shape.rows - 1: low}
    if shape.rows >= _MIDDLE_FROM and shape.rows % 2:
        marks[shape.rows // 2] = (low + high) / 2
    for row in range(shape.rows):
        figure = data.measure.mark(marks[row]) if row in marks else ""
        drawn.write(0, _TITLE + row, f"{figure:>{GUTTER - 1}}{'┤' if row in marks else '│'}", "axis")
    if shape.times is not None:
        _times(drawn, data, shape, shape.times, line)


def _times(drawn: Picture, data: ChartData, shape: Form, y: int, line: Timeline) -> None:
    left, right = GUTTER, GUTTER + shape.cells
    drawn.write(right - len("now"), y, "now", "axis")
    window = line.end - line.begin
    if shape.height >= _CLOCK_FROM and shape.cells >= _CLOCK_CELLS:
        step = clock_step(window / shape.cells * _CLOCK_ROOM)
        for at, shown in clock_marks(line.begin, line.end, step, utc=data.utc):
            x = left + line.column(at) // 2 - len(shown) // 2
            if left <= x and x + len(shown) < right - len("now"):
                drawn.write(x, y, shown, "axis")
        return
    drawn.write(left, y, f"-{span_words(window)}", "axis")
    if shape.cells >= _MIDDLE_CELLS:
        middle = f"-{span_words(window / 2)}"
        drawn.write(left + (shape.cells - len(middle)) // 2, y, middle, "axis")


def _title(drawn: Picture, data: ChartData, value: str, shape: Form, *, age: str, selected: bool) -> None:
    """Write the first line: the title, and at the right end the newest value with its age where that is old."""
    right = _cut(f"{value}  {age}" if age else value, shape.width - 8)
    start = shape.width - cell_len(right)
    drawn.write(start, 0, right, "stale" if age else "value")
    _write_title(drawn, data, start - 1 if right else start, selected=selected)


def _write_title(drawn: Picture, data: ChartData, room: int, *, selected: bool) -> None:
    """Write place and title; a bar before them marks the selected one, also where there is no colour."""
    title = data.title
    left = room - cell_len(title) - len(_SELECTED_BAR) - 1
    if data.place and left >= _LEAST_PLACE:
        place = "".join(text for text, _ in fit([(data.place, "")], left, middle=True)).rstrip()
        title = f"{place} {title}"
    text = _cut(f"{_SELECTED_BAR}{title}" if selected else title, room)
    drawn.write(0, 0, text, "selected" if selected else "title")


# --- a line of its own -------------------------------------------------------------------------------------------


def _spark_parts(width: int) -> tuple[int, int]:
    """Return the cells of label and value in one line; none where there is no room next to the other."""
    value = _VALUE_CELLS + 1
    if width < value + 8:
        return 0, min(width, value)
    return (width - value) // 2, value


def _sparks(
    trace: Trace, line: Timeline, scale: tuple[float, float], style: _Style
) -> Iterator[tuple[int, str, str]]:
    """Yield the pieces of a sparkline: the cell where one begins, its glyphs, their style."""
    low, high = scale
    cells: list[Cell] = [(" ", "")] * line.columns
    for run in trace.runs:
        for (column, bucket), (after, _) in zip(run, [*run[1:], (run[-1][0] + 1, None)], strict=True):
            share = min(1.0, max(0.0, (bucket.mean - low) / (high - low)))
            glyph = SPARKS[min(len(SPARKS) - 1, int(share * len(SPARKS)))]
            for place in range(max(0, column), min(after, line.columns)):
                cells[place] = glyph, style(bucket.mean, share)
    x = 0
    for name, piece in groupby(cells, itemgetter(1)):
        glyphs = "".join(glyph for glyph, _ in piece)
        yield x, glyphs, name
        x += len(glyphs)


def _cut(text: str, width: int) -> str:
    """Cut a text to so many cells, with ``…`` where something is missing."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""
