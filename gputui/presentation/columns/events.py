"""The columns of events."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.formatting import format_time
from gputui.models import Event, EventSource
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.shared import PHASE_TABLE_STYLES, account_column, hidden, stamp
from gputui.presentation.glyphs import PHASE_GLYPHS
from gputui.presentation.times import seconds_text


def event_columns(context: Context) -> Sequence[Column[Event]]:
    """Return the columns; times are local or UTC as chosen."""

    def time(row: Event) -> str:
        """Return the time of day, after the day when it is another: a year takes room that the rest needs."""
        text = format_time(row.at, utc=context.utc)
        return text if len(text) == len("00:00:00") else text.removeprefix(f"{row.at.year}-")

    return [
        Column("time", "TIME", time, lambda row: row.at, width=8, plain=lambda row: stamp(row.at)),
        account_column(context, 5),
        Column(
            "name",
            "INSTANCE",
            lambda row: row.name,
            lambda row: natural_key(row.name),
            width=12,
            least=20,  # the end of the name is what tells two instances of a deployment apart
            flex=True,
            max_width=40,
            middle=True,
        ),
        Column("kind", "KIND", lambda row: row.instance.kind, lambda row: row.instance.kind, priority=9),
        Column(
            "before",
            "FROM",
            lambda row: row.before or "",
            lambda row: row.before or "",
            width=8,
            priority=4,
            plain=lambda row: row.before or "-",
        ),
        Column(
            "status",
            "TO",
            _to,
            lambda row: row.status,
            width=10,
            search=lambda row: row.status,
            plain=lambda row: row.status,
        ),
        Column(
            "after",
            "AFTER",
            lambda row: seconds_text(row.after_seconds),
            lambda row: row.after_seconds,
            number=lambda row: row.after_seconds,
            right=True,
            priority=2,
        ),
        Column(
            "source",
            "SOURCE",
            lambda row: ("observed" if row.source is EventSource.OBSERVED else "reported", "muted"),
            lambda row: row.source.value,
            priority=8,
            search=lambda row: row.source.value,
            plain=lambda row: row.source.value,
        ),
        hidden("phase", lambda row: row.phase.value),
    ]


def _to(row: Event) -> Cell:
    if row.status == "gone":
        return ("→ gone", "muted")
    return [("→ ", "muted"), (f"{PHASE_GLYPHS[row.phase]} {row.status}", PHASE_TABLE_STYLES[row.phase])]
