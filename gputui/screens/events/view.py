"""Events of instances, live, and how the instances started."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.content import Content

from gputui.formatting import seconds_text
from gputui.models import Action, Change, Event, Instance, Phase, Ref, Resource, Row
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.lists import columns_of
from gputui.presentation.details import Place
from gputui.screens.base.session import Session
from gputui.screens.commands.explain import STILL_ASKED, ReasonLines
from gputui.screens.commands.inspect import OpenCommands
from gputui.screens.events.slow_steps import SlowSteps
from gputui.screens.list.list_view import ListView
from gputui.widgets.bars.line import follow_caption
from gputui.widgets.table.table import RecordTable
from gputui.widgets.waterfall import Waterfall, describe_startup


class EventCommands(OpenCommands):
    """Open the instance of an event, describe how it started, follow the newest."""

    view: EventsView

    def do_open(self, argument: str) -> None:
        """Go to the instance, or describe the event."""
        if (instance := self.view.instance_here()) is not None:
            self.session.navigator.go("instances", select=instance.ref)
        else:
            super().do_open(argument)

    def description(self, row: Row, reasons: ReasonLines = STILL_ASKED) -> tuple[list[Content], dict[int, Place]]:
        """Add how the instance started."""
        lines, places = super().description(row, reasons)
        start = self.view.slow.book.startups.get(row.instance) if isinstance(row, Event) else None
        if start is None:
            return lines, places
        usual = self.view.slow.book.usual(start.parent, excluding=start.instance)
        title = Content.styled("Start-up", "bold $text-accent")
        return [*lines, Content(""), title, *describe_startup(start, usual)], places

    def do_follow(self, argument: str) -> None:
        """Go to the newest and stay there."""
        self.view.table.action_last()


ROOM_FOR_WATERFALL = 24
"""Lines of a terminal from which on there is room for more than the stream."""


class EventsView(ListView):
    """``4``: the stream over all accounts. Follows the newest until the cursor leaves the end."""

    NAME = "events"
    HEADING = "Events"
    RESOURCE = Resource.EVENTS
    RESOURCES = frozenset({Resource.EVENTS})
    COMMAND_SETS = (EventCommands, *ListView.COMMAND_SETS)
    FOOTER = ("open", "block", "events-of", "logs", "ssh", "describe", "actions", "filter")
    SORT: ClassVar[tuple[str | None, bool]] = ("time", False)
    FOLLOW = True

    _below = 0

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.slow = SlowSteps()

    def compose_body(self) -> ComposeResult:
        """Lay out the stream, and below it how the instance under the cursor came up."""
        yield from super().compose_body()
        yield Waterfall(id="waterfall")

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns; times are local or UTC as chosen."""
        columns: list[Column[Event]] = [
            *columns_of(Resource.EVENTS, self.context),
            Column(
                "remark",
                lambda row: (self._remark(row), "warning"),
                lambda row: self.slow.medians.get(row.ref),
                priority=3,
                when_filled=True,
                search=self._remark,
            ),
            Column(
                "host",
                lambda row: (self._host(row), "warning"),
                priority=7,
                when_filled=True,
                search=self._host,
            ),
        ]
        return cast("Sequence[Column[Row]]", columns)

    def _remark(self, row: Event) -> str:
        """Return that the step which the event ended was slow."""
        median = self.slow.medians.get(row.ref)
        return "" if median is None else f"slow: median {seconds_text(median)}"

    def _host(self, row: Event) -> str:
        """Name the host on which it was slow: the footer has the key that blocks it."""
        instance = self._instance_of(row) if row.ref in self.slow.medians else None
        return (instance.host or "") if instance is not None else ""

    def is_stale(self, row: Row) -> bool:
        """Return False: an event stays true however old the last answer is."""
        return False

    def in_scope(self, row: Row, scope: Ref) -> bool:
        """Whether it happened to the instance the view is limited to, or to one of that deployment."""
        return isinstance(row, Event) and scope in (row.instance, row.parent)

    def is_problem(self, row: Row) -> bool:
        """Whether it ended in something that is not well, or took too long."""
        return isinstance(row, Event) and (row.phase in (Phase.FAILED, Phase.UNKNOWN) or row.ref in self.slow.medians)

    def breadcrumbs(self) -> list[str]:
        """Name an instance that is gone as its events do."""
        known = self.slow.book.startups.get(self.scope) if self.scope is not None else None
        if known is None or self.session.fleet.get(known.instance) is not None:
            return super().breadcrumbs()
        return [known.name, self.HEADING]

    # --- the instance behind an event ------------------------------------------------------------------------

    def _instance_of(self, row: Row | None) -> Instance | None:
        if isinstance(row, Event):
            return self.session.fleet.find(Instance, row.instance)
        return row if isinstance(row, Instance) else None

    def instance_here(self) -> Instance | None:
        """Return the instance it happened to, if it is still there."""
        return self._instance_of(self.row_here())

    def chosen_rows(self) -> list[Row]:
        """Return the instances that it happened to, as far as they are still there; else the events themselves."""
        rows = super().chosen_rows()
        instances = {found.ref: found for row in rows if (found := self._instance_of(row)) is not None}
        return list(instances.values()) or rows

    def actions_here(self) -> frozenset[Action]:
        """Nothing can be done to an event, only to what it happened to."""
        return super().actions_here() if self.instance_here() is not None else frozenset()

    # --- following the stream --------------------------------------------------------------------------------

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the events, and the instances that remarks name."""
        fleet = self.session.fleet
        return (*super().follow(), fleet.subscribe(Resource.INSTANCES, self._instances_changed))

    def catch_up(self) -> None:
        """Add the events since the last time; a stream is long and changes at its ends alone."""
        rows = self.session.fleet.rows(Resource.EVENTS)
        table = self.table
        added = tuple(row for ref, row in rows.items() if table.get(ref) is None)
        self._take(Change(added=added, removed=tuple(ref for ref in table.refs if ref not in rows)))
        self._apply_filter()
        self._settle_columns()
        self.pass_time()
        self._show_start()

    def _take(self, change: Change) -> None:
        """Bring the table up to date, and the remarks that new events change."""
        dropped = [row for ref in change.removed if (row := self.table.get(ref)) is not None]
        changed = self.slow.take(_events(change.added), _events(dropped))
        self.table.apply(change)
        if remarked := changed.difference(row.ref for row in change.added):
            self.table.invalidate(remarked)

    def _changed(self, change: Change) -> None:
        following = self.table.viewport.at_end
        self._take(change)
        self._settle_columns()
        self._settle_cursor()
        if not following:
            cursor = self.table.viewport.cursor_index or 0
            places = (self.table.index_of(row.ref) for row in change.added)
            self._below += sum(place is not None and place > cursor for place in places)
        self._show_start()
        self.frame.show()

    def _instances_changed(self, change: Change) -> None:
        """A remark names the host of an instance that exists, and the footer its commands."""
        instances = {row.ref for row in (*change.added, *change.updated)}.union(change.removed)
        rows = _events(row for ref in self.slow.medians if (row := self.table.get(ref)) is not None)
        if remarked := [row.ref for row in rows if row.instance in instances]:
            self.table.invalidate(remarked)
        self.frame.show_keys()

    def _settle_cursor(self) -> None:
        """Begin at the newest, as every stream does."""

    def _note_staleness(self) -> None:
        """Events are drawn alike, however old the last answer is."""

    @on(RecordTable.CursorMoved)
    def _maybe_at_end(self) -> None:
        if self.table.viewport.at_end:
            self._below = 0
        self._show_start()
        self.frame.show()

    # --- how the instance under the cursor came up -----------------------------------------------------------

    def on_resize(self) -> None:
        """Give the stream all the lines of a low terminal."""
        self._show_start()

    def _show_start(self) -> None:
        """Show the start of the instance under the cursor. Where it has none its lines stay free: nothing jumps."""
        waterfall = self.query_one(Waterfall)
        book = self.slow.book
        waterfall.display = self.size.height >= ROOM_FOR_WATERFALL and bool(book.startups)
        row = self.under_cursor()
        start = book.startups.get(row.instance) if isinstance(row, Event) else None
        if start is None or len(start.steps) < 2:
            waterfall.show(None, book.usual(None))
        else:
            waterfall.show(start, book.usual(start.parent, excluding=start.instance))

    def status(self) -> tuple[Content, Content]:
        """Add whether it follows, or how many came since it does not."""
        left, right = super().status()
        if self.table.sort != ("time", False):
            follow = Content.styled("   in another order: not following", "$muted")
        else:
            follow = follow_caption(
                following=self.table.viewport.at_end, new=self._below, key=self.session.key_of("follow")
            )
        return Content.assemble(left, follow), right

    def empty_text(self) -> str:
        """Return why there are no rows."""
        if self.scope is not None:
            return "No events of it since gputui started."
        return "No events since gputui started. Changes of state appear as they happen."


def _events(rows: Iterable[Row]) -> list[Event]:
    return [row for row in rows if isinstance(row, Event)]
