"""The lines of a log that are shown, and the place in them at the top of the view. Knows no terminal.

A place is the number of a line, and the row within it where lines are wrapped; numbers stay the same when lines are
added before or behind.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size

from gputui.logs.store import LogFilter, LogStore, StoredLine

_BLOCK = 256
"""Lines that are read at once."""
_KEPT = 4096
"""Lines that are kept as they were read."""


class Place(NamedTuple):
    """A row of the log: the place of its line among those shown, and which row of that line it is."""

    line: int
    row: int


START = Place(0, 0)


class LogLines:
    """The lines of a log, or the matches of a filter. ``width`` and ``height`` are those of the view, in cells."""

    def __init__(self) -> None:
        self.wrap = False
        self.width, self.height = 1, 0
        self._store: LogStore | None = None
        self.matches: LogFilter | None = None
        """The lines that are shown; all for None."""
        self._cache: dict[int, StoredLine] = {}
        self._top = (0, 0)

    def set_store(self, store: LogStore | None) -> None:
        """Show the lines of another log."""
        self._store, self.matches = store, None
        self._cache.clear()

    @property
    def timed(self) -> bool:
        """Whether the time of some line is known."""
        return self._store is not None and self._store.timed

    @property
    def count(self) -> int:
        """The number of lines that are shown."""
        if self._store is None:
            return 0
        return len(self.matches) if self.matches is not None else self._store.last - self._store.first

    @property
    def top(self) -> Place:
        """The place at the top of the view."""
        number, row = self._top
        index = self._index(number)
        if not self.count or self._number(index) != number:
            return Place(index, 0)
        return Place(index, min(row, len(self.rows(index)) - 1))

    @top.setter
    def top(self, place: Place) -> None:
        self._top = (self._number(place.line), place.row) if self.count else (0, 0)

    @property
    def end(self) -> Place:
        """The top of a view whose last row is the last of the log."""
        return self.above(Place(self.count, 0), self.height)

    def above(self, place: Place, rows: int) -> Place:
        """Return the place so many rows above another."""
        index, row = place
        while rows > row and index > 0:
            rows -= row
            index -= 1
            row = len(self.rows(index))
        return Place(index, max(0, row - rows))

    def below(self, place: Place, rows: int) -> Place:
        """Return the place so many rows below another, the end at most."""
        index, row = place
        while index < self.count and rows >= (left := len(self.rows(index)) - row):
            rows -= left
            index, row = index + 1, 0
        return min(Place(index, row + rows), self.end)

    def index_of(self, number: int) -> int | None:
        """Return the place of a line among those shown; None where it is not."""
        index = self._index(number)
        return index if self.count and self._number(index) == number else None

    def place_of(self, index: int, column: int) -> Place:
        """Return the row that shows a character of a line."""
        rows = self.rows(index)
        return Place(index, next((row for row, (_, end) in enumerate(rows) if column < end), len(rows) - 1))

    def distance(self, place: Place) -> int:
        """Return the rows from the top of the view to a place; -1 for one above it, the height for one below."""
        at, rows = self.top, 0
        if place < at:
            return -1
        while at.line < place.line and rows < self.height:
            rows += len(self.rows(at.line)) - at.row
            at = Place(at.line + 1, 0)
        return min(rows + place.row - at.row, self.height)

    def line(self, index: int) -> StoredLine:
        """Return a line by its place among those shown."""
        number = self._number(index)
        line = self._cache.get(number)
        if line is None and self._store is not None:
            if len(self._cache) > _KEPT:
                self._cache.clear()
            start = number - number % _BLOCK
            self._cache |= {each.number: each for each in self._store.read(start, start + _BLOCK)}
            line = self._cache[number]
        assert line is not None  # noqa: S101  (a number among those shown is one of the lines)
        return line

    def rows(self, index: int) -> list[tuple[int, int]]:
        """Return where the rows of a line begin and end, by characters."""
        text = self.line(index).text
        return _wrapped(text, self.width) if self.wrap else [(0, len(text))]

    def _number(self, index: int) -> int:
        if self.matches is not None:
            return self.matches[index]
        return index + (self._store.first if self._store is not None else 0)

    def _index(self, number: int) -> int:
        if self.matches is not None:
            index = self.matches.index_of(number)
        else:
            index = number - (self._store.first if self._store is not None else 0)
        return min(max(0, index), max(0, self.count - 1))


def _wrapped(text: str, width: int) -> list[tuple[int, int]]:
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
