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
COLOURS = 6
"""Lines of one chart that have a colour of their own; letters distinguish any number."""
SPARKS = "▁▂▃▄▅▆▇█"
STYLE_NAMES = (
    *("title", "selected", "value", "axis", "note", "stale", "peak"),
    *(f"series{number}" for number in range(1, COLOURS + 1)),
)

_AXIS_FROM, _LEGEND_FROM, _CLOCK_FROM = 5, 6, 10
"""Heights from which there is a line of times, a line that names the series, and times of day in place of spans."""
_MIDDLE_FROM = 5
_PEAK_DOTS = 3
"""Dots, four to a line, that a peak is above the mean at least to be drawn."""
_CLOCK_CELLS, _MIDDLE_CELLS = 30, 40
_CLOCK_ROOM = 12
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SELECTED_BAR = "▌"
_VALUE_CELLS = 7
NO_READINGS = "no readings yet"
NOT_REPORTED = "not reported"

Stroke = tuple[float, float, float, float]
Placed = tuple[int, Bucket]


@dataclass(frozen=True, slots=True)
class Form:
    """The places of the parts of a chart: the plot's cells and rows, its first line, and the line of times if any."""

    width: int
    height: int
    cells: int
    top: int
    rows: int
    times: int | None
    legend: bool
    spark: bool

    @property
    def per_cell(self) -> int:
        """Buckets in a cell: a braille character has two columns of dots."""
        return 1 if self.spark else 2


@dataclass(frozen=True, slots=True)
class Trace:
    """One series as far as it is in view: buckets between gaps, and the newest reading (POSIX time, value)."""

    label: str
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


def form(width: int, height: int, series: int) -> Form:
    """Divide the room of a chart of so many series."""
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        label, value = _spark_parts(width)
        return Form(width, height, max(1, width - label - value), 0, 1, None, legend=False, spark=True)
    several = series > 1
    legend = several and height >= _LEGEND_FROM
    top = 2 if legend else 1
    times = height >= _AXIS_FROM
    rows = height - top - times
    # An odd number of rows has a middle one for the figure of the middle; the line left over is space.
    if rows >= _MIDDLE_FROM and not rows % 2:
        rows -= 1
    cells = width - GUTTER - several
    return Form(width, height, cells, top, rows, top + rows if times else None, legend=legend, spark=False)


def picture(data: ChartData, traces: Sequence[Trace], shape: Form, line: Timeline, *, selected: bool) -> Picture:
    """Draw a chart's data in the room there is."""
    drawn = Picture()
    now = data.now.timestamp()
    newest = max((trace.latest[0] for trace in traces if trace.latest), default=None)
    stale = newest is not None and now - newest > data.stale_after
    age = age_words(now - newest) if newest is not None and stale else ""
    note = (
        "" if data.reported and newest is not None else data.note or (NO_READINGS if data.reported else NOT_REPORTED)
    )
    low, high = _axis(data, traces)
    if shape.spark:
        _spark(drawn, data, traces, shape, line, (low, high), note=note, age=age, selected=selected)
        return drawn
    if data.reported:
        _lines(drawn, data, traces, shape, (low, high), now)
        _frame(drawn, data, shape, line, (low, high))
    if note:
        text = _cut(note, shape.cells)
        y = shape.top + shape.rows // 2
        drawn.write(GUTTER + (shape.cells - cell_len(text)) // 2, y, text, "note")
    _title(drawn, data, traces, shape, age=age, now=now, selected=selected)
    return drawn


def _axis(data: ChartData, traces: Sequence[Trace]) -> tuple[float, float]:
    buckets = [bucket for trace in traces for run in trace.runs for _, bucket in run]
    lows = [bucket.lowest for bucket in buckets]
    highs = [bucket.highest for bucket in buckets]
    return axis(data.measure, min(lows, default=None), max(highs, default=None))


def _is_stale(data: ChartData, trace: Trace, now: float) -> bool:
    return trace.latest is not None and now - trace.latest[0] > data.stale_after


def series_style(place: int) -> str:
    """Return the style of the series at a place of its chart."""
    return f"series{place % COLOURS + 1}"


def letter(place: int) -> str:
    """Return the letter of the series at a place of its chart."""
    return _LETTERS[place % len(_LETTERS)]


# --- the lines ---------------------------------------------------------------------------------------------------


def _lines(
    drawn: Picture, data: ChartData, traces: Sequence[Trace], shape: Form, scale: tuple[float, float], now: float
) -> None:
    """Draw each series; peaks where there is one series only, since they would hide among several lines."""
    several = len(traces) > 1
    height_of = _dots(shape, scale)
    ends = []
    for place, trace in enumerate(traces):
        strokes: list[Stroke] = []
        for run in trace.runs:
            points = [(GUTTER + column / 2, height_of(bucket.mean)) for column, bucket in run]
            strokes.extend((*one, *other) for one, other in zip(points, points[1:] or points, strict=False))
            if not several:
                drawn.dots.extend(_peaks(run, points, height_of))
        style = "stale" if _is_stale(data, trace, now) else series_style(place)
        if strokes:
            drawn.strokes.append((strokes, style))
            ends.append((int(strokes[-1][3]), letter(place), style))
    if several:
        for y, (name, style) in _apart(ends, shape.top, shape.rows):
            drawn.write(shape.width - 1, y, name, style)


def _dots(shape: Form, scale: tuple[float, float]) -> Callable[[float], float]:
    """Return what places a value: in lines from the top of the chart, in quarters, which are dots."""
    low, high = scale
    dots, top = shape.rows * 4 - 1, shape.top
    per_unit = dots / (high - low)

    def height_of(value: float) -> float:
        dot = round((high - value) * per_unit)
        return top + (0 if dot < 0 else min(dot, dots)) / 4

    return height_of


def _peaks(
    run: Sequence[Placed], means: Sequence[tuple[float, float]], height_of: Callable[[float], float]
) -> Iterable[tuple[float, float]]:
    """Yield a dot where a bucket's highest reading is so far above its mean that the line hides it."""
    for (column, bucket), (x, mean) in zip(run, means, strict=True):
        peak = bucket.peak
        if peak is not None and column >= 0 and mean - (y := height_of(peak)) >= _PEAK_DOTS / 4:
            yield x, y


def _apart(ends: Iterable[tuple[int, str, str]], top: int, rows: int) -> Iterable[tuple[int, tuple[str, str]]]:
    """Give every letter a line of its own, as near as can be to where its series ends, while there are lines."""
    taken: dict[int, tuple[str, str]] = {}
    for y, name, style in ends:
        free = [line for line in range(top, top + rows) if line not in taken]
        if free:
            taken[min(free, key=lambda line: abs(line - y))] = (name, style)
    return sorted(taken.items())


# --- axes and words ----------------------------------------------------------------------------------------------


def _frame(drawn: Picture, data: ChartData, shape: Form, line: Timeline, scale: tuple[float, float]) -> None:
    """Draw both axes. The gutter is written whole: parts of lines in it are removed."""
    low, high = scale
    marks = {0: high, shape.rows - 1: low}
    if shape.rows >= _MIDDLE_FROM and shape.rows % 2:
        marks[shape.rows // 2] = (low + high) / 2
    for row in range(shape.rows):
        figure = data.measure.mark(marks[row]) if row in marks else ""
        drawn.write(0, shape.top + row, f"{figure:>{GUTTER - 1}}{'┤' if row in marks else '│'}", "axis")
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


def _title(
    drawn: Picture,
    data: ChartData,
    traces: Sequence[Trace],
    shape: Form,
    *,
    age: str,
    now: float,
    selected: bool,
) -> None:
    """Write the first line, and the one that names the series where there is one."""
    named = _named(data, traces, now, short=False)
    if len(traces) <= 1:
        style = "stale" if age else "value"
        right = [(text, style) for trace in traces if trace.latest for text in [data.measure.value(trace.latest[1])]]
    else:
        right = [] if shape.legend else _named(data, traces, now, short=True)
    if age:
        right.append((f"  {age}", "stale"))
    room = shape.width - _write_right(drawn, right, shape.width - 8, shape.width)
    _write_title(drawn, data.title, room - 1 if right else room, selected=selected)
    if shape.legend:
        _write_left(drawn, 0, 1, named, shape.width)


def _write_title(drawn: Picture, title: str, room: int, *, selected: bool) -> None:
    """Write the title; a bar before it marks it as selected, also where there is no colour."""
    drawn.write(
        0, 0, _cut(f"{_SELECTED_BAR}{title}" if selected else title, room), "selected" if selected else "title"
    )


def _named(data: ChartData, traces: Sequence[Trace], now: float, *, short: bool) -> list[tuple[str, str]]:
    """Return the letter, the label and the newest value of every series, in its colour."""
    parts: list[tuple[str, str]] = []
    for place, trace in enumerate(traces):
        value = data.measure.value(trace.latest[1]) if trace.latest else "–"
        label = value if short else f"{trace.label} {value}"
        style = "stale" if _is_stale(data, trace, now) else series_style(place)
        parts.append((f"{'  ' if parts else ''}{letter(place)} {label}", style))
    return parts


def _write_left(drawn: Picture, x: int, y: int, parts: Iterable[tuple[str, str]], room: int) -> None:
    """Write parts after one another; the one that does not fit is cut, those after it are left out."""
    for text, style in parts:
        if room <= 0:
            return
        shown = _cut(text, room)
        drawn.write(x, y, shown, style)
        x, room = x + cell_len(shown), room - cell_len(text)


def _write_right(drawn: Picture, parts: Sequence[tuple[str, str]], room: int, edge: int) -> int:
    """Write parts so that they end at ``edge``; returns how many cells they take."""
    cells = min(max(0, room), sum(cell_len(text) for text, _ in parts))
    _write_left(drawn, edge - cells, 0, parts, cells)
    return cells


# --- a line of its own -------------------------------------------------------------------------------------------


def _spark_parts(width: int) -> tuple[int, int]:
    """Return the cells of label and value in one line; none where there is no room next to the other."""
    value = _VALUE_CELLS + 1
    if width < value + 8:
        return 0, min(width, value)
    return (width - value) // 2, value


def _spark(
    drawn: Picture,
    data: ChartData,
    traces: Sequence[Trace],
    shape: Form,
    line: Timeline,
    scale: tuple[float, float],
    *,
    note: str,
    age: str,
    selected: bool,
) -> None:
    """Draw the chart in one line: label, sparkline, value; of several series their values alone."""
    label, _ = _spark_parts(shape.width)
    if label:
        _write_title(drawn, data.title, label - 1, selected=selected)
    room = shape.width - label
    if note:
        drawn.write(label, 0, _cut(note, room), "note")
    elif len(traces) > 1:
        _write_left(drawn, label, 0, _named(data, traces, data.now.timestamp(), short=True), room)
    else:
        (trace,) = traces
        value = _cut(data.measure.value(trace.latest[1]) if trace.latest else "", room)
        drawn.write(label, 0, _sparks(trace, line, scale), "stale" if age else series_style(0))
        drawn.write(shape.width - cell_len(value), 0, value, "stale" if age else "value")


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
