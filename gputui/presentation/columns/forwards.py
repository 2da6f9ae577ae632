"""The fields of forwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gputui.formatting import format_bytes, format_time
from gputui.models.forwards import ForwardState, PortForward
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.columns.context import Context

_STATES: Mapping[ForwardState, tuple[str, str]] = {
    ForwardState.OPEN: ("●", "good"),
    ForwardState.WAITING: ("◐", "warning"),
    ForwardState.FAILED: ("✗", "bad"),
    ForwardState.STOPPED: ("○", "muted"),
}


def forward_columns(context: Context) -> Sequence[Column[PortForward]]:
    """Return the fields."""

    def state(row: PortForward) -> Cell:
        glyph, style = _STATES[row.state]
        return (f"{glyph} {row.state}", style)

    def problem(row: PortForward) -> Cell:
        if not row.problem:
            return ""
        at = "" if row.problem_at is None else format_time(row.problem_at, utc=context.utc)
        return [(f"{at}  ", "muted"), (row.problem, "muted" if row.state is ForwardState.OPEN else "warning")]

    def connections(row: PortForward) -> str:
        return f"{row.open} of {row.opened}" if row.opened else "0"

    return [
        Column("local", lambda row: row.local, lambda row: natural_key(row.local), label="address"),
        Column(
            "instance",
            lambda row: (row.name, "strong"),
            lambda row: (natural_key(row.name), row.ref.account),
            width=8,
            max_width=30,
            flex=True,
            middle=True,
            detail=lambda row: str(row.instance),
        ),
        Column("port", lambda row: row.destination, lambda row: row.remote_port, number=lambda row: row.remote_port),
        fields.account_named(
            lambda row: row.ref.account,
            context.account_style,
            priority=9 if context.one_account else 5,
            label=None,
            max_width=24,
        ),
        Column("state", state, lambda row: list(_STATES).index(row.state), search=lambda row: row.state.value),
        Column(
            "connections",
            connections,
            lambda row: row.open,
            heading="CONNS",
            label="connections",
            right=True,
            priority=2,
            number=lambda row: row.open,
            detail=lambda row: f"{row.open} open, {row.opened} in all",
        ),
        fields.figure("sent", lambda row: row.sent, format_bytes, priority=4, detail=_exact("sent")),
        fields.figure("received", lambda row: row.received, format_bytes, priority=3, detail=_exact("received")),
        Column("error", problem, label="last error", flex=True, max_width=120, priority=1),
    ]


def _exact(name: str) -> Callable[[PortForward], str]:
    return lambda row: fields.size_and_bytes(getattr(row, name))
