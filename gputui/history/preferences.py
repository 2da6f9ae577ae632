"""The choices of a user that outlive a session: kept in memory, and written by a thread so that the app never waits.

Each is a value by its key (``view.instances.sort``, ``favourite.lab/pod/main``), in the scope of one configuration
file. A row has one choice, so that two sessions that write at once lose nothing but the same choice.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from gputui.formatting import counted
from gputui.history.background import BackgroundWriter
from gputui.models.serialize import text
from gputui.text import clean

Plain: TypeAlias = Any
"""A value that JSON can express: None, a truth value, a number, a text, a list or a mapping of these."""

# Created on first use, so that older releases can use the same file.
_TABLE = (
    "CREATE TABLE IF NOT EXISTS preference(scope TEXT, key TEXT, value TEXT NOT NULL, at REAL NOT NULL,"
    " PRIMARY KEY(scope, key)) WITHOUT ROWID"
)
_LONGEST = 100_000
"""Characters of a value that is still read."""


def read(connection: sqlite3.Connection, scope: str) -> tuple[dict[str, Plain], int]:
    """Return the values of a scope by key, the oldest first, and the number of rows that cannot be read."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'preference'").fetchone() is None:
        return {}, 0
    rows = connection.execute("SELECT key, value FROM preference WHERE scope = ? ORDER BY at, key", (scope,))
    found, wrong = {}, 0
    for key, value in rows:
        try:
            found[_checked(text(key))] = _checked(json.loads(_short(text(value))))
        except (ValueError, TypeError, RecursionError):
            wrong += 1
    return found, wrong


def write(connection: sqlite3.Connection, scope: str, changes: Mapping[str, Plain]) -> None:
    """Store values by key; None deletes one."""
    now = datetime.now(UTC).timestamp()
    connection.execute(_TABLE)
    connection.executemany(
        "INSERT OR REPLACE INTO preference VALUES (?, ?, ?, ?)",
        [(scope, key, _plain(value), now) for key, value in changes.items() if value is not None],
    )
    connection.executemany(
        "DELETE FROM preference WHERE scope = ? AND key = ?",
        [(scope, key) for key, value in changes.items() if value is None],
    )


def add(connection: sqlite3.Connection, scope: str, key: str, value: Plain) -> bool:
    """Store a value where there is none of that key; returns whether it was stored."""
    connection.execute(_TABLE)
    values = (scope, key, _plain(value), datetime.now(UTC).timestamp())
    return connection.execute("INSERT OR IGNORE INTO preference VALUES (?, ?, ?, ?)", values).rowcount == 1


def _plain(value: Plain) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _short(value: str) -> str:
    if len(value) > _LONGEST:
        raise ValueError("too long")
    return value


def _checked(value: Plain) -> Plain:
    """Return a value whose texts are safe for a terminal; raises ValueError for another."""
    if isinstance(value, str) and clean(value) != value:
        raise ValueError("not a clean text")
    if isinstance(value, Mapping):
        for part in value.items():
            _checked(part)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for part in value:
            _checked(part)
    return value


class Preferences:
    """The choices in one scope. ``load`` and ``store`` read and write the file; without them it is memory alone.

    They are called in a thread, except for the first reading and by the methods that say that they block, one at a
    time. ``load`` returns None where the file cannot be read, ``store`` whether it succeeded, ``store_new`` whether
    the key was new, None where that could not be stored. Choices that could not be written are retried with the next
    one, and at the end.
    """

    def __init__(
        self,
        load: Callable[[], tuple[Mapping[str, Plain], int] | None] | None = None,
        store: Callable[[Mapping[str, Plain]], bool] = lambda changes: True,
        store_new: Callable[[str, Plain], bool | None] = lambda key, value: True,
        report: Callable[[Exception | None], None] | None = None,
    ) -> None:
        self._load, self._store, self._store_new = load, store, store_new
        # Held while the file is read or written, so that what is stored or read last is also the newest.
        self._file = threading.Lock()
        self._lock = threading.Lock()
        self._values: dict[str, Plain] = {}
        self._unwritten: dict[str, Plain] = {}
        self._left_alone: set[str] = set()
        self._writer = BackgroundWriter("gputui-preferences", self._write_waiting, report)
        self._unreadable = 0

    @property
    def notice(self) -> str:
        """The number of stored choices that cannot be read, and are left as they are, for the user; '' for none."""
        return f"{counted(self._unreadable, 'stored preference')} cannot be read" if self._unreadable else ""

    def read(self) -> None:
        """Read the file, where other sessions write too; where it cannot be read, memory stays. May block."""
        with self._file:
            self._read()

    def get(self, key: str) -> Plain:
        """Return a value; None where there is none."""
        return self._values.get(key)

    def under(self, prefix: str) -> dict[str, Plain]:
        """Return the values whose keys begin so, by the rest of their keys, the oldest first."""
        with self._lock:
            return {key[len(prefix) :]: value for key, value in self._values.items() if key.startswith(prefix)}

    def put(self, key: str, value: Plain) -> None:
        """Remember a value, None for none; returns immediately. What is the same already is not written."""
        with self._lock:
            if key in self._left_alone or value == self._values.get(key):
                return
            self._values.pop(key, None)
            if value is not None:
                self._values[key] = value
            self._unwritten[key] = value
        self._writer.schedule()

    def add(self, key: str, value: Plain) -> bool:
        """Store a value where no session has one of that key; returns whether there was none. Blocks."""
        with self._file:
            self._write()
            with self._lock:
                known = key in self._values
            added = False if known else self._store_new(key, value)
            if added is False:
                self._read()
            elif added:
                with self._lock:
                    if key not in self._unwritten:
                        self._values[key] = value
        if added is None:
            self.put(key, value)
        return added is not False

    def leave_alone(self, key: str) -> None:
        """Never write this key: a later release has stored its value in a form that is unknown here."""
        self._left_alone.add(key)

    def flush(self) -> bool:
        """Write what waits; returns whether all is written. Blocks."""
        return self._write_waiting()

    def close(self) -> None:
        """Write what waits; waits for a call of ``store`` that is under way, and for two more at most."""
        self._writer.close()

    def _write_waiting(self) -> bool:
        with self._file:
            return self._write()

    def _write(self) -> bool:
        with self._lock:
            waiting = dict(self._unwritten)
        if not waiting:
            return True
        if not self._store(waiting):
            return False
        with self._lock:
            for key, value in waiting.items():
                if self._unwritten[key] == value:
                    del self._unwritten[key]
        return True

    def _read(self) -> None:
        if self._load is None or (loaded := self._load()) is None:
            return
        found, self._unreadable = loaded
        with self._lock:
            kept = {key: value for key, value in found.items() if key not in self._unwritten}
            chosen = {key: value for key, value in self._unwritten.items() if value is not None}
            self._values = {**kept, **chosen}
