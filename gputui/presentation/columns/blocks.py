"""The fields of blocked hosts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from gputui.formatting import format_minutes, format_time
from gputui.models import Block, Resource
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.context import Context, Lists

EXPIRED = "expired"


def block_columns(context: Context) -> Sequence[Column[Block]]:
    """Return the fields."""

    def left(row: Block) -> Cell:
        if row.until is None:
            return ("not reported", "muted")
        text = time_left(row, context.now())
        return (text, "muted") if text == EXPIRED else text

    def seconds_left(row: Block) -> float | None:
        return None if row.until is None else max(0.0, (row.until - context.now()).total_seconds())

    return [
        fields.name_like("host", lambda row: row.host, width=10, max_width=24, middle=True),
        fields.account(context),
        fields.region(priority=2, max_width=60, when_filled=False),
        Column(
            "left",
            left,
            lambda row: row.until,
            heading="TIME LEFT",
            right=True,
            number=seconds_left,
            plain=lambda row: time_left(row, context.now()),
            detail=left,
        ),
        fields.time("until", context, lambda row: row.until, form=minute_text, priority=4),
        fields.time("extended", context, _extended, form=minute_text, priority=3, when_filled=True),
        fields.time("created", context, lambda row: row.created_at, form=minute_text, priority=5),
        fields.text("comment", lambda row: row.comment, heading="REASON", width=12, least=20, flex=True),
    ]


def time_left(row: Block, now: datetime) -> str:
    """Write how long a host is still blocked, in minutes begun; '' where that is not known."""
    if row.until is None:
        return ""
    seconds = (row.until - now).total_seconds()
    return format_minutes(math.ceil(seconds / 60)) if seconds > 0 else EXPIRED


def minute_text(at: datetime, *, utc: bool) -> str:
    """Write a time without its seconds."""
    return format_time(at.replace(second=0, microsecond=0), utc=utc).removesuffix(":00")


def _extended(row: Block) -> datetime | None:
    """Return when it was extended after its creation."""
    return row.updated_at if row.updated_at and row.created_at and row.updated_at > row.created_at else None


LISTS: Lists = {
    Resource.BLACKLIST: (block_columns, "host account region left until created comment"),
}
