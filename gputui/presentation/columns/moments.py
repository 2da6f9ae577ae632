"""The fields of what happened: a moment of a timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gputui.formatting import format_duration
from gputui.models.timeline import Lane, Moment, Tone
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context
from gputui.presentation.moments import LANES

_TONES: Mapping[Tone, tuple[str, str]] = {
    Tone.QUIET: ("  ", ""),
    Tone.NOTICE: ("◐ ", "warning"),
    Tone.BAD: ("✗ ", "bad"),
}


def moment_columns(context: Context) -> Sequence[Column[Moment]]:
    """Return the fields; times are local or UTC as chosen."""
    return [
        fields.time_of_day(context),
        fields.text("lane", lambda row: LANES[row.lane], width=7, max_width=12),
        fields.account(context, 5),
        fields.name_like("name", lambda row: row.name, width=12, least=14, flex=True, max_width=32, middle=True),
        Column(
            "text",
            _happened,
            lambda row: row.text,
            heading="CHANGE",
            width=32,
            max_width=120,
            flex=True,
            search=lambda row: row.text,
            plain=lambda row: row.text,
        ),
        fields.figure("lasted", _lasted, format_duration, priority=6, when_filled=True),
        fields.text("host", lambda row: row.host, priority=7, when_filled=True, max_width=16),
        fields.text("rule", lambda row: row.rule, priority=8, when_filled=True),
        fields.text("source", lambda row: row.source, priority=9, max_width=14),
        fields.hidden("kind", lambda row: "" if row.about is None else row.about.kind),
        fields.hidden("tone", lambda row: row.tone.value),
    ]


def _happened(row: Moment) -> Cell:
    if row.lane is Lane.GAP:
        return (row.text, "muted")
    glyph, style = _TONES[row.tone]
    return [(glyph, style), (row.text, style if row.tone is Tone.BAD else "")]


def _lasted(row: Moment) -> float | None:
    return None if row.until is None else (row.until - row.at).total_seconds()
