"""Events, actions, rules, idle stock and GPU load on one axis of time, and below it the list of what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.content import Content

from gputui.analytics.timeline import nearest
from gputui.models import Action, Coverage, Instance, Ref, Resource, Row
from gputui.models.timeline import Lane, Moment, Timeline, Tone
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.fields import stamp
from gputui.presentation.columns.moments import moment_columns
from gputui.screens.base.session import Session
from gputui.screens.list.session_list import SessionList
from gputui.screens.timeline.axis import Axis
from gputui.screens.timeline.commands import TimelineCommands
from gputui.screens.timeline.drawing import LanesDrawing
from gputui.screens.timeline.reading import Reader
from gputui.screens.timeline.table import TimelineTable
from gputui.widgets.lanes import Lanes
from gputui.widgets.moment_table import MomentTable
from gputui.widgets.table.table import RecordTable

_TICK_SECONDS = 5.0


class TimelineView(SessionList):
    """``:timeline``: of everything, or limited to an instance, a deployment, a host or a rule."""

    NAME = "timeline"
    HEADING = "Timeline"
    RESOURCES = frozenset({Resource.INSTANCES})
    BACKGROUND = frozenset({Resource.EVENTS})
    COMMAND_SETS = (TimelineCommands, *SessionList.COMMAND_SETS)
    FOOTER = ("open", "zoom-in", "zoom-out", "go-to-time", "filter", "save", "follow")
    SORT: ClassVar[tuple[str | None, bool]] = ("time", False)
    EVERY: ClassVar[float] = _TICK_SECONDS
    COUNTED = "moment"
    WORDS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "open": ("Open", "Open what it happened to; of what is gone, the details"),
        "follow": ("Now", "Go to now and follow the time"),
        "save": ("Save a report", "Write it to a file: HTML report, text, JSON, CSV or SVG"),
    }
    DEFAULT_CSS = """
    TimelineView #reading { padding: 0 1; }
    TimelineView #legend { padding: 0 1; color: $muted; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.axis = Axis(session.fleet.now())
        self.timeline: Timeline | None = None
        self.reader = Reader(self, self._loaded)
        self.lanes = Lanes(id="lanes")
        self.drawing = LanesDrawing(self.lanes)
        self._chosen: Ref | None = None
        """The moment on which the axis has put the cursor of the list."""
        self._shown: list[Moment] | None = None
        """The moments that pass the filter, until that or they change."""

    # --- the parts of the screen -----------------------------------------------------------------------------

    def compose_body(self) -> ComposeResult:
        """Lay out the lanes, the figures at the cursor, and the list."""
        yield from (self.lanes, self.drawing.figures)
        yield from super().compose_body()
        yield self.drawing.legend

    def make_table(
        self,
        columns: Sequence[Column[Row]] | None = None,
        *,
        id: str = "table",  # noqa: A002  (Textual's own name for it)
        sort: tuple[str | None, bool] | None = None,
    ) -> RecordTable[Row]:
        """Make the table of moments."""
        table = TimelineTable(
            self.columns() if columns is None else columns,
            id=id,
            placeholder="Reading the history …",
            on_fault=self.session.program.show_internal_error,
        )
        table.set_sort(*(sort or self.SORT))
        return table

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns of moments; times are local or UTC as chosen."""
        return cast("Sequence[Column[Row]]", moment_columns(self.context))

    @property
    def moments(self) -> MomentTable:
        """The table of moments."""
        return self.query_one(MomentTable)

    # --- what is shown ---------------------------------------------------------------------------------------

    def follow(self) -> Sequence[Callable[[], None]]:
        """Read again when there is a new event, or a change of this session has an outcome."""
        fleet = self.session.fleet
        return (
            fleet.subscribe(Resource.EVENTS, lambda _: self.reader.outdate()),
            fleet.mutations.listeners.add(lambda _: self.reader.outdate()),
        )

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """Limit it to a thing, a host (``host`` without an account) or a rule; at a time if one was asked for."""
        changed = scope != self.scope
        self.scope = scope
        at, self.session.timeline_at = self.session.timeline_at, None
        if at is not None:
            self._put(at)
        if changed and self.is_mounted:
            # Not for a moment the rows of another thing, on which a key would act.
            self.timeline, self._shown = None, None
            self.table.set_rows(())
        if changed or at is not None:
            self.reader.read()

    def catch_up(self) -> None:
        """Show the time of now where that is followed, and read."""
        self._follow_time()
        self.reader.read()

    def show_rows(self) -> None:
        """Follow the time: read again when the window has moved, or something new is known."""
        if not self.is_mounted:
            return
        if self._follow_time() or (self.axis.following and self.reader.outdated):
            self.reader.read()

    def _follow_time(self) -> bool:
        """Move the window to now, where it follows and its width is known; returns whether it has moved."""
        return bool(self.lanes.size.width) and self.axis.now(self.session.fleet.now(), self.lanes.slots)

    def rows_now(self) -> Sequence[Row]:
        """Return the moments of the window."""
        return self.timeline.moments if self.timeline is not None else ()

    def _loaded(self, timeline: Timeline) -> None:
        """Show a timeline that was read."""
        self.timeline = timeline
        if not self.is_mounted:
            return
        self.table.set_rows(timeline.moments)
        self._shown = None
        self.table.settle()
        self._apply_filter()
        self.put_cursor()

    def shows(self, row: Row) -> bool:
        """Whether a moment is of an account that is shown; what is of none always is."""
        if not isinstance(row, Moment):
            return False
        if row.ref.account and not self.session.shows_account(row.ref.account):
            return False
        return not self.problems_only or self.is_problem(row)

    def limits(self) -> bool:
        """Nothing but accounts and problems limits it; what it is about is read so."""
        return False

    def is_problem(self, row: Row) -> bool:
        """Whether it went wrong, is open, or nothing was observed."""
        return isinstance(row, Moment) and (row.tone is not Tone.QUIET or row.lane is Lane.GAP)

    def show_changed_table(self) -> None:
        """Draw the lanes of the moments that are shown."""
        self._shown = None
        super().show_changed_table()
        self.draw()

    def _apply_filter(self) -> None:
        self._shown = None
        super()._apply_filter()
        self.draw()

    def shown_moments(self) -> list[Moment]:
        """Return the moments that pass the filter, in the order of time."""
        if self._shown is None:
            table = self.table
            rows = (table.get(ref) for ref in table.visible_refs)
            self._shown = sorted((row for row in rows if isinstance(row, Moment)), key=lambda row: row.at)
        return self._shown

    # --- the cursor ------------------------------------------------------------------------------------------

    def put_cursor(self) -> None:
        """Put the cursor of the list on the moment nearest to that of the axis."""
        moments = self.shown_moments()
        place = nearest(moments, self.axis.at)
        if place is not None:
            self._chosen = moments[place].ref
            self.moments.choose(self._chosen)
        self.draw()

    @on(RecordTable.CursorMoved)
    def _list_moved(self, event: RecordTable.CursorMoved) -> None:
        """Move the axis to the moment that the user has chosen in the list."""
        row = self.table.cursor_row
        if isinstance(row, Moment) and row.ref != self._chosen:
            self._chosen = row.ref
            if self.axis.span.begin <= row.at <= self.axis.span.end:
                self.axis.at = row.at
            self.draw()

    @on(MomentTable.Along)
    def _along(self, event: MomentTable.Along) -> None:
        slots = self.lanes.slots
        parts = event.parts or event.pages * (slots // 2)
        self._moved(window=self.axis.move(parts, slots, self.session.fleet.now()))

    @on(MomentTable.ToEnd)
    def _to_end(self, event: MomentTable.ToEnd) -> None:
        now = self.session.fleet.now()
        if event.newest:
            self.axis.to_now(now, self.lanes.slots)
        else:
            oldest = self.timeline.oldest if self.timeline is not None else None
            self.axis.go(oldest or self.axis.span.begin, now)
        self._moved(window=True)

    @on(Lanes.Pointed)
    def _pointed(self, event: Lanes.Pointed) -> None:
        self.axis.point(event.slot, self.lanes.slots)
        self._moved(window=False)

    @on(Lanes.Resized)
    def _resized(self) -> None:
        self.draw()

    def _moved(self, *, window: bool) -> None:
        if window:
            self.reader.read()
            self.draw()
        else:
            self.put_cursor()

    def zoom(self, by: int) -> None:
        """Show a longer time around the cursor, or a shorter one where negative."""
        if self.axis.zoom(by, self.session.fleet.now()):
            self._moved(window=True)
        else:
            self.notify(f"{self.axis.words} is the {'longest' if by > 0 else 'shortest'} time.")

    def go(self, at: datetime) -> None:
        """Go to a time."""
        self._put(at)
        self._moved(window=True)

    def _put(self, at: datetime) -> None:
        now = self.session.fleet.now()
        if at > now:
            self.notify("That is in the future: the newest is shown.")
        self.axis.go(at, now)

    # --- drawing ---------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw lanes, axis and figures; what is as it was is not written."""
        if not self.is_mounted or not self.lanes.size.width:
            return
        self.drawing.show(self.timeline, self.shown_moments(), self.axis, utc=self.session.utc)
        self.frame.show()

    def warning(self) -> str:
        """Return what the timeline lacks."""
        return " ".join(self.timeline.problems) if self.timeline is not None else ""

    def breadcrumbs(self) -> list[str]:
        """Name what it is limited to."""
        if self.scope is not None and not self.scope.account:
            return [f"{self.scope.kind} {self.scope.id}", self.HEADING]
        return super().breadcrumbs()

    def coverage(self) -> Coverage:
        """Return whether the history is read; it is not yet, or cannot be."""
        unread = self.timeline is None or self.session.history is None or bool(self.reader.problem)
        return Coverage.UNREAD if unread else Coverage.COMPLETE

    def status(self) -> tuple[Content, Content]:
        """Add the range."""
        left, right = super().status()
        follows = "   following" if self.axis.following else ""
        return Content.assemble(left, (f"   {self.axis.words}{follows}", "$muted")), right

    def _new_text(self) -> str:
        """Say nothing of new rows above: another window has others."""
        return ""

    def empty_text(self) -> str:
        """Return why there is nothing."""
        if self.session.history is None:
            return "There is no history."
        if self.reader.busy or self.timeline is None:
            return "Reading the history …"
        if self.reader.problem:
            return self.reader.problem
        oldest = self.timeline.oldest
        if oldest is not None and self.axis.span.end <= oldest:
            at, key = stamp(oldest, utc=self.session.utc), self.session.key_of_move("lanes.oldest")
            return f"The oldest that is kept is of {at}; {key} goes there."
        back, out = self.session.key_of_move("lanes.left"), self.session.key_of("zoom-out")
        return f"Nothing is known of this time. {back} goes back, {out} shows more time."

    # --- the thing behind a moment ---------------------------------------------------------------------------

    @property
    def moment(self) -> Moment | None:
        """The moment under the cursor of the list."""
        row = self.table.cursor_row
        return row if isinstance(row, Moment) else None

    def thing_of(self, row: Row | None) -> Row | None:
        """Return what a moment happened to, if it is listed."""
        if isinstance(row, Moment):
            return None if row.about is None else self.session.fleet.get(row.about)
        return row

    def under_cursor(self) -> Row | None:
        """Return what the moment under the cursor happened to: commands act on that."""
        return self.thing_of(self.table.cursor_row)

    def chosen_rows(self) -> list[Row]:
        """Return the things of the marked moments, as far as they are listed; without marks that under the cursor."""
        chosen = [self.table.get(ref) for ref in self.table.marked] or [self.table.cursor_row]
        things = (thing for row in chosen if (thing := self.thing_of(row)) is not None)
        return list({thing.ref: thing for thing in things}.values())

    def actions_here(self) -> frozenset[Action]:
        """Return what can be done to the instances; to other things in their own views."""
        targets = self.targets()
        return (
            super().actions_here() if targets and all(isinstance(row, Instance) for row in targets) else frozenset()
        )
