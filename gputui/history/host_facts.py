"""The facts about hosts in a file of the history: one row each, whoever observes it, for :data:`KEPT_DAYS`."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from gputui.history import values
from gputui.history.values import UNUSABLE, or_none
from gputui.models.hosts import Fact, HostFact
from gputui.models.serialize import number, text

if TYPE_CHECKING:
    from gputui.history.database import HistoryFile

KEPT_DAYS = 120
_MOST_ROWS = 200_000
_PRUNE_EVERY = timedelta(hours=1)
_OWN_SECONDS = 900.0
"""A change that was sent from this machine explains the end of an instance within so many seconds."""
_FACTS = frozenset(fact.value for fact in Fact)
# Created on first use, so that older releases can use the same file.
_TABLE = (
    "CREATE TABLE IF NOT EXISTS host_fact(account TEXT, host TEXT, fact TEXT, instance TEXT, occasion TEXT,"
    " region TEXT NOT NULL, at REAL NOT NULL, seconds REAL, parent TEXT NOT NULL, detail TEXT NOT NULL,"
    " PRIMARY KEY(account, host, fact, instance, occasion)) WITHOUT ROWID"
)


class HostFacts:
    """The facts about hosts. Thread-safe; an error is in the ``problem`` of the file."""

    def __init__(self, file: HistoryFile) -> None:
        self._file = file
        self._pruned_at: datetime | None = None

    def add(self, facts: Sequence[HostFact], now: datetime) -> bool:
        """Store facts, those that are there stay; returns whether that succeeded.

        An end that a change sent from this machine explains is none of the host's, and left out.
        """
        return self._file.change(partial(self._write, facts, now))

    def read(self, accounts: Collection[str], since: datetime) -> list[HostFact]:
        """Return the facts of these accounts' hosts from a time on, oldest first. Damaged ones are set aside."""
        rows: list[Sequence[Any]] = []

        def select(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'host_fact'").fetchone() is not None:
                rows.extend(
                    connection.execute("SELECT * FROM host_fact WHERE at >= ? ORDER BY at", (since.timestamp(),))
                )

        self._file.query(select)
        found, wrong = [], []
        for row in rows:
            try:
                fact = _fact(row)
            except UNUSABLE:
                wrong.append(row)
            else:
                if fact is not None and fact.account in accounts:
                    found.append(fact)
        if wrong:
            self._file.set_aside("host_fact", wrong)
        return found

    def _write(self, facts: Iterable[HostFact], now: datetime, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_TABLE)
        connection.executemany(
            "INSERT OR IGNORE INTO host_fact VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_row(fact) for fact in facts if not _is_own(connection, fact)],
        )
        if self._pruned_at is None or not timedelta(0) <= now - self._pruned_at < _PRUNE_EVERY:
            connection.execute("DELETE FROM host_fact WHERE at < ?", ((now - timedelta(days=KEPT_DAYS)).timestamp(),))
            connection.execute(
                "DELETE FROM host_fact WHERE at < (SELECT at FROM host_fact ORDER BY at DESC LIMIT 1 OFFSET ?)",
                (_MOST_ROWS,),
            )
            self._pruned_at = now


def _row(fact: HostFact) -> Sequence[object]:
    instance = "" if fact.instance is None else str(fact.instance)
    return (
        fact.account, fact.host, fact.fact.value, instance, fact.occasion, fact.region, fact.at.timestamp(),
        fact.seconds, fact.group, fact.detail,
    )  # fmt: skip


def _is_own(connection: sqlite3.Connection, fact: HostFact) -> bool:
    """Return whether a change of the instance, or of its deployment, was sent shortly before it ended."""
    if fact.fact not in (Fact.FAILED, Fact.LIFE) or fact.instance is None:
        return False
    at = fact.at.timestamp()
    found = connection.execute(
        "SELECT 1 FROM audit WHERE ref IN (?, ?) AND at BETWEEN ? AND ? LIMIT 1",
        (str(fact.instance), fact.group, at - _OWN_SECONDS, at),
    )
    return found.fetchone() is not None


def _fact(row: Sequence[Any]) -> HostFact | None:
    account, host, fact, instance, occasion, region, at, seconds, group, detail = row
    if text(fact) not in _FACTS:
        return None  # of a later release
    return HostFact(
        text(account), text(region), text(host), Fact(fact), values.ref(instance) if text(instance) else None,
        text(occasion), values.time(at), or_none(number, seconds), text(group), text(detail),
    )  # fmt: skip
