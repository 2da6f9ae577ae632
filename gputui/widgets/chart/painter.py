"""A chart as strokes, dots and texts at places of its cells: what to draw, before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len, set_cell_size

from gputui.widgets.chart.buckets import Bucket, Timeline
from gputui.widgets.chart.data import ChartData
from gputui.widgets.chart.scale import age_words, axis, clock_marks, clock_step, span_words

GUTTER = 5
"""Cells for the figures of the axis and its line: the same in every chart, so that charts above one another align."""
LEAST_WIDTH, LEAST_HEIGHT = 20, 3
"""A smaller chart has room for a sparkline only."""
SPARKS = "▁▂▃▄▅▆▇█"
STYLE_NAMES = ("title", "selected", "value", "axis", "note", "stale", "peak", "line")

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
NO_READINGS = "no readings yet"
NOT_REPORTED = "not reported"

Stroke = tuple[float, float, float, float]
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
    """The parts to draw, the later over the earlier. Strokes and dots in cells, from the left upper corner."""

    strokes: list[tuple[list[Stroke], str]] = field(default_factory=list)
    dots: list[tuple[float, float]] = field(default_factory=list)
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
    if shape.spark:
        _spark(drawn, data.title, trace, shape, line, scale, note=note, value=value, old=bool(age), selected=selected)
        return drawn
    if data.reported:
        _line(drawn, trace, shape, scale, "stale" if age else "line")
        _frame(drawn, data, shape, line, scale)
    if note:
        text = _cut(note, shape.cells)
        drawn.write(GUTTER + (shape.cells - cell_len(text)) // 2, _TITLE + shape.rows // 2, text, "note")
    _title(drawn, data.title, value, shape, age=age, selected=selected)
    return drawn


def _axis(data: ChartData, trace: Trace) -> tuple[float, float]:
    buckets = [bucket for run in trace.runs for _, bucket in run]
    lows = [bucket.lowest for bucket in buckets]
    highs = [bucket.highest for bucket in buckets]
    return axis(data.measure, min(lows, default=None), max(highs, default=None))


# --- the line ----------------------------------------------------------------------------------------------------


def _line(drawn: Picture, trace: Trace, shape: Form, scale: tuple[float, float], style: str) -> None:
    """Draw the line, and the peaks that it hides."""
    height_of = _dots(shape, scale)
    strokes: list[Stroke] = []
    for run in trace.runs:
        points = [(GUTTER + column / 2, height_of(bucket.mean)) for column, bucket in run]
        strokes.extend((*one, *other) for one, other in zip(points, points[1:] or points, strict=False))
        drawn.dots.extend(_peaks(run, points, height_of))
    if strokes:
        drawn.strokes.append((strokes, style))


def _dots(shape: Form, scale: tuple[float, float]) -> Callable[[float], float]:
    """Return what places a value: in lines from the top of the chart, in quarters, which are dots."""
    low, high = scale
    dots = shape.rows * 4 - 1

    def height_of(value: float) -> float:
        dot = round((high - value) / (high - low) * dots)
        return _TITLE + (0 if dot < 0 else min(dot, dots)) / 4

    return height_of


def _peaks(
    run: Sequence[Placed], means: Sequence[tuple[float, float]], height_of: Callable[[float], float]
) -> Iterable[tuple[float, float]]:
    """Yield a dot where a bucket's highest reading is so far above its mean that the line hides it."""
    for (column, bucket), (x, mean) in zip(run, means, strict=True):
        peak = bucket.peak
        if peak is not None and column >= 0 and mean - (y := height_of(peak)) >= _PEAK_DOTS / 4:
            yield x, y


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


def _title(drawn: Picture, title: str, value: str, shape: Form, *, age: str, selected: bool) -> None:
    """Write the first line: the title, and at the right end the newest value with its age where that is old."""
    right = _cut(f"{value}  {age}" if age else value, shape.width - 8)
    start = shape.width - cell_len(right)
    drawn.write(start, 0, right, "stale" if age else "value")
    _write_title(drawn, title, start - 1 if right else start, selected=selected)


def _write_title(drawn: Picture, title: str, room: int, *, selected: bool) -> None:
    """Write the title; a bar before it marks it as selected, also where there is no colour."""
    drawn.write(
        0, 0, _cut(f"{_SELECTED_BAR}{title}" if selected else title, room), "selected" if selected else "title"
    )


# --- a line of its own -------------------------------------------------------------------------------------------


def _spark_parts(width: int) -> tuple[int, int]:
    """Return the cells of label and value in one line; none where there is no room next to the other."""
    value = _VALUE_CELLS + 1
    if width < value + 8:
        return 0, min(width, value)
    return (width - value) // 2, value


def _spark(
    drawn: Picture,
    title: str,
    trace: Trace,
    shape: Form,
    line: Timeline,
    scale: tuple[float, float],
    *,
    note: str,
    value: str,
    old: bool,
    selected: bool,
) -> None:
    """Draw the chart in one line: label, sparkline, value."""
    label, _ = _spark_parts(shape.width)
    if label:
        _write_title(drawn, title, label - 1, selected=selected)
    room = shape.width - label
    if note:
        drawn.write(label, 0, _cut(note, room), "note")
        return
    value = _cut(value, room)
    drawn.write(label, 0, _sparks(trace, line, scale), "stale" if old else "line")
    drawn.write(shape.width - cell_len(value), 0, value, "stale" if old else "value")


def _sparks(trace: Trace, line: Timeline, scale: tuple[float, float]) -> str:
    low, high = scale
    levels = [" "] * line.columns
    for run in trace.runs:
        for (column, bucket), (after, _) in zip(run, [*run[1:], (run[-1][0] + 1, None)], strict=True):
            share = (bucket.mean - low) / (high - low)
            glyph = SPARKS[min(len(SPARKS) - 1, max(0, int(share * len(SPARKS))))]
            for place in range(max(0, column), min(after, line.columns)):
                levels[place] = glyph
    return "".join(levels)


def _cut(text: str, width: int) -> str:
    """Cut a text to so many cells, with ``…`` where something is missing."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""
