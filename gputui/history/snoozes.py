"""The waste that is snoozed: until when, why, by whom."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from gputui.history import values
from gputui.models.serialize import text
from gputui.models.waste import Snooze, WasteReason

# Created on first use, so that older releases can use the same file.
_TABLE = (
    "CREATE TABLE IF NOT EXISTS snooze(ref TEXT, reason TEXT, until REAL NOT NULL, note TEXT NOT NULL,"
    " at REAL NOT NULL, user TEXT NOT NULL, PRIMARY KEY(ref, reason)) WITHOUT ROWID"
)
_REASONS = frozenset(reason.value for reason in WasteReason)
LONGEST_NOTE = 200
"""Characters of a reason."""


def write(connection: sqlite3.Connection, added: Iterable[Snooze]) -> None:
    """Store snoozes, each in place of an earlier one, and delete those that have ended."""
    rows = [
        (str(one.ref), one.reason.value, one.until.timestamp(), one.note, one.at.timestamp(), one.user)
        for one in added
    ]
    connection.execute(_TABLE)
    connection.executemany("INSERT OR REPLACE INTO snooze VALUES (?, ?, ?, ?, ?, ?)", rows)
    if rows:
        connection.execute("DELETE FROM snooze WHERE until <= ?", (max(at for *_, at, _ in rows),))


def delete(connection: sqlite3.Connection, ended: Iterable[Snooze]) -> None:
    """Delete snoozes."""
    connection.execute(_TABLE)
    connection.executemany(
        "DELETE FROM snooze WHERE ref = ? AND reason = ?", [(str(one.ref), one.reason.value) for one in ended]
    )


def read(connection: sqlite3.Connection, now: datetime) -> list[Sequence[Any]]:
    """Return the rows of those that have not ended."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'snooze'").fetchone() is None:
        return []
    return list(connection.execute("SELECT * FROM snooze WHERE until > ?", (now.timestamp(),)))


def snooze(row: Sequence[Any]) -> Snooze | None:
    """Return the snooze of a row; None for the reason of a later release.

    Raises an error of :data:`.values.UNUSABLE` for one that cannot be read.
    """
    ref, reason, until, note, at, user = row
    if text(reason) not in _REASONS:
        return None
    return Snooze(
        values.ref(ref),
        WasteReason(reason),
        values.time(until),
        text(note)[:LONGEST_NOTE],
        values.time(at),
        text(user),
    )
