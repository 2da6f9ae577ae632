"""Columns that do not fit next to each other: those in view behind a first one that stays, and the choice of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gputui.presentation.columns.choice import ColumnChoice
from gputui.presentation.columns.column import Column, RowT
from gputui.widgets.table.columns import FLOOR, GAP, Placed

if TYPE_CHECKING:
    from gputui.widgets.table.painter import TablePainter

EARLIER, LATER = "‹", "›"
"""Shown in the heading where there are more columns to the left, to the right."""


class Stop(NamedTuple):
    """A place to scroll to: the columns from ``first`` up to ``end`` are in view next to those that stay."""

    first: int
    end: int


def staying(columns: Sequence[Column[Any]]) -> int:
    """Return how many columns at the left stay: the first, and all anchors that follow those before them."""
    count = 1
    while count < len(columns) and columns[count].anchor and (count > 1 or columns[0].anchor):
        count += 1
    return count


def stops(widths: Sequence[int], room: int, *, stay: int = 1, begin: int = 0) -> list[Stop]:
    """Return the places to scroll to in ``room`` cells; the columns of the first ``stay`` of these ``widths`` stay.

    Each step brings the next column into view. ``begin`` is how many columns the first place shows where that is
    decided otherwise; else it shows as many as fit.
    """
    room -= sum(widths[:stay]) + GAP * (stay - 1)
    count = len(widths)

    def end_of(first: int) -> int:
        left = room
        for at in range(first, count):
            left -= GAP + widths[at]
            if left < 0:
                return max(at, first + 1)
        return count

    found = [Stop(stay, begin or end_of(stay))]
    while (end := found[-1].end) < count:
        first = end
        left = room - GAP - widths[end]
        while first > stay and (left := left - GAP - widths[first - 1]) >= 0:
            first -= 1
        found.append(Stop(first, end_of(first)))
    return found


def narrow_widths(
    columns: Sequence[Column[Any]],
    natural: Mapping[str, int],
    room: int,
    *,
    stay: int = 1,
    now: Sequence[int] = (),
) -> list[int]:
    """Return the widths of columns that scroll: flexible ones at their least; those that ``stay`` leave some room.

    ``now`` are the widths that the first ones have already.
    """

    def least(column: Column[Any]) -> int:
        width = natural[column.key]
        return min(width, max(column.width, column.least, FLOOR)) if column.flex else width

    most = room // (stay + 1)
    fixed = [min(width, most) for width in (now[:stay] or map(least, columns[:stay]))]
    left = room - sum(fixed) - GAP * stay
    return [*fixed, *(min(least(column), left) for column in columns[stay:])]


def place(
    columns: Sequence[Column[RowT]],
    widths: Sequence[int],
    natural: Mapping[str, int],
    room: int,
    stop: Stop,
    *,
    stay: int = 1,
) -> tuple[Placed[RowT], ...]:
    """Return the columns in view and their places; flexible ones take the cells left over, last those that stay."""
    shown = [*range(stay), *range(stop.first, stop.end)]
    width_at = {at: widths[at] for at in shown}
    spare = room - sum(width_at.values()) - GAP * (len(shown) - 1)
    for at in (*shown[stay:], *shown[:stay]):
        more = min(spare, natural[columns[at].key] - width_at[at]) if columns[at].flex else 0
        width_at[at] += max(0, more)
        spare -= max(0, more)
    placed: list[Placed[RowT]] = []
    x = 0
    for at in shown:
        placed.append(Placed(columns[at], x, width_at[at]))
        x += width_at[at] + GAP
    return tuple(placed)


class ChosenColumns:
    """The columns of one table as its user chooses them and scrolls through them. ``redraw`` draws what differs."""

    def __init__(self, painter: TablePainter[Any], redraw: Callable[[], None]) -> None:
        self._painter = painter
        self._redraw = redraw

    @property
    def choice(self) -> ColumnChoice | None:
        """The columns that the user chose; None where the table chooses by itself."""
        return self._painter.layout.choice

    def choose(self, choice: ColumnChoice | None) -> None:
        """Show these columns from now on; None lets the table choose by itself. Unknown keys are left out."""
        choice = choice or None
        if choice != self.choice:
            self._painter.layout.choose(choice)
            self._redraw()

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that there are without scrolling, or all of a choice."""
        return self._painter.layout.chosen_keys

    def width_of(self, key: str) -> int:
        """Return the cells that a column has now, or would like to have where it is not in view."""
        return self._painter.layout.width_of(key)

    def scroll(self, steps: int) -> None:
        """Bring columns to the left (-1) or to the right (1) into view."""
        layout = self._painter.layout
        self._go_to(layout.stop + steps)

    def reveal(self, key: str) -> None:
        """Scroll as little as brings a column into view."""
        layout = self._painter.layout
        if all(placed.column.key != key for placed in layout.placed) and (stop := layout.stop_of(key)) is not None:
            self._go_to(stop)

    def _go_to(self, stop: int) -> None:
        if self._painter.scroll_to(stop):
            self._redraw()
