"""The lines of a grouped table: headings, the rows of groups that are not folded, empty lines between groups."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Mapping
from operator import attrgetter
from typing import Any, Generic, TypeAlias

from gputui.late_dataclasses import dataclass
from gputui.models import Ref
from gputui.presentation.columns.column import RowT, Span
from gputui.presentation.groups.grouping import Grouping, GroupLine, Total
from gputui.widgets.table.order import Entry, Order
from gputui.widgets.table.tally import RowsOf, Tally


@dataclass(frozen=True, slots=True)
class Heading:
    """The line above the rows of a group."""

    group: Hashable


@dataclass(frozen=True, slots=True)
class Gap:
    """The empty line above a heading."""

    group: Hashable


Line: TypeAlias = Ref | Heading | Gap

_BAD: Span = ("!", "bad")
BAD_LINE = GroupLine(_BAD)
"""The heading of a group whose own cannot be made."""


class Group(Generic[RowT]):
    """The rows of one group in their order, the content of its heading, and what the rows add to totals.

    ``start`` is the number of its first line.
    """

    __slots__ = ("_tallies", "content", "key", "order", "start")

    def __init__(self, key: Hashable, *, backwards: bool) -> None:
        self.key = key
        self.order: Order[RowT] = Order([], backwards=backwards)
        self.content: GroupLine | None = None
        self.start = 0
        self._tallies: dict[Total[RowT], Tally[RowT]] = {}

    def total(self, total: Total[RowT]) -> Any:
        """Return a total of the rows of now."""
        # Taken out meanwhile: a failure must not leave what is half counted.
        tally = self._tallies.pop(total, None)
        if tally is None:
            tally = Tally(total, self.order.entries)
        else:
            tally.catch_up(lambda entry: entry.group is self)
        self._tallies[total] = tally
        return tally.combined()

    def changed(self, entry: Entry[RowT]) -> None:
        """Note that a row has changed, has come or is gone."""
        self.content = None
        for tally in self._tallies.values():
            tally.changed.add(entry)

    def forget(self) -> None:
        """Make the heading again from all rows."""
        self.content = None
        self._tallies.clear()


class Groups(Generic[RowT]):
    """The rows that pass the filter, by group. The groups are ordered by themselves, the rows in each like the list.

    Where each group begins is found when a line is next asked for: after a change of some rows one walk over the
    groups, none over the rows. A heading is made again only when a row of its group has changed, and then what that
    row adds to it. ``entries`` has the rows of the table.

    ``folded`` are the groups whose rows are hidden; it is the caller's, so that it outlives the grouping.
    """

    def __init__(
        self,
        grouping: Grouping[RowT],
        folded: set[Hashable],
        entries: Mapping[Ref, Entry[RowT]],
        on_fault: Callable[[Exception], None],
    ) -> None:
        self.grouping = grouping
        self.folded = folded
        self._entries = entries
        self._on_fault = on_fault
        self._backwards = False
        self._reversed = False
        self._groups: dict[Hashable, Group[RowT]] = {}
        self._sorted: list[Group[RowT]] | None = None
        self._is_laid_out = False
        self._count = 0

    # -- taking in rows ----------------------------------------------------------------------------------------------

    def fill(self, order: Order[RowT]) -> None:
        """Take these rows instead of all others; those that have no group yet get theirs."""
        for group in self._groups.values():
            group.forget()
        self.reorder(order)

    def reorder(self, order: Order[RowT]) -> None:
        """Take the rows in another order: what the headings say of them stays."""
        self._backwards = order.backwards
        for group in self._groups.values():
            group.order = Order([], backwards=order.backwards)
        for entry in order.entries:
            own = entry.group
            if own is None:
                own = entry.group = self.group_for(entry.row)
            own.order.entries.append(entry)
        self._groups = {key: group for key, group in self._groups.items() if group.order.entries}
        self._sorted, self._is_laid_out = None, False

    def group_for(self, row: RowT) -> Group[RowT]:
        """Return the group that a row belongs to; the unknown one where that cannot be found."""
        try:
            key = self.grouping.of(row)
        except Exception as error:  # noqa: BLE001  (one bad row must not take the others from view)
            self._on_fault(error)
            key = None
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(key, backwards=self._backwards)
        return group

    def renew(self) -> None:
        """Make all headings and their order again, from the parts of totals that the rows have."""
        for group in self._groups.values():
            group.content = None
        self._sorted, self._is_laid_out = None, False

    def forget_contents(self) -> None:
        """Make all headings again."""
        for group in self._groups.values():
            group.forget()

    def insert(self, entry: Entry[RowT], group: Group[RowT]) -> None:
        """Put a row in its place in a group."""
        entry.group = group
        group.order.insert(entry)
        group.changed(entry)
        self._groups[group.key] = group  # it was left out while it had no row
        self._sorted, self._is_laid_out = None, False

    def remove(self, entry: Entry[RowT]) -> None:
        """Take a row out of its group."""
        group = entry.group
        assert group is not None  # noqa: S101  (it is shown)
        group.order.remove(entry)
        group.changed(entry)
        entry.group = None
        if not group.order.entries:
            del self._groups[group.key]
        self._sorted, self._is_laid_out = None, False

    # -- groups ------------------------------------------------------------------------------------------------------

    def group_of(self, ref: Ref) -> Hashable:
        """Return the group of a row that is shown."""
        group = self._entries[ref].group
        assert group is not None  # noqa: S101  (as above)
        return group.key

    def __contains__(self, group: object) -> bool:
        """Whether a group has a row."""
        return group in self._groups

    def reverse(self, backwards: bool) -> None:
        """Order the groups backwards, or forwards; the unknown one is the last either way."""
        self._reversed = backwards
        self._sorted, self._is_laid_out = None, False

    @property
    def keys(self) -> list[Hashable]:
        """The groups in their order."""
        return [group.key for group in self._in_order]

    @property
    def _in_order(self) -> list[Group[RowT]]:
        if self._sorted is None:
            known = [group for key, group in self._groups.items() if key is not None]
            order = self.grouping.order
            try:
                known.sort(key=lambda group: order(group.key), reverse=self._reversed)
            except Exception as error:  # noqa: BLE001  (as above: they stay in the order of their first rows)
                self._on_fault(error)
            self._sorted = [*known, *([self._groups[None]] if None in self._groups else [])]
        return self._sorted

    def refs(self, group: Hashable) -> list[Ref]:
        """Return the rows of a group in their order."""
        return self._groups[group].order.refs()

    def first_ref(self, group: Hashable) -> Ref:
        """Return the first row of a group."""
        return self._groups[group].order.at(0).ref

    def size(self, group: Hashable) -> int:
        """Return the number of rows of a group."""
        return len(self._groups[group].order)

    def all_refs(self) -> list[Ref]:
        """Return all rows in their order, the folded ones too."""
        return [ref for group in self._in_order for ref in group.order.refs()]

    def content(self, group: Hashable) -> GroupLine:
        """Return the content of a group's heading, without its totals; the same object until a row has changed."""
        found = self._groups[group]
        if found.content is None:
            try:
                found.content = self.grouping.line(group, RowsOf(found.order))
            except Exception as error:  # noqa: BLE001  (as above)
                self._on_fault(error)
                found.content = BAD_LINE
        return found.content

    def total(self, group: Hashable, total: Total[RowT]) -> Any:
        """Return a total of the rows of a group, ``!`` where it cannot be made."""
        try:
            return self._groups[group].total(total)
        except Exception as error:  # noqa: BLE001  (as above)
            self._on_fault(error)
            return _BAD

    def is_folded(self, group: Hashable) -> bool:
        """Whether the rows of a group are hidden."""
        return self.grouping.folds and group in self.folded

    def folds_changed(self) -> None:
        """Lay the lines out again: other groups are folded."""
        self._is_laid_out = False

    # -- lines -------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        self._lay_out()
        return self._count

    def line_at(self, index: int) -> Line:
        """Return the line at a place that there is."""
        self._lay_out()
        group = self._in_order[self._number_at(index)]
        row = index - group.start - self._lead(group) - 1
        if row < 0:
            return Heading(group.key) if row == -1 else Gap(group.key)
        return group.order.at(row).ref

    def lines(self, start: int, stop: int) -> list[Line]:
        """Return the lines from ``start`` up to ``stop``."""
        stop = min(stop, len(self))
        found: list[Line] = []
        for group in self._in_order[max(0, self._number_at(start)) :]:
            first = group.start
            if first >= stop:
                break
            lead: list[Line] = [*([Gap(group.key)] if self._lead(group) else []), Heading(group.key)]
            found += lead[max(0, start - first) : max(0, stop - first)]
            if not self.is_folded(group.key):
                first += len(lead)
                found += [entry.ref for entry in group.order.slice(max(0, start - first), max(0, stop - first))]
        return found

    def index_of(self, line: Line) -> int | None:
        """Return where a line is, None when it is not shown."""
        self._lay_out()
        if isinstance(line, Ref):
            entry = self._entries.get(line)
            if entry is None or entry.group is None or self.is_folded(entry.group.key):
                return None
            return entry.group.start + self._lead(entry.group) + 1 + entry.group.order.index(entry)
        group = self._groups.get(line.group)
        if group is None:
            return None
        lead = self._lead(group)
        if isinstance(line, Gap):
            return group.start if lead else None
        return group.start + lead

    def _number_at(self, index: int) -> int:
        """Return the number of the group whose lines have this index."""
        return bisect_right(self._in_order, index, key=attrgetter("start")) - 1

    def _lead(self, group: Group[RowT]) -> int:
        """Return the empty lines above a heading."""
        return 1 if self.grouping.spaced and group.start > 0 else 0

    def _lay_out(self) -> None:
        """Find where each group begins."""
        if self._is_laid_out:
            return
        at = 0
        for group in self._in_order:
            group.start = at
            at += self._lead(group) + 1 + (0 if self.is_folded(group.key) else len(group.order))
        self._count, self._is_laid_out = at, True
