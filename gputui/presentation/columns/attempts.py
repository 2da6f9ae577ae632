"""The fields of series of attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gputui.formatting import format_duration, format_money
from gputui.models.attempts import AttemptRow, AttemptState
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.columns.context import Context

_STATES: Mapping[AttemptState, tuple[str, str]] = {
    AttemptState.FAILED: ("✗", "bad"),
    AttemptState.TRYING: ("▶", "accent"),
    AttemptState.CHECKING: ("◐", "warning"),
    AttemptState.WAITING: ("◐", "warning"),
    AttemptState.DONE: ("✓", "good"),
    AttemptState.EXPIRED: ("○", "muted"),
    AttemptState.STOPPED: ("○", "muted"),
}


def attempt_columns(context: Context) -> Sequence[Column[AttemptRow]]:
    """Return the fields."""

    def state(row: AttemptRow) -> Cell:
        glyph, style = _STATES[row.state]
        return (f"{glyph} {row.state}", style)

    def following(row: AttemptRow) -> float | None:
        return None if row.next_at is None else max(0.0, (row.next_at - context.now()).total_seconds())

    def left(row: AttemptRow) -> float | None:
        return None if row.next_at is None else max(0.0, (row.until - context.now()).total_seconds())

    return [
        Column("state", state, lambda row: list(_STATES).index(row.state), search=lambda row: row.state.value),
        fields.text("action", lambda row: row.action.value, priority=4),
        Column(
            "name",
            lambda row: (row.name, "strong"),
            lambda row: natural_key(row.name),
            width=10,
            max_width=30,
            flex=True,
            middle=True,
        ),
        fields.account_named(lambda row: row.ref.account, context.account_style, priority=5, max_width=24),
        fields.figure("tries", lambda row: row.tries),
        fields.figure("next", following, format_duration, priority=1),
        fields.figure("left", left, format_duration, heading="TIME LEFT", priority=2),
        fields.figure(
            "limit",
            lambda row: row.limit and row.limit.amount,
            cell=lambda row: format_money(row.limit) if row.limit else "",
            heading="LIMIT/H",
            priority=3,
        ),
        fields.time("since", context, lambda row: row.since, priority=6),
        fields.text("answer", lambda row: row.answer, flex=True, max_width=120, priority=1),
    ]
