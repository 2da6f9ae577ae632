"""The sections of a form in one line, of which one is open."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual.content import Content
from textual.events import Click
from textual.message import Message

from gputui.late_dataclasses import dataclass
from gputui.widgets.bars.line import Line, spread
from gputui.widgets.internal_errors import GuardedHandlers

MISSING, REFUSED = "*", "!"
"""The mark of a section with a required field that is empty, and of one with a value that is refused."""
_STYLES = {MISSING: "bold $text-warning", REFUSED: "bold $text-error"}


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its number, its name, and its mark."""

    number: int
    name: str
    mark: str = ""


class SectionTabs(GuardedHandlers, Line):
    """The open section is in brackets. More than fit scroll, so that the open one is in view."""

    ALLOW_SELECT = False

    @dataclass
    class Chosen(Message):
        """A section was clicked."""

        number: int

    def __init__(self) -> None:
        super().__init__(classes="section-tabs")
        self._sections: tuple[Section, ...] = ()
        self._open = 0
        self._keys = ""
        self._places: list[tuple[range, int]] = []

    def set_sections(self, sections: Sequence[Section], opened: int, keys: str) -> None:
        """Show these, and the keys between them where there is room."""
        self._sections, self._open, self._keys = tuple(sections), opened, keys
        self.lay_out()

    def lay_out(self) -> None:
        """Fill the line."""
        width = self.size.width
        if not width or not self._sections:
            return
        tabs = {one.number: _tab(one, opened=one.number == self._open) for one in self._sections}
        numbers = list(tabs)
        first, last = self._span(numbers, {number: tab.cell_length for number, tab in tabs.items()}, width - 2)
        self._places, line = [], Content("")
        for number in numbers[first:last]:
            start = line.cell_length
            line = line.append(tabs[number])
            self._places.append((range(start, line.cell_length), number))
        if first > 0:
            line = Content.styled("‹", "$muted") + line[1:]
        if last < len(numbers):
            line = line.append(Content.styled("›", "$muted"))
        keys = Content.styled(self._keys, "$muted")
        self.show(spread(line, keys, width) if line.cell_length + keys.cell_length + 2 <= width else line)

    def _span(self, numbers: Sequence[int], widths: dict[int, int], room: int) -> tuple[int, int]:
        """Return from which to which tab there is room: from the first, unless the open one is further right."""
        at = numbers.index(self._open) if self._open in numbers else 0
        first = 0
        while first < at and sum(widths[number] for number in numbers[first : at + 1]) > room:
            first += 1
        last = at + 1
        while last < len(numbers) and sum(widths[number] for number in numbers[first : last + 1]) <= room:
            last += 1
        return first, last

    def on_click(self, event: Click) -> None:
        """Open the section that was clicked."""
        place = event.get_content_offset(self)
        number = None if place is None else next((found for span, found in self._places if place.x in span), None)
        if number is not None:
            event.stop()
            self.post_message(self.Chosen(number))


def _tab(section: Section, *, opened: bool) -> Content:
    """Return a name with its mark; the brackets take the places of spaces, so that nothing moves."""
    mark = (section.mark, _STYLES.get(section.mark, ""))
    if opened:
        return Content.assemble((f"[{section.name}]", "bold $text-accent"), mark if section.mark else " ")
    return Content.assemble(" ", section.name, mark if section.mark else " ", " ")


def mark_of(names: Collection[str], *, refused: Collection[str], missing: Collection[str]) -> str:
    """Return the mark of a section with these fields."""
    if not set(names).isdisjoint(refused):
        return REFUSED
    return "" if set(names).isdisjoint(missing) else MISSING
