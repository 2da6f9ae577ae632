"""The parts of one total of a group, kept by row: the change of a row is not a walk over all of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Generic, overload

from gputui.presentation.columns.column import RowT
from gputui.presentation.groups.grouping import Total
from gputui.widgets.table.order import Entry, Order


class _Part:
    """A part of a total, and the number of rows that have it."""

    __slots__ = ("count", "value")

    def __init__(self, value: Hashable) -> None:
        self.value = value
        self.count = 0


class Tally(Generic[RowT]):
    """The parts of a total, each with the number of rows that have it.

    ``changed`` are the rows whose parts are made again by :meth:`catch_up`.
    """

    def __init__(self, total: Total[RowT], entries: Iterable[Entry[RowT]]) -> None:
        self._total = total
        self._parts: dict[Hashable, _Part] = {}
        self._of: dict[Entry[RowT], _Part] = {}
        self.changed: set[Entry[RowT]] = set()
        self._add(entries)

    def combined(self) -> Any:
        """Return the total."""
        return self._total.combine({part.value: part.count for part in self._parts.values()})

    def catch_up(self, belongs: Callable[[Entry[RowT]], bool]) -> None:
        """Make the parts of changed rows again, without those that no longer belong to the group."""
        for entry in self.changed & self._of.keys():
            part = self._of.pop(entry)
            part.count -= 1
            if not part.count:
                del self._parts[part.value]
        self._add(filter(belongs, self.changed))
        self.changed.clear()

    def _add(self, entries: Iterable[Entry[RowT]]) -> None:
        make, of, parts = self._total.part, self._of, self._parts
        for entry in entries:
            value = make(entry.row)
            part = parts.get(value)
            if part is None:
                part = parts[value] = _Part(value)
            part.count += 1
            of[entry] = part


class RowsOf(Sequence[RowT]):
    """The rows of an order, looked up when they are asked for: most headings need their number alone."""

    def __init__(self, order: Order[RowT]) -> None:
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> RowT: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RowT]: ...
    def __getitem__(self, index: int | slice) -> RowT | Sequence[RowT]:
        if isinstance(index, slice):
            return [entry.row for entry in self._order.slice(0, len(self._order))[index]]
        return self._order.at(index).row
