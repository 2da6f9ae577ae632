"""The fields of the results of a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gputui.formatting import format_elapsed
from gputui.models import RunResult, RunState
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.run_results import end_text, first_line

_STATES: Mapping[RunState, tuple[str, str]] = {
    RunState.FAILED: ("✗", "bad"),
    RunState.UNKNOWN: ("?", "warning"),
    RunState.ENDED: ("✓", "good"),
    RunState.RUNNING: ("▶", "accent"),
    RunState.LOGIN: ("◐", "accent"),
    RunState.WAITING: ("·", "muted"),
    RunState.SKIPPED: ("○", "muted"),
}


def run_columns(context: Context) -> Sequence[Column[RunResult]]:
    """Return the fields; on a narrow screen the instance, its end and the first line."""
    return [
        Column(
            "instance",
            lambda row: (row.name, "strong"),
            lambda row: (natural_key(row.name), row.ref.account),
            width=8,
            max_width=30,
            least=8,
            flex=True,
            middle=True,
            detail=lambda row: str(row.ref),
        ),
        fields.account(context, 6),
        Column("state", _state, _order, width=14, max_width=24, search=end_text, plain=end_text),
        Column(
            "exit",
            lambda row: "" if row.status is None else str(row.status),
            lambda row: row.status,
            right=True,
            number=lambda row: row.status,
            shown=False,
        ),
        Column(
            "time",
            lambda row: "" if row.seconds is None else format_elapsed(row.seconds),
            lambda row: row.seconds,
            right=True,
            priority=2,
            number=lambda row: row.seconds,
        ),
        fields.text("via", lambda row: "" if row.way is None else row.way.value, priority=4),
        Column(
            "output",
            lambda row: (first_line(row), "warning" if row.problem else ""),
            first_line,
            heading="FIRST LINE",
            flex=True,
            least=12,
            max_width=200,
        ),
    ]


def _state(row: RunResult) -> Cell:
    glyph, style = _STATES[row.state]
    if row.state is RunState.ENDED and not row.succeeded:
        glyph, style = "✗", "bad"
    return (f"{glyph} {end_text(row)}", style)


def _order(row: RunResult) -> tuple[int, int, int]:
    """Failures first, then what runs, then what has ended well."""
    failed = row.state is RunState.ENDED and not row.succeeded
    return (0 if failed else list(_STATES).index(row.state), -(row.status or 0), 0)
