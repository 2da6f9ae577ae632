"""The lines of a grouped table: headings, the rows of groups that are not folded, empty lines between groups."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeAlias

from gputui.late_dataclasses import dataclass
from gputui.models import Ref
from gputui.presentation.columns.column import RowT
from gputui.presentation.groups.grouping import Grouping, GroupLine
from gputui.widgets.table.order import Order, Place


@dataclass(frozen=True, slots=True)
class Heading:
    """The line above the rows of a group."""

    group: Hashable


@dataclass(frozen=True, slots=True)
class Gap:
    """The empty line above a heading."""

    group: Hashable


Line: TypeAlias = Ref | Heading | Gap

BAD_LINE = GroupLine(("!", "bad"))
"""The heading of a group whose own cannot be made."""


class Groups(Generic[RowT]):
    """The rows that pass the filter, by group. The groups are ordered by themselves, the rows in each like the list.

    Where each group begins is found when a line is next asked for: after a change of some rows one walk over the
    groups, none over the rows. A heading is made again only when a row of its group has changed.

    ``folded`` are the groups whose rows are hidden; it is the caller's, so that it outlives the grouping.
    """

    def __init__(
        self,
        grouping: Grouping[RowT],
        folded: set[Hashable],
        on_fault: Callable[[Exception], None],
    ) -> None:
        self.grouping = grouping
        self.folded = folded
        self.backwards = False
        """Whether the order is read backwards."""
        self._reversed = False
        self._rows: Mapping[Ref, RowT] = {}
        self._on_fault = on_fault
        self._group_of: dict[Ref, Hashable] = {}
        self._orders: dict[Hashable, Order] = {}
        self._sorted: list[Hashable] | None = None
        self._starts: dict[Hashable, int] | None = None
        self._places: list[int] = []
        self._count = 0
        self._contents: dict[Hashable, GroupLine] = {}

    # -- taking in rows ----------------------------------------------------------------------------------------------

    def fill(self, order: Order, rows: Mapping[Ref, RowT], *, backwards: bool, afresh: bool = False) -> None:
        """Take these rows instead of all others; ``afresh``: find also the groups of rows that were there."""
        self._contents.clear()
        self._arrange(order, rows, backwards=backwards, known={} if afresh else self._group_of)

    def reorder(self, order: Order, *, backwards: bool) -> None:
        """Take the rows in another order: what the headings say of them stays."""
        self._arrange(order, self._rows, backwards=backwards, known=self._group_of)

    def _arrange(
        self, order: Order, rows: Mapping[Ref, RowT], *, backwards: bool, known: Mapping[Ref, Hashable]
    ) -> None:
        self._rows = rows
        group_of: dict[Ref, Hashable] = {}
        orders: dict[Hashable, Order] = {}
        for place, ref in zip(order.places, order.refs, strict=True):
            group = group_of[ref] = known[ref] if ref in known else self.group_for(self._rows[ref])
            if (own := orders.get(group)) is None:
                own = orders[group] = Order([], [])
            own.places.append(place)
            own.refs.append(ref)
        self.backwards = backwards
        self._group_of, self._orders = group_of, orders
        self._sorted = self._starts = None

    def group_for(self, row: RowT) -> Hashable:
        """Return the group that a row belongs to; the unknown one where that cannot be found."""
        try:
            return self.grouping.of(row)
        except Exception as error:  # noqa: BLE001  (one bad row must not take the others from view)
            self._on_fault(error)
            return None

    def forget(self, ref: Ref) -> None:
        """Make the heading of a row's group again: the row has changed."""
        if ref in self._group_of:
            self._contents.pop(self._group_of[ref], None)

    def forget_contents(self) -> None:
        """Make all headings again."""
        self._contents.clear()

    def move(self, ref: Ref, old: Place | None, new: Place | None, group: Hashable) -> None:
        """Give a row another place, None for none, and another group."""
        self.forget(ref)
        if old is not None:
            before = self._group_of.pop(ref)
            order = self._orders[before]
            order.move(ref, old, None)
            if not order.refs:
                del self._orders[before]
                self._sorted = None
        if new is not None:
            self._group_of[ref] = group
            if group not in self._orders:
                self._orders[group] = Order([], [])
                self._sorted = None
            self._orders[group].move(ref, None, new)
            self._contents.pop(group, None)
        self._starts = None

    def assign(self, ref: Ref, group: Hashable) -> None:
        """Note the group of a row that is placed with all others later."""
        self._group_of[ref] = group

    # -- groups ------------------------------------------------------------------------------------------------------

    def group_of(self, ref: Ref) -> Hashable:
        """Return the group of a row that is shown."""
        return self._group_of[ref]

    def is_in(self, ref: Ref, group: Hashable) -> bool:
        """Whether a row is in this group by now."""
        return ref in self._group_of and self._group_of[ref] == group

    def __contains__(self, group: object) -> bool:
        """Whether a group has a row."""
        return group in self._orders

    def reverse(self, backwards: bool) -> None:
        """Order the groups backwards, or forwards; the unknown one is the last either way."""
        self._reversed = backwards
        self._sorted = self._starts = None

    @property
    def keys(self) -> list[Hashable]:
        """The groups in their order."""
        if self._sorted is None:
            known = [key for key in self._orders if key is not None]
            try:
                known.sort(key=self.grouping.order, reverse=self._reversed)
            except Exception as error:  # noqa: BLE001  (as above: they stay in the order of their first rows)
                self._on_fault(error)
            self._sorted = [*known, *([None] if None in self._orders else [])]
        return self._sorted

    def refs(self, group: Hashable) -> list[Ref]:
        """Return the rows of a group in their order."""
        order = self._orders[group]
        return order.slice(0, len(order.refs), backwards=self.backwards)

    def size(self, group: Hashable) -> int:
        """Return the number of rows of a group."""
        return len(self._orders[group].refs)

    def all_refs(self) -> list[Ref]:
        """Return all rows in their order, the folded ones too."""
        return [ref for key in self.keys for ref in self.refs(key)]

    def content(self, group: Hashable) -> GroupLine:
        """Return the content of a group's heading."""
        content = self._contents.get(group)
        if content is None:
            try:
                content = self.grouping.line(group, [self._rows[ref] for ref in self.refs(group)])
            except Exception as error:  # noqa: BLE001  (as above)
                self._on_fault(error)
                content = BAD_LINE
            self._contents[group] = content
        return content

    def is_folded(self, group: Hashable) -> bool:
        """Whether the rows of a group are hidden."""
        return self.grouping.folds and group in self.folded

    def folds_changed(self) -> None:
        """Lay the lines out again: other groups are folded."""
        self._starts = None

    # -- lines -------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        self._lay_out()
        return self._count

    def line_at(self, index: int) -> Line:
        """Return the line at a place that there is."""
        self._lay_out()
        number = bisect_right(self._places, index) - 1
        group = self.keys[number]
        row = index - self._places[number] - self._lead(number) - 1
        if row < 0:
            return Heading(group) if row == -1 else Gap(group)
        order = self._orders[group]
        return order.refs[-1 - row if self.backwards else row]

    def lines(self, start: int, stop: int) -> list[Line]:
        """Return the lines from ``start`` up to ``stop``."""
        stop = min(stop, len(self))
        found: list[Line] = []
        number = max(0, bisect_right(self._places, start) - 1)
        while number < len(self._places) and self._places[number] < stop:
            group, first = self.keys[number], self._places[number]
            lead: list[Line] = [*([Gap(group)] if self._lead(number) else []), Heading(group)]
            found += lead[max(0, start - first) : max(0, stop - first)]
            if not self.is_folded(group):
                first += len(lead)
                rows = self._orders[group]
                found += rows.slice(max(0, start - first), max(0, stop - first), backwards=self.backwards)
            number += 1
        return found

    def index_of(self, line: Line, place: Place | None = None) -> int | None:
        """Return where a line is, None when it is not shown; ``place`` is that of a row in the order."""
        self._lay_out()
        assert self._starts is not None  # noqa: S101  (laid out just now)
        if isinstance(line, Ref):
            if place is None or line not in self._group_of or self.is_folded(self._group_of[line]):
                return None
            group = self._group_of[line]
        elif (group := line.group) not in self._starts:
            return None
        first = self._starts[group]
        lead = self._lead(0 if first == 0 else 1)
        if isinstance(line, Gap):
            return first if lead else None
        if isinstance(line, Heading):
            return first + lead
        assert place is not None  # noqa: S101  (as above)
        order = self._orders[group]
        row = order.index(place)
        return first + lead + 1 + (len(order.refs) - 1 - row if self.backwards else row)

    def _lead(self, number: int) -> int:
        """Return the empty lines above a heading."""
        return 1 if self.grouping.spaced and number > 0 else 0

    def _lay_out(self) -> None:
        """Find where each group begins."""
        if self._starts is not None:
            return
        self._starts, self._places, at = {}, [], 0
        for number, key in enumerate(self.keys):
            self._starts[key] = at
            self._places.append(at)
            at += self._lead(number) + 1 + (0 if self.is_folded(key) else len(self._orders[key].refs))
        self._count = at
