"""The order of a table's rows: filter, sort, groups, marks and the cursor, all by Ref. Knows no terminal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Generic

from gputui.models import Ref
from gputui.presentation.columns.column import RowT
from gputui.presentation.groups.grouping import Grouping
from gputui.widgets.table.groups import Groups, Heading, Line
from gputui.widgets.table.order import Entry, Order

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
        self._entries: dict[Ref, Entry[RowT]] = {}
        self._arrived = 0
        self._sort: Callable[[RowT], Any] | None = None
        self._descending = False
        self._filter: Callable[[RowT], bool] | None = None
        self._limit: Callable[[RowT], bool] | None = None
        self._all: Order[RowT] = Order([], backwards=False)
        self._shown = self._all
        self._folded: dict[str, set[Hashable]] = {}
        self.groups: Groups[RowT] | None = None

    def __len__(self) -> int:
        """The number of rows that pass the filter."""
        return len(self._shown)

    def __contains__(self, ref: object) -> bool:
        """Whether the row is there and passes the filter."""
        return isinstance(ref, Ref) and (entry := self._entries.get(ref)) is not None and not entry.hidden

    def refs(self) -> list[Ref]:
        """Return the rows that pass the filter in their order, those of folded groups too."""
        return self._shown.refs() if self.groups is None else self.groups.all_refs()

    # -- lines -----------------------------------------------------------------------------------------------------

    @property
    def line_count(self) -> int:
        """The number of lines."""
        return len(self) if self.groups is None else len(self.groups)

    def line_at(self, index: int) -> Line:
        """Return the line at ``index``; raises IndexError."""
        if not 0 <= index < self.line_count:
            raise IndexError(index)
        return self._shown.at(index).ref if self.groups is None else self.groups.line_at(index)

    def lines(self, start: int = 0, stop: int | None = None) -> Sequence[Line]:
        """Return the lines from ``start`` up to ``stop``."""
        stop = self.line_count if stop is None else stop
        if self.groups is not None:
            return self.groups.lines(start, stop)
        return [entry.ref for entry in self._shown.slice(start, stop)]

    def index_of(self, line: Line | None) -> int | None:
        """Return where a line is, None when it is not shown."""
        if line is None or (isinstance(line, Ref) and line not in self):
            return None
        if self.groups is not None:
            return self.groups.index_of(line)
        return self._shown.index(self._entries[line]) if isinstance(line, Ref) else None

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
        entries = list(self._entries.values())  # in another order of the list it is the same sample
        if shown or self._filter is self._limit:
            entries = [entry for entry in entries if not entry.hidden]
        else:
            entries = [entry for entry in entries if self._is_within_limit(entry.row)]
        return [entry.ref for entry in entries[:: max(1, -(-len(entries) // count))]]

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
            self.cursor = self.groups.first_ref(self.cursor.group)
        self.groups = None
        for entry in self._entries.values():
            entry.group = None
        if grouping is not None:
            folded = self._folded.setdefault(grouping.key, set())
            self.groups = Groups(grouping, folded, self._entries, self._on_fault)
            self.groups.fill(self._shown)
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
        self._entries.clear()
        self._entries.update((ref, Entry(row, number)) for number, (ref, row) in enumerate(self.rows.items()))
        self._arrived = len(self.rows)
        self.marks &= self.rows.keys()
        self._find_values()
        self._sort_all()
        self._hide()
        self._settle(before, -1 if at is None else at)

    def change(self, added: Iterable[RowT], updated: Iterable[RowT], removed: Iterable[Ref]) -> None:
        """Take in what was added, updated and removed. An update of an unknown row adds it, and the reverse."""
        fresh = {row.ref: row for rows in (updated, added) for row in rows}
        gone = dict.fromkeys(ref for ref in removed if ref in self.rows and ref not in fresh)
        before: Sequence[Line] = ()
        at = -1
        if isinstance(self.cursor, Heading) or (self.cursor in fresh or self.cursor in gone):
            before, at = self.lines(), self.index_of(self.cursor) or 0
        few = (len(fresh) + len(gone)) * _FEW < len(self._all)
        moved = False
        for ref in gone:
            moved = True
            if few:
                self._take_out(self._entries[ref], also_from_all=True)
            del self.rows[ref], self._entries[ref]
            self.marks.discard(ref)
        for ref, row in fresh.items():
            self.rows[ref] = row
            moved |= self._update(row, place=few)
        if moved and not few:
            self._sort_all()
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
        turns = value == self._sort and descending != self._descending
        self._sort = value
        self._descending = descending
        if turns:
            self._all = self._all.turned()
        else:
            self._find_values()
            self._sort_all()
        self._choose_shown()
        if self.groups is not None:
            self.groups.reorder(self._shown)
        self._settle((), -1)

    def _hides(self, row: RowT) -> bool:
        """Whether the filter hides the row."""
        try:
            return self._filter is not None and not self._filter(row)
        except Exception as error:  # noqa: BLE001  (one bad row must not take the others from view)
            self._on_fault(error)
            return False

    def _is_within_limit(self, row: RowT) -> bool:
        """Whether a row is of the list, though the filter may hide it."""
        with suppress(Exception):  # the filter has met it, and reported it
            return self._limit is None or self._limit(row)
        return False

    def _value(self, row: RowT) -> Any:
        """Return what the row is ordered by; None where that is unknown."""
        try:
            value = None if self._sort is None else self._sort(row)
            return None if value is None or bool(value != value) else value  # noqa: PLR0124  (NaN differs from itself)
        except Exception as error:  # noqa: BLE001  (as above)
            self._on_fault(error)
            return None

    def _update(self, row: RowT, *, place: bool) -> bool:
        """Take another version of a row, or a new one, and ``place`` it; returns whether it has another place."""
        entry, groups = self._entries.get(row.ref), self.groups
        is_new = entry is None
        if entry is None:
            entry = self._entries[row.ref] = Entry(row, self._arrived)
            self._arrived += 1
        entry.row = row
        value, hidden = self._value(row), self._hides(row)
        group = None if groups is None or hidden else groups.group_for(row)
        if groups is not None and entry.group is not None:
            entry.group.changed(entry)
        resorts = is_new or value != entry.value
        if not resorts and hidden == entry.hidden and (groups is None or group is entry.group):
            return False
        if place and not is_new:
            self._take_out(entry, also_from_all=resorts)
        entry.value, entry.hidden = value, hidden
        if not place:
            entry.group = group
            return True
        if resorts:
            self._all.insert(entry)
        if not hidden and self._shown is not self._all:
            self._shown.insert(entry)
        if groups is not None and group is not None:
            groups.insert(entry, group)
        return True

    def _take_out(self, entry: Entry[RowT], *, also_from_all: bool) -> None:
        """Take a row out of the order of those shown and out of its group, or also out of the order of all."""
        if also_from_all:
            self._all.remove(entry)
        if entry.hidden:
            return
        if self._shown is not self._all:
            self._shown.remove(entry)
        if self.groups is not None:
            self.groups.remove(entry)

    def _find_values(self) -> None:
        """Find what all rows are ordered by now."""
        for entry in self._entries.values():
            entry.value = self._value(entry.row)

    def _sort_all(self) -> None:
        """Put all rows in order."""
        arrived = self._entries.values()
        self._all = Order.of(reversed(arrived) if self._descending else arrived, backwards=self._descending)

    def _hide(self) -> None:
        """Ask the filter for every row."""
        for entry in self._all.entries:
            entry.hidden = self._hides(entry.row)
            if entry.hidden:
                entry.group = None
        self._choose()

    def _choose(self) -> None:
        """Take the rows that are not hidden from the order of all, and put them into groups."""
        self._choose_shown()
        if self.groups is not None:
            self.groups.fill(self._shown)

    def _choose_shown(self) -> None:
        self._shown = self._all
        if self._filter is not None:
            shown = [entry for entry in self._all.entries if not entry.hidden]
            self._shown = Order(shown, backwards=self._all.backwards)

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
