"""The samples of the stock that earlier releases have left, counted as hours at the first use, in small steps.

A sample was taken when a count changed. An account was observed between two samples, of whatever offers, that are not
further apart than :data:`SAME_OBSERVATION`; nothing is known of the time between others. Each step is a transaction
that notes how far it came, so that a process that ends meanwhile leaves the rest to the next one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gputui.history import values
from gputui.history.stock_hours import TABLES, add_spans, has_tables
from gputui.late_dataclasses import dataclass
from gputui.models import Ref
from gputui.models.serialize import integer
from gputui.models.stock import StockSpan

if TYPE_CHECKING:
    from gputui.history.database import HistoryFile

SAME_OBSERVATION = timedelta(minutes=5)
"""Samples of an account that are closer than this were taken by one observation."""

_STEP_SAMPLES = 10_000
_STEP_SECONDS = 12 * 3600.0
"""A step is short: other processes wait for its transaction."""
_TABLE = "CREATE TABLE IF NOT EXISTS stock_fold(at REAL NOT NULL, seq INTEGER NOT NULL, done INTEGER NOT NULL)"

_Position = tuple[float, int]
_START: _Position = (float("-inf"), 0)


@dataclass(slots=True)
class _Account:
    last: float
    held: dict[Ref, tuple[float, int | None]] = field(default_factory=dict)

    def cut(self) -> Iterator[StockSpan]:
        """Yield the spans until the last sample; the next ones begin there."""
        for ref, (begin, idle) in self.held.items():
            if idle is not None and self.last > begin:
                yield _span(ref, idle, begin, self.last)
            self.held[ref] = self.last, idle


class _Folding:
    """Makes spans of samples, oldest first."""

    def __init__(self) -> None:
        self.accounts: dict[str, _Account] = {}

    def take(self, samples: Iterable[Sequence[Any]]) -> Iterator[StockSpan]:
        """Yield the spans of samples (key, ref, time, count), up to the last one of each account.

        Samples that cannot be read are left to those who read them.
        """
        for _, name, at, idle in samples:
            try:
                ref, count = values.ref(name), values.or_none(integer, idle)
                values.time(at)
            except values.UNUSABLE:
                continue
            account = self.accounts.setdefault(ref.account, _Account(at))
            if at - account.last > SAME_OBSERVATION.total_seconds():
                yield from account.cut()
                # Unchanged until the next observation, as the samples of that say.
                account.held = {held: (at, known) for held, (_, known) in account.held.items()}
            account.last = at
            begin, before = account.held.get(ref, (at, None))
            if before is not None and at > begin:
                yield _span(ref, before, begin, at)
            account.held[ref] = at, None if count is None else max(count, 0)
        for account in self.accounts.values():
            yield from account.cut()


def _span(ref: Ref, idle: int, begin: float, end: float) -> StockSpan:
    return StockSpan(ref, "", "", idle, datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC))


def fold(file: HistoryFile) -> bool:
    """Count the samples unless that was done; returns whether it is done. Another process may be doing it."""
    state: list[tuple[_Position, bool]] = []
    if not file.query(lambda connection: state.append(_state(connection))):
        return False
    (until, done) = state[0]
    folding, at = _Folding(), _START
    while not done:
        begin, limit = at, until if at < until else None
        samples = _samples(file, begin, limit)
        if samples is None:
            return False
        spans = list(folding.take(samples))
        if samples:
            at = _position(samples[-1])
        if limit is not None:  # an earlier process has counted these
            at = at if samples else until
            continue
        step = _Step(spans, until, at, folding if not samples else None)
        if not file.change(step.write) or not step.written:
            return False
        until, done = at, not samples
    return True


def _samples(file: HistoryFile, begin: _Position, limit: _Position | None) -> list[Sequence[Any]] | None:
    """Return the next samples; None where they cannot be read."""
    found: list[Sequence[Any]] = []
    return found if file.query(lambda connection: found.extend(_next(connection, begin, limit))) else None


def _position(sample: Sequence[Any]) -> _Position:
    seq, _, at, _ = sample
    return (at if isinstance(at, int | float) else float("inf")), seq


@dataclass(slots=True)
class _Step:
    spans: Sequence[StockSpan]
    begin: _Position
    end: _Position
    last: _Folding | None
    """All accounts, where this is the last step."""
    written: bool = False

    def write(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        if not has_tables(connection):
            for statement in TABLES:
                connection.execute(statement)
        connection.execute(_TABLE)
        if _state(connection) != (self.begin, False):
            return  # another process has come further
        add_spans(connection, self.spans)
        connection.execute("DELETE FROM stock_fold")
        at, seq = self.end if self.end != _START else (0.0, 0)
        connection.execute("INSERT INTO stock_fold VALUES (?, ?, ?)", (at, seq, int(self.last is not None)))
        if self.last is not None:
            connection.executemany(
                "INSERT OR IGNORE INTO stock_until VALUES (?, ?)",
                [(account, float(found.last)) for account, found in self.last.accounts.items()],
            )
        self.written = True


def _state(connection: sqlite3.Connection) -> tuple[_Position, bool]:
    """Return how far it came, and whether it is done."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'stock_fold'").fetchone() is None:
        return _START, has_tables(connection)
    row = connection.execute("SELECT at, seq, done FROM stock_fold").fetchone()
    return (_START, False) if row is None else ((row[0], row[1]), bool(row[2]))


def _next(connection: sqlite3.Connection, begin: _Position, limit: _Position | None) -> list[Sequence[Any]]:
    """Return the next samples in the order of their times; with a limit those up to there."""
    first = connection.execute(
        "SELECT at FROM stock WHERE (at, seq) > (?, ?) AND typeof(at) IN ('real', 'integer')"
        " ORDER BY at, seq LIMIT 1",
        begin,
    ).fetchone()
    if first is None:
        return []
    last = (first[0] + _STEP_SECONDS, 2**62)
    return list(
        connection.execute(
            "SELECT seq, ref, at, idle FROM stock WHERE (at, seq) > (?, ?) AND (at, seq) <= (?, ?)"
            " AND typeof(at) IN ('real', 'integer') ORDER BY at, seq LIMIT ?",
            (*begin, *(last if limit is None else min(last, limit)), _STEP_SAMPLES),
        )
    )
