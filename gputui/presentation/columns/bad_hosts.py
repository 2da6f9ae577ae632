"""The fields of the evidence about hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from gputui.analytics.bad_hosts import HostRecord
from gputui.presentation.bad_hosts import evidence, lives_text, score_text, starts_text
from gputui.presentation.columns import fields
from gputui.presentation.columns.blocks import minute_text
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context

BAD_HOSTS_TABLE = "score host account region starts short lost ecc blocked evidence"
"""The keys of the columns in tables of the command line."""


def bad_host_columns(
    context: Context, blocked: Callable[[HostRecord], datetime | None] = lambda row: None
) -> Sequence[Column[HostRecord]]:
    """Return the fields; ``blocked`` returns until when a host is blocked, None where it is not known to be."""

    def score(row: HostRecord) -> Cell:
        return (score_text(row), "warning" if row.worst is not None else "muted")

    def until(row: HostRecord) -> str:
        at = blocked(row)
        return "" if at is None else f"until {minute_text(at, utc=context.utc)}"

    return [
        Column(
            "score",
            score,
            lambda row: row.score,
            right=True,
            width=5,
            number=lambda row: row.score,
        ),
        fields.name_like("host", lambda row: row.host, width=10, max_width=26, anchor=True, middle=True),
        fields.account(context, 4),
        fields.region(),
        Column("starts", starts_text, lambda row: row.starts, number=lambda row: row.starts, priority=1),
        Column(
            "short",
            lives_text,
            lambda row: row.short,
            heading="SHORT LIVES",
            number=lambda row: row.short,
            priority=2,
            when_filled=True,
        ),
        fields.figure("lost", lambda row: row.lost or "", priority=2, heading="GPUS LOST", when_filled=True),
        fields.figure(
            "ecc",
            lambda row: row.ecc or "",
            priority=2,
            heading="ECC",
            when_filled=True,
            label="uncorrected ECC errors",
        ),
        Column("blocked", until, until, priority=1, when_filled=True),
        fields.time("last", context, lambda row: row.last, priority=6, heading="LAST SEEN"),
        fields.text("evidence", evidence, width=16, max_width=110, flex=True, priority=3, when_filled=True),
    ]
