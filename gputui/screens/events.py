"""What happened to instances, as it happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from textual import on
from textual.content import Content

from gputui.models import Change, Event, EventSource, Instance, Phase, Ref, Resource, Row
from gputui.screens.instances import PHASE_TABLE_STYLES
from gputui.screens.list_view import ListView
from gputui.text import format_duration, format_time
from gputui.widgets.glyphs import PHASE_GLYPHS
from gputui.widgets.table import RecordTable
from gputui.widgets.table_columns import Cell, Column, natural_key


class EventsView(ListView):
    """``4``: the stream over all accounts. Follows the newest until the cursor leaves the end."""

    NAME = "events"
    HEADING = "Events"
    RESOURCE = Resource.EVENTS
    RESOURCES = frozenset({Resource.EVENTS})
    SORT: ClassVar[tuple[str | None, bool]] = ("time", False)
    FOLLOW = True

    _below = 0

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns; times are local or UTC as chosen."""
        columns: list[Column[Event]] = [
            Column(
                "time", "TIME", lambda row: format_time(row.at, utc=self.session.utc), lambda row: row.at, width=8
            ),
            Column("account", "ACCOUNT", lambda row: row.ref.account, lambda row: row.ref.account, priority=2),
            Column(
                "name",
                "INSTANCE",
                lambda row: row.name,
                lambda row: natural_key(row.name),
                width=8,
                flex=True,
                max_width=40,
            ),
            Column("kind", "KIND", lambda row: row.instance.kind, lambda row: row.instance.kind, priority=5),
            Column("before", "FROM", lambda row: row.before or "", lambda row: row.before or "", width=8, priority=1),
            Column("status", "TO", self._to, lambda row: row.status, width=10, search=lambda row: row.status),
            Column(
                "after",
                "AFTER",
                lambda row: format_duration(row.after_seconds),
                lambda row: row.after_seconds,
                right=True,
                priority=3,
            ),
            Column(
                "source",
                "SOURCE",
                lambda row: ("seen from here" if row.source is EventSource.OBSERVED else "reported", "muted"),
                lambda row: row.source.value,
                priority=4,
                search=lambda row: row.source.value,
            ),
            Column("phase", "PHASE", lambda row: row.phase.value, shown=False),
        ]
        return cast("Sequence[Column[Row]]", columns)

    @staticmethod
    def _to(row: Event) -> Cell:
        if row.status == "gone":
            return ("→ gone", "muted")
        return [("→ ", "muted"), (f"{PHASE_GLYPHS[row.phase]} {row.status}", PHASE_TABLE_STYLES[row.phase])]

    def row_style(self, row: Row) -> str | None:
        """An event stays true however old the last answer is."""
        return None

    def in_scope(self, row: Row, scope: Ref) -> bool:
        """Whether it happened to the instance the view is limited to."""
        return isinstance(row, Event) and row.instance == scope

    def is_problem(self, row: Row) -> bool:
        """Whether it ended in something that is not well."""
        return isinstance(row, Event) and row.phase in (Phase.FAILED, Phase.UNKNOWN)

    def instance_here(self) -> Instance | None:
        """Return the instance it happened to, if it is still there."""
        row = self.row_here()
        instance = self.session.fleet.get(row.instance) if isinstance(row, Event) else None
        return instance if isinstance(instance, Instance) else None

    def do_open(self, argument: str) -> None:
        """Go to the instance, else describe the event."""
        if (instance := self.instance_here()) is not None:
            self.session.navigator.go("instances", select=instance.ref)
        else:
            super().do_open(argument)

    def do_follow(self, argument: str) -> None:
        """Go to the newest and stay there."""
        self.table.action_last()

    def choices_changed(self) -> None:
        """Times may be written another way now."""
        super().choices_changed()
        self.table.invalidate()

    def _changed(self, change: Change) -> None:
        following = self.table.at_end
        rows_before = self.table.row_count
        super()._changed(change)
        if not following:
            self._below += max(0, self.table.row_count - rows_before)
        self.show_chrome()

    @on(RecordTable.CursorMoved)
    def _maybe_at_end(self) -> None:
        if self.table.at_end:
            self._below = 0
        self.show_chrome()

    def status(self) -> tuple[Content, Content]:
        """Add whether it follows, or how many came since it does not."""
        left, right = super().status()
        if self.table.sort != ("time", False):
            follow = Content.styled("   in another order: not following", "$muted")
        elif self.table.at_end:
            follow = Content.styled("   following", "$text-success")
        elif self._below:
            follow = Content.styled(f"   {self._below} new below ↓  F to follow", "$text-warning")
        else:
            follow = Content.styled("   paused  F to follow", "$muted")
        return Content.assemble(left, follow), right

    def empty_text(self) -> str:
        """Say why there is nothing."""
        if self.scope is not None:
            return "Nothing has happened to it since gputui watches."
        return "Nothing has happened since gputui watches. Changes of state appear as they happen."
