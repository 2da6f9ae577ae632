"""The columns of a table on the screen: which there are, their places and widths. They do not move by themselves."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Generic

from rich.cells import cell_len

from gputui.models import Ref
from gputui.presentation.columns.choice import ColumnChoice
from gputui.presentation.columns.column import Column, RowT
from gputui.widgets.table.columns import Placed, arrange, choose, minimum, with_reserves
from gputui.widgets.table.model import TableModel
from gputui.widgets.table.sideways import Stop, narrow_widths, place, staying, stops

_SAMPLE = 200
"""The number of rows that decide on columns and widths: those in view, and others from all over the list."""

_MATCHED = 2
"""The most columns that come because a filter matches in them alone."""


class ColumnLayout(Generic[RowT]):
    """Chooses the columns of one table and lets them widen. ``widths_of`` returns those of the cells of a row.

    Which columns there are is decided when the list is set up, and again when the user resizes, sorts or filters it
    (:meth:`refit`): what sorts and what the filter matches in is then shown. Rows that a filter hides count as the
    others do: no column goes because none of those left has, say, a load. Between these times none comes or goes:
    one whose texts become longer widens into the room that is reserved for it, or free, or that flexible columns
    give; then its texts are cut. A list is being set up until :meth:`settle`: rows of several accounts arrive one
    after the other.

    The user may choose the columns (:meth:`choose`): all of these are then there. What does not fit next to the first
    column is scrolled to, and so is what was left out where the layout chooses.
    """

    def __init__(
        self,
        columns: Sequence[Column[RowT]],
        widths_of: Callable[[RowT], Sequence[int]],
        renew_cells: Callable[[], None] = lambda: None,
    ) -> None:
        self._columns = columns
        self._widths_of = widths_of
        self._renew_cells = renew_cells
        self.sort: tuple[str | None, bool] = (None, False)
        """The key of the column that sorts, and whether it descends."""
        self.named: frozenset[str] = frozenset()
        """The keys of the columns that the filter names: they are shown."""
        self.unseen: Callable[[Iterable[RowT], Container[str]], Sequence[str]] = lambda rows, shown: ()
        """Returns the columns that rows match the filter in, where they do in none that is shown."""
        self.finds = True
        """Whether columns come in which alone rows match the filter; else those that have come stay."""
        self._found: tuple[str, ...] = ()
        self.brought: frozenset[str] = frozenset()
        """The keys of the columns not shown otherwise that sorting or the filter brings; only these have cells."""
        self.choice: ColumnChoice | None = None
        """The columns that the user chose."""
        self.in_headings = ""
        """The key of the column whose content the headings of groups have: it is left out unless it is asked for."""
        self.stop = 0
        """How far the columns are scrolled: the number of places from the left."""
        self.stay = 1
        """How many columns at the left stay while the others scroll."""
        self.has_later = False
        """Whether there are columns to the right of those in view."""
        self.placed: tuple[Placed[RowT], ...] = ()
        self._needed: frozenset[str] = frozenset()
        self.settled = False
        """Whether the list is set up."""
        self._natural: dict[str, int] = {}
        self._measured: set[Ref] = set()
        self._filled: set[str] = set()
        self._chosen: tuple[Column[RowT], ...] = ()
        self._refits = True
        self._admits = False
        self._room = 0
        self._is_empty = True

    def forget(self, ref: Ref) -> None:
        """Measure a row again."""
        self._measured.discard(ref)

    def forget_all(self) -> None:
        """Measure all rows again."""
        self._measured.clear()

    def refit(self) -> None:
        """Choose the columns and their widths again at the next paint."""
        self._measured.clear()
        self._natural.clear()
        self._filled.clear()
        self._refits = True

    def choose_again(self) -> None:
        """Choose the columns again at the next paint, by the widths that are known and the rows then in view."""
        self._refits = True

    def choose(self, choice: ColumnChoice | None) -> None:
        """Show these columns from now on; those that fit with None, and where none of them is known."""
        known = choice is not None and bool(choice.apply(self._columns))
        self.choice = choice if known else None
        if not known:
            self.stop = 0
        self.refit()

    @property
    def chosen_keys(self) -> tuple[str, ...]:
        """The keys of the columns that there are without scrolling, or of all where the user chose."""
        return tuple(column.key for column in self._chosen)

    def width_of(self, key: str) -> int:
        """Return the width of a column in view; of another what it would like."""
        return next((placed.width for placed in self.placed if placed.column.key == key), self._natural.get(key, 0))

    def admit(self) -> None:
        """Let columns that had nothing to show before join at the next paint, where there is room for them."""
        self._admits = True

    def settle(self) -> bool:
        """Keep the columns as they are with the rows of now: the list is set up. Returns whether that is new."""
        if self.settled:
            return False
        self.settled = True
        self.refit()
        return True

    def title(self, column: Column[RowT]) -> str:
        """Return the heading of a column, with the order if it sorts."""
        key, descending = self.sort
        return column.title + ("↓" if descending else "↑") if column.key == key else column.title

    def lay_out(self, model: TableModel[RowT], refs: Sequence[Ref], room: int) -> bool:
        """Choose columns for these rows in view, or let them widen, where it is time for it.

        Returns whether they have other places.
        """
        chosen = self._chosen
        if self._refits or not self.settled or room != self._room:
            known = self._natural or not self._refits
            some = tuple(dict.fromkeys((*refs, *(() if known else model.sample(_SAMPLE)))))
            needed = self.named if self.sort[0] is None else self.named | {self.sort[0]}
            self._found = () if self.finds else self._found
            natural = self._choose(model, some, room, needed | set(self._found))
            if self.finds:
                shown = {column.key for column in self._chosen}
                matching = dict.fromkeys((*refs, *(model.sample(_SAMPLE, shown=True) if self._refits else ())))
                self._found = tuple(self.unseen((model.rows[ref] for ref in matching), shown)[:_MATCHED])
                if self._found:
                    natural = self._choose(model, some, room, needed | set(self._found))
            self._refits = not some  # the first rows decide
        elif self._admits or not self._measured.issuperset(refs):
            natural = self._measured_widths(model, refs)
            if self._admits:
                self._admit(natural, room)
            natural = self._widened(natural, room)
        else:
            return False
        self._admits = False
        same = chosen == self._chosen and self._is_empty == (not len(model))
        if same and natural == self._natural and room == self._room:
            return False
        self._natural, self._room, self._is_empty = natural, room, not len(model)
        before = self.placed, self.stop, self.has_later
        self._place()
        return before != (self.placed, self.stop, self.has_later)

    # -- scrolling -------------------------------------------------------------------------------------------------

    def scroll_to(self, stop: int) -> bool:
        """Scroll to a place, or to the last; returns whether other columns are in view."""
        before, self.stop = self.placed, stop
        self._place()
        return before != self.placed

    def stop_of(self, key: str) -> int | None:
        """Return the nearest place at which a column is in view."""
        columns, _, places = self._scrolled()
        at = next((at for at, column in enumerate(columns) if column.key == key), None)
        if at is None:
            return None
        stays = at < places[0].first
        showing = [number for number, stop in enumerate(places) if stays or stop.first <= at < stop.end]
        return min(showing, key=lambda number: abs(number - self.stop), default=None)

    def _place(self) -> None:
        columns, widths, places = self._scrolled()
        self.stop = max(0, min(self.stop, len(places) - 1))
        self.has_later = self.stop < len(places) - 1 and not self._is_empty
        if self.stop or not self._fits:
            self.stay = places[0].first
            self.placed = place(columns, widths, self._natural, self._room, places[self.stop], stay=self.stay)
        else:
            self.placed = self._arranged()

    def _arranged(self) -> tuple[Placed[RowT], ...]:
        wanted = with_reserves(self._chosen, self._natural, self._room)
        return arrange(self._chosen, wanted, self._room)

    @property
    def _fits(self) -> bool:
        """Whether the columns of now fit without scrolling: always, where the user did not choose them."""
        return self.choice is None or minimum(self._chosen, self._natural) <= self._room

    def _scrolled(self) -> tuple[list[Column[RowT]], list[int], list[Stop]]:
        """Return all columns that can be scrolled to, their widths, and the places."""
        columns = [*self._chosen, *self._left_out()]
        if not columns:
            return [], [], [Stop(0, 0)]
        stay = min(staying(columns), len(self._chosen))
        if not self._fits:
            widths = narrow_widths(columns, self._natural, self._room, stay=stay)
            return columns, widths, stops(widths, self._room, stay=stay)
        now = [placed.width for placed in self._arranged()]
        widths = narrow_widths(columns, self._natural, self._room, stay=stay, now=now if len(now) >= stay else ())
        return columns, widths, stops(widths, self._room, stay=stay, begin=len(self._chosen))

    def _left_out(self) -> Sequence[Column[RowT]]:
        """Return the columns with something to show for which there is no room, the most important first."""
        if self.choice is not None:
            return ()
        there = set(self.chosen_keys)
        left = (column for column in self._columns if column.shown and column.key not in there)
        having = (column for column in left if not column.when_filled or column.key in self._filled)
        return sorted(having, key=lambda column: column.rank)

    # -- choosing and measuring ------------------------------------------------------------------------------------

    def _choose(
        self, model: TableModel[RowT], refs: Sequence[Ref], room: int, needed: frozenset[str]
    ) -> dict[str, int]:
        """Choose the columns for these rows, those ``needed`` among them; return how wide each would like to be."""
        own = frozenset(self.choice.keys if self.choice is not None else ())
        hidden = {column.key for column in self._columns if not column.shown}
        brought = frozenset(hidden & (needed | own))
        if brought != self.brought:
            self.brought = brought
            self._renew_cells()
        if needed != self._needed:  # the rows were measured in other columns
            self._needed = needed
            self._measured.difference_update(refs)
        natural = self._measured_widths(model, refs)
        if self.choice is not None:
            also = [column for column in self._columns if column.key in needed and column.key not in own]
            self._chosen = (*self.choice.apply(self._columns), *also)
            return natural
        there = self._filled | needed
        columns = [column for column in self._columns if not column.when_filled or column.key in there]
        if self.in_headings not in needed and columns and self.in_headings != columns[0].key:
            columns = [column for column in columns if column.key != self.in_headings]
        self._chosen = choose(columns, natural, room, needed=needed)
        return natural

    def _measured_widths(self, model: TableModel[RowT], refs: Iterable[Ref]) -> dict[str, int]:
        """Return how wide each column would like to be, also for rows that have not been measured yet."""
        natural = dict(self._natural)
        for column in self._columns:
            title = cell_len(self.title(column))
            natural[column.key] = max(natural.get(column.key, 0), column.width, title)
        rows = [model.rows[ref] for ref in refs if ref not in self._measured]
        self._measured.update(row.ref for row in rows)
        for column, widths in zip(self._columns, zip(*map(self._widths_of, rows), strict=True), strict=False):
            natural[column.key] = max(natural[column.key], min(max(widths), column.max_width))
            if column.key not in self._filled and any(widths if column.filled is None else map(column.filled, rows)):
                self._filled.add(column.key)
        return natural if self.choice is None else {**natural, **self.choice.widths}

    def _admit(self, natural: dict[str, int], room: int) -> None:
        """Add the columns that have something to show by now, each where it fits next to those of now."""
        for column in self._columns if self.choice is None else ():
            if column.when_filled and column.key in self._filled and column not in self._chosen:
                more = [one for one in self._columns if one in self._chosen or one is column]
                if minimum(more, {**self._natural, column.key: natural[column.key]}) <= room:
                    self._chosen = tuple(more)

    def _widened(self, wanted: dict[str, int], room: int) -> dict[str, int]:
        """Return the widths of now, grown to what is wanted as far as every column keeps its place."""
        natural = {**wanted, **self._natural}
        for column in self._chosen if self._fits and not self.stop else ():
            before = natural[column.key]
            natural[column.key] = wanted[column.key]
            lacking = minimum(self._chosen, natural) - room
            if lacking > 0:
                natural[column.key] = max(before, wanted[column.key] - lacking)
        return natural
