"""The field of the lease of an instance or deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column

if TYPE_CHECKING:
    from gputui.presentation.columns.context import Context

_WITHOUT_TIME = 10.0**9
"""The order of leases that have no time: after those that have one."""


def lease_column(context: Context, *, priority: int = 2) -> Column[Any]:
    """Return the column of the time left, or of what becomes of the lease; there where a row has one."""

    def seconds(row: Any) -> float | None:
        if (view := context.lease(row.ref)) is None:
            return None
        until = view.lease.until
        return _WITHOUT_TIME if until is None else (until - context.now()).total_seconds()

    def cell(row: Any) -> Cell:
        if (view := context.lease(row.ref)) is None:
            return ""
        from gputui.presentation.leases import left_text

        return left_text(view, context.now())

    def described(row: Any) -> Cell:
        if (view := context.lease(row.ref)) is None:
            return ""
        from gputui.presentation.leases import is_urgent, lease_text

        return (lease_text(view, context.now(), utc=context.utc), "bad" if is_urgent(view) else "")

    return fields.figure(
        "lease",
        seconds,
        cell=cell,
        priority=priority,
        max_width=24,
        when_filled=True,
        label="lease",
        detail=described,
    )
