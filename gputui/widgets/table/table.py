"""The table every list is shown in: keeps its place by Ref and writes only the lines that changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, KeysView, Sequence
from contextlib import suppress
from typing import Any, ClassVar, cast

from textual import events, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from gputui.models import Change, Ref, Row
from gputui.presentation.columns.column import Column, RowT
from gputui.query import Query, line_of, parse
from gputui.widgets.table.viewport import Anchored, TableView

LINES_AT_ONCE = 5000
"""A filter that needs the texts of more rows than this comes when they are made."""

_LINES_A_TURN = 500
"""As many texts are made between two looks at what else there is to do: some milliseconds."""


class RecordTable(TableView[RowT]):
    """Rows with a Ref under a fixed heading.

    Cursor, marks, sort, filter and scroll follow the Ref through every change. Cell texts are data, cut by cell
    width. A style name in a cell is one of the table's own (``good``, ``warning``, ``bad``, ``muted``, ``accent``,
    ``strong``) or any Textual style (``"bold $primary"``); ``row_style`` names one for a whole row, ``stale`` for a
    row that is not up to date. ``placeholder`` stands in the body while no row is shown; ``follow`` keeps a
    cursor that is on the last row on the last row.

    What a column's functions raise spoils one cell, which shows ``!``, or one row's place. Each such fault goes to
    ``on_fault`` once, or is logged where there is none.

    The table binds movement and enter. Marks, sorting and filtering are methods, and actions where a key fits:
    ``toggle_mark``, ``mark_range``, ``clear_marks``, ``sort_next``, ``sort_previous``, ``sort_invert``.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Open", show=False, id="table.open")]

    class _TableMessage(Message):
        def __init__(self, table: RecordTable[Any]) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> RecordTable[Any]:
            """The table it comes from."""
            return self.table

    class CursorMoved(_TableMessage):
        """The cursor is on another row, None when there is none."""

        def __init__(self, table: RecordTable[Any], ref: Ref | None) -> None:
            super().__init__(table)
            self.ref = ref

    class Opened(_TableMessage):
        """Enter or a double click on a row."""

        def __init__(self, table: RecordTable[Any], ref: Ref) -> None:
            super().__init__(table)
            self.ref = ref

    class MarksChanged(_TableMessage):
        """Other rows are marked: ``marked`` of those shown, ``hidden`` of those the filter keeps out."""

        def __init__(self, table: RecordTable[Any], marked: int, hidden: int) -> None:
            super().__init__(table)
            self.marked = marked
            self.hidden = hidden

    class NewAbove(_TableMessage):
        """Another number of new rows is above those in view: ``count``."""

        def __init__(self, table: RecordTable[Any], count: int) -> None:
            super().__init__(table)
            self.count = count

    class CountsChanged(_TableMessage):
        """There are other numbers of rows: ``shown`` pass the filter, of ``total``."""

        def __init__(self, table: RecordTable[Any], shown: int, total: int) -> None:
            super().__init__(table)
            self.shown = shown
            self.total = total

    def __init__(
        self,
        columns: Iterable[Column[RowT]],
        *,
        placeholder: Content | str = "",
        row_style: Callable[[RowT], str | None] | None = None,
        follow: bool = False,
        on_fault: Callable[[Exception], None] | None = None,
        id: str | None = None,  # noqa: A002  (Textual's own name for it)
        classes: str | None = None,
    ) -> None:
        super().__init__(columns, row_style=row_style, follow=follow, on_fault=on_fault, id=id, classes=classes)
        self._placeholder = Content(placeholder) if isinstance(placeholder, str) else placeholder
        self._lines_of: dict[Ref, str] = {}
        self._asks: Callable[[str], bool] | None = None
        self._filtered: tuple[Query | Callable[[RowT], bool] | None, Callable[[RowT], bool] | None] = (None, None)
        self._wanted: tuple[Query, Callable[[RowT], bool] | None] | None = None
        self._sort_key: str | None = None
        self._descending = False
        self._range_start: Ref | None = None
        self._told: tuple[Ref | None, frozenset[Ref], int, int] = (None, frozenset(), 0, 0)
        self._above: set[Ref] = set()
        self._told_above = 0

    # -- what is in it ---------------------------------------------------------------------------------------------

    @property
    def refs(self) -> KeysView[Ref]:
        """All rows, filtered away or not, in the order they came in."""
        return self._model.rows.keys()

    @property
    def visible_refs(self) -> list[Ref]:
        """All rows that pass the filter, in their order."""
        return self._model.refs()

    @property
    def marked(self) -> list[Ref]:
        """The marked rows that are shown, in their order."""
        return [ref for ref in self._model.refs() if ref in self._model.marks] if self._model.marks else []

    @property
    def marked_hidden(self) -> list[Ref]:
        """The marked rows that the filter keeps out."""
        return sorted(ref for ref in self._model.marks if ref not in self._model)

    @property
    def sort(self) -> tuple[str | None, bool]:
        """The key of the column that sorts, None for the order of arrival, and whether it descends."""
        return self._sort_key, self._descending

    @property
    def placeholder(self) -> Content:
        """What stands in the body while no row is shown: loading, empty with the way out, an error, a filter.

        Left empty, the table says by itself that all its rows are filtered away.
        """
        return self._placeholder

    @placeholder.setter
    def placeholder(self, content: Content | str) -> None:
        content = Content(content) if isinstance(content, str) else content
        if content != self._placeholder:
            self._placeholder = content
            self._sync()

    def index_of(self, ref: Ref | None) -> int | None:
        """Return where a row stands among those shown, None where it is not shown."""
        return self._model.index_of(ref)

    def get(self, ref: Ref) -> RowT | None:
        """Return a row, filtered away or not."""
        return self._model.rows.get(ref)

    @property
    def new_above(self) -> int:
        """How many rows were added above those in view, and have not been in view since."""
        return len(self._above)

    # -- new data --------------------------------------------------------------------------------------------------

    def set_rows(self, rows: Iterable[RowT]) -> None:
        """Take these rows instead of all others; a row that was there keeps its cursor and mark."""
        old = self._model.rows
        with Anchored(self) as anchored:
            self._model.replace(rows)
        new = self._model.rows
        self._note_above((ref for ref in new if old and ref not in old), anchored.first)
        self._painter.keep(lambda ref: new.get(ref) == old.get(ref))
        self._lines_of.clear()
        self._sync()

    def apply(self, change: Change) -> None:
        """Take in a difference. Off the screen it writes nothing; on it, the lines whose cells are others."""
        added, updated = cast(Sequence[RowT], change.added), cast(Sequence[RowT], change.updated)
        for rows in (added, updated):
            for row in rows:
                self._forget(row.ref)
        for ref in change.removed:
            self._forget(ref)
        with Anchored(self) as anchored:
            self._model.change(added, updated, change.removed)
        self._note_above((row.ref for row in added), anchored.first)
        self._sync()

    def invalidate(self, refs: Iterable[Ref] | None = None) -> None:
        """Make the cells of these rows anew, or of all: what they are made from has changed beside the row."""
        if refs is None:
            refs = tuple(self._model.rows)
        rows = [self._model.rows[ref] for ref in refs if ref in self._model.rows]
        self.apply(Change(updated=tuple(cast(Sequence[Row], rows))))

    def pass_time(self) -> None:
        """Make the cells again that show how long ago something was; only lines that then differ are written."""
        self._painter.forget_cells()
        self._lines_of.clear()
        if self._asks is not None:
            self._use_filter(*self._filtered)
        self._sync()

    # -- filter and sort -------------------------------------------------------------------------------------------

    def parse_filter(self, text: str) -> Query:
        """Read a filter over this table's columns, by their keys or headings; raises QueryError."""
        return parse(text, self.columns, headings={key: column.title for key, column in self.columns.items()})

    def set_filter(
        self, keeps: Query | Callable[[RowT], bool] | None, *, where: Callable[[RowT], bool] | None = None
    ) -> None:
        """Show only the rows that match; None shows all. Marks of the others are kept.

        ``where`` must hold as well: what limits the view beside the filter that the user typed. With a query, the
        texts of a row are made once and kept until it changes; those of very many are made bit by bit, while keys
        are answered, and the filter comes after that.
        """
        self._painter.refit()
        self._filtered = keeps, where
        self._use_filter(keeps, where)

    def _use_filter(self, keeps: Query | Callable[[RowT], bool] | None, where: Callable[[RowT], bool] | None) -> None:
        if isinstance(keeps, Query) and keeps and self.total_count - len(self._lines_of) > LINES_AT_ONCE:
            reading, self._wanted = self._wanted is not None, (keeps, where)
            if not reading:
                self._read_and_filter()
            return
        self._filter_now(keeps, where)

    def _filter_now(self, keeps: Query | Callable[[RowT], bool] | None, where: Callable[[RowT], bool] | None) -> None:
        self._wanted = None
        if isinstance(keeps, Query):
            numbers = {key: column.number for key, column in self.columns.items() if column.number is not None}
            self._asks = keeps.over(tuple(self.columns), numbers=numbers) if keeps else None
            where = _both(where, keeps.compared(numbers))
            matches: Callable[[RowT], bool] | None = self._matches if keeps else None
        else:
            self._asks = None
            matches = keeps
        with Anchored(self):
            self._model.set_filter(_both(where, matches))
            self._to_top_if_unused()
        self._sync()

    def set_sort(self, key: str | None, descending: bool = False) -> None:
        """Order by a column; None orders by arrival. Raises KeyError, and ValueError for one that does not sort."""
        column = None if key is None else self.columns[key]
        if column is not None and column.sort_key is None:
            raise ValueError(f"column {key!r} has no sort key")
        self._sort_key, self._descending = key, descending
        with Anchored(self):
            self._model.set_sort(None if column is None else column.order, descending=descending)
            self._to_top_if_unused()
        self._painter.set_sort(key, descending=descending)
        self._sync()

    def action_sort_next(self, step: int = 1) -> None:
        """Sort by the next column that sorts, after the last by arrival."""
        keys = [None, *(key for key, column in self.columns.items() if column.sort_key is not None)]
        self.set_sort(keys[(keys.index(self._sort_key) + step) % len(keys)], self._descending)

    def action_sort_previous(self) -> None:
        """Sort by the column before."""
        self.action_sort_next(-1)

    def action_sort_invert(self) -> None:
        """Reverse the order."""
        self.set_sort(self._sort_key, not self._descending)

    # -- marks -----------------------------------------------------------------------------------------------------

    def mark(self, *refs: Ref) -> None:
        """Mark rows; unknown Refs are left out."""
        self._model.marks |= self._model.rows.keys() & set(refs)
        self._sync()

    def unmark(self, *refs: Ref) -> None:
        """Take marks away."""
        self._model.marks -= set(refs)
        self._sync()

    def action_toggle_mark(self) -> None:
        """Mark or unmark the row under the cursor and go to the next."""
        ref = self._model.cursor
        if ref is None:
            return
        self._model.marks ^= {ref}
        self._range_start = ref
        self._step(1)

    def action_mark_range(self) -> None:
        """Mark from the row marked last to the cursor, both included."""
        end = self.cursor_index
        if end is None:
            return
        start = self._model.index_of(self._range_start)
        start = end if start is None else start
        self._range_start = self._model.cursor
        self.mark(*self._model.refs(min(start, end), max(start, end) + 1))

    def action_clear_marks(self) -> None:
        """Take all marks away, also of the rows that are not shown."""
        self._model.marks.clear()
        self._range_start = None
        self._sync()

    # -- opening, mouse and news -----------------------------------------------------------------------------------

    def action_open(self) -> None:
        """Say that the row under the cursor is opened."""
        if self._model.cursor is not None:
            self.post_message(self.Opened(self, self._model.cursor))

    def on_click(self, event: events.Click) -> None:
        """Select a row, open it on a double click; on the heading, sort by the column or turn its order round."""
        if event.x >= self.size.width - 1:
            return
        if event.y == 0:
            placed = self._painter.column_at(event.x)
            if placed is not None and placed.column.sort_key is not None:
                key = placed.column.key
                self.set_sort(key, not self._descending if key == self._sort_key else self._descending)
            return
        index = self._top + event.y - 1
        if index < self.row_count:
            self.moves += 1
            self.select(self._model.ref_at(index))
            if event.chain == 2:
                self.action_open()

    def _notice(self) -> Content:
        if not self._placeholder and self._model.rows:
            return Content(f"None of the {len(self._model.rows):,} rows match the filter.")
        return self._placeholder

    def _note_above(self, added: Iterable[Ref], first: Ref | None) -> None:
        """Remember which of these came in above the ``first`` row that was in view, unseen.

        The first rows of a source are not new, nor are those that passed through the view of a stream.
        """
        if self._top > 0 and self._painter.settled:
            here = self._model.index_of(first)
            bound = self._top if here is None else here
            places = ((ref, self._model.index_of(ref)) for ref in added)
            self._above.update(ref for ref, place in places if place is not None and place < bound)

    def _see_above(self) -> None:
        """Forget the new rows that are in view by now, below it, or gone."""
        if self._above:
            places = ((ref, self._model.index_of(ref)) for ref in self._above)
            self._above = {ref for ref, place in places if place is not None and place < self._top}

    def _announce(self) -> None:
        """Post what listeners do not know yet."""
        cursor, marks, shown, total = self._told
        model = self._model
        if model.cursor != cursor:
            self.post_message(self.CursorMoved(self, model.cursor))
        hidden = len(self.marked_hidden)
        if model.marks != marks:
            self.post_message(self.MarksChanged(self, len(model.marks) - hidden, hidden))
        if (len(model), len(model.rows)) != (shown, total):
            self.post_message(self.CountsChanged(self, len(model), len(model.rows)))
        self._see_above()
        if len(self._above) != self._told_above:
            self._told_above = len(self._above)
            self.post_message(self.NewAbove(self, self._told_above))
        told_marks = marks if model.marks == marks else frozenset(model.marks)
        self._told = (model.cursor, told_marks, len(model), len(model.rows))

    @work(group="filter", exclusive=True, exit_on_error=False)
    async def _read_and_filter(self) -> None:
        """Make the texts of all rows, some at a time; then filter by what is wanted by then."""
        rows = list(self._model.rows.values())
        for first in range(0, len(rows), _LINES_A_TURN):
            for row in rows[first : first + _LINES_A_TURN]:
                if row.ref not in self._lines_of and self._model.rows.get(row.ref) is row:
                    with suppress(Exception):  # the filter meets it again, and tells of it
                        self._line(row)
            await asyncio.sleep(0)
            if self._wanted is None:
                return
        if self._wanted is not None:
            self._filter_now(*self._wanted)

    def _matches(self, row: RowT) -> bool:
        return self._asks is None or self._asks(self._lines_of.get(row.ref) or self._line(row))

    def _line(self, row: RowT) -> str:
        line = self._lines_of[row.ref] = line_of([column.text(row) for column in self.columns.values()])
        return line

    def _forget(self, ref: Ref) -> None:
        self._painter.forget(ref)
        self._lines_of.pop(ref, None)


def _both(
    first: Callable[[RowT], bool] | None, second: Callable[[RowT], bool] | None
) -> Callable[[RowT], bool] | None:
    if first is None or second is None:
        return first or second
    return lambda row: first(row) and second(row)
