"""The table every list is shown in: keeps its place by Ref and writes only the lines that changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, KeysView, Sequence
from typing import Any, ClassVar, cast

from textual import events, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from gputui.late_dataclasses import dataclass
from gputui.models import Change, Ref, Row
from gputui.presentation.columns.column import Column, RowT
from gputui.presentation.groups.grouping import Grouping
from gputui.query import Query
from gputui.widgets.table.folding import INDENT, Folding
from gputui.widgets.table.groups import Heading, Line
from gputui.widgets.table.painter import GUTTER
from gputui.widgets.table.row_filter import RowFilter
from gputui.widgets.table.view import TableView


class RecordTable(TableView[RowT]):
    """Rows with a Ref under a fixed heading, with a grouping under headings of their own.

    Cursor, marks, sort, filter and scroll follow the Ref through every change. Cell texts are data, cut by cell
    width. A style name in a cell is one of the table's own (``good``, ``warning``, ``bad``, ``muted``, ``accent``,
    ``strong``) or any Textual style (``"bold $primary"``); ``row_style`` names one for a whole row. A row for which
    ``is_stale`` returns true is not up to date: it is dimmed, and so is the heading of its group. ``placeholder`` is
    shown while no row is; ``follow`` keeps a cursor that is on the last row on the last row. A row for which
    ``favourite`` returns true has a star, and passes the filter ``is:favourite``.

    An error of a column's functions affects one cell, which shows ``!``, or one row's place. Each is given to
    ``on_fault`` once, or is logged where there is none.

    The table binds movement, and enter, which on the heading of a group folds or unfolds it. Marks, sorting and
    filtering are methods, and actions where a key fits: ``toggle_mark``, ``mark_range``, ``clear_marks``,
    ``sort_next``, ``sort_previous``, ``sort_invert``. ``folding`` has the groups.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Open", show=False, id="table.open")]

    @dataclass
    class _TableMessage(Message):
        table: RecordTable[Any]

        @property
        def control(self) -> RecordTable[Any]:
            """The table it comes from."""
            return self.table

    @dataclass
    class CursorMoved(_TableMessage):
        """The cursor is on another row, None when it is on a heading or there is no row."""

        ref: Ref | None

    @dataclass
    class Opened(_TableMessage):
        """Enter or a double click on a row."""

        ref: Ref

    class Changed(_TableMessage):
        """The marks, order, groups or columns changed, or the number of rows: all, those shown, new ones above."""

        def can_replace(self, message: Message) -> bool:
            """Whether the other one says no more than this."""
            return isinstance(message, RecordTable.Changed) and message.table is self.table

    def __init__(
        self,
        columns: Iterable[Column[RowT]],
        *,
        placeholder: str = "",
        row_style: Callable[[RowT], str | None] | None = None,
        is_stale: Callable[[RowT], bool] | None = None,
        follow: bool = False,
        favourite: Callable[[Ref], bool] | None = None,
        on_fault: Callable[[Exception], None] | None = None,
        id: str | None = None,  # noqa: A002  (Textual's own name for it)
    ) -> None:
        super().__init__(
            columns,
            row_style=row_style,
            is_stale=is_stale,
            follow=follow,
            favourite=favourite,
            on_fault=on_fault,
            id=id,
        )
        self._follows = follow
        self._placeholder = Content(placeholder)
        self._filter: RowFilter[RowT] = RowFilter(self.columns, self._model, favourite)
        self.parse_filter = self._filter.parse
        self._painter.layout.unseen = self._filter.unseen
        self.folding: Folding[RowT] = Folding(self._model, self._painter, self.viewport, self._sync)
        self._sort_key: str | None = None
        self._descending = False
        self._range_start: Ref | None = None
        self._announced_cursor: Line | None = None
        self._announced: tuple[object, ...] = (0, 0, 0, None, False, (), (), set())
        self._above: set[Ref] = set()

    # -- what is in it ---------------------------------------------------------------------------------------------

    @property
    def refs(self) -> KeysView[Ref]:
        """All rows, hidden by the filter or not, in the order they came in."""
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
        """The marked rows that the filter hides."""
        return sorted(ref for ref in self._model.marks if ref not in self._model)

    @property
    def sort(self) -> tuple[str | None, bool]:
        """The key of the column that sorts, None for the order of arrival, and whether it descends."""
        return self._sort_key, self._descending

    @property
    def placeholder(self) -> Content:
        """The text of the body while no row is shown: loading, empty with the way out, an error, a filter.

        Without one, the table says by itself that the filter hides all its rows.
        """
        return self._placeholder

    @placeholder.setter
    def placeholder(self, content: Content) -> None:
        if content != self._placeholder:
            self._placeholder = content
            self._sync()

    def index_of(self, ref: Ref | None) -> int | None:
        """Return the line that a row is in, from 0; None where it is not shown."""
        return self._model.index_of(ref)

    def get(self, ref: Ref) -> RowT | None:
        """Return a row, hidden by the filter or not."""
        return self._model.rows.get(ref)

    @property
    def new_above(self) -> int:
        """The number of rows added above those in view, and not in view since."""
        return len(self._above)

    # -- new data --------------------------------------------------------------------------------------------------

    def set_rows(self, rows: Iterable[RowT]) -> None:
        """Take these rows instead of all others; a row that was there keeps its cursor and mark."""
        old = self._model.rows
        with self.viewport.anchored() as first:
            self._model.replace(rows)
        new = self._model.rows
        self._note_above((ref for ref in new if old and ref not in old), first)
        self._painter.keep(lambda ref: new.get(ref) == old.get(ref))
        self._filter.forget_all()
        self._sync()

    def apply(self, change: Change, *, is_new: Callable[[RowT], bool] = lambda row: True) -> None:
        """Take in a difference. Off the screen it writes nothing; on it, the lines whose cells are others.

        ``is_new`` returns whether an added row is announced where it comes in above those in view.
        """
        added, updated = cast(Sequence[RowT], change.added), cast(Sequence[RowT], change.updated)
        for rows in (added, updated):
            for row in rows:
                self._forget(row.ref)
        for ref in change.removed:
            self._forget(ref)
        with self.viewport.anchored() as first:
            self._model.change(added, updated, change.removed)
        self._note_above((row.ref for row in added if is_new(row)), first)
        self._sync()

    def invalidate(self, refs: Iterable[Ref] | None = None) -> None:
        """Make the cells of these rows again, or of all: they depend on more than the row, which has changed."""
        if refs is None:
            refs = tuple(self._model.rows)
        rows = [self._model.rows[ref] for ref in refs if ref in self._model.rows]
        self.apply(Change(updated=tuple(cast(Sequence[Row], rows))))

    def renew_headings(self) -> None:
        """Make the headings of groups again from what their rows add to them: they depend on more than the rows."""
        if self._model.groups is not None:
            self._model.groups.renew()
            self._sync()

    def pass_time(self) -> None:
        """Make the cells again that show how long ago something was; only lines that then differ are written."""
        self._painter.forget_cells()
        self._filter.forget_all()
        if self._model.groups is not None:
            self._model.groups.forget_contents()
        if self._filter.query:
            self._apply_filter()
        self._sync()

    # -- filter and sort -------------------------------------------------------------------------------------------

    def set_filter(
        self, query: Query | None, *, where: Callable[[RowT], bool] | None = None, typing: bool = False
    ) -> None:
        """Show only the rows that match; None shows all. Marks of the others are kept.

        ``where`` must hold as well: what limits the view next to the query. On very many rows a query takes effect
        later, while keys are answered: the texts of the rows are read first. Columns in which alone rows match come
        when it is no longer ``typing``: none moves from one letter to the next.
        """
        layout = self._painter.layout
        same_list = where == self._filter.where and (query is not self._filter.query or typing == layout.finds)
        self._filter.query, self._filter.where = query, where
        layout.named, layout.finds = self._filter.named, not typing
        if same_list:
            layout.choose_again()
        else:
            layout.refit()  # other limits make another list
        self._apply_filter()

    def _apply_filter(self) -> None:
        if not self._filter.lacks_texts:
            self._filter_now()
        elif not self._filter.reading:
            self._filter.reading = True
            self._read_and_filter()

    @work(group="filter", exclusive=True, exit_on_error=False)
    async def _read_and_filter(self) -> None:
        await self._filter.read_texts()
        if self._filter.reading:
            self._filter_now()

    def _filter_now(self) -> None:
        self._filter.reading = False
        with self.viewport.anchored():
            self._model.set_filter(self._filter.test(), limit=self._filter.where)
            self.viewport.to_top_if_unused()
        self._sync()

    def set_sort(self, key: str | None, descending: bool = False) -> None:
        """Order by a column; None orders by arrival. Raises KeyError, and ValueError for one that does not sort."""
        column = None if key is None else self.columns[key]
        if column is not None and column.sort_key is None:
            raise ValueError(f"column {key!r} has no sort key")
        self._sort_key, self._descending = key, descending
        self.viewport.follow = self._follows and not descending
        with self.viewport.anchored():
            self._model.set_sort(None if column is None else column.order, descending=descending)
            self.folding.sorted_by(key, descending=descending)
            self.viewport.to_top_if_unused()
        self._painter.set_sort(key, descending=descending)
        self._sync()

    def action_sort_next(self, step: int = 1) -> None:
        """Sort by the next column in view that sorts, after the last by arrival."""
        shown = [placed.column for placed in self._painter.layout.placed] or self.columns.values()
        keys = [None, *(column.key for column in shown if column.sort_key is not None)]
        at = keys.index(self._sort_key) if self._sort_key in keys else 0
        self.set_sort(keys[(at + step) % len(keys)], self._descending)

    def action_sort_previous(self) -> None:
        """Sort by the column before."""
        self.action_sort_next(-1)

    def action_sort_invert(self) -> None:
        """Reverse the order."""
        self.set_sort(self._sort_key, not self._descending)

    def set_group(self, grouping: Grouping[RowT] | None) -> None:
        """Put the rows under headings; None takes these away."""
        self.folding.set(grouping)

    # -- marks -----------------------------------------------------------------------------------------------------

    def mark(self, *refs: Ref) -> None:
        """Mark rows; unknown Refs are ignored."""
        self._model.marks |= self._model.rows.keys() & set(refs)
        self._sync()

    def action_toggle_mark(self) -> None:
        """Mark or unmark the row under the cursor and go to the next; on a heading, all rows of the group."""
        ref = self.cursor_ref
        if ref is None:
            self.folding.mark()
            return
        self._model.marks ^= {ref}
        self._range_start = ref
        self.action_move(1)

    def action_mark_range(self) -> None:
        """Mark from the row marked last to the cursor, both included, but no rows of folded groups between them."""
        end = self.viewport.cursor_index
        if end is None:
            return
        start = self._model.index_of(self._range_start)
        start = end if start is None else start
        self._range_start = self.cursor_ref
        lines = self._model.lines(min(start, end), max(start, end) + 1)
        self.mark(*(line for line in lines if isinstance(line, Ref)))

    def action_clear_marks(self) -> None:
        """Unmark all rows, also those that are not shown."""
        self._model.marks.clear()
        self._range_start = None
        self._sync()

    # -- opening, mouse and news -----------------------------------------------------------------------------------

    def action_open(self) -> None:
        """Open the row under the cursor, fold or unfold the group of a heading."""
        if (ref := self.cursor_ref) is None:
            if self.folding.here:
                self.folding.toggle()
        else:
            self.select(ref)
            self.post_message(self.Opened(self, ref))

    def on_click(self, event: events.Click) -> None:
        """Select a line, open it on a double click or fold it; at the top, sort by the column, reverse, scroll."""
        if event.y == 0:
            self._click_heading(event.x)
            return
        if event.x >= self.size.width - 1:
            return
        index = self.viewport.top + event.y - 1
        if index < self._model.line_count and self._model.takes_cursor(line := self._model.line_at(index)):
            self.viewport.moves += 1
            self.select(line)
            on_glyph = isinstance(line, Heading) and event.x < GUTTER + INDENT
            if event.chain == 2 or on_glyph:
                self.action_open()

    def _click_heading(self, x: int) -> None:
        if steps := self._painter.sign_at(x):
            self.chosen.scroll(steps)
            return
        placed = self._painter.column_at(x) if x < self.size.width - 1 else None
        if placed is not None and placed.column.sort_key is not None:
            key = placed.column.key
            self.set_sort(key, not self._descending if key == self._sort_key else self._descending)

    def _notice(self) -> Content:
        if not self._placeholder and self._model.rows:
            return Content(f"None of the {len(self._model.rows):,} rows match the filter.")
        return self._placeholder

    def _note_above(self, added: Iterable[Ref], first: Line | None) -> None:
        """Remember which of these came in above the ``first`` row that was in view, unseen.

        The first rows of a source are not new, nor are those that passed through the view of a stream, nor what comes
        above while its end is followed: that is older.
        """
        if self.viewport.top > 0 and self._painter.layout.settled and not self.viewport.followed:
            here = self._model.index_of(first)
            bound = self.viewport.top if here is None else here
            places = ((ref, self._model.index_of(ref)) for ref in added)
            self._above.update(ref for ref, place in places if place is not None and place < bound)

    def _see_above(self) -> None:
        """Forget the new rows that are in view by now, below it, or gone."""
        if self._above:
            places = ((ref, self._model.index_of(ref)) for ref in self._above)
            self._above = {ref for ref, place in places if place is not None and place < self.viewport.top}

    def _announce(self) -> None:
        """Post what listeners do not know yet."""
        model = self._model
        if model.cursor != self._announced_cursor:
            self._announced_cursor = model.cursor
            self.post_message(self.CursorMoved(self, self.cursor_ref))
        self._see_above()
        state = (len(model), len(model.rows), len(self._above), *self.sort, self.layout_columns, self.folding.state)
        if (*state, model.marks) != self._announced:
            self._announced = (*state, set(model.marks))
            self.post_message(self.Changed(self))

    def _forget(self, ref: Ref) -> None:
        self._painter.forget(ref)
        self._filter.forget(ref)
