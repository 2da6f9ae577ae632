"""The order of a table's rows: filter, sort, marks and the cursor, all by Ref. Knows no terminal."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from typing import Any, Generic, TypeAlias

from gputui.models import Ref
from gputui.presentation.columns.column import RowT

_Key: TypeAlias = tuple[int, Any, int]

_FEW = 16
"""Below one change in this many rows each is put in its place; above, everything is sorted again."""


class _Order:
    """Refs ascending by their keys, which are unique, so that a place is found by bisection."""

    __slots__ = ("keys", "refs")

    def __init__(self, keys: list[_Key], refs: list[Ref]) -> None:
        self.keys = keys
        self.refs = refs

    def index(self, key: _Key) -> int:
        return bisect_left(self.keys, key)

    def put(self, key: _Key, ref: Ref) -> None:
        index = self.index(key)
        self.keys.insert(index, key)
        self.refs.insert(index, ref)

    def take(self, key: _Key) -> None:
        index = self.index(key)
        del self.keys[index], self.refs[index]


class TableModel(Generic[RowT]):
    """Rows in the order they are shown.

    Descending order is the ascending one read backwards. Rows of equal value, and all rows when nothing sorts, stay
    in the order they arrived in. The order of all rows is kept next to that of the rows that pass the filter: another
    filter sorts nothing.

    The cursor stays on its Ref. When its row is removed, the cursor takes the next row that is left, else the one
    before. A cursor that a filter or an emptied table took away comes back with its row, unless it was moved.

    A row whose value cannot be made counts as unknown, one that the filter fails on is shown; ``on_fault`` is called.
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
        self._hidden: set[Ref] = set()
        self._all = self._shown = _Order([], [])

    def __len__(self) -> int:
        return len(self._shown.refs)

    def __contains__(self, ref: object) -> bool:
        """Whether the row is there and passes the filter."""
        return ref in self._key_of and ref not in self._hidden

    def ref_at(self, index: int) -> Ref:
        """Return the Ref of the row shown at ``index``; raises IndexError."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._shown.refs[-1 - index if self._descending else index]

    def refs(self, start: int = 0, stop: int | None = None) -> list[Ref]:
        """Return the Refs shown from ``start`` up to ``stop``."""
        count = len(self)
        stop = count if stop is None else min(stop, count)
        if not self._descending:
            return self._shown.refs[start:stop]
        return self._shown.refs[count - stop : count - start][::-1]

    def sample(self, count: int) -> list[Ref]:
        """Return at most ``count`` of the Refs shown, from all over the list."""
        refs = self._shown.refs
        return refs[:: max(1, -(-len(refs) // count))]

    def index_of(self, ref: Ref | None) -> int | None:
        """Return where the row is shown, None when it is not."""
        if ref is None or ref not in self:
            return None
        index = self._shown.index(self._key_of[ref])
        return len(self) - 1 - index if self._descending else index

    def move_to(self, ref: Ref) -> bool:
        """Put the cursor on a row that is shown; returns whether it is."""
        if ref not in self:
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
        before, at = self.refs(), self.index_of(self.cursor)
        self._make_keys()
        self._hide()
        self._settle(before, -1 if at is None else at)

    def change(self, added: Iterable[RowT], updated: Iterable[RowT], removed: Iterable[Ref]) -> None:
        """Take in what was added, updated and removed. An update of an unknown row adds it, and the reverse."""
        fresh = {row.ref: row for rows in (updated, added) for row in rows}
        gone = dict.fromkeys(ref for ref in removed if ref in self.rows and ref not in fresh)
        before: Sequence[Ref] = ()
        at = -1
        if self.cursor is not None and (self.cursor in fresh or self.cursor in gone):
            before, at = self.refs(), self.index_of(self.cursor) or 0
        few = (len(fresh) + len(gone)) * _FEW < len(self._all.refs)
        moved = False
        for ref in gone:
            del self.rows[ref], self._sequence[ref]
            self.marks.discard(ref)
            moved |= self._set_place(ref, None, hidden=False, place=few)
        for ref, row in fresh.items():
            if ref not in self._sequence:
                self._sequence[ref] = self._arrived
                self._arrived += 1
            self.rows[ref] = row
            moved |= self._set_place(ref, self._make_key(ref, row), hidden=self._hides(row), place=few)
        if moved and not few:
            self._sort_keys()
            self._choose()
        self._settle(before, at)

    def set_filter(self, keeps: Callable[[RowT], bool] | None) -> None:
        """Show only the rows that ``keeps`` says yes to; None shows all."""
        if keeps is None and self._filter is None:
            return
        before, at = self.refs(), self.index_of(self.cursor)
        self._filter = keeps
        self._hide()
        if self._home is not None and self._home in self:
            self.cursor, self._home = self._home, None
        self._settle(before, -1 if at is None else at)

    def set_sort(self, value: Callable[[RowT], Any] | None, *, descending: bool = False) -> None:
        """Order by ``value``, unknown (None, NaN) last either way; None orders by arrival."""
        self._sort = value
        self._descending = descending
        self._make_keys()
        self._choose()
        self._settle((), -1)

    def _hides(self, row: RowT) -> bool:
        """Whether the filter hides the row."""
        try:
            return self._filter is not None and not self._filter(row)
        except Exception as error:  # noqa: BLE001  (one bad row must not take the others from view)
            self._on_fault(error)
            return False

    def _make_key(self, ref: Ref, row: RowT) -> _Key:
        """Return the row's place in the ascending order."""
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

    def _set_place(self, ref: Ref, key: _Key | None, *, hidden: bool, place: bool) -> bool:
        """Give the row another place, or none, in the orders too when ``place``; returns whether it is another."""
        old, was_hidden = self._key_of.get(ref), ref in self._hidden
        if old == key and hidden == was_hidden:
            return False
        if key is None:
            self._key_of.pop(ref, None)
        else:
            self._key_of[ref] = key
        (self._hidden.add if hidden else self._hidden.discard)(ref)
        if place:
            if old != key:
                _move(self._all, ref, old, key)
            if self._shown is not self._all:
                _move(self._shown, ref, None if was_hidden else old, None if hidden else key)
        return True

    def _make_keys(self) -> None:
        self._key_of = {ref: self._make_key(ref, row) for ref, row in self.rows.items()}
        self._sort_keys()

    def _sort_keys(self) -> None:
        key_of = self._key_of
        refs = sorted(key_of, key=key_of.__getitem__)
        self._all = _Order([key_of[ref] for ref in refs], refs)

    def _hide(self) -> None:
        """Ask the filter for every row."""
        hides = self._hides
        self._hidden = set() if self._filter is None else {ref for ref, row in self.rows.items() if hides(row)}
        self._choose()

    def _choose(self) -> None:
        """Take the rows that are not hidden from the order of all."""
        keys, refs, hidden = self._all.keys, self._all.refs, self._hidden
        if self._filter is None:
            self._shown = self._all
            return
        shown = [ref not in hidden for ref in refs]
        self._shown = _Order(list(compress(keys, shown)), list(compress(refs, shown)))

    def _settle(self, before: Sequence[Ref], at: int) -> None:
        """Give the cursor a row: its own, else the next of ``before`` that is left, else the one before that."""
        if self.cursor is not None and self.cursor in self:
            return
        if self.cursor is not None and (self.cursor in self.rows or not len(self)):
            self._home = self._home or self.cursor
        if self.cursor is None and self._home in self:
            self.cursor, self._home = self._home, None
            return
        following = (ref for ref in before[at + 1 :] if ref in self)
        preceding = (ref for ref in reversed(before[: max(at, 0)]) if ref in self)
        self.cursor = next(following, None) or next(preceding, None) or (self.ref_at(0) if len(self) else None)


def _move(order: _Order, ref: Ref, old: _Key | None, new: _Key | None) -> None:
    if old is not None:
        order.take(old)
    if new is not None:
        order.put(new, ref)
