"""The fields of rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gputui.formatting import format_duration, format_money
from gputui.models import Money
from gputui.models.rules import RuleState, RuleStatus
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context

_STATES: Mapping[RuleState, tuple[str, str]] = {
    RuleState.FAILED: ("✗", "bad"),
    RuleState.UNKNOWN: ("?", "warning"),
    RuleState.TRYING: ("▶", "accent"),
    RuleState.CHECKING: ("◐", "warning"),
    RuleState.WAITING: ("◐", "accent"),
    RuleState.QUIET: ("○", "muted"),
    RuleState.PAUSED: ("○", "muted"),
    RuleState.DONE: ("✓", "good"),
    RuleState.EXPIRED: ("○", "muted"),
    RuleState.STOPPED: ("○", "muted"),
}


def rule_columns(context: Context) -> Sequence[Column[RuleStatus]]:
    """Return the fields."""

    def state(row: RuleStatus) -> Cell:
        glyph, style = _STATES[row.state]
        return (f"{glyph} {row.state}", style)

    def following(row: RuleStatus) -> float | None:
        if row.next_at is None or row.state.over:
            return None
        return max(0.0, (row.next_at - context.now()).total_seconds())

    def left(row: RuleStatus) -> float | None:
        if row.expires is None or row.state.over:
            return None
        return max(0.0, (row.expires - context.now()).total_seconds())

    def obtained(row: RuleStatus) -> str:
        return "" if row.wanted is None else f"{row.obtained}/{row.wanted}"

    return [
        Column("state", state, lambda row: list(_STATES).index(row.state), search=lambda row: row.state.value),
        fields.text("id", lambda row: row.ref.id, priority=2),
        Column(
            "rule",
            lambda row: (row.what, "strong"),
            lambda row: row.what,
            width=34,
            least=24,
            max_width=90,
            flex=True,
            anchor=True,
        ),
        fields.text("obtained", obtained, right=True, priority=1, when_filled=True),
        _money("committed", lambda row: row.spent, 3),
        _money("budget", lambda row: row.budget, 5),
        _money("ceiling", lambda row: row.ceiling, 6, heading="CEILING/H"),
        fields.figure("next", following, format_duration, priority=2, when_filled=True),
        fields.figure("left", left, format_duration, heading="TIME LEFT", priority=4, when_filled=True),
        fields.account_named(
            lambda row: ", ".join(row.accounts), context.account_style, priority=7, max_width=24, when_filled=True
        ),
        fields.text("note", lambda row: row.note, priority=8, max_width=24, when_filled=True),
        fields.text("answer", lambda row: row.problem or row.answer, flex=True, max_width=160, priority=1),
    ]


def _money(
    key: str, money: Callable[[RuleStatus], Money | None], priority: int, *, heading: str = ""
) -> Column[RuleStatus]:
    def amount(row: RuleStatus) -> float | None:
        return fields.amount(money(row))

    def cell(row: RuleStatus) -> str:
        found = money(row)
        return "" if found is None else format_money(found)

    return fields.figure(
        key, amount, cell=cell, priority=priority, heading=heading or key.upper(), label=key, when_filled=True
    )
