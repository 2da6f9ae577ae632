"""A log of any length: only the rows in view are laid out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gputui.late_dataclasses import dataclass
from gputui.logs.severity import severity_of
from gputui.logs.store import LogFilter, LogStore, StoredLine
from gputui.models import LogSeverity
from gputui.widgets.internal_errors import GuardedHandlers
from gputui.widgets.log_lines import START, LogLines, Place

_SIDE = 16
"""Cells that a key moves sideways."""
_STAMP = 13
"""Cells of a line's time and the space behind it, where some line has one."""
_GUTTER = 2
_MORE = "›"
"""The end of a line that continues to the right."""


Spans = Callable[[str], Iterable[tuple[int, int]]]
"""Finds what is marked in the text of a line, by characters."""


class LogView(GuardedHandlers, Widget, can_focus=True):
    """Shows lines; follows their end until one moves up."""

    DEFAULT_CSS = """
    LogView { height: 1fr; width: 1fr; }
    LogView > .log-view--time { color: $muted; }
    LogView > .log-view--bad { color: $text-error; }
    LogView > .log-view--poor { color: $text-warning; }
    LogView > .log-view--here { background: $selected; }
    LogView > .log-view--match { background: $match; color: $match-text; text-style: bold; }
    LogView > .log-view--about { color: $muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log-view--time",
        "log-view--bad",
        "log-view--poor",
        "log-view--here",
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
        self._lines = LogLines()
        self._spans: Spans | None = None
        self._found: Spans | None = None
        self._here: int | None = None
        self._left = 0
        self._rows: list[Strip] = []
        self.following = True
        """Whether the newest line stays in view."""
        self._utc = False
        self._stamp_width = 0
        self._about = ""

    # --- what is shown ---------------------------------------------------------------------------------------

    def set_lines(self, lines: LogStore | None) -> None:
        """Show other lines, from their end."""
        self._lines.set_store(lines)
        self._left = 0
        self.following = True
        self.update_lines()

    def set_filter(self, matches: LogFilter | None, spans: Spans | None = None) -> None:
        """Show only the lines that match, with the ``spans`` of the matches marked; the place is kept."""
        self._lines.matches = matches
        self._spans = spans
        self.update_lines(redraw=True)

    def set_search(self, spans: Spans | None, here: int | None) -> None:
        """Mark the ``spans`` of a search in every line, and the line ``here``, by its number."""
        if (spans, here) != (self._found, self._here):
            self._found, self._here = spans, here
            self._lay_out(redraw=True)

    def set_about(self, text: str) -> None:
        """Show a text in place of lines, while there are none."""
        if text != self._about:
            self._about = text
            self.update_lines()

    def set_shape(self, *, wrap: bool, utc: bool) -> None:
        """Wrap long lines or not; write times in UTC or local."""
        if (wrap, utc) != (self._lines.wrap, self._utc):
            self._lines.wrap, self._utc = wrap, utc
            self._left = 0
            self.update_lines(redraw=True)

    def update_lines(self, *, redraw: bool = False) -> None:
        """Show the lines that were added at either end; only rows that look different are drawn again."""
        lines, (width, height) = self._lines, self.size
        stamp = _STAMP if lines.timed else 0
        redraw |= stamp != self._stamp_width
        self._stamp_width = stamp
        lines.width, lines.height = max(1, width - _GUTTER - stamp), height
        end = lines.end
        if self.following or lines.top > end:
            lines.top = end
        self._lay_out(redraw=redraw)

    def lines_in_view(self) -> list[StoredLine]:
        """Return the lines that are in view now."""
        place, left, found = self._lines.top, self.size.height, list[StoredLine]()
        while left > 0 and place.line < self._lines.count:
            found.append(self._lines.line(place.line))
            left -= len(self._lines.rows(place.line)) - place.row
            place = Place(place.line + 1, 0)
        return found

    @property
    def numbers_in_view(self) -> range:
        """The numbers from that of the first line in view to that of the last; other lines may be hidden between."""
        lines = self.lines_in_view()
        return range(lines[0].number, lines[-1].number + 1) if lines else range(0)

    # --- moving ----------------------------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        """Move by some rows."""
        lines = self._lines
        self._move_to(lines.below(lines.top, rows) if rows > 0 else lines.above(lines.top, -rows))

    def action_page(self, pages: int) -> None:
        """Move by what is in view, but for one row."""
        self.action_move(pages * max(1, self.size.height - 1))

    def action_first(self) -> None:
        """Go to the oldest line that is there."""
        self._move_to(START)

    def action_last(self) -> None:
        """Go to the newest line and stay there."""
        self._move_to(self._lines.end)

    def action_sideways(self, step: int) -> None:
        """Show more of long lines to the right (1) or left (-1)."""
        if not self._lines.wrap:
            self._left = max(0, self._left + step * _SIDE)
            self._lay_out()

    def go_to(self, number: int) -> None:
        """Show a line with others around it, and the first of its marks; the view stays there."""
        lines = self._lines
        if (index := lines.index_of(number)) is None:
            return
        text = lines.line(index).text
        start, end = min(self._found(text), default=(0, 0)) if self._found is not None else (0, 0)
        place = lines.place_of(index, start)
        if not 0 < lines.distance(place) < lines.height - 1:
            lines.top = min(lines.above(place, lines.height // 3), lines.end)
        if not lines.wrap:
            first, last = cell_len(text[:start]), cell_len(text[:end])
            if not self._left <= first <= last < self._left + lines.width:
                self._left = 0 if last < lines.width else max(0, first - lines.width // 3)
        self.following = False
        self._lay_out()
        self.post_message(self.Moved(at_first=lines.top <= START))

    def _move_to(self, place: Place) -> None:
        self._lines.top = place
        self.following = place >= self._lines.end
        self._lay_out()
        self.post_message(self.Moved(at_first=place <= START))

    def on_mouse_scroll_down(self) -> None:
        """Move with the wheel."""
        self.action_move(3)

    def on_mouse_scroll_up(self) -> None:
        """Move with the wheel."""
        self.action_move(-3)

    def on_resize(self) -> None:
        """Fit to the new size."""
        self.update_lines(redraw=True)

    # --- drawing ---------------------------------------------------------------------------------------------

    def _lay_out(self, *, redraw: bool = False) -> None:
        """Make the rows in view; draw all of them, or those that differ from before."""
        height = self.size.height
        if not self.is_attached or not height:
            return
        rows: list[Strip] = []
        place = self._lines.top
        while len(rows) < height and place.line < self._lines.count:
            rows += self._strips(place.line)[place.row :]
            place = Place(place.line + 1, 0)
        if not rows and self._about:
            style = self.get_component_rich_style("log-view--about", partial=True)
            rows = [Strip([Segment(f"  {self._about}", style)])]
        rows = rows[:height]
        before, self._rows = self._rows, rows
        if redraw or not before:
            self.refresh()
            return
        for y in range(height):
            old, new = (each[y] if y < len(each) else None for each in (before, rows))
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def _strips(self, index: int) -> list[Strip]:
        line, width = self._lines.line(index), self._lines.width
        severity = severity_of(line)
        bad, poor = severity is LogSeverity.ERROR, severity is LogSeverity.WARNING
        name = "log-view--bad" if bad else "log-view--poor" if poor else ""
        style = self.get_component_rich_style(name, partial=True) if name else Style.null()
        here = line.number == self._here
        sign = Segment(f"{'✗' if bad else '!' if poor else ' '}{'▸' if here else ' '}", style)
        time = self.get_component_rich_style("log-view--time", partial=True)
        head = [sign]
        if self._stamp_width:
            head.append(Segment(f"{self._stamp(line):<{self._stamp_width}}", time))
        if here:
            style = style + self.get_component_rich_style("log-view--here", partial=True)
        body = self._styled(line.text, style)
        if not self._lines.wrap:
            whole, end = Strip(body), self._left + width
            if whole.cell_length <= end:
                return [Strip.join([Strip(head), whole.crop(self._left, end)])]
            return [Strip.join([Strip(head), whole.crop(self._left, end - 1), Strip([Segment(_MORE, time)])])]
        parts: list[Strip] = []
        for number, (start, end) in enumerate(self._lines.rows(index)):
            before = head if number == 0 else [Segment(" " * (_GUTTER + self._stamp_width))]
            parts.append(Strip([*before, *_cut(body, start, end)]))
        return parts

    def _styled(self, text: str, style: Style) -> list[Segment]:
        """Return a text in parts, with the matches marked."""
        spans = sorted(span for find in (self._spans, self._found) if find is not None for span in find(text))
        match = self.get_component_rich_style("log-view--match", partial=True) if spans else style
        parts: list[Segment] = []
        at = 0
        for start, end in spans:
            if end > (start := max(start, at)):
                parts += [Segment(text[at:start], style), Segment(text[start:end], match)]
                at = end
        return [part for part in (*parts, Segment(text[at:], style)) if part.text]

    def _stamp(self, line: StoredLine) -> str:
        if line.at is None:
            return ""
        zone = UTC if self._utc else None
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
