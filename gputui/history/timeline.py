"""A time as the history has it: read from its file at once, with figures added up by the file itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gputui.history import values
from gputui.history.audit_log import AuditEntry, audit_entry
from gputui.history.history import StockSample, event_of, stock_sample
from gputui.history.observed import read_observed
from gputui.history.values import UNUSABLE
from gputui.late_dataclasses import dataclass
from gputui.models import Event, Ref
from gputui.models.serialize import text
from gputui.models.timeline import TimeSpan

if TYPE_CHECKING:
    from gputui.history.database import HistoryFile

SLOTS = 480
"""Parts of a window for figures: no terminal is wider."""
_BEFORE = 24 * 3600.0
"""How long before a window the last idle count of an offer is looked for, in seconds."""
_HOUR = 3600
_MOST_REFS = 500
_BRIDGED = 180.0
"""Seconds between two samples of GPUs in which nothing else is assumed, as of idle GPUs."""
_SAME = 300.0
"""For how long after a sample its account was observed, where nothing else says that."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The figures that are wanted: of these accounts, and of these offers and GPUs alone, None for all.

    ``most`` events, entries and samples of a window are read, each: the newest.
    """

    accounts: tuple[str, ...]
    offers: frozenset[Ref] | None = None
    gpus: frozenset[Ref] | None = None
    most: int = 5_000


@dataclass(slots=True)
class Record:
    """A window as the history has it, each oldest first.

    ``cut`` has by table the time from which on it was read where there is too much, ``wrong`` the rows that cannot be
    read. ``stock`` and ``load`` have a figure for each of :data:`SLOTS` parts.
    """

    events: list[Event] = field(default_factory=list)
    actions: list[AuditEntry] = field(default_factory=list)
    samples: list[StockSample] = field(default_factory=list)
    stock: list[int | None] = field(default_factory=list)
    load: list[float | None] = field(default_factory=list)
    observed: dict[str, list[TimeSpan]] = field(default_factory=dict)
    oldest: datetime | None = None
    cut: dict[str, datetime] = field(default_factory=dict)
    wrong: dict[str, list[Sequence[Any]]] = field(default_factory=dict)
    failed: bool = False


def _of(column: str, accounts: Collection[str], refs: frozenset[Ref] | None) -> tuple[str, Sequence[str]]:
    """Return the condition that a Ref is one of these, of these accounts where there are none, and its arguments."""
    if refs is not None:
        names = sorted(str(ref) for ref in refs if ref.account in accounts)[:_MOST_REFS]
        return f"{column} IN ({','.join('?' * len(names))})", names
    ends = [end for name in accounts for end in (f"{name}/", f"{name}{chr(ord('/') + 1)}")]
    ranges = " OR ".join([f"({column} >= ? AND {column} < ?)"] * len(accounts))
    return f"({ranges})" if ranges else "0", ends


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


def named(file: HistoryFile) -> dict[Ref, str]:
    """Return all instances that have events, also those that are gone, with their last names."""
    rows: list[Sequence[Any]] = []
    file.query_apart(
        lambda connection: rows.extend(
            connection.execute("SELECT account, kind, instance, name, max(seq) FROM event GROUP BY 1, 2, 3")
        )
    )
    found = {}
    for account, kind, instance, name, _ in rows:
        with suppress(*UNUSABLE):
            found[Ref(text(account), text(kind), text(instance))] = text(name)
    return found


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

    def _newest(self, table: str, statement: str, read: Any, at: int) -> list[Any]:
        """Return the newest rows of a statement, oldest first; ``at`` is the place of the time in a row."""
        most = self._wanted.most
        rows = self._connection.execute(f"{statement} LIMIT ?", (self._begin, self._end, most + 1)).fetchall()
        found = []
        for row in reversed(rows[:most]):
            try:
                found.append(read(row))
            except UNUSABLE:
                self._record.wrong.setdefault(table, []).append(row)
        if len(rows) > most:
            with suppress(*UNUSABLE):
                self._record.cut[table] = values.time(rows[most - 1][at])
        return found

    def _events(self) -> list[Event]:
        found = self._newest(
            "event",
            "SELECT seq, id, account, kind, instance, name, at, status, phase, before, after_seconds FROM event"
            " WHERE at >= ? AND at < ? ORDER BY at DESC, seq DESC",
            event_of,
            6,
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
            "audit",
            "SELECT id, at, user, account, ref, action, summary, outcome, detail, finished_at FROM audit"
            " WHERE coalesce(finished_at, at) >= ? AND at < ? ORDER BY id DESC",
            audit_entry,
            1,
        )
        return [one for one in found if one.account in self._wanted.accounts]

    def _samples(self) -> list[StockSample]:
        found = self._newest(
            "stock",
            "SELECT seq, ref, at, idle, total FROM stock WHERE at >= ? AND at < ? ORDER BY at DESC",
            stock_sample,
            2,
        )
        return [one for one in found if self._wants_offer(one.ref)]

    def _wants_offer(self, ref: Ref) -> bool:
        wanted = self._wanted
        return ref.account in wanted.accounts and (wanted.offers is None or ref in wanted.offers)

    def _stock(self) -> list[int | None]:
        """Return the idle GPUs in all at the end of each part, where the stock was observed in it."""
        clause, arguments = _of("ref", self._wanted.accounts, self._wanted.offers)
        index = "INDEXED BY stock_at" if self._end - self._begin <= _BEFORE else "NOT INDEXED"
        idle: dict[str, int] = {}
        total, changes = 0, dict[int, int | None]()
        slot = -1
        begin, step = self._begin, self._step
        for ref, at, count in self._connection.execute(
            f"SELECT ref, at, idle FROM stock {index} WHERE at >= ? AND at < ? AND {clause} ORDER BY seq",  # noqa: S608  (question marks)
            (begin - _BEFORE, self._end, *arguments),
        ):
            # Several processes write: their samples are in the order of time up to some seconds.
            if at >= begin:
                slot = max(slot, int((at - begin) / step))
            if type(count) is int and count >= 0:
                total += count - idle.get(ref, 0)
                idle[ref] = count
            else:
                total -= idle.pop(ref, 0)
            changes[slot] = total if idle else None
        hours = self._hours_of_stock()
        now = changes.get(-1)
        found: list[int | None] = []
        last = None
        for slot in range(SLOTS):
            at = begin + (slot + 1) * step
            if slot in changes:
                now, last = changes[slot], at
            seen = int((at - step / 2) // _HOUR) in hours or (last is not None and at - last <= _SAME)
            found.append(now if seen else None)
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
        clause, arguments = _of("gpu", self._wanted.accounts, self._wanted.gpus)
        index = "INDEXED BY gpu_sample_at" if self._end - self._begin <= _BEFORE else ""
        found: list[float | None] = [None] * SLOTS
        for slot, total, count in self._connection.execute(
            "SELECT CAST((at - ?) / ? AS INTEGER) AS slot, total(utilization), count(utilization)"  # noqa: S608  (question marks)
            f" FROM gpu_sample {index} WHERE at >= ? AND at < ? AND {clause} GROUP BY slot",
            (self._begin, self._step, self._begin, self._end, *arguments),
        ):
            if 0 <= slot < SLOTS and count:
                found[slot] = min(100.0, max(0.0, total / count))
        return _bridged(found, int(_BRIDGED / self._step))

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
