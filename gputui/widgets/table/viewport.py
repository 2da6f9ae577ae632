"""The part of a table's lines that is in view, the cursor in it, and the faults of its columns. Knows no terminal."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic

from gputui.models import Ref
from gputui.presentation.columns.column import RowT
from gputui.widgets.table.groups import Gap, Heading, Line
from gputui.widgets.table.model import TableModel

_log = logging.getLogger(__name__)


class Viewport(Generic[RowT]):
    """Keeps the cursor in view, and both in place when rows change. ``height`` returns the lines for the body."""

    def __init__(self, model: TableModel[RowT], height: Callable[[], int], *, follow: bool) -> None:
        self._model = model
        self._height = height
        self.follow = follow
        """Whether a view at the end stays there: the end of a descending order has the oldest rows."""
        self.top = 0
        """The number of the first line in view."""
        self.used = False
        """Whether the user has moved cursor or view, or has used the cursor for something."""
        self.moves = 0
        """The number of moves of cursor or view by the user: then no command moves them elsewhere."""
        self.followed = False
        """Whether the view was at the end, and stayed there, when the rows last changed."""

    @property
    def page(self) -> int:
        """The number of lines that fit into the view."""
        return max(1, self._height())

    @property
    def cursor_index(self) -> int | None:
        """The place of the cursor among the lines, from 0."""
        return self._model.index_of(self._model.cursor)

    @property
    def at_end(self) -> bool:
        """Whether the cursor is on the last line and that is in view, or there is no line."""
        last = self._model.line_count - 1
        return self.cursor_index in {None, last} and last < self.top + self.page

    def step(self, lines: int) -> bool:
        """Move the cursor; returns whether there is one. Lines that it cannot be on are passed over."""
        index = self.cursor_index
        if index is None:
            return False
        model, last = self._model, self._model.line_count - 1
        there = min(max(index + lines, 0), last)
        ways = (range(there, last + 1), range(there, -1, -1))
        for places in ways if lines > 0 else reversed(ways):
            found = next((line for line in map(model.line_at, places) if model.takes_cursor(line)), None)
            if found is not None:
                model.move_to(found)
                break
        self.used = True
        self.moves += 1
        self.reveal()
        return True

    def select(self, line: Line) -> bool:
        """Put the cursor on a line and bring it into view; returns whether it is shown."""
        if not self._model.move_to(line):
            return False
        self.used = True
        self.reveal()
        return True

    def scroll_to(self, top: int) -> None:
        """Scroll the view; the cursor stays on its row."""
        self.top = top
        self.used = True
        self.moves += 1
        self._clamp()

    def reveal(self) -> None:
        """Scroll as little as brings the cursor into view, on a first row of a group with the heading above it."""
        index = self.cursor_index
        if index is not None:
            first = index
            for above in (Heading, Gap):
                is_row = isinstance(self._model.cursor, Ref)
                if first > 0 and (is_row or above is Gap) and isinstance(self._model.line_at(first - 1), above):
                    first -= 1
            self.top = max(min(self.top, first), index - self.page + 1)
        self._clamp()

    def to_top_if_unused(self) -> None:
        """Put an unused cursor on the first row of a new order, not on the row that happened to be first before."""
        if not self.used and (first := self._model.first_line) is not None:
            self._model.move_to(first)

    def _clamp(self) -> None:
        self.top = max(0, min(self.top, self._model.line_count - self.page))

    @contextmanager
    def anchored(self) -> Iterator[Line | None]:
        """Keep the cursor's line in place, or without it in view the first line that stays; yields the first line."""
        model, index = self._model, self.cursor_index
        line = None if index is None or not 0 <= index - self.top < self.page else index - self.top
        following = self.followed = self.follow and self.at_end
        view = model.lines(self.top, self.top + self.page) if line is None else []
        yield model.line_at(self.top) if model.line_count > self.top else None
        if following and model.line_count:
            model.move_to(model.line_at(model.line_count - 1))
            self.reveal()
            return
        if not self.used and self.top == 0:
            self.reveal()
            return
        index = self.cursor_index
        if line is not None and index is not None:
            self.top = index - line
        else:
            places = ((model.index_of(each), place) for place, each in enumerate(view))
            self.top = next((index - place for index, place in places if index is not None), self.top)
        self._clamp()


class Faults:
    """Reports what the functions of columns raise: once for each place, not for each of a thousand rows."""

    def __init__(self, on_fault: Callable[[Exception], None] | None) -> None:
        self._on_fault = on_fault
        self._seen: set[tuple[object, ...]] = set()

    def report(self, error: Exception) -> None:
        """Report an error that is the first from its place."""
        frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__, -1)]
        place = (type(error), *frames)
        if place in self._seen:
            return
        self._seen.add(place)
        if self._on_fault is None:
            _log.error("a row cannot be shown as it is", exc_info=error)
        else:
            self._on_fault(error)
