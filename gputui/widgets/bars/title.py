"""The title of a view: the bar of all views, and what the view in front says about itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from textual.content import Content
from textual.events import Click
from textual.geometry import Region, Size
from textual.widget import Widget

from gputui.late_dataclasses import dataclass
from gputui.widgets.bars.line import spread
from gputui.widgets.internal_errors import GuardedHandlers

ROOM_BESIDE_NAMES = 64
"""The columns that the caption needs next to the bar with all names; with fewer it has a line of its own."""
_GAP = 2
"""The columns between the bar and the caption."""
LINES_FOR_TWO = 30
"""The lines of a terminal from which on the bar and the caption may have one each."""


class Mark(Enum):
    """The mark behind the name of a view, with its style; it says what came since the view was last looked at."""

    NONE = " ", ""
    EVENTS = "•", "bold $text-accent"
    PROBLEM = "!", "bold $text-error"


@dataclass(frozen=True, slots=True)
class Tab:
    """A view in the bar: the key that shows it, its name, its mark, and the action of a click on it."""

    key: str
    name: str
    click: str
    mark: Mark = Mark.NONE
    current: bool = False
    pinned: bool = False
    """Whether it is there only where all names have room with its own."""

    @property
    def text(self) -> str:
        """The key and the name."""
        return f"{self.key} {self.name}" if self.key else self.name

    def content(self, *, named: bool) -> Content:
        """Return it with its mark: in brackets where it is the current one, which is distinct without colour.

        Among names the brackets take the places of a space and the mark: nothing moves between two views.
        """
        text = self.text if named or not self.key else self.key
        if self.current:
            return Content.assemble((f"[{text}]", "bold $text-accent"), "" if named else " ")
        name = text.removeprefix(self.key)
        return Content.assemble(" " if named else "", self.key, (name, "$muted" if name else ""), self.mark.value)


def named_width(tabs: Sequence[Tab]) -> int:
    """Return the columns of a bar with all names."""
    return sum(len(tab.text) + 2 for tab in tabs)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The bar as the terminal has room for it: its tabs, whether with names, and whether the caption is below it."""

    tabs: tuple[Tab, ...] = ()
    named: bool = True
    two_lines: bool = False


def arranged(tabs: Sequence[Tab], terminal: Size) -> Arrangement:
    """Return the bar of these views for a size of the terminal."""
    tabs = list(tabs)
    room = terminal.width - (ROOM_BESIDE_NAMES if terminal.height < LINES_FOR_TWO else 0)
    while tabs and tabs[-1].pinned and named_width(tabs) + 2 * _GAP > room:
        tabs.pop()
    names = named_width(tabs) + 2
    beside = terminal.width >= names + ROOM_BESIDE_NAMES
    two_lines = not beside and terminal.width >= names and terminal.height >= LINES_FOR_TWO
    named = beside or two_lines
    return Arrangement(tuple(tab for tab in tabs if named or not tab.pinned), named, two_lines)


_NOTHING = Content("")
_BETWEEN, _CUT = "   ", " …"


class TitleBar(GuardedHandlers, Widget):
    """The bar of views, and the caption of the one in front: on one line, or on two.

    Where all names fit next to the caption, or the terminal has lines enough for two, the bar has all names; else the
    keys alone, next to the caption with the name of the current view. The size of the terminal decides: nothing moves
    while one works. A message takes the place of the caption, a longer one that of the bar as well; the name of the
    current view stays before it. Only the part that has changed is written.
    """

    DEFAULT_CSS = """
    TitleBar { height: auto; width: 1fr; padding: 0 1; color: $foreground; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.caption = _NOTHING
        """The heading, counts and limits of the view, as they are shown where there is no message."""
        self._captions = _NOTHING, _NOTHING
        self._message: Content | None = None
        self._heading = ""
        self._more = 0
        self._key = ""
        self._tabs: tuple[Tab, ...] = ()
        self._arrangement = Arrangement()
        self._bar = _NOTHING
        self._places: list[tuple[range, str]] = []
        self._shown: dict[Region, Content] = {}

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the lines for the terminal of now, so that the layout after a change of its size is the last one."""
        return 2 if arranged(self._tabs, viewport).two_lines else 1

    def set_tabs(self, tabs: Sequence[Tab]) -> None:
        """Show these views as the terminal has room for them."""
        self._tabs = tuple(tabs)
        if self._arrange():
            self.lay_out()

    def _arrange(self) -> bool:
        """Arrange the bar for the terminal of now; returns whether it is another one."""
        before, self._arrangement = self._arrangement, arranged(self._tabs, self.app.size)
        if self._arrangement == before:
            return False
        if self._arrangement.two_lines != before.two_lines:
            self.refresh(layout=True)
        self._bar, self._places = _NOTHING, []
        for tab in self._arrangement.tabs:
            start = self._bar.cell_length
            self._bar = Content.assemble(self._bar, tab.content(named=self._arrangement.named))
            self._places.append((range(start, self._bar.cell_length), tab.click))
        return True

    def set_parts(self, left: Content, right: Content) -> None:
        """Show these at the left and the right end of the caption."""
        if not (_same(left, self._captions[0]) and _same(right, self._captions[1])):
            self._captions = left, right
            self.lay_out()

    def set_message(self, message: Content | None, name: str, more: int, key: str) -> None:
        """Show a message, how many others there are, and, where it is cut, the key that shows all of it.

        ``name`` is that of the current view, for where a message takes the place of its heading.
        """
        same = (name, more, key) == (self._heading, self._more, self._key)
        if same and (message is self._message or (message and self._message and _same(message, self._message))):
            return
        self._message, self._heading, self._more, self._key = message, name, more, key
        self.lay_out()

    def lay_out(self) -> None:
        """Fill the lines; what is there already is not written again."""
        width = self.size.width
        if width <= 0:
            return
        start = 0 if self._arrangement.two_lines else self._bar.cell_length + _GAP
        self.caption = self._caption(max(1, width - start))
        parts = self._parts(width, start)
        before, self._shown = self._shown, parts
        if before.keys() != parts.keys():
            self.refresh()
        elif changed := [place for place, part in parts.items() if not _same(part, before[place])]:
            self.refresh(*changed)

    def _caption(self, room: int) -> Content:
        left, right = self._captions
        free = room - left.cell_length - 1
        if right.cell_length <= free:
            return spread(left, right, room)
        if whole := _first_parts(right, free):
            return spread(left, whole, room)
        # Where both do not fit, the left part keeps its share: it says what is shown.
        free = max(0, room - min(left.cell_length, room * 3 // 5) - 1)
        return spread(left, _first_parts(right, free) or right.truncate(free, ellipsis=True), room)

    def _parts(self, width: int, start: int) -> dict[Region, Content]:
        """Return all that is shown, by its place."""
        last = int(self._arrangement.two_lines)
        bar = Region(0, 0, min(width, self._bar.cell_length), 1), self._bar.truncate(width, ellipsis=True)
        place = Region(start, last, max(1, width - start), 1)
        if self._message is None:
            return dict((bar, (place, self.caption)))
        more = Content.styled(f"  +{self._more}" if self._more else "", "$muted")
        named = self._arrangement.named and any(tab.current for tab in self._arrangement.tabs)
        short = self._message if named else Content.assemble((self._heading, "bold"), "   ", self._message)
        if short.cell_length + more.cell_length <= place.width:
            return dict((bar, (place, spread(short, more, place.width))))
        rest, lines = Content.assemble(self._current(width // 4), "  ", self._message), {}
        if self._arrangement.two_lines:
            first, rest = _broken(rest, width)
            lines[Region(0, 0, width, 1)] = first
        if rest.cell_length + more.cell_length > width:
            more = Content.assemble(more, "  ", (self._key, "bold $text-accent"), (" all of it", "$muted"))
        lines[Region(0, last, width, 1)] = spread(rest, more, width)
        return lines

    def _current(self, room: int) -> Content:
        """Return the name of the current view as the bar has it."""
        tab = next((tab for tab in self._tabs if tab.current), None)
        name = Content.styled(f"[{self._heading}]", "bold $text-accent") if tab is None else tab.content(named=True)
        return name.truncate(room, ellipsis=True)

    def on_resize(self) -> None:
        """Fit the bar and the caption to the new size."""
        self._arrange()
        self.lay_out()

    def render(self) -> Content:
        """Return the bar and the caption, or a message, on as many lines as it has."""
        lines = [_NOTHING] * (2 if self._arrangement.two_lines else 1)
        for place, part in self._shown.items():
            if place.y < len(lines):
                gap = place.x - lines[place.y].cell_length
                lines[place.y] = Content.assemble(lines[place.y], " " * gap, part)
        return Content("\n").join(lines)

    async def on_click(self, event: Click) -> None:
        """Show the view whose name was clicked."""
        place = event.get_content_offset(self)
        if place is None or place.y > 0 or not any(_same(part, self._bar) for part in self._shown.values()):
            return
        action = next((action for columns, action in self._places if place.x in columns), None)
        if action is not None:
            event.stop()
            await self.run_action(action)


def _same(one: Content, other: Content) -> bool:
    return one.plain == other.plain and one.spans == other.spans


def _first_parts(text: Content, width: int) -> Content | None:
    """Return as many of the parts of a text, which three spaces separate, as a width has room for; None for none."""
    ends = [found.start() for found in re.finditer(_BETWEEN, text.plain) if text.plain[: found.start()].strip()]
    fitting = (text.divide([end])[0] for end in reversed(ends))
    first = next((parts for parts in fitting if parts.cell_length <= width), None)
    if first is not None and first.cell_length + len(_CUT) <= width:
        return Content.assemble(first, (_CUT, "$muted"))
    return first


def _broken(text: Content, width: int) -> tuple[Content, Content]:
    """Break a text at the last space before the width, or there if it has none."""
    fits = len(text.truncate(width).plain)
    at = text.plain.rfind(" ", 0, fits + 1)
    first, rest = text.divide([at if at > 0 else fits])
    return first, rest[1:] if at > 0 else rest
