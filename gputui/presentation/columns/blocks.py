"""The columns of blocked hosts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime

from gputui.formatting import format_minutes, format_time
from gputui.models import Block
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.shared import account_column, stamp


def block_columns(context: Context) -> Sequence[Column[Block]]:
    """Return the columns."""

    def left(row: Block) -> Cell:
        if row.until is None:
            return ("not reported", "muted")
        text = time_left(row, context.now())
        return (text, "muted") if text == EXPIRED else text

    def seconds_left(row: Block) -> float | None:
        return None if row.until is None else max(0.0, (row.until - context.now()).total_seconds())

    def time(at: Callable[[Block], datetime | None]) -> Callable[[Block], str]:
        return lambda row: "" if (time := at(row)) is None else minute_text(time, utc=context.utc)

    return [
        Column(
            "host",
            "HOST",
            lambda row: row.host,
            lambda row: natural_key(row.host),
            width=10,
            max_width=24,
            middle=True,
        ),
        account_column(context, 0),
        Column("region", "REGION", lambda row: row.region, lambda row: natural_key(row.region), priority=2),
        Column(
            "left",
            "TIME LEFT",
            left,
            lambda row: row.until,
            right=True,
            number=seconds_left,
            plain=lambda row: time_left(row, context.now()),
        ),
        Column(
            "until",
            "UNTIL",
            time(lambda row: row.until),
            lambda row: row.until,
            priority=4,
            plain=lambda row: stamp(row.until),
        ),
        Column("extended", "EXTENDED", time(_extended), _extended, priority=3, when_filled=True),
        Column(
            "created",
            "CREATED",
            time(lambda row: row.created_at),
            lambda row: row.created_at,
            priority=5,
            plain=lambda row: stamp(row.created_at),
        ),
        Column("comment", "COMMENT", lambda row: row.comment, lambda row: row.comment, width=12, least=20, flex=True),
    ]


EXPIRED = "expired"


def time_left(row: Block, now: datetime) -> str:
    """Write how long a host is still blocked, in minutes begun; '' where that is not known."""
    if row.until is None:
        return ""
    seconds = (row.until - now).total_seconds()
    return format_minutes(math.ceil(seconds / 60)) if seconds > 0 else EXPIRED


def minute_text(at: datetime, *, utc: bool) -> str:
    """Write a time without its seconds."""
    return format_time(at.replace(second=0, microsecond=0), utc=utc).removesuffix(":00")


def is_extended(block: Block) -> bool:
    """Whether it was extended after it was created."""
    return block.updated_at is not None and block.created_at is not None and block.updated_at > block.created_at


def _extended(row: Block) -> datetime | None:
    return row.updated_at if is_extended(row) else None
