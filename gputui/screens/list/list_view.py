"""A view over a table of one resource: filter, sort, marks, copy, save, and the row the commands act on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.content import Content

from gputui.commands import BY_ID
from gputui.models import Change, Coverage, FeedState, Phase, Ref, Resource, Row
from gputui.presentation.actions import name_of
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.lists import columns_of
from gputui.presentation.counts import count_text
from gputui.screens.base.fleet_context import FleetContext
from gputui.screens.base.session import Session
from gputui.screens.commands.inspect import OpenCommands
from gputui.screens.commands.sets import ROW_SETS
from gputui.screens.list.commands import ListCommands
from gputui.screens.list.tabular_view import TabularView
from gputui.widgets.table.table import RecordTable


class ListView(TabularView):
    """Shows the rows of ``RESOURCE``. A subclass gives the columns, and the text for an empty table."""

    RESOURCE: ClassVar[Resource]
    COMMAND_SETS = (ListCommands, OpenCommands, *ROW_SETS)
    SORT: ClassVar[tuple[str | None, bool]] = (None, False)
    FOLLOW: ClassVar[bool] = False
    COUNTED: ClassVar[str] = ""
    """The noun for one of the rows that are counted in the title, where the heading does not give it."""

    SHOWS_AGE: ClassVar[bool] = False
    """Whether its rows show ages or times left, which are updated once a minute."""

    _stale: frozenset[str] = frozenset()
    _read_in_full: frozenset[str] = frozenset()
    """The accounts whose list lacked no row by now: what comes from the others is not new, only read late."""

    _awaited_row: tuple[Ref, int] | None = None
    """A row to go to as soon as it is listed, unless the user has moved since (:attr:`Viewport.moves`)."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.context: FleetContext = FleetContext(session)
        for commands in self.commands.sets:
            commands.remember()

    def on_mount(self) -> None:
        """Update ages; only changed text reaches the terminal."""
        if self.SHOWS_AGE:
            self.every(60, self.pass_time)

    def pass_time(self) -> None:
        """Show the ages of now in all tables."""
        for table in self.query(RecordTable):
            table.pass_time()

    def compose_body(self) -> ComposeResult:
        """Lay out the table."""
        yield self.make_table()

    def make_table(
        self,
        columns: Sequence[Column[Row]] | None = None,
        *,
        id: str = "table",  # noqa: A002  (Textual's own name for it)
        sort: tuple[str | None, bool] | None = None,
    ) -> RecordTable[Row]:
        """Make a table of rows of the fleet: the view's own, unless it is given columns, an id and an order."""
        table: RecordTable[Row] = RecordTable(
            self.columns() if columns is None else columns,
            id=id,
            row_style=self.row_style,
            is_stale=self.is_stale,
            follow=self.FOLLOW,
            favourite=self.session.favourites.__contains__,
            placeholder=self.feeds.loading_text(),
            on_fault=self.session.program.show_internal_error,
        )
        table.set_sort(*(sort or self.SORT))
        return table

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns."""
        return columns_of(self.RESOURCE, self.context)

    @property
    def table(self) -> RecordTable[Row]:
        """The table of this view."""
        return cast("RecordTable[Row]", self.query_one("#table", RecordTable))

    def is_stale(self, row: Row) -> bool:
        """Whether a row is not up to date."""
        return self.session.fleet.is_stale(row.ref)

    def row_style(self, row: Row) -> str | None:
        """Return the style of a row that is up to date."""
        return None

    # --- following the fleet ---------------------------------------------------------------------------------

    def follow(self) -> Sequence[Callable[[], None]]:
        """Take every change into the table, and every pending mark."""
        fleet = self.session.fleet
        return (
            fleet.subscribe(self.RESOURCE, self._changed),
            fleet.mutations.listeners.add(self._pending_changed),
            self.session.favourites.subscribe(self._favourites_changed),
            self.session.leases.changed.add(self._leases_changed),
        )

    def _leases_changed(self, refs: Collection[Ref]) -> None:
        self.table.invalidate(refs)
        if all(placed.column.key != "lease" for placed in self.table.layout_columns):
            self.table.refit()  # the first one has no column yet
        self.frame.show_keys()

    def _favourites_changed(self, refs: Sequence[Ref]) -> None:
        for table in self.query(RecordTable):
            table.invalidate(refs)
        self.frame.show()

    def _changed(self, change: Change) -> None:
        self.table.apply(change, is_new=lambda row: row.ref.account in self._read_in_full)
        self._settle_columns()
        self._settle_cursor()
        self._select_awaited(change.added)
        if any(row.ref == self.table.cursor_ref for row in change.updated):
            self.frame.show_keys()  # another state, other actions

    def _select_awaited(self, added: Sequence[Row]) -> None:
        """Put the cursor on the row that is awaited, if it is there now and the user has not moved.

        Where the server makes up the id, it is the new row that is called so.
        """
        if self._awaited_row is None:
            return
        ref, moves = self._awaited_row
        named = (
            row.ref
            for row in added
            if (row.ref.account, row.ref.kind) == (ref.account, ref.kind) and name_of(row) == ref.id
        )
        if self.table.viewport.moves != moves or self.table.select(ref) or any(map(self.table.select, named)):
            self._awaited_row = None

    def _settle_columns(self) -> None:
        """Keep the columns still as soon as every account has answered."""
        if not self.feeds.loading_text():
            for table in self.query(RecordTable):
                table.settle()

    def _pending_changed(self, ref: Ref) -> None:
        self.table.admit()  # it comes from the user's own action
        self.table.invalidate([ref])
        self.frame.show_keys()

    def catch_up(self) -> None:
        """Show the rows as they are now."""
        self._note_staleness()
        self._note_read()
        self.table.set_rows(self.session.fleet.rows(self.RESOURCE).values())
        self._apply_filter()
        self.pass_time()
        self._select_awaited(())
        self._settle_columns()

    def feeds_changed(self) -> None:
        """Rows may have become stale or fresh."""
        super().feeds_changed()
        self._note_staleness()
        self._note_read()
        self._settle_columns()
        self._settle_cursor()
        self._show_placeholder()

    def _note_read(self) -> None:
        """Note which accounts' lists lack no row by now."""
        fleet = self.session.fleet
        self._read_in_full = frozenset(
            name for name in fleet.accounts if not fleet.coverage(name, [self.RESOURCE]).lacks_rows
        )

    def _note_staleness(self) -> None:
        """Draw all rows again when those of an account became stale or fresh, and only then."""
        fleet = self.session.fleet
        stale = frozenset(name for name in fleet.accounts if fleet.feed(name, self.RESOURCE).state is FeedState.STALE)
        if stale != self._stale:
            self._stale = stale
            self.table.invalidate()

    # --- what is shown ---------------------------------------------------------------------------------------

    def shows(self, row: Row) -> bool:
        """Whether a row passes everything but the typed filter."""
        if not self.session.shows_account(row.ref.account) or self._is_left_out(row.ref.account):
            return False
        if self.scope is not None and not self.in_scope(row, self.scope):
            return False
        return not self.problems_only or self.is_problem(row)

    def _is_left_out(self, account: str) -> bool:
        resource = self.server_filtered
        return resource is not None and bool(self.session.fleet.server_filters.left_out(account, resource))

    def limits(self) -> bool:
        """Whether the view is limited in a way of its own."""
        return False

    def in_scope(self, row: Row, scope: Ref) -> bool:
        """Whether a row belongs to the instance the view is limited to."""
        return row.ref == scope

    def is_problem(self, row: Row) -> bool:
        """Whether a row is failed, unknown, in transition, under way, or could not be read."""
        settled = getattr(row, "phase", Phase.RUNNING) in (Phase.RUNNING, Phase.STOPPED)
        problem = getattr(row, "problem", None)
        return not settled or bool(problem) or self.session.fleet.mutations.pending(row.ref) is not None

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """Limit the view to one instance, or put the cursor on a row."""
        super().limit_to(scope, select)
        if self.is_mounted:
            self._apply_filter()
            if select is not None and not self.table.select(select):
                while self.clear_filter():
                    pass
        if select is not None:
            # A view that is shown for the first time has no rows yet.
            self._awaited_row = (select, self.table.viewport.moves if self.is_mounted else 0)
            if self.is_mounted:
                self._select_awaited(())

    def _apply_filter(self) -> None:
        session = self.session
        limited = self.limits() or self.scope is not None or bool(session.only) or self.problems_only
        limited = limited or any(map(self._is_left_out, session.accounts_shown()))
        self.table.set_filter(self._query, where=self.shows if limited else None, typing=self.frame.is_filtering)
        self._show_placeholder()
        self.frame.show()

    def _show_placeholder(self) -> None:
        by_user = self._query or self.scope is not None or self.problems_only or not self.asked_for()
        if self.table.total_count and not self.table.row_count and by_user and not self._has_none():
            matching = f"No row matches {self._query.text}." if self._query else "No row is shown."
            limits = [
                *([self.breadcrumbs()[0]] if self.scope is not None else []),
                *([f"account {' or '.join(self.session.only)}"] if self.session.only else []),
                *([f"only problems ({self.session.key_of('problems')})"] if self.problems_only else []),
            ]
            also = f" Limited to {' and '.join(limits)}." if limits else ""
            self.table.placeholder = Content(f"{matching}{also} {self.session.key_of('back')} clears the filter.")
            return
        asked = self.asked_for()
        changes = self.session.key_of("server-filter")
        nothing = f"No matches for the server filter {asked}. {changes} changes it." if asked else ""
        self.table.placeholder = Content(
            self.feeds.loading_text()
            or self.feeds.unknown_text(self.scope)
            or self.feeds.with_denials(nothing or self.empty_text(), self.scope)
        )

    def _has_none(self) -> bool:
        """Whether the scope, or the accounts, that alone limit the view have no rows at all."""
        shows, scope = self.session.shows_account, self.scope
        if self._query or self.problems_only or self.limits():
            return False
        if scope is not None:
            return shows(scope.account)
        return bool(self.session.only) and not any(
            shows(ref.account) for ref in self.session.fleet.rows(self.RESOURCE)
        )

    def empty_text(self) -> str:
        """Return why there are no rows, and the key that creates one."""
        created = f" Press {self.session.key_of('new')} to create one." if self.creatable() else ""
        return f"No {self.RESOURCE.value} in {self.session.accounts_text}.{created}"

    def counts(self) -> str:
        """Return the number of rows shown, and of all."""
        table = self.table
        return count_text(table.row_count, self.COUNTED, of=table.total_count, coverage=self.coverage())

    def coverage(self) -> Coverage:
        """Return how far the rows of the table are all that there are, and as they are now."""
        return self.feeds.coverage((self.RESOURCE,), self.scope)

    def _new_text(self) -> str:
        """Return the number of new rows above those in view, and the key that goes there; '' for none."""
        new = self.table.new_above
        return f"   {new:,} new above ↑  {self.session.key_of_move('table.first')}" if new else ""

    def status(self) -> tuple[Content, Content]:
        """Counts, the filter, the grouping and the order at the left; marks at the right."""
        table = self.table
        left = Content.assemble(
            (f"   {self.counts()}", "$muted"),
            self.filter_caption(),  # before all that may be cut: it may be of the last session
            (
                f"   {self.feeds.loading_text()}" if table.total_count and self.feeds.loading_text() else "",
                "$text-warning",
            ),
            self.grouping_caption(),
            (self._new_text(), "$text-warning"),
            self.order_caption(),
        )
        return left, self.marks_caption()

    def grouping_caption(self) -> Content:
        """Return what the rows are grouped by; '' for nothing."""
        grouping = self.table.folding.grouping
        return Content.styled("" if grouping is None else f"   by {grouping.name}", "$text-accent")

    def order_caption(self) -> Content:
        """Return the order, unless the heading of its column is in view and shows it."""
        table = self.table
        key, descending = table.sort
        if key is None or any(placed.column.key == key for placed in table.layout_columns):
            return Content("")
        return Content.styled(f"   by {table.columns[key].title} {'↓' if descending else '↑'}", "$muted")

    def show_changed_table(self) -> None:
        """Show what depends on the table; an empty one says why."""
        self._show_placeholder()
        super().show_changed_table()

    def open_row(self) -> None:
        """Open the row under the cursor."""
        if (handler := self.commands.handler_of(BY_ID["open"])) is not None:
            handler("")

    # --- targets ---------------------------------------------------------------------------------------------

    def under_cursor(self) -> Row | None:
        """Return the row under the cursor."""
        return self.table.cursor_row

    def chosen_rows(self) -> list[Row]:
        """Return the marked rows, else the one under the cursor."""
        marked = [row for ref in self.table.marked if (row := self.table.get(ref)) is not None]
        return marked or super().chosen_rows()

    def clear_filter(self) -> bool:
        """Clear the filter and only-problems, else the accounts, not the scope; returns whether any was set."""
        if self._query is None and not self.problems_only:
            return self._show_all_accounts()
        self._query = None
        self.problems_only = False
        self._apply_filter()
        return True

    def _show_all_accounts(self) -> bool:
        limited = bool(self.session.only)
        if limited:
            self.session.choose(account=None)
        return limited
