"""The order of a table's rows: filter, sort, marks and the cursor, all by Ref. Knows no terminal."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeAlias

from gputui.models import Ref
from gputui.widgets.table_columns import RowT

_Key: TypeAlias = tuple[int, Any, int]

_FEW = 16
"""Below one change in this many rows each is put in its place; above, everything is sorted anew."""


class TableModel(Generic[RowT]):
    """Rows in the order they are shown.

    The rows that pass the filter are held ascending by a key that is unique, so that a position is found by
    bisection; descending order is the same list read backwards. Rows of equal value, and all rows when nothing
    sorts, stay in the order they arrived in.

    The cursor stays on its Ref. When its row goes, the cursor takes the next row that is left, else the one
    before. A cursor that a filter or an emptied table took away comes back with its row, unless it was moved.

    A row whose value cannot be made counts as unknown, one that the filter fails on is shown; ``on_fault`` is told.
    """

    def __init__(self, on_fault: Callable[[Exception], None]) -> None:
        self._on_fault = on_fault
        self.rows: dict[Ref, RowT] = {}
        self.marks: set[Ref] = set()
        self.cursor: Ref | None = None
        self._home: Ref | None = None
        self._sequence: dict[Ref, int] = {}
        self._arrived = 0
        self._sort: Callable[[RowT], Any] | None = None
        self._descending = False
        self._filter: Callable[[RowT], bool] | None = None
        self._key_of: dict[Ref, _Key] = {}
        self._keys: list[_Key] = []
        self._refs: list[Ref] = []

    def __len__(self) -> int:
        return len(self._refs)

    def __contains__(self, ref: object) -> bool:
        """Whether the row is there and passes the filter."""
        return ref in self._key_of

    def ref_at(self, index: int) -> Ref:
        """Return the Ref of the row shown at ``index``; raises IndexError."""
        if not 0 <= index < len(self._refs):
            raise IndexError(index)
        return self._refs[-1 - index if self._descending else index]

    def refs(self, start: int = 0, stop: int | None = None) -> list[Ref]:
        """Return the Refs shown from ``start`` up to ``stop``."""
        count = len(self._refs)
        stop = count if stop is None else min(stop, count)
        if not self._descending:
            return self._refs[start:stop]
        return self._refs[count - stop : count - start][::-1]

    def index_of(self, ref: Ref | None) -> int | None:
        """Return where the row is shown, None when it is not."""
        key = None if ref is None else self._key_of.get(ref)
        if key is None:
            return None
        index = bisect_left(self._keys, key)
        return len(self._keys) - 1 - index if self._descending else index

    def move_to(self, ref: Ref) -> bool:
        """Put the cursor on a row that is shown; returns whether it is."""
        if ref not in self._key_of:
            return False
        self.cursor = ref
        self._home = None
        return True

    def replace(self, rows: Iterable[RowT]) -> None:
        """Take these rows instead of all others, in this order where nothing sorts."""
        self.rows = {row.ref: row for row in rows}
        self._sequence = {ref: number for number, ref in enumerate(self.rows)}
        self._arrived = len(self.rows)
        self.marks &= self.rows.keys()
        self._rebuild(returning=False)

    def change(self, added: Iterable[RowT], updated: Iterable[RowT], removed: Iterable[Ref]) -> None:
        """Take in what was added, updated and removed. An update of an unknown row adds it, and the reverse."""
        fresh = {row.ref: row for rows in (updated, added) for row in rows}
        gone = dict.fromkeys(ref for ref in removed if ref in self.rows and ref not in fresh)
        before: Sequence[Ref] = ()
        at = -1
        if self.cursor is not None and (self.cursor in fresh or self.cursor in gone):
            before, at = self.refs(), self.index_of(self.cursor) or 0
        few = (len(fresh) + len(gone)) * _FEW < len(self._refs)
        moved = False
        for ref in gone:
            del self.rows[ref], self._sequence[ref]
            self.marks.discard(ref)
            moved |= self._set_key(ref, None, place=few)
        for ref, row in fresh.items():
            if ref not in self._sequence:
                self._sequence[ref] = self._arrived
                self._arrived += 1
            self.rows[ref] = row
            moved |= self._set_key(ref, self._make_key(ref, row), place=few)
        if moved and not few:
            self._order()
        self._settle(before, at)

    def set_filter(self, keeps: Callable[[RowT], bool] | None) -> None:
        """Show only the rows that ``keeps`` says yes to; None shows all."""
        self._filter = keeps
        self._rebuild(returning=True)

    def set_sort(self, value: Callable[[RowT], Any] | None, *, descending: bool = False) -> None:
        """Order by ``value``, unknown (None, NaN) last either way; None orders by arrival."""
        self._sort = value
        self._descending = descending
        self._rebuild(returning=False)

    def _make_key(self, ref: Ref, row: RowT) -> _Key | None:
        """Return the row's place in the ascending list, None when the filter keeps it out."""
        try:
            if self._filter is not None and not self._filter(row):
                return None
        except Exception as error:  # noqa: BLE001  (one bad row must not take the others from view)
            self._on_fault(error)
        try:
            value = None if self._sort is None else self._sort(row)
            unknown = value is None or bool(value != value)  # noqa: PLR0124  (NaN alone differs from itself)
        except Exception as error:  # noqa: BLE001  (as above)
            self._on_fault(error)
            value, unknown = None, True
        sequence = self._sequence[ref]
        # Read backwards, unknown values must still come last and equal ones in the order of arrival.
        if self._descending:
            return (0, 0, -sequence) if unknown else (1, value, -sequence)
        return (1, 0, sequence) if unknown else (0, value, sequence)

    def _set_key(self, ref: Ref, key: _Key | None, *, place: bool) -> bool:
        """Give the row another place, or none, in the list too when ``place``; returns whether it is another."""
        old = self._key_of.get(ref)
        if old == key:
            return False
        if old is not None:
            del self._key_of[ref]
        if key is not None:
            self._key_of[ref] = key
        if old is not None and place:
            index = bisect_left(self._keys, old)
            del self._keys[index], self._refs[index]
        if key is not None and place:
            index = bisect_left(self._keys, key)
            self._keys.insert(index, key)
            self._refs.insert(index, ref)
        return True

    def _order(self) -> None:
        pairs = sorted((key, ref) for ref, key in self._key_of.items())
        self._keys = [key for key, _ in pairs]
        self._refs = [ref for _, ref in pairs]

    def _rebuild(self, *, returning: bool) -> None:
        before, at = self.refs(), self.index_of(self.cursor)
        self._key_of = {ref: key for ref, row in self.rows.items() if (key := self._make_key(ref, row)) is not None}
        self._order()
        if returning and self._home in self._key_of:
            self.cursor, self._home = self._home, None
        self._settle(before, -1 if at is None else at)

    def _settle(self, before: Sequence[Ref], at: int) -> None:
        """Give the cursor a row: its own, else the next of ``before`` that is left, else the one before that."""
        if self.cursor is not None and self.cursor in self._key_of:
            return
        if self.cursor is not None and (self.cursor in self.rows or not self._refs):
            self._home = self._home or self.cursor
        if self.cursor is None and self._home in self._key_of:
            self.cursor, self._home = self._home, None
            return
        following = (ref for ref in before[at + 1 :] if ref in self._key_of)
        preceding = (ref for ref in reversed(before[: max(at, 0)]) if ref in self._key_of)
        self.cursor = next(following, None) or next(preceding, None) or (self.ref_at(0) if self._refs else None)
