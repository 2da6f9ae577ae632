"""When each account was observed: statements on the history's file.

Each process writes its own spans, which may overlap those of others; a reader joins them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

    from gputui.history.database import HistoryFile

KEPT_DAYS = 92
# Created on first use, so that older releases can use the same file.
_TABLE = (
    "CREATE TABLE IF NOT EXISTS observed(account TEXT, since REAL, until REAL NOT NULL,"
    " PRIMARY KEY(account, since)) WITHOUT ROWID"
)


def has_table(connection: sqlite3.Connection) -> bool:
    """Return whether the file has such spans."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'observed'").fetchone() is not None


def write_observed(file: HistoryFile, spans: Iterable[tuple[str, float, float]]) -> bool:
    """Store spans (account, begin, end, in seconds since 1970), each in place of the earlier one of its begin."""
    return file.change(partial(_write, list(spans)))


def _write(spans: Sequence[tuple[str, float, float]], connection: sqlite3.Connection) -> None:
    if not has_table(connection):
        connection.execute(_TABLE)
    connection.executemany("INSERT OR REPLACE INTO observed VALUES (?, ?, ?)", spans)
    oldest = (datetime.now(UTC) - timedelta(days=KEPT_DAYS)).timestamp()
    connection.execute("DELETE FROM observed WHERE until < ?", (oldest,))


def read_observed(connection: sqlite3.Connection, since: float, until: float) -> list[Sequence[Any]]:
    """Return the spans of a time: account, begin, end."""
    if not has_table(connection):
        return []
    return list(
        connection.execute(
            "SELECT account, since, until FROM observed WHERE until >= ? AND since < ? ORDER BY account, since",
            (since, until),
        )
    )


class Observation:
    """The spans of this process: an account that is read again soon enough continues to be observed."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[float, float]] = {}
        self._ended: list[tuple[str, float, float]] = []

    def note(self, account: str, at: datetime, longest: float) -> None:
        """Note that an account was read; after more than ``longest`` seconds a new span begins."""
        now = at.timestamp()
        begin, end = self._open.get(account, (now, now))
        if not 0 <= now - end <= longest:
            self._ended.append((account, begin, end))
            begin = now
        self._open[account] = begin, now

    @property
    def spans(self) -> list[tuple[str, float, float]]:
        """All spans that may not be written yet, moments of one reading included: account, begin, end."""
        return [*self._ended, *((account, *span) for account, span in self._open.items())]

    def due(self) -> Mapping[tuple[str, float], float]:
        """Return the ends of the spans to write, by account and begin."""
        return {(account, begin): end for account, begin, end in self.spans if end > begin}

    def written(self, due: Mapping[tuple[str, float], float]) -> None:
        """Forget the spans that are written and have ended."""
        self._ended = [one for one in self._ended if one[2] > one[1] and due.get(one[:2]) != one[2]]
