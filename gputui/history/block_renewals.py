"""The blocks that are to be renewed, in a file of the history: one for each host, sent by one process only."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from gputui.history import values
from gputui.models.renewals import BlockRenewal, RenewalState
from gputui.models.serialize import integer, text

if TYPE_CHECKING:
    from gputui.history.database import HistoryFile

_KEPT = timedelta(days=30)
"""How long one that is over is kept."""
_STATES = frozenset(state.value for state in RenewalState)
# Created on first use, so that older releases can use the same file.
_TABLE = (
    "CREATE TABLE IF NOT EXISTS block_renewal(scope TEXT, account TEXT, region TEXT, host TEXT, minutes INTEGER"
    " NOT NULL, reason TEXT NOT NULL, until REAL NOT NULL, at REAL NOT NULL, user TEXT NOT NULL, state TEXT NOT NULL,"
    " answer TEXT NOT NULL, PRIMARY KEY(scope, account, region, host)) WITHOUT ROWID"
)
_KEY = "scope = ? AND account = ? AND region = ? AND host = ?"


class BlockRenewals:
    """The renewals. Thread-safe; an error is in the ``problem`` of the file."""

    def __init__(self, file: HistoryFile) -> None:
        self._file = file

    def add(self, renewal: BlockRenewal) -> bool:
        """Store one, in place of one of the same host that is not being sent; returns whether it is stored."""
        added: list[bool] = []

        def write(connection: sqlite3.Connection) -> None:
            _begin(connection)
            connection.execute(
                f"DELETE FROM block_renewal WHERE {_KEY} AND state != ?",  # noqa: S608  (constants)
                (*_key(renewal), RenewalState.SENDING.value),
            )
            connection.execute(
                "DELETE FROM block_renewal WHERE until < ? AND state NOT IN ('waiting', 'sending')",
                ((renewal.at - _KEPT).timestamp(),),
            )
            cursor = connection.execute(
                "INSERT OR IGNORE INTO block_renewal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _row(renewal)
            )
            added.append(cursor.rowcount > 0)

        return self._file.change(write) and added == [True] and self._file.lasting

    def remove(self, renewal: BlockRenewal) -> bool:
        """Delete one that waits; returns whether it was there."""
        return self._changed(
            f"DELETE FROM block_renewal WHERE {_KEY} AND state = 'waiting'",  # noqa: S608  (constants)
            _key(renewal),
        )

    def claim(self, renewal: BlockRenewal) -> bool:
        """Note that one that waits is about to be sent; True for one process only, and only where that is stored."""
        claimed = self._changed(
            f"UPDATE block_renewal SET state = 'sending' WHERE {_KEY} AND state = 'waiting' AND until = ?",  # noqa: S608
            (*_key(renewal), renewal.until.timestamp()),
        )
        return claimed and self._file.lasting

    def note(self, renewal: BlockRenewal, state: RenewalState, answer: str) -> bool:
        """Store the state of one and why; returns whether it is still there."""
        return self._changed(
            f"UPDATE block_renewal SET state = ?, answer = ? WHERE {_KEY} AND until = ?",  # noqa: S608  (constants)
            (state.value, answer, *_key(renewal), renewal.until.timestamp()),
        )

    def read(self, scope: str) -> list[BlockRenewal]:
        """Return those of a configuration file, by their end. Damaged ones are set aside."""
        rows: list[Sequence[Any]] = []

        def select(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'block_renewal'").fetchone() is not None:
                rows.extend(
                    connection.execute("SELECT * FROM block_renewal WHERE scope = ? ORDER BY until", (scope,))
                )

        self._file.query(select)
        return self._file.usable("block_renewal", rows, _renewal)

    def _changed(self, statement: str, arguments: Sequence[object]) -> bool:
        changed: list[int] = []

        def write(connection: sqlite3.Connection) -> None:
            _begin(connection)
            changed.append(connection.execute(statement, arguments).rowcount)

        return self._file.change(write) and changed[0] > 0


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_TABLE)


def _key(renewal: BlockRenewal) -> tuple[str, str, str, str]:
    return renewal.scope, *renewal.place


def _row(renewal: BlockRenewal) -> Sequence[object]:
    return (
        *_key(renewal), renewal.minutes, renewal.reason, renewal.until.timestamp(), renewal.at.timestamp(),
        renewal.user, renewal.state.value, renewal.answer,
    )  # fmt: skip


def _renewal(row: Sequence[Any]) -> BlockRenewal | None:
    scope, account, region, host, minutes, reason, until, at, user, state, answer = row
    if text(state) not in _STATES:
        return None  # of a later release
    return BlockRenewal(
        text(scope), text(account), text(region), text(host), integer(minutes), text(reason), _time(until), _time(at),
        text(user), RenewalState(state), text(answer),
    )  # fmt: skip


def _time(value: object) -> datetime:
    return values.time(value)
