"""The title of a view: the bar of all views, and what the view in front says about itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from textual.content import Content
from textual.events import Click
from textual.geometry import Region, Size
from textual.widget import Widget

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
    NEWS = "•", "bold $text-accent"
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
        return Content.assemble(" " if named else "", (self.key, "$foreground"), (name, "$muted"), self.mark.value)


def named_width(tabs: Sequence[Tab]) -> int:
    """Return the columns of a bar with all names."""
    return sum(len(tab.text) + 2 for tab in tabs)


class TitleBar(GuardedHandlers, Widget):
    """The bar of views, and the caption of the one in front: on one line, or on two.

    Where all names fit next to the caption, or the terminal has lines enough for two, the bar has all names; else the
    keys alone, next to the caption with the name of the current view. The size of the terminal decides: nothing moves
    while one works. Only the part that has changed is written.
    """

    DEFAULT_CSS = """
    TitleBar { height: 1; width: 1fr; padding: 0 1; color: $foreground; }
    TitleBar.-two-lines { height: 2; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.caption = Content("")
        """The heading, counts and limits of the view, as they are shown."""
        self._parts = Content(""), Content("")
        self._tabs: tuple[Tab, ...] = ()
        self._bar = Content("")
        self._named = True
        self._places: list[tuple[range, str]] = []

    @property
    def two_lines(self) -> bool:
        """Whether the caption is below the bar."""
        return self.has_class("-two-lines")

    def fit(self, terminal: Size, tabs: Sequence[Tab]) -> None:
        """Show these views as the terminal has room for them."""
        tabs = list(tabs)
        room = terminal.width - (ROOM_BESIDE_NAMES if terminal.height < LINES_FOR_TWO else 0)
        while tabs and tabs[-1].pinned and named_width(tabs) + 2 > room:
            tabs.pop()
        names = named_width(tabs) + 2
        beside = terminal.width >= names + ROOM_BESIDE_NAMES
        two_lines = not beside and terminal.width >= names and terminal.height >= LINES_FOR_TWO
        self.set_class(two_lines, "-two-lines")
        self._named = beside or two_lines
        self._tabs = tuple(tab for tab in tabs if self._named or not tab.pinned)
        self._lay_out_tabs()
        self.lay_out()

    def set_parts(self, left: Content, right: Content) -> None:
        """Show these at the left and the right end of the caption."""
        self._parts = left, right
        self.lay_out()

    def _lay_out_tabs(self) -> None:
        parts: list[Content] = []
        self._places = []
        end = 0
        for tab in self._tabs:
            content = tab.content(named=self._named)
            parts.append(content)
            self._places.append((range(end, end + content.cell_length), tab.click))
            end += content.cell_length
        bar = Content("").join(parts)
        if bar.plain != self._bar.plain or bar.spans != self._bar.spans:
            moved = bar.cell_length != self._bar.cell_length
            self._bar = bar
            if moved or self.two_lines:
                self.refresh()
            else:
                self.refresh(Region(0, 0, bar.cell_length, 1))

    def lay_out(self) -> None:
        """Spread the caption over its room."""
        start = 0 if self.two_lines else self._bar.cell_length + _GAP
        room = self.size.width - 2 - start
        if room <= 0:
            return
        left, right = self._parts
        # Where both do not fit, the left part keeps its share: it says what is shown.
        kept = min(left.cell_length, room * 3 // 5)
        caption = spread(left, right.truncate(max(0, room - kept - 1), ellipsis=True), room)
        if caption.plain != self.caption.plain or caption.spans != self.caption.spans:
            self.caption = caption
            self.refresh(Region(start, int(self.two_lines), room, 1))

    def on_resize(self) -> None:
        """Fit the caption to the new width."""
        self.lay_out()

    def render(self) -> Content:
        """Return the bar and the caption, on as many lines as it has."""
        if not self.two_lines:
            return Content.assemble(self._bar, " " * _GAP, self.caption).truncate(
                max(1, self.size.width), ellipsis=True
            )
        return Content("\n").join((self._bar, self.caption))

    async def on_click(self, event: Click) -> None:
        """Show the view whose name was clicked."""
        place = event.get_content_offset(self)
        if place is None or place.y > 0:
            return
        action = next((action for columns, action in self._places if place.x in columns), None)
        if action is not None:
            event.stop()
            await self.run_action(action)
