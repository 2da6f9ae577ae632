"""A log of any length: what is seen of it is laid out, the rest costs nothing.

A place in it is the number of a line and the row within it where lines are wrapped; numbers stay what they are
however many lines come before or behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, NamedTuple, Protocol

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gputui.widgets.internal_errors import GuardedHandlers

_BLOCK = 256
"""Lines that are read at once."""
_KEPT = 4096
"""Lines that are kept as they were read."""
_SIDE = 16
"""Cells that a key moves sideways."""
_STAMP = 13
"""Cells of a line's time and the space behind it."""
_GUTTER = 2
_MORE = "›"
"""Stands at the end of a line that goes on to the right."""
_BAD = re.compile(r"\b(error|critical|fatal|exception|traceback|panic)\b|out ?of ?memory", re.IGNORECASE)
_POOR = re.compile(r"\bwarn(ing)?\b", re.IGNORECASE)


class Line(Protocol):
    """A line as it was read."""

    @property
    def number(self) -> int:
        """Its number, which it keeps."""

    @property
    def at(self) -> float | None:
        """When it was written, in seconds since 1970, UTC."""

    @property
    def text(self) -> str:
        """What it says."""


class Lines(Protocol):
    """Where lines come from."""

    @property
    def first(self) -> int:
        """The number of the oldest."""

    @property
    def last(self) -> int:
        """The number behind that of the newest."""

    def read(self, first: int, last: int) -> Sequence[Line]:
        """Return the lines from ``first`` to before ``last``."""


class Matches(Protocol):
    """The numbers of the lines that are shown, in order."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, index: int) -> int:
        """Return one of them."""

    def index_of(self, number: int) -> int:
        """Return the place of the first one at or behind a line."""


class _Place(NamedTuple):
    """A row of the log: the place of its line among those shown, and which row of that line it is."""

    line: int
    row: int


class LogView(GuardedHandlers, Widget, can_focus=True):
    """Shows lines; follows their end until one moves up."""

    DEFAULT_CSS = """
    LogView { height: 1fr; width: 1fr; }
    LogView > .log-view--time { color: $muted; }
    LogView > .log-view--bad { color: $text-error; }
    LogView > .log-view--poor { color: $text-warning; }
    LogView > .log-view--match { background: $match; color: $match-text; text-style: bold; }
    LogView > .log-view--about { color: $muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log-view--time",
        "log-view--bad",
        "log-view--poor",
        "log-view--match",
        "log-view--about",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="log.down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="log.up"),
        Binding("ctrl+f,pagedown", "page(1)", "Page down", show=False, id="log.page-down"),
        Binding("ctrl+u,pageup", "page(-1)", "Page up", show=False, id="log.page-up"),
        Binding("g,home", "first", "First line", show=False, id="log.first"),
        Binding("G,end", "last", "Last line", show=False, id="log.last"),
        Binding("right", "sideways(1)", "To the right", show=False, id="log.right"),
        Binding("left", "sideways(-1)", "To the left", show=False, id="log.left"),
    ]

    @dataclass
    class Moved(Message):
        """The view follows the end now, or no longer does; or it is at the first line (``at_first``)."""

        at_first: bool

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  (Textual's own name)
        super().__init__(id=id)
        self._lines: Lines | None = None
        self._matches: Matches | None = None
        self._spans: Callable[[str], Iterable[tuple[int, int]]] | None = None
        self._cache: dict[int, Line] = {}
        self._top: tuple[int, int] = (0, 0)
        self._left = 0
        self._rows: list[Strip] = []
        self.following = True
        """Whether the newest line stays in view."""
        self.wrap = False
        self.utc = False
        self._about = ""

    # --- what is shown ---------------------------------------------------------------------------------------

    def set_lines(self, lines: Lines | None) -> None:
        """Show other lines, from their end."""
        self._lines = lines
        self._matches = None
        self._cache.clear()
        self._left = 0
        self.following = True
        self.update_lines()

    def set_filter(
        self, matches: Matches | None, spans: Callable[[str], Iterable[tuple[int, int]]] | None = None
    ) -> None:
        """Show only some of the lines, and where they hold what was looked for; the place is kept."""
        self._matches, self._spans = matches, spans
        self.update_lines(anew=True)

    def set_about(self, text: str) -> None:
        """Say something in place of lines, while there are none."""
        if text != self._about:
            self._about = text
            self.update_lines()

    def set_shape(self, *, wrap: bool, utc: bool) -> None:
        """Wrap long lines or not; write times in UTC or local."""
        if (wrap, utc) != (self.wrap, self.utc):
            self.wrap, self.utc = wrap, utc
            self._left = 0
            self.update_lines(anew=True)

    def update_lines(self, *, anew: bool = False) -> None:
        """Take in what has come at either end; only rows that look different are drawn again."""
        end = self._end()
        if self.following or self._place() > end:
            self._go(end)
        self._lay_out(anew=anew)

    @property
    def count(self) -> int:
        """How many lines are shown in all."""
        if self._lines is None:
            return 0
        return len(self._matches) if self._matches is not None else self._lines.last - self._lines.first

    def lines_in_view(self) -> list[Line]:
        """Return the lines that are in view now."""
        place, left, found = self._place(), self._height, list[Line]()
        while left > 0 and place.line < self.count:
            found.append(self._line(place.line))
            left -= self._rows_of(place.line) - place.row
            place = _Place(place.line + 1, 0)
        return found

    # --- places ----------------------------------------------------------------------------------------------

    @property
    def _height(self) -> int:
        return self.size.height

    @property
    def _width(self) -> int:
        return max(1, self.size.width - _GUTTER - _STAMP)

    def _number(self, index: int) -> int:
        if self._matches is not None:
            return self._matches[index]
        return index + (self._lines.first if self._lines is not None else 0)

    def _index(self, number: int) -> int:
        if self._matches is not None:
            return min(self._matches.index_of(number), max(0, self.count - 1))
        return min(max(0, number - (self._lines.first if self._lines is not None else 0)), max(0, self.count - 1))

    def _line(self, index: int) -> Line:
        number = self._number(index)
        line = self._cache.get(number)
        if line is None and self._lines is not None:
            if len(self._cache) > _KEPT:
                self._cache.clear()
            start = number - number % _BLOCK
            self._cache |= {each.number: each for each in self._lines.read(start, start + _BLOCK)}
            line = self._cache[number]
        assert line is not None  # noqa: S101  (a number among those shown is one of the lines)
        return line

    def _rows_of(self, index: int) -> int:
        return len(_folded(self._line(index).text, self._width)) if self.wrap else 1

    def _place(self) -> _Place:
        number, row = self._top
        index = self._index(number)
        if not self.count or self._number(index) != number:
            return _Place(index, 0)
        return _Place(index, min(row, self._rows_of(index) - 1))

    def _go(self, place: _Place) -> None:
        self._top = (self._number(place.line), place.row) if self.count else (0, 0)

    def _end(self) -> _Place:
        """Return the place at which the last row stands at the bottom."""
        return self._up(_Place(self.count, 0), self._height)

    def _up(self, place: _Place, rows: int) -> _Place:
        index, row = place
        while rows > row and index > 0:
            rows -= row
            index -= 1
            row = self._rows_of(index)
        return _Place(index, max(0, row - rows))

    def _down(self, place: _Place, rows: int) -> _Place:
        index, row = place
        while index < self.count and rows >= (left := self._rows_of(index) - row):
            rows -= left
            index, row = index + 1, 0
        return min(_Place(index, row + rows), self._end())

    # --- moving ----------------------------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        """Move by some rows."""
        self._move_to(self._down(self._place(), rows) if rows > 0 else self._up(self._place(), -rows))

    def action_page(self, pages: int) -> None:
        """Move by what is in view, but for one row."""
        self.action_move(pages * max(1, self._height - 1))

    def action_first(self) -> None:
        """Go to the oldest line that is there."""
        self._move_to(_Place(0, 0))

    def action_last(self) -> None:
        """Go to the newest line and stay there."""
        self._move_to(self._end())

    def action_sideways(self, step: int) -> None:
        """Show what long lines have further on."""
        if not self.wrap:
            self._left = max(0, self._left + step * _SIDE)
            self._lay_out()

    def _move_to(self, place: _Place) -> None:
        self._go(place)
        self.following = place >= self._end()
        self._lay_out()
        self.post_message(self.Moved(at_first=place <= _Place(0, 0)))

    def on_mouse_scroll_down(self) -> None:
        """Move with the wheel."""
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        """Move with the wheel."""
        self.action_move(-3)

    def on_resize(self) -> None:
        """Fit to the new size."""
        self.update_lines(anew=True)

    # --- drawing ---------------------------------------------------------------------------------------------

    def _lay_out(self, *, anew: bool = False) -> None:
        """Make the rows in view; draw those that are other ones than before."""
        if not self.is_attached or not self._height:
            return
        rows: list[Strip] = []
        place = self._place()
        while len(rows) < self._height and place.line < self.count:
            rows += self._strips(self._line(place.line))[place.row :]
            place = _Place(place.line + 1, 0)
        if not rows and self._about:
            style = self.get_component_rich_style("log-view--about", partial=True)
            rows = [Strip([Segment(f"  {self._about}", style)])]
        rows = rows[: self._height]
        before, self._rows = self._rows, rows
        if anew or not before:
            self.refresh()
            return
        for y in range(self._height):
            old, new = (each[y] if y < len(each) else None for each in (before, rows))
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def _strips(self, line: Line) -> list[Strip]:
        bad, poor = bool(_BAD.search(line.text)), bool(_POOR.search(line.text))
        name = "log-view--bad" if bad else "log-view--poor" if poor else ""
        style = self.get_component_rich_style(name, partial=True) if name else Style.null()
        sign = Segment("✗ " if bad else "! " if poor else "  ", style)
        time = self.get_component_rich_style("log-view--time", partial=True)
        head = [sign, Segment(f"{self._stamp(line):<{_STAMP}}", time)]
        body = self._styled(line.text, style)
        if not self.wrap:
            whole, end = Strip(body), self._left + self._width
            if whole.cell_length <= end:
                return [Strip.join([Strip(head), whole.crop(self._left, end)])]
            return [Strip.join([Strip(head), whole.crop(self._left, end - 1), Strip([Segment(_MORE, time)])])]
        parts: list[Strip] = []
        for number, (start, end) in enumerate(_folded(line.text, self._width)):
            before = head if number == 0 else [Segment(" " * (_GUTTER + _STAMP))]
            parts.append(Strip([*before, *_cut(body, start, end)]))
        return parts

    def _styled(self, text: str, style: Style) -> list[Segment]:
        """Return a text in parts: what was looked for stands out."""
        spans = sorted(self._spans(text)) if self._spans is not None else []
        match = self.get_component_rich_style("log-view--match", partial=True) if spans else style
        parts: list[Segment] = []
        at = 0
        for start, end in spans:
            if end > (start := max(start, at)):
                parts += [Segment(text[at:start], style), Segment(text[start:end], match)]
                at = end
        return [part for part in (*parts, Segment(text[at:], style)) if part.text]

    def _stamp(self, line: Line) -> str:
        if line.at is None:
            return ""
        zone = UTC if self.utc else None
        at, now = datetime.fromtimestamp(line.at, UTC).astimezone(zone), datetime.now(UTC).astimezone(zone)
        if at.date() == now.date():
            return f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"
        return f"{at:%m-%d %H:%M}" if at.year == now.year else f"{at:%Y-%m-%d}"

    def render_line(self, y: int) -> Strip:
        """Draw one row of the screen."""
        style = self.visual_style.rich_style
        if y >= len(self._rows):
            return Strip.blank(self.size.width, style)
        return self._rows[y].apply_style(style).crop_extend(0, self.size.width, style)


def _folded(text: str, width: int) -> list[tuple[int, int]]:
    """Return where the rows of a text begin and end, by characters, none wider than ``width`` cells."""
    if text.isascii():
        return [(start, min(start + width, len(text))) for start in range(0, len(text), width)] or [(0, 0)]
    if cell_len(text) <= width:
        return [(0, len(text))]
    rows: list[tuple[int, int]] = []
    start, cells = 0, 0
    for index, character in enumerate(text):
        size = get_character_cell_size(character)
        if cells + size > width and index > start:
            rows.append((start, index))
            start, cells = index, 0
        cells += size
    return [*rows, (start, len(text))]


def _cut(parts: Sequence[Segment], start: int, end: int) -> list[Segment]:
    """Return a part of a text in parts, by characters."""
    found: list[Segment] = []
    at = 0
    for part in parts:
        text = part.text[max(0, start - at) : max(0, end - at)]
        at += len(part.text)
        if text:
            found.append(Segment(text, part.style))
    return found
