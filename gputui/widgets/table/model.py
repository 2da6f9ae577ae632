"""The order of a table's rows: filter, sort, groups, marks and the cursor, all by Ref. Knows no terminal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from contextlib import suppress
from itertools import compress
from typing import Any, Generic

from gputui.models import Ref
from gputui.presentation.columns.column import RowT
from gputui.presentation.groups.grouping import Grouping
from gputui.widgets.table.groups import Groups, Heading, Line
from gputui.widgets.table.order import Order, Place

_FEW = 16
"""Below one change in this many rows each is put in its place; above, everything is sorted again."""


class TableModel(Generic[RowT]):
    """Rows in the order they are shown.

    Descending order is the ascending one read backwards. Rows of equal value, and all rows when nothing sorts, stay
    in the order they arrived in. The order of all rows is kept next to that of the rows that pass the filter: another
    filter sorts nothing.

    The rows that pass the filter are the lines of the list; with a grouping, headings are lines as well, and the rows
    of folded groups are none. The cursor stays on its line. When that is removed, the cursor takes the next one that
    is left, else the one before. A cursor that a filter or an emptied table took away comes back with its row, unless
    it was moved. One whose group is folded goes to the heading.

    A row whose value cannot be made counts as unknown, one that the filter fails on is shown; ``on_fault`` is called.
    """

    def __init__(self, on_fault: Callable[[Exception], None]) -> None:
        self._on_fault = on_fault
        self.rows: dict[Ref, RowT] = {}
        self.marks: set[Ref] = set()
        self.cursor: Line | None = None
        self._home: Line | None = None
        self._sequence: dict[Ref, int] = {}
        self._arrived = 0
        self._sort: Callable[[RowT], Any] | None = None
        self._descending = False
        self._filter: Callable[[RowT], bool] | None = None
        self._limit: Callable[[RowT], bool] | None = None
        self._key_of: dict[Ref, Place] = {}
        self._hidden: set[Ref] = set()
        self._all = self._shown = Order([], [])
        self._folded: dict[str, set[Hashable]] = {}
        self.groups: Groups[RowT] | None = None

    def __len__(self) -> int:
        """The number of rows that pass the filter."""
        return len(self._shown.refs)

    def __contains__(self, ref: object) -> bool:
        """Whether the row is there and passes the filter."""
        return ref in self._key_of and ref not in self._hidden

    def refs(self) -> list[Ref]:
        """Return the rows that pass the filter in their order, those of folded groups too."""
        if self.groups is not None:
            return self.groups.all_refs()
        return self._shown.slice(0, len(self), backwards=self._descending)

    # -- lines -----------------------------------------------------------------------------------------------------

    @property
    def line_count(self) -> int:
        """The number of lines."""
        return len(self) if self.groups is None else len(self.groups)

    def line_at(self, index: int) -> Line:
        """Return the line at ``index``; raises IndexError."""
        if not 0 <= index < self.line_count:
            raise IndexError(index)
        if self.groups is not None:
            return self.groups.line_at(index)
        return self._shown.refs[-1 - index if self._descending else index]

    def lines(self, start: int = 0, stop: int | None = None) -> Sequence[Line]:
        """Return the lines from ``start`` up to ``stop``."""
        stop = self.line_count if stop is None else stop
        if self.groups is not None:
            return self.groups.lines(start, stop)
        return self._shown.slice(start, stop, backwards=self._descending)

    def index_of(self, line: Line | None) -> int | None:
        """Return where a line is, None when it is not shown."""
        if line is None or (isinstance(line, Ref) and line not in self):
            return None
        place = self._key_of[line] if isinstance(line, Ref) else None
        if self.groups is not None:
            return self.groups.index_of(line, place)
        if place is None:
            return None
        index = self._shown.index(place)
        return len(self) - 1 - index if self._descending else index

    def takes_cursor(self, line: Line) -> bool:
        """Whether the cursor can be on a line: a row, or a heading that can be selected."""
        if isinstance(line, Ref):
            return True
        return isinstance(line, Heading) and self.groups is not None and self.groups.grouping.selectable

    @property
    def first_line(self) -> Line | None:
        """The line that an unused cursor is on: the first row, unless the first group is folded."""
        lines = self.lines(0, 2)
        if self.groups is not None and len(lines) == 2 and isinstance(lines[1], Ref):
            return lines[1]
        return lines[0] if lines else None

    def sample(self, count: int, *, shown: bool = False) -> list[Ref]:
        """Return at most ``count`` Refs from all over the list: of all rows within its limits, or of those shown."""
        refs = self._shown.refs if shown or self._filter is self._limit else self._within_limit()
        return refs[:: max(1, -(-len(refs) // count))]

    def move_to(self, line: Line) -> bool:
        """Put the cursor on a line, a row of a folded group after unfolding it; returns whether it is there."""
        if isinstance(line, Ref):
            if line not in self:
                return False
            if self.groups is not None and self.groups.is_folded(group := self.groups.group_of(line)):
                self.fold([group], folded=False)
        elif self.groups is None or line.group not in self.groups:
            return False
        self.cursor = line
        self._home = None
        return True

    # -- groups ----------------------------------------------------------------------------------------------------

    def group_by(self, grouping: Grouping[RowT] | None) -> None:
        """Put the rows under headings; None takes these away. What was folded by this name before is folded again."""
        if isinstance(self.cursor, Heading) and self.groups is not None:
            self.cursor = self.groups.refs(self.cursor.group)[0]
        self.groups = None
        if grouping is not None:
            folded = self._folded.setdefault(grouping.key, set())
            self.groups = Groups(grouping, folded, self._on_fault)
            self.groups.fill(self._shown, self.rows, backwards=self._descending)
        self._leave_fold()

    def fold(self, groups: Collection[Hashable], *, folded: bool) -> None:
        """Hide or show the rows of groups."""
        if self.groups is not None:
            (self.groups.folded.update if folded else self.groups.folded.difference_update)(groups)
            self.groups.folds_changed()
            self._leave_fold()

    def _leave_fold(self) -> None:
        """Put a cursor that is on a row of a folded group on the heading."""
        if self.groups is not None and isinstance(self.cursor, Ref) and self.index_of(self.cursor) is None:
            self.cursor = Heading(self.groups.group_of(self.cursor))

    # -- rows ------------------------------------------------------------------------------------------------------

    def replace(self, rows: Iterable[RowT]) -> None:
        """Take these rows instead of all others, in this order where nothing sorts."""
        before, at = self.lines(), self.index_of(self.cursor)
        self.rows = {row.ref: row for row in rows}
        self._sequence = {ref: number for number, ref in enumerate(self.rows)}
        self._arrived = len(self.rows)
        self.marks &= self.rows.keys()
        self._make_keys()
        self._hide(afresh=True)
        self._settle(before, -1 if at is None else at)

    def change(self, added: Iterable[RowT], updated: Iterable[RowT], removed: Iterable[Ref]) -> None:
        """Take in what was added, updated and removed. An update of an unknown row adds it, and the reverse."""
        fresh = {row.ref: row for rows in (updated, added) for row in rows}
        gone = dict.fromkeys(ref for ref in removed if ref in self.rows and ref not in fresh)
        before: Sequence[Line] = ()
        at = -1
        if isinstance(self.cursor, Heading) or (self.cursor in fresh or self.cursor in gone):
            before, at = self.lines(), self.index_of(self.cursor) or 0
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

    def set_filter(
        self, keeps: Callable[[RowT], bool] | None, *, limit: Callable[[RowT], bool] | None = None
    ) -> None:
        """Show only the rows that ``keeps`` says yes to; None shows all.

        ``limit`` is the part of it that says which list this is, as opposed to what is looked for in it.
        """
        self._limit = limit
        if keeps is None and self._filter is None:
            return
        before, at = self.lines(), self.index_of(self.cursor)
        self._filter = keeps
        self._hide()
        if self.index_of(self._home) is not None:
            self.cursor, self._home = self._home, None
        self._settle(before, -1 if at is None else at)

    def set_sort(self, value: Callable[[RowT], Any] | None, *, descending: bool = False) -> None:
        """Order by ``value``, unknown (None, NaN) last either way; None orders by arrival."""
        self._sort = value
        self._descending = descending
        self._make_keys()
        self._choose_shown()
        if self.groups is not None:
            self.groups.reorder(self._shown, backwards=descending)
        self._settle((), -1)

    def _hides(self, row: RowT) -> bool:
        """Whether the filter hides the row."""
        try:
            return self._filter is not None and not self._filter(row)
        except Exception as error:  # noqa: BLE001  (one bad row must not take the others from view)
            self._on_fault(error)
            return False

    def _within_limit(self) -> list[Ref]:
        """Return the rows of the list, also those that the filter hides."""
        within = self._limit
        if within is None:
            return self._all.refs
        kept: list[Ref] = []
        for ref in self._all.refs:
            with suppress(Exception):  # the filter has met it, and reported it
                if within(self.rows[ref]):
                    kept.append(ref)
        return kept

    def _make_key(self, ref: Ref, row: RowT) -> Place:
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

    def _set_place(self, ref: Ref, key: Place | None, *, hidden: bool, place: bool) -> bool:
        """Give the row another place, or none, in the orders too when ``place``; returns whether it is another."""
        old, was_hidden = self._key_of.get(ref), ref in self._hidden
        group, moves = None, False
        if self.groups is not None:
            self.groups.forget(ref)
            if key is not None and not hidden:
                group = self.groups.group_for(self.rows[ref])
                moves = not self.groups.is_in(ref, group)
        if old == key and hidden == was_hidden and not moves:
            return False
        if key is None:
            self._key_of.pop(ref, None)
        else:
            self._key_of[ref] = key
        (self._hidden.add if hidden else self._hidden.discard)(ref)
        if place:
            if old != key:
                self._all.move(ref, old, key)
            before, after = None if was_hidden else old, None if hidden else key
            if self._shown is not self._all:
                self._shown.move(ref, before, after)
            if self.groups is not None:
                self.groups.move(ref, before, after, group)
        elif self.groups is not None:
            self.groups.assign(ref, group)
        return True

    def _make_keys(self) -> None:
        self._key_of = {ref: self._make_key(ref, row) for ref, row in self.rows.items()}
        self._sort_keys()

    def _sort_keys(self) -> None:
        key_of = self._key_of
        refs = sorted(key_of, key=key_of.__getitem__)
        self._all = Order([key_of[ref] for ref in refs], refs)

    def _hide(self, *, afresh: bool = False) -> None:
        """Ask the filter for every row; ``afresh``: find also their groups."""
        hides = self._hides
        self._hidden = set() if self._filter is None else {ref for ref, row in self.rows.items() if hides(row)}
        self._choose(afresh=afresh)

    def _choose(self, *, afresh: bool = False) -> None:
        """Take the rows that are not hidden from the order of all, and put them into groups."""
        self._choose_shown()
        if self.groups is not None:
            self.groups.fill(self._shown, self.rows, backwards=self._descending, afresh=afresh)

    def _choose_shown(self) -> None:
        places, refs, hidden = self._all.places, self._all.refs, self._hidden
        if self._filter is None:
            self._shown = self._all
        else:
            shown = [ref not in hidden for ref in refs]
            self._shown = Order(list(compress(places, shown)), list(compress(refs, shown)))

    def _settle(self, before: Sequence[Line], at: int) -> None:
        """Give the cursor a line: its own, else the next of ``before`` that is left, else the one before that."""
        if self._is_line(self.cursor):
            return
        if self.cursor is not None and (self.cursor in self.rows or not len(self)):
            self._home = self._home or self.cursor
        if self.cursor is None and self._is_line(self._home):
            self.cursor, self._home = self._home, None
            return
        following = (line for line in before[at + 1 :] if self._is_line(line))
        preceding = (line for line in reversed(before[: max(at, 0)]) if self._is_line(line))
        self.cursor = next(following, None) or next(preceding, None) or self.first_line

    def _is_line(self, line: Line | None) -> bool:
        """Whether a line is shown, and the cursor can be on it."""
        return line is not None and self.takes_cursor(line) and self.index_of(line) is not None
