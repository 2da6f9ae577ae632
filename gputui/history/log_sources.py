"""The logs that were read over SSH, of each deployment or instance."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gputui.models import LogKind, LogSource, Ref
from gputui.models.serialize import text

_KEPT = 10
"""Sources of one deployment or instance."""
_KEPT_OF_ALL = 2_000
_LONGEST = 4096


def write(connection: sqlite3.Connection, owner: Ref, source: LogSource, at: datetime) -> None:
    """Store a source as the one used last, and forget the oldest ones."""
    values = (str(owner), source.kind.value, source.name)
    connection.execute("INSERT OR REPLACE INTO log_source VALUES (?, ?, ?, ?)", (*values, at.timestamp()))
    oldest = "SELECT at FROM log_source {} ORDER BY at DESC LIMIT 1 OFFSET ?"
    connection.execute(
        f"DELETE FROM log_source WHERE owner = ? AND at <= ({oldest.format('WHERE owner = ?')})",  # noqa: S608
        (str(owner), str(owner), _KEPT),
    )
    connection.execute(f"DELETE FROM log_source WHERE at <= ({oldest.format('')})", (_KEPT_OF_ALL,))  # noqa: S608


def source(row: Sequence[Any]) -> LogSource:
    """Return the source of a row. Raises ValueError for one that cannot be read."""
    _, kind, name = row
    if not text(name) or len(name) > _LONGEST:
        raise ValueError("not a name")
    return LogSource(LogKind(kind), name)
