"""The start of an instance as bars: each step with its duration, and below it the usual one of its deployment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from gputui.analytics.startup_times import Medians, Startup, is_slow
from gputui.formatting import seconds_text, status_text
from gputui.presentation.glyphs import BAR_FULL
from gputui.widgets.bars.line import Line

OTHERS, MEDIAN = "others", "median"
MOST_BAR_CELLS = 40
"""Cells that all bars of a line share at most; more says nothing more."""
_READABLE_BARS = 8
_FINEST = 1.0
"""Cells for a second at most: a step of six seconds is not to look like an hour."""
_SHORTEST_NAME = 8
_LONGEST_NAME = 28
_DESCRIBED_BAR = 20


class Waterfall(Vertical):
    """Two lines: the start of one instance, and the medians of the other instances of its deployment."""

    DEFAULT_CSS = """
    Waterfall { height: 3; padding: 1 1 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  (Textual's own name for it)
        super().__init__(id=id)
        self._startup: Startup | None = None
        self._usual = Medians()

    def compose(self) -> ComposeResult:
        """Lay out the two lines."""
        yield Line(id="start")
        yield Line(id="usual")

    def show(self, startup: Startup | None, usual: Medians) -> None:
        """Show this start, or nothing; ``usual`` are the medians of the others."""
        self._startup, self._usual = startup, usual
        self._draw()

    def on_resize(self) -> None:
        """Fit the bars to the new width."""
        self._draw()

    def _draw(self) -> None:
        width = self.content_size.width
        lines = (Content(""), Content("")) if self._startup is None else waterfall(self._startup, self._usual, width)
        for line, content in zip(self.query(Line), lines, strict=False):
            line.show(content)


class _Part(NamedTuple):
    """A step that is over: its name, how long it took, how long it takes with others."""

    status: str
    seconds: float
    usual: float | None


class _Form(NamedTuple):
    """One way to lay the lines out: cells between parts, of the name, of the shortest bar; how it ended."""

    gap: int
    name: int
    shortest: int
    end: str


def waterfall(startup: Startup, usual: Medians, width: int) -> tuple[Content, Content]:
    """Draw a start and what is usual in two lines of at most ``width`` cells, all bars to one scale.

    What is narrow loses its gaps and its shortest bars, then the end of its name, then the word for how it ended.
    """
    parts = _parts(startup, usual)
    form = _form(startup, parts, width)
    bars = _bars(parts, _room_for_bars(parts, form, usual, width), form.shortest)
    upper = [("bold", set_cell_size(_cut(startup.name, form.name), form.name))]
    lower = [("$muted", set_cell_size(OTHERS, form.name))]
    for part, (cells, usual_cells) in zip(parts, bars, strict=True):
        gap = " " * form.gap
        mine = _measured(part.status, cells, part.seconds)
        other = "" if part.usual is None else _measured(part.status, usual_cells, part.usual)
        # Nothing is aligned behind the last.
        place = max(cell_len(mine), cell_len(other)) if part is not parts[-1] else 0
        slow = is_slow(part.seconds, part.usual)
        upper.append(("$text-warning" if slow else "", gap + _padded(mine, place)))
        lower.append(("$muted", gap + _padded(other, place)))
    upper.append(("bold", " " * form.gap + form.end))
    return _joined(upper, width), _usual_line(lower, usual, width) if usual.steps else Content("")


def _form(startup: Startup, parts: Sequence[_Part], width: int) -> _Form:
    """Choose the widest form that leaves room for bars that say something, else one that fits at all."""
    end = f"{status_text(startup.steps[-1].status)}{'' if startup.over else ' …'}"
    name = max(min(cell_len(startup.name), _LONGEST_NAME), len(OTHERS))
    shorter = range(name - 1, _SHORTEST_NAME - 1, -1)
    forms = [
        *(_Form(gap, name, shortest, end) for gap, shortest in ((3, 1), (2, 1), (2, 0), (1, 0))),
        *(_Form(1, short, 0, end) for short in shorter),
        _Form(1, min(name, _SHORTEST_NAME), 0, ""),
    ]
    for room in (_READABLE_BARS, 0):
        for form in forms:
            if _least_width(parts, form) + room <= width:
                return form
    return forms[-1]


def _room_for_bars(parts: Sequence[_Part], form: _Form, usual: Medians, width: int) -> int:
    """Return the cells for bars beyond the least; the medians are named if readable bars remain."""
    room = width - _least_width(parts, form)
    said = max(0, cell_len(_median_note(usual)) - form.gap - cell_len(form.end))
    return min(MOST_BAR_CELLS, room - said if room - said >= _READABLE_BARS else room)


def _median_note(usual: Medians) -> str:
    return f" (median of {usual.count})" if usual.count else " (median so far)"


def _usual_line(spans: Sequence[tuple[str, str]], usual: Medians, width: int) -> Content:
    """Add the number of medians behind them; without room for it, name them in front."""
    said = _median_note(usual)
    if sum(cell_len(text) for _, text in spans) + cell_len(said) > width:
        (style, label), *rest = spans
        return _joined([(style, set_cell_size(MEDIAN, cell_len(label))), *rest], width)
    return _joined([*spans, ("$muted", said)], width)


def describe_startup(startup: Startup, usual: Medians) -> list[Content]:
    """Draw a start with a line for each step: how long it took, the median of the others, and what is slow."""
    parts = _parts(startup, usual)
    bars = _bars(parts, _DESCRIBED_BAR, 1)
    names = max(map(cell_len, [*(part.status for part in parts), status_text(startup.steps[-1].status)]))
    widest = max((cells for cells, _ in bars), default=1)
    lines = []
    for part, (cells, _) in zip(parts, bars, strict=True):
        median = "" if part.usual is None else f"   median {seconds_text(part.usual)}"
        slow = is_slow(part.seconds, part.usual)
        lines.append(
            Content.assemble(
                f"  {set_cell_size(part.status, names)}  ",
                (f"{BAR_FULL * cells:<{widest}}", "$text-warning" if slow else "$text-accent"),
                f"  {seconds_text(part.seconds):>8}",
                (median, "$muted"),
                ("   slow" if slow else "", "$text-warning"),
            )
        )
    lines.append(
        Content.assemble(
            f"  {set_cell_size(status_text(startup.steps[-1].status), names)}",
            ("" if startup.over else "  so far", "$muted"),
        )
    )
    if startup.seconds is not None:
        median = "" if usual.total is None else f", median {seconds_text(usual.total)} of {usual.count}"
        lines.append(Content.styled(f"  {seconds_text(startup.seconds)} in all{median}", "$muted"))
    return lines


def _parts(startup: Startup, usual: Medians) -> list[_Part]:
    return [
        _Part(status_text(step.status), step.seconds, usual.steps.get(step.status))
        for step in startup.steps
        if step.seconds is not None
    ]


def _bars(parts: Sequence[_Part], room: int, shortest: int) -> list[tuple[int, int]]:
    """Share the room out to scale: the cells of each step and of its median, on top of the shortest bar."""
    longest = [max(part.seconds, part.usual or 0) for part in parts]
    # A bar where there was none takes a blank next to it.
    spare = max(0, room if shortest else room - len(parts))
    scale = min(_FINEST, spare / max(1.0, sum(longest)))
    return [(shortest + int(part.seconds * scale), shortest + int((part.usual or 0) * scale)) for part in parts]


def _measured(status: str, cells: int, seconds: float) -> str:
    return f"{status} {BAR_FULL * cells}{' ' if cells else ''}{seconds_text(seconds).removesuffix(' s')}"


def _least_width(parts: Sequence[_Part], form: _Form) -> int:
    measured = [
        max(cell_len(_measured(part.status, form.shortest, seconds)) for seconds in (part.seconds, part.usual or 0))
        for part in parts
    ]
    return form.name + sum(form.gap + cells for cells in measured) + form.gap + cell_len(form.end)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _cut(name: str, width: int) -> str:
    return name if cell_len(name) <= width else set_cell_size(name, width - 1) + "…"


def _joined(spans: Sequence[tuple[str, str]], width: int) -> Content:
    content = Content.assemble(*((text, style) for style, text in spans)).rstrip()
    return content.truncate(max(0, width), ellipsis=True)
