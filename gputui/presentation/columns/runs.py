"""The fields of commands that were run in instances, and of the result in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gputui.formatting import format_elapsed
from gputui.models import RunResult, RunRow, RunState
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.description import targets_text
from gputui.presentation.run_results import count_spans, count_text, end_style, end_text, first_line

_GLYPHS: Mapping[RunState, str] = {
    RunState.FAILED: "✗",
    RunState.UNKNOWN: "?",
    RunState.RUNNING: "▶",
    RunState.LOGIN: "◐",
    RunState.ENDED: "✓",
    RunState.WAITING: "·",
    RunState.SKIPPED: "○",
}
_ORDER = list(_GLYPHS)


def run_columns(context: Context) -> Sequence[Column[RunRow]]:
    """Return the fields of commands; on a narrow screen the state, the command and its ends."""
    return [
        Column("state", _run_state, lambda row: (not row.running, not row.failed), width=14, search=_run_state_text),
        Column("command", lambda row: (row.command, "strong"), width=12, least=28, flex=True, max_width=60),
        fields.text("instances", lambda row: targets_text(row.instances), heading="IN", max_width=40, priority=3),
        fields.figure("failed", lambda row: row.failed, shown=False),
        Column(
            "results",
            lambda row: count_spans(row.results),
            lambda row: row.failed,
            search=lambda row: count_text(row.results),
            flex=True,
            least=12,
            max_width=80,
        ),
        fields.time("started", context, lambda row: row.began, priority=2),
        fields.figure("time", lambda row: row.seconds, format_elapsed, priority=1),
    ]


def _run_state_text(row: RunRow) -> str:
    if row.running:
        return "running" if len(row.results) == 1 else f"{len(row.results) - row.moving} of {len(row.results)}"
    if not row.failed:
        return "succeeded"
    unknown = sum(result.state is RunState.UNKNOWN for result in row.results)
    count, text = (unknown, "unknown") if unknown == row.failed else (row.failed - unknown, "failed")
    return text if len(row.results) == 1 else f"{count} of {len(row.results)} {text}"


def _run_state(row: RunRow) -> Cell:
    text = _run_state_text(row)
    if row.running:
        glyph, style = "▶", "accent"
    elif text.endswith("unknown"):
        glyph, style = "?", "warning"
    else:
        glyph, style = ("✗", "bad") if row.failed else ("✓", "good")
    return (f"{glyph} {text}", style)


def result_columns(context: Context) -> Sequence[Column[RunResult]]:
    """Return the fields of results; on a narrow screen the instance, its end and the first line."""
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
    failed = row.state is RunState.ENDED and not row.succeeded
    return (f"{'✗' if failed else _GLYPHS[row.state]} {end_text(row)}", end_style(row))


def _order(row: RunResult) -> tuple[int, int]:
    """Failures first, then what runs, what has ended well, and what waits."""
    failed = row.state is RunState.ENDED and not row.succeeded
    return (0 if failed else _ORDER.index(row.state), -(row.status or 0))
