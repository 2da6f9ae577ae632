"""The rows of a table with their places, in the order that they are shown in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic

from gputui.presentation.columns.column import RowT

if TYPE_CHECKING:
    from gputui.models import Ref
    from gputui.widgets.table.groups import Group


class Entry(Generic[RowT]):
    """A row of a table, with its place.

    ``value`` is what it is ordered by, None where that is unknown; ``arrived`` is its number in the order of arrival.
    ``hidden``: it does not pass the filter. ``group`` is the group that it is shown in.
    """

    __slots__ = ("arrived", "group", "hidden", "ref", "row", "value")

    def __init__(self, row: RowT, arrived: int) -> None:
        self.row = row
        self.ref: Ref = row.ref
        self.arrived = arrived
        self.value: Any = None
        self.hidden = False
        self.group: Group[RowT] | None = None


class Order(Generic[RowT]):
    """Entries by value, those of equal value by arrival, those of unknown value last.

    ``entries`` ascend by their places, which are unique, so that one is found by bisection. With ``backwards`` they
    are read from the end: the places are such that unknown values and equal ones come in the same order either way.
    Indices count from the first one that is read.
    """

    __slots__ = ("_place", "backwards", "entries")

    def __init__(self, entries: list[Entry[RowT]], *, backwards: bool) -> None:
        self.entries = entries
        self.backwards = backwards
        self._place = _descending if backwards else _ascending

    @classmethod
    def of(cls, entries: Iterable[Entry[RowT]], *, backwards: bool) -> Order[RowT]:
        """Return an order of these, of which those of equal value are in the order of arrival by now.

        With ``backwards`` in the opposite one. The less they have to move, the faster it is.
        """
        known: list[Entry[RowT]] = []
        unknown: list[Entry[RowT]] = []
        for entry in entries:
            (unknown if entry.value is None else known).append(entry)
        known.sort(key=attrgetter("value"))
        return cls([*unknown, *known] if backwards else [*known, *unknown], backwards=backwards)

    def turned(self) -> Order[RowT]:
        """Return the opposite order, by the same values."""
        return self.of(reversed(self.entries), backwards=not self.backwards)

    def __len__(self) -> int:
        return len(self.entries)

    def at(self, index: int) -> Entry[RowT]:
        """Return the entry at an index; raises IndexError."""
        return self.entries[-1 - index if self.backwards else index]

    def index(self, entry: Entry[RowT]) -> int:
        """Return where an entry is."""
        place = self._find(entry)
        return len(self.entries) - 1 - place if self.backwards else place

    def slice(self, start: int, stop: int) -> list[Entry[RowT]]:
        """Return the entries from an index up to another."""
        if not self.backwards:
            return self.entries[start:stop]
        count = len(self.entries)
        return self.entries[count - min(stop, count) : max(0, count - start)][::-1]

    def refs(self) -> list[Ref]:
        """Return the Refs of all entries."""
        return [entry.ref for entry in (reversed(self.entries) if self.backwards else self.entries)]

    def insert(self, entry: Entry[RowT]) -> None:
        """Put an entry in its place."""
        self.entries.insert(self._find(entry), entry)

    def remove(self, entry: Entry[RowT]) -> None:
        """Take an entry out, whose value is still that by which it was put in."""
        del self.entries[self._find(entry)]

    def _find(self, entry: Entry[RowT]) -> int:
        return bisect_left(self.entries, self._place(entry), key=self._place)


def _ascending(entry: Entry[Any]) -> tuple[bool, Any, int]:
    return entry.value is None, entry.value, entry.arrived


def _descending(entry: Entry[Any]) -> tuple[bool, Any, int]:
    return entry.value is not None, entry.value, -entry.arrived
