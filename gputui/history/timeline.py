"""A time as the history has it: read from its file at once, with figures added up by the file itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gputui.history import values
from gputui.history.history import AuditEntry, StockSample, audit_entry, event_of, stock_sample
from gputui.history.observed import read_observed
from gputui.history.values import UNUSABLE
from gputui.models import Event, Ref
from gputui.models.timeline import TimeSpan

if TYPE_CHECKING:
    from gputui.history.database import HistoryFile

MOST_ROWS = 20_000
"""Events, entries and samples of a window that are read at most, each: the newest."""
SLOTS = 480
"""Parts of a window for figures: no terminal is wider."""
_BEFORE = 24 * 3600.0
"""How long before a window the last idle count of an offer is looked for, in seconds."""
_HOUR = 3600
_BRIDGED = 180.0
"""Seconds between two samples of GPUs in which nothing else is assumed, as of idle GPUs."""
_SAME = 300.0
"""For how long after a sample its account was observed, where nothing else says that."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The figures that are wanted: of these accounts, and of these offers and GPUs alone, None for all."""

    accounts: tuple[str, ...]
    offers: frozenset[Ref] | None = None
    gpus: frozenset[Ref] | None = None


@dataclass(slots=True)
class Record:
    """A window as the history has it, each oldest first; ``cut`` names what is only in part, ``wrong`` rows by
    table that cannot be read. ``stock`` and ``load`` have a figure for each of :data:`SLOTS` parts.
    """

    events: list[Event] = field(default_factory=list)
    actions: list[AuditEntry] = field(default_factory=list)
    samples: list[StockSample] = field(default_factory=list)
    stock: list[int | None] = field(default_factory=list)
    load: list[float | None] = field(default_factory=list)
    observed: dict[str, list[TimeSpan]] = field(default_factory=dict)
    oldest: datetime | None = None
    cut: list[str] = field(default_factory=list)
    wrong: dict[str, list[Sequence[Any]]] = field(default_factory=dict)
    failed: bool = False


def _bridged(figures: list[float | None], longest: int) -> list[float | None]:
    """Fill the parts between two figures that are close enough with the earlier one."""
    last: int | None = None
    for place, figure in enumerate(figures):
        if figure is None:
            continue
        if last is not None and place - last <= longest:
            figures[last + 1 : place] = [figures[last]] * (place - last - 1)
        last = place
    return figures


def read(file: HistoryFile, span: TimeSpan, wanted: Wanted) -> Record:
    """Read a window. Blocks, for a part of a second where the history is large; raises nothing."""
    record = Record()

    def work(connection: sqlite3.Connection) -> None:
        _Reader(connection, span, wanted, record).read()

    record.failed = not file.query_apart(work)
    for table, rows in record.wrong.items():
        file.set_aside(table, rows)
    return record


class _Reader:
    def __init__(self, connection: sqlite3.Connection, span: TimeSpan, wanted: Wanted, record: Record) -> None:
        self._connection = connection
        self._begin, self._end = span.begin.timestamp(), span.end.timestamp()
        self._step = max(span.seconds / SLOTS, 1e-6)
        self._wanted = wanted
        self._record = record

    def read(self) -> None:
        """Read all parts."""
        record = self._record
        record.events = self._events()
        record.actions = self._actions()
        record.samples = self._samples()
        record.stock = self._stock()
        record.load = self._load()
        for account, since, until in read_observed(self._connection, self._begin, self._end):
            try:
                span = TimeSpan(values.time(since), values.time(until))
            except UNUSABLE:
                continue
            if account in self._wanted.accounts:
                record.observed.setdefault(account, []).append(span)
        record.oldest = self._oldest()

    def _newest(self, table: str, what: str, statement: str, read: Any, *more: object) -> list[Any]:
        """Return the newest rows of a statement that ends with the order, oldest first."""
        rows = self._connection.execute(
            f"{statement} LIMIT ?", (self._begin, self._end, *more, MOST_ROWS + 1)
        ).fetchall()
        if len(rows) > MOST_ROWS:
            self._record.cut.append(what)
        found = []
        for row in reversed(rows[:MOST_ROWS]):
            try:
                found.append(read(row))
            except UNUSABLE:
                self._record.wrong.setdefault(table, []).append(row)
        return found

    def _events(self) -> list[Event]:
        found = self._newest(
            *("event", "events"),
            "SELECT seq, id, account, kind, instance, name, at, status, phase, before, after_seconds FROM event"
            " WHERE at >= ? AND at < ? ORDER BY at DESC, seq DESC",
            event_of,
        )
        # A state that several processes have observed is one event.
        last: dict[Ref, str] = {}
        events = []
        for one in found:
            if one.instance.account in self._wanted.accounts and last.get(one.instance) != one.status:
                last[one.instance] = one.status
                events.append(one)
        return events

    def _actions(self) -> list[AuditEntry]:
        found = self._newest(
            *("audit", "changes"),
            "SELECT id, at, user, account, ref, action, summary, outcome, detail, finished_at FROM audit"
            " WHERE coalesce(finished_at, at) >= ? AND at < ? ORDER BY id DESC",
            audit_entry,
        )
        return [one for one in found if one.account in self._wanted.accounts]

    def _samples(self) -> list[StockSample]:
        found = self._newest(
            *("stock", "changes of the stock"),
            "SELECT seq, ref, at, idle, total FROM stock WHERE at >= ? AND at < ? ORDER BY at DESC",
            stock_sample,
        )
        return [one for one in found if self._wants_offer(one.ref)]

    def _wants_offer(self, ref: Ref) -> bool:
        wanted = self._wanted
        return ref.account in wanted.accounts and (wanted.offers is None or ref in wanted.offers)

    def _stock(self) -> list[int | None]:
        """Return the idle GPUs in all at the end of each part, where the stock was observed in it."""
        connection = self._connection
        idle: dict[str, int] = {}
        wants: dict[str, bool] = {}

        def wanted(text: object) -> bool:
            if text not in wants:
                try:
                    wants[str(text)] = self._wants_offer(values.ref(text))
                except UNUSABLE:
                    wants[str(text)] = False
            return wants[str(text)]

        for ref, count, _ in connection.execute(
            "SELECT ref, idle, max(at) FROM stock WHERE at >= ? AND at < ? GROUP BY ref",
            (self._begin - _BEFORE, self._begin),
        ):
            if wanted(ref) and type(count) is int:
                idle[ref] = max(0, count)
        changes: dict[int, list[tuple[str, Any]]] = {}
        for ref, slot, count, _ in connection.execute(
            "SELECT ref, CAST((at - ?) / ? AS INTEGER) AS slot, idle, max(at) FROM stock"
            " WHERE at >= ? AND at < ? GROUP BY ref, slot",
            (self._begin, self._step, self._begin, self._end),
        ):
            if wanted(ref):
                changes.setdefault(slot, []).append((ref, count))
        hours = self._hours_of_stock()
        found: list[int | None] = []
        last = None
        for slot in range(SLOTS):
            at = self._begin + (slot + 1) * self._step
            for ref, count in changes.get(slot, ()):
                last = at
                if type(count) is int:
                    idle[ref] = max(0, count)
                else:
                    idle.pop(ref, None)
            seen = int((at - self._step / 2) // _HOUR) in hours or (last is not None and at - last <= _SAME)
            found.append(sum(idle.values()) if seen and idle else None)
        return found

    def _hours_of_stock(self) -> frozenset[int]:
        """Return the hours in which the stock was observed."""
        found = self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'stock_hour'").fetchone()
        if found is None:
            return frozenset()
        rows = self._connection.execute(
            "SELECT DISTINCT hour FROM stock_hour WHERE hour >= ? AND hour <= ?",
            (int(self._begin // _HOUR), int(self._end // _HOUR)),
        )
        return frozenset(hour for (hour,) in rows if type(hour) is int)

    def _load(self) -> list[float | None]:
        """Return the mean utilisation of the GPUs in each part."""
        clause, arguments = self._gpus()
        found: list[float | None] = [None] * SLOTS
        for slot, total, count in self._connection.execute(
            "SELECT CAST((at - ?) / ? AS INTEGER) AS slot, total(utilization), count(utilization) FROM gpu_sample"  # noqa: S608  (question marks)
            f" WHERE at >= ? AND at < ? AND {clause} GROUP BY slot",
            (self._begin, self._step, self._begin, self._end, *arguments),
        ):
            if 0 <= slot < SLOTS and count:
                found[slot] = min(100.0, max(0.0, total / count))
        return _bridged(found, int(_BRIDGED / self._step))

    def _gpus(self) -> tuple[str, Sequence[object]]:
        wanted = self._wanted
        if wanted.gpus is not None:
            names: Collection[str] = sorted(map(str, wanted.gpus))[:500]
            return f"gpu IN ({','.join('?' * len(names))})", list(names)
        if not wanted.accounts:
            return "0", ()
        ranges: Iterable[tuple[str, str]] = ((f"{name}/", f"{name}{chr(ord('/') + 1)}") for name in wanted.accounts)
        pairs = list(ranges)
        return f"({' OR '.join(['gpu >= ? AND gpu < ?'] * len(pairs))})", [end for pair in pairs for end in pair]

    def _oldest(self) -> datetime | None:
        times = [
            at
            for table in ("event", "audit", "gpu_sample", "stock")
            for (at,) in self._connection.execute(f"SELECT min(at) FROM {table}")  # noqa: S608  (constants)
            if isinstance(at, float | int)
        ]
        try:
            return values.time(min(times)) if times else None
        except UNUSABLE:
            return None
