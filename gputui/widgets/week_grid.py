"""The hours of a week as a grid: days down, hours across, a chance in each cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message

from gputui.analytics.stock_odds import DAYS, HOURS, Chance, Slot, tenths
from gputui.widgets.cell_grid import CellGrid

UNKNOWN, FEW = "·", "?"
LINES = 1 + len(DAYS)
_LABEL = 5
_CURSOR = "▸"
_NOW = "‹"
_NARROWEST, _WIDEST = 3, 6
_RAMP = 5
_STYLES = ("heading", "none", "few", "cursor", *(f"idle{step}" for step in range(1, _RAMP + 1)))


class WeekGrid(CellGrid):
    """Each cell has the chance in tenths: 0 is never, 10 is always; a dot is unknown, ``?`` is from few hours.

    The background repeats the figure. The cursor begins on the hour of now, which has a ``‹`` at its day and hour.
    """

    DEFAULT_CSS = f"""
    WeekGrid {{ height: {LINES}; width: 1fr; }}
    WeekGrid > .weekgrid--heading {{ color: $muted; text-style: bold; }}
    WeekGrid > .weekgrid--none {{ color: $muted; }}
    WeekGrid > .weekgrid--few {{ color: $muted; text-style: italic; }}
    WeekGrid > .weekgrid--cursor {{ background: $accent; color: $background; text-style: bold; }}
    WeekGrid > .weekgrid--idle1 {{ background: $heat-1; color: $heat-1-text; }}
    WeekGrid > .weekgrid--idle2 {{ background: $heat-2; color: $heat-2-text; }}
    WeekGrid > .weekgrid--idle3 {{ background: $heat-3; color: $heat-3-text; }}
    WeekGrid > .weekgrid--idle4 {{ background: $heat-4; color: $heat-4-text; }}
    WeekGrid > .weekgrid--idle5 {{ background: $heat-5; color: $heat-5-text; text-style: bold; }}
    """
    STYLE_PREFIX = "weekgrid"
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"weekgrid--{name}" for name in _STYLES}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1, 0)", "Down", show=False, id="week.down"),
        Binding("k,up", "move(-1, 0)", "Up", show=False, id="week.up"),
        Binding("right", "move(0, 1)", "Right", show=False, id="week.right"),
        Binding("left", "move(0, -1)", "Left", show=False, id="week.left"),
        Binding("home", "move(0, -24)", "First", show=False, id="week.first"),
        Binding("end", "move(0, 24)", "Last", show=False, id="week.last"),
    ]

    class Moved(Message):
        """The cursor is on another hour."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._week: Mapping[Slot, Chance] = {}
        self._now: Slot = (0, 0)
        self._cursor: Slot | None = None

    @property
    def slot(self) -> Slot:
        """The hour under the cursor: that of now until it is moved."""
        return self._cursor or self._now

    def show(self, week: Mapping[Slot, Chance], now: Slot) -> None:
        """Show these chances; nothing is written where they look as before."""
        self._week, self._now = week, now
        self.sync()

    def reset(self) -> None:
        """Put the cursor on the hour of now."""
        self._cursor = None

    def action_move(self, down: int, right: int) -> None:
        """Move the cursor."""
        day, hour = self.slot
        self._cursor = min(max(day + down, 0), len(DAYS) - 1), min(max(hour + right, 0), HOURS - 1)
        self.sync()
        self.post_message(self.Moved())

    def on_resize(self) -> None:
        """Lay it out again."""
        self.sync()

    def draw(self, width: int, height: int) -> list[list[Segment]]:
        """Draw the hours and the days."""
        return list(self._drawn(min(max((width - _LABEL) // HOURS, _NARROWEST), _WIDEST)))

    def _drawn(self, width: int) -> Iterator[list[Segment]]:
        """Draw the lines with so many columns for an hour."""
        cursor = self.slot if self.has_focus else None
        heading = [Segment(" " * _LABEL, self.style_of("heading"))]
        for hour in range(HOURS):
            mark = _NOW if hour == self._now[1] else " "
            here = cursor is not None and cursor[1] == hour
            text = f"{hour:02}".rjust(width - 1) + (mark if width > _NARROWEST or mark != " " else " ")
            heading.append(Segment(text, self.style_of("" if here else "heading")))
        yield heading
        for day, name in enumerate(DAYS):
            here = cursor is not None and cursor[0] == day
            label = f"{_CURSOR if here else ' '}{name}{_NOW if day == self._now[0] else ' '}"
            line = [Segment(label, self.style_of("" if here else "heading"))]
            for hour in range(HOURS):
                text, style = _cell(self._week.get((day, hour), Chance()))
                # The last cell of each is for the mark of few hours.
                style = "cursor" if cursor == (day, hour) else style
                line.append(Segment(text.rjust(width), self.style_of(style)))
            yield line


def _cell(chance: Chance) -> tuple[str, str]:
    """Return the text and the style of a cell."""
    share = chance.share
    if share is None:
        return f"{UNKNOWN} ", "none"
    number = tenths(share)
    if chance.is_thin:
        return f"{number}{FEW}", "few"
    return f"{number} ", "none" if number == 0 else f"idle{min((number + 1) // 2, _RAMP)}"
