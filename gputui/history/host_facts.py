"""The facts about hosts in a file of the history: one row each, whoever observes it, for :data:`KEPT_DAYS`."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from gputui.history import values
from gputui.history.values import or_none
from gputui.models.hosts import BEFORE, EccReading, Fact, HostFact
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
# The last reading of each GPU that has ECC.
_ECC = (
    "CREATE TABLE IF NOT EXISTS host_ecc(account TEXT, region TEXT, host TEXT, gpu TEXT, errors INTEGER NOT NULL,"
    " at REAL NOT NULL, PRIMARY KEY(account, region, host, gpu)) WITHOUT ROWID"
)
_CLOCK_SLACK = 3600.0
"""A reading in the file that is further in the future than this, in seconds, was written by a wrong clock."""


class HostFacts:
    """The facts about hosts. Thread-safe; an error is in the ``problem`` of the file."""

    def __init__(self, file: HistoryFile) -> None:
        self._file = file
        self._pruned_at: datetime | None = None

    def add(self, facts: Sequence[HostFact | EccReading], now: datetime) -> bool:
        """Store facts, those that are there stay; returns whether that succeeded.

        An end that a change sent from this machine explains is none of the host's, and left out. A reading of memory
        errors is a fact where there are more than at the last one, whichever process made that.
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
        facts = self._file.usable("host_fact", rows, _fact)
        return [fact for fact in facts if fact.account in accounts]

    def _write(
        self, observed: Iterable[HostFact | EccReading], now: datetime, connection: sqlite3.Connection
    ) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_TABLE)
        connection.execute(_ECC)
        facts = [
            fact
            for one in observed
            for fact in ([one] if isinstance(one, HostFact) else _new_errors(connection, one, now))
        ]
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
            connection.execute("DELETE FROM host_ecc WHERE at < ?", ((now - timedelta(days=KEPT_DAYS)).timestamp(),))
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


def _new_errors(connection: sqlite3.Connection, reading: EccReading, now: datetime) -> Iterator[HostFact]:
    """Yield the errors since the last reading of the GPU, if any, and store the reading in its place."""
    key = reading.account, reading.region, reading.host, reading.gpu
    at = reading.at.timestamp()
    last = connection.execute(
        "SELECT errors, at FROM host_ecc WHERE account = ? AND region = ? AND host = ? AND gpu = ?", key
    ).fetchone()
    if last is not None and not (type(last[0]) is int and type(last[1]) is float):
        last = None  # damaged
    if last is not None and at < last[1] <= now.timestamp() + _CLOCK_SLACK:
        return  # another process has read it later, and written that earlier
    connection.execute("INSERT OR REPLACE INTO host_ecc VALUES (?, ?, ?, ?, ?, ?)", (*key, reading.errors, at))
    if last is None:
        new, said = reading.errors, BEFORE
    else:
        # A counter that has fallen began again at 0: the host was restarted, or the driver loaded again.
        new, said = reading.errors - (last[0] if last[0] <= reading.errors else 0), ""
    if new > 0:
        occasion = f"{reading.gpu} {int(at)}"
        account, region, host, _ = key
        yield HostFact(account, region, host, Fact.ECC, None, occasion, reading.at, detail=f"{new}{said}")


def _fact(row: Sequence[Any]) -> HostFact | None:
    account, host, fact, instance, occasion, region, at, seconds, group, detail = row
    if text(fact) not in _FACTS:
        return None  # of a later release
    return HostFact(
        text(account), text(region), text(host), Fact(fact), values.ref(instance) if text(instance) else None,
        text(occasion), values.time(at), or_none(number, seconds), text(group), text(detail),
    )  # fmt: skip
