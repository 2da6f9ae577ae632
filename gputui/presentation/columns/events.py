"""The fields of events."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.formatting import seconds_text, status_text
from gputui.models import Event, EventSource, Resource
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context, Lists
from gputui.presentation.glyphs import PHASE_GLYPHS, PHASE_STYLES


def event_columns(context: Context) -> Sequence[Column[Event]]:
    """Return the fields; times are local or UTC as chosen."""
    return [
        fields.time_of_day(context),
        fields.account(context, 5, anchor=True),
        fields.name_like(
            "name",
            lambda row: row.name,
            heading="INSTANCE",
            anchor=True,
            width=12,
            least=20,  # instances of a deployment differ at the end of the name
            flex=True,
            max_width=40,
            middle=True,
            detail=lambda row: f"{row.name}  ({row.instance})",
        ),
        fields.detail("deployment", lambda row: fields.text_of(row.parent)),
        fields.text("kind", lambda row: row.instance.kind, priority=9, label=None),
        fields.text(
            "before",
            lambda row: status_text(row.before),
            heading="FROM",
            width=8,
            priority=4,
            plain=lambda row: status_text(row.before) or "-",
        ),
        Column(
            "status",
            _to,
            lambda row: status_text(row.status),
            heading="TO",
            width=10,
            search=lambda row: row.status,
            plain=lambda row: status_text(row.status),
        ),
        fields.figure(
            "after",
            lambda row: row.after_seconds,
            seconds_text,
            applies=lambda row: row.before is not None,
            priority=2,
        ),
        Column(
            "source",
            lambda row: ("observed" if row.source is EventSource.OBSERVED else "reported", "muted"),
            lambda row: row.source.value,
            priority=8,
            search=lambda row: row.source.value,
            plain=lambda row: row.source.value,
        ),
        fields.phase(),
    ]


def _to(row: Event) -> Cell:
    if row.status == "gone":
        return ("→ gone", "muted")
    return [("→ ", "muted"), (f"{PHASE_GLYPHS[row.phase]} {status_text(row.status)}", PHASE_STYLES[row.phase])]


LISTS: Lists = {
    Resource.EVENTS: (event_columns, "time account name before status after source"),
}
