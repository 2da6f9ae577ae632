"""The history's file: its tables, and the handling of a damaged, locked, newer or unavailable one.

A row that cannot be read is moved into the table ``set_aside`` and counted: one wrong row affects no other, and no
data is lost.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from gputui.history.values import UNUSABLE
from gputui.private_files import open_private

_T = TypeVar("_T")

SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS snapshot(
    account TEXT, resource TEXT, at REAL NOT NULL, rows TEXT NOT NULL, PRIMARY KEY(account, resource)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event(
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL, instance TEXT NOT NULL,
    name TEXT NOT NULL, at REAL NOT NULL, status TEXT NOT NULL, phase TEXT NOT NULL, before TEXT, after_seconds REAL);
CREATE TABLE IF NOT EXISTS audit(
    id INTEGER PRIMARY KEY, at REAL NOT NULL, user TEXT NOT NULL, account TEXT NOT NULL, ref TEXT NOT NULL,
    action TEXT NOT NULL, summary TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, finished_at REAL);
CREATE TABLE IF NOT EXISTS stock(
    seq INTEGER PRIMARY KEY, ref TEXT NOT NULL, at REAL NOT NULL, idle INTEGER, total INTEGER);
CREATE INDEX IF NOT EXISTS stock_at ON stock(at);
CREATE TABLE IF NOT EXISTS gpu_sample(
    gpu TEXT, at REAL, utilization REAL, memory_used INTEGER, power REAL, temperature REAL, fan REAL,
    PRIMARY KEY(gpu, at)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS gpu_sample_at ON gpu_sample(at);
CREATE TABLE IF NOT EXISTS login(ref TEXT PRIMARY KEY, made TEXT NOT NULL, user TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log_source(
    owner TEXT, kind TEXT, name TEXT, at REAL NOT NULL, PRIMARY KEY(owner, kind, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS command(seq INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
"""
# Created on first use, so that older releases can use the same file.
_SET_ASIDE = "CREATE TABLE IF NOT EXISTS set_aside(source TEXT NOT NULL, at REAL NOT NULL, content TEXT NOT NULL)"
_MOST_SET_ASIDE = 10_000
_LONGEST_SET_ASIDE = 1_000_000
"""Characters of a row that is set aside."""
_KEYS = {
    "snapshot": ("account", "resource"),
    "event": ("seq",),
    "audit": ("id",),
    "stock": ("seq",),
    "gpu_sample": ("gpu", "at"),
    "log_source": ("owner", "kind", "name"),
    "snooze": ("ref", "reason"),
    "spend_charge": ("id",),
    "spend_span": ("charge", "since"),
    "spend_look": ("account", "list", "whole", "since"),
    "stock_offer": ("id",),
    "stock_hour": ("hour", "offer"),
    "block_renewal": ("scope", "account", "region", "host"),
    "host_fact": ("account", "host", "fact", "instance", "occasion"),
    "host_ecc": ("account", "region", "host", "gpu"),
}
_BUSY_SECONDS = 1.0


class _NewerError(Exception):
    """The file was written by a later release."""


class NotStoredError(Exception):
    """A change is not stored in the file, for the reason that its text says."""


class HistoryFile:
    """One SQLite file, opened on first use; a database in memory where it is unavailable.

    ``path`` None is a database in memory by intent. All methods are thread-safe.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._in_place_of_file = False
        self._notice = ""
        self._trouble = ""
        self._damage = ""
        self._faults: dict[str, str] = {}
        """The failures of writing in the background other than SQLite's, by what was to be written."""
        self._skipped: set[tuple[Any, ...]] = set()
        self._moved = True

    @property
    def problem(self) -> str:
        """Why data cannot be stored or read, for the user; empty without a problem."""
        return self.failure or self.skipped

    @property
    def failure(self) -> str:
        """Why the file as a whole cannot be used, for the user; empty when it can."""
        return self._damage or self._trouble or self._notice or "; ".join(tuple(self._faults.values()))

    @property
    def skipped(self) -> str:
        """The number of rows that could not be read since the file was opened, for the user; empty for none."""
        if not self._skipped:
            return ""
        rows = "1 row" if len(self._skipped) == 1 else f"{len(self._skipped):,} rows"
        moved = " and moved to its table set_aside" if self._moved else ""
        return f"{rows} of the history cannot be read{moved} ({self._path})"

    @property
    def lasting(self) -> bool:
        """Whether the data outlive the program."""
        return self._path is not None and not self._in_place_of_file

    def _opened(self, connection: sqlite3.Connection) -> None:
        """Read the initial data from a file that was just opened."""

    def _closed(self) -> None:
        """Discard data of the database in memory that replaced a file."""

    def _close_file(self) -> None:
        with self._lock:
            if self._connection is not None:
                with suppress(sqlite3.Error):
                    self._connection.close()
            if self._in_place_of_file:
                self._closed()
            self._connection = None
            self._in_place_of_file = False

    def select(self, statement: str, arguments: tuple[object, ...] = ()) -> list[Any]:
        """Return the rows of a statement; none where they cannot be read (``problem`` has the reason)."""
        found: list[Any] = []
        with self._forgiving("history cannot be read"), self._lock:
            found.extend(self._open().execute(statement, arguments))
        return found

    def usable(
        self, table: str, rows: Iterable[Sequence[Any]], read: Callable[[Sequence[Any]], _T | None]
    ) -> list[_T]:
        """Return the results of ``read`` for rows, without None; rows that it cannot read are set aside.

        A row begins with the values of its table's key, which ``read`` receives as well.
        """
        found: list[_T] = []
        wrong: list[Sequence[Any]] = []
        for row in rows:
            try:
                value = read(row)
            except UNUSABLE:
                wrong.append(row)
            else:
                if value is not None:
                    found.append(value)
        if wrong:
            self.set_aside(table, wrong)
        return found

    def set_aside(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Move rows that cannot be read out of their table; each begins with the values of its key."""
        keys = [tuple(row[: len(_KEYS[table])]) for row in rows]
        self._skipped |= {(table, *key) for key in keys}
        now = datetime.now(UTC).timestamp()
        same = " AND ".join(f"{column} IS ?" for column in _KEYS[table])
        self._moved = False  # until it succeeds: the next read finds them again
        with suppress(sqlite3.Error), self._transaction() as connection:
            connection.execute(_SET_ASIDE)
            connection.executemany(
                "INSERT INTO set_aside VALUES (?, ?, ?)",
                [(table, now, repr(row)[:_LONGEST_SET_ASIDE]) for row in rows],
            )
            connection.executemany(
                f"DELETE FROM {table} WHERE {same}",  # noqa: S608  (constants)
                keys,
            )
            connection.execute(
                "DELETE FROM set_aside WHERE rowid <="
                " (SELECT rowid FROM set_aside ORDER BY rowid DESC LIMIT 1 OFFSET ?)",
                (_MOST_SET_ASIDE,),
            )
            self._moved = True

    def change(
        self, write: Callable[[sqlite3.Connection], object], failure: str = "history cannot be written"
    ) -> bool:
        """Call ``write`` in a transaction; returns whether that succeeded (``problem`` has ``failure`` and why)."""
        with self._forgiving(failure) as failures, self._transaction() as connection:
            write(connection)
        return not failures

    def change_strictly(self, write: Callable[[sqlite3.Connection], _T]) -> _T:
        """Call ``write`` in a transaction and return its result; raises NotStoredError where memory takes the place
        of the file.
        """
        try:
            with self._lock:
                if not self._return_to_file():
                    raise NotStoredError(self.problem)
                with self._transaction() as connection:
                    if self._in_place_of_file:
                        raise NotStoredError(self.problem)
                    result = write(connection)
                    self._trouble = ""
                    return result
        except sqlite3.Error as error:
            raise NotStoredError(_reason_of(error, self._path)) from error

    def change_in_file(
        self, write: Callable[[sqlite3.Connection], object], failure: str = "history cannot be written"
    ) -> bool:
        """Call ``write`` as :meth:`change` does, but never with memory that takes the place of the file."""
        with self._lock:
            if self._connection is None:
                self._open()
                in_file = not self._in_place_of_file
            else:
                in_file = self._return_to_file()
            return in_file and self.change(write, failure)

    def query(self, read: Callable[[sqlite3.Connection], object]) -> bool:
        """Call ``read`` with the file; returns whether that succeeded (``problem`` has the reason)."""
        with self._forgiving("history cannot be read") as failures, self._lock:
            read(self._open())
        return not failures

    def query_apart(self, read: Callable[[sqlite3.Connection], object]) -> bool:
        """Call ``read`` with a connection of its own, so that a long read delays no writing; see :meth:`query`.

        A history that is in memory has one connection only.
        """
        path = self._file_to_read()
        if path is None:
            return self.query(read)
        with self._forgiving("history cannot be read") as failures:
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
            connection.text_factory = _as_text
            try:
                read(connection)
            finally:
                connection.close()
        return not failures

    def _file_to_read(self) -> Path | None:
        """Open the file, which creates it; None where a database in memory takes its place."""
        with self._forgiving("history cannot be read"), self._lock:
            self._open()
        return None if self._in_place_of_file else self._path

    def _wrote(self, what: str, failure: Exception | None) -> None:
        """Note the result of writing in the background, for ``problem``."""
        if failure is None:
            self._faults.pop(what, None)
        else:
            from gputui.redaction import describe_fault

            self._faults[what] = f"{what} cannot be written: {describe_fault(failure)} ({self._path})"

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._open() as connection:
            yield connection

    @contextmanager
    def _forgiving(self, what: str) -> Iterator[list[sqlite3.Error]]:
        """Convert an error of SQLite into ``problem``, which the yielded object has afterwards."""
        failures: list[sqlite3.Error] = []
        try:
            yield failures
            self._trouble = ""
        except sqlite3.Error as error:
            failures.append(error)
            from gputui.history.failures import is_damage

            self._trouble = f"{what}: {_reason_of(error, self._path)} ({self._path})"
            if is_damage(error):
                # Other parts of the file can still be read: a success does not end this.
                self._damage = f"the history is damaged, {self._trouble}; move the file away to begin an empty one"

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open_memory() if self._path is None else self._open_path(self._path)
            with suppress(sqlite3.Error):  # the file's own check reports the reason
                self._opened(self._connection)
        return self._connection

    def _open_path(self, path: Path) -> sqlite3.Connection:
        if (connection := self._try_path(path)) is not None:
            return connection
        self._in_place_of_file = True
        return self._open_memory()

    def _try_path(self, path: Path) -> sqlite3.Connection | None:
        """Open the file; None where it cannot be used (``_notice`` has the reason).

        The reason of the last time stays until this attempt has ended: other threads ask for it.
        """
        notice = ""
        try:
            try:
                connection = _connect(path)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                from gputui.history.failures import move_aside

                aside = move_aside(path)
                connection = _connect(path)
                lost = "the history was damaged and starts empty, without preferences"
                notice = f"{lost}; the old file is {aside}"
        except _NewerError:
            unused = f"the history was written by a newer gputui and is not used ({path})"
            self._notice = f"{unused}; update gputui, or move the file away"
        except (sqlite3.Error, OSError) as error:
            self._notice = f"history is not kept: {_reason_of(error, path)} ({path})"
        else:
            self._notice = notice
            return connection
        return None

    def _return_to_file(self) -> bool:
        """Use the file in place of memory once it can be used; returns whether it is used, or memory by intent."""
        if not self._in_place_of_file or self._path is None:
            return True
        if (connection := self._try_path(self._path)) is None:
            return False
        self._close_file()
        self._connection = connection
        with suppress(sqlite3.Error):
            self._opened(connection)
        return True

    @staticmethod
    def _open_memory() -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.executescript(_SCHEMA)
        return connection


def prune(connection: sqlite3.Connection, table: str, kept: int) -> None:
    """Delete the oldest rows of a table whose key is a number that grows."""
    (key,) = _KEYS.get(table, ("seq",))
    # Counted, not computed from the newest key: a wrong key would take everything else with it.
    connection.execute(
        f"DELETE FROM {table} WHERE {key} <= (SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1 OFFSET ?)",  # noqa: S608  (constants)
        (kept,),
    )


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_private(path)
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
    connection.text_factory = _as_text
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_private(path: Path) -> None:
    """Create the file, or make it private. Links are not followed: the target may belong to others."""
    descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _as_text(data: bytes) -> str:
    """Return a text of the file; invalid UTF-8 is shown as such and does not affect the whole answer."""
    return data.decode("utf-8", "replace")


def _prepare(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise _NewerError
    connection.execute("PRAGMA synchronous = NORMAL")
    if version < SCHEMA_VERSION:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")


def _reason_of(error: Exception, path: Path | None) -> str:
    from gputui.history.failures import reason_of_file  # of failures alone: most sessions have none

    return reason_of_file(error, path)
