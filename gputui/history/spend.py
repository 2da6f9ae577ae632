"""The spending that was observed: charges, the spans of time in which each was, and those in which lists were read.

Several processes write to the same file. A span that overlaps one of the same charge, or begins soon enough after it,
extends that: what two of them observe at the same time counts once. The tables have 13 months at most, and
:data:`MOST_SPANS` spans: beyond that the oldest months go, with their looks, so that they are unknown and not free.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from gputui.history import values
from gputui.history.values import UNUSABLE
from gputui.models.resources import Resource
from gputui.models.serialize import number, text
from gputui.models.spend import Charge, Look, SeenPrice, Span, SpendRecord
from gputui.models.values import Money, Ref

if TYPE_CHECKING:
    import sqlite3

    from gputui.history.database import HistoryFile

KEPT_MONTHS = 13
MOST_SPANS = 500_000
MARGIN = timedelta(days=7)
"""How long before a period spans are read: the same may have run before a gap at its begin."""
_PRUNE_EVERY = 24 * 3600.0
_COLUMNS = (
    "account", "list", "ref", "generation", "name", "deployment", "parent", "owner", "label", "currency", "price",
    "estimated", "prepaid",
)  # fmt: skip
# Created on first use, so that older releases can use the same file.
_TABLES = (
    f"CREATE TABLE IF NOT EXISTS spend_charge(id INTEGER PRIMARY KEY, {', '.join(_COLUMNS)},"
    f" UNIQUE({', '.join(_COLUMNS)}))",
    "CREATE TABLE IF NOT EXISTS spend_span(charge INTEGER, since REAL, until REAL NOT NULL,"
    " PRIMARY KEY(charge, since)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS spend_span_until ON spend_span(until)",
    "CREATE TABLE IF NOT EXISTS spend_look(account TEXT, list TEXT, whole INTEGER, since REAL, until REAL NOT NULL,"
    " PRIMARY KEY(account, list, whole, since)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS budget_notice(budget TEXT, since REAL, level INTEGER,"
    " PRIMARY KEY(budget, since, level)) WITHOUT ROWID",
)
MOST_PRICES = 5
STILL_SEEN = 180.0
"""A price that was seen so many seconds ago is still that of now: it is written once a minute."""
# By the index of the charges and the key of the spans, so that it costs the same however long the history is.
_PRICES = (
    "SELECT currency, price, estimated, prepaid, since, until FROM spend_charge"
    " JOIN spend_span ON spend_span.charge = spend_charge.id"
    " WHERE account = ? AND list = ? AND ref = ? AND since < ? ORDER BY since DESC LIMIT 2000"
)
_RESOURCES = frozenset(resource.value for resource in Resource)


class SpendLedger:
    """The tables of spending in a file of the history. Thread-safe; an error is in the ``problem`` of the file."""

    def __init__(self, file: HistoryFile) -> None:
        self._file = file
        self._ids: dict[Charge, int] = {}
        self._pruned_at: float | None = None

    def record(self, spans: Iterable[Span], looks: Iterable[Look], now: datetime) -> bool:
        """Store spans and looks, each in place of the part of it that is stored; returns whether that succeeded."""
        return self._file.change(partial(self._write, list(spans), list(looks), now.timestamp()))

    def read(self, accounts: Iterable[str], since: datetime) -> SpendRecord:
        """Return what was observed of these accounts from :data:`MARGIN` before a time on.

        What cannot be read is set aside and counted.
        """
        found: list[SpendRecord] = []
        wrong: dict[str, list[Sequence[Any]]] = {}

        def read(connection: sqlite3.Connection) -> None:
            if _has_tables(connection):
                found.append(_read(connection, sorted(set(accounts)), (since - MARGIN).timestamp(), wrong))

        self._file.query_apart(read)  # a month is long: nothing waits for it
        for table, rows in wrong.items():
            self._file.set_aside(table, rows)
        return found[0] if found else SpendRecord()

    def prices(self, ref: Ref, resource: Resource, now: datetime) -> list[SeenPrice] | None:
        """Return the last prices of a thing in a list, the newest first; None where they cannot be read.

        There are :data:`MOST_PRICES` at most. A thing that had the same Ref before is not distinguished.
        """
        found: list[SeenPrice] = []

        def read(connection: sqlite3.Connection) -> None:
            if _has_tables(connection):
                rows = connection.execute(_PRICES, (ref.account, resource.value, str(ref), now.timestamp()))
                found.extend(_prices(rows, now.timestamp()))

        return found if self._file.query(read) else None

    def claim(self, budget: str, since: datetime, level: float) -> bool:
        """Note that a level of a budget was reached in the period from ``since``; returns whether that is new.

        Of several processes one gets True; where the file cannot be written each does.
        """
        claimed: list[bool] = []

        def write(connection: sqlite3.Connection) -> None:
            _begin(connection)
            cursor = connection.execute(
                "INSERT OR IGNORE INTO budget_notice VALUES (?, ?, ?)", (budget, since.timestamp(), level)
            )
            claimed.append(cursor.rowcount > 0)

        return claimed[0] if self._file.change(write) else True

    def _write(
        self, spans: Sequence[Span], looks: Sequence[Look], now: float, connection: sqlite3.Connection
    ) -> None:
        _begin(connection)
        self._ids = {span.charge: self._id(connection, span.charge) for span in spans}
        for span in spans:
            key = {"charge": self._ids[span.charge]}
            _extend(connection, "spend_span", key, span.since, span.until, span.joins)
        for look in looks:
            place = {"account": look.account, "list": look.resource.value, "whole": int(look.whole)}
            _extend(connection, "spend_look", place, look.since, look.until, look.joins)
        if self._pruned_at is None or not 0 <= now - self._pruned_at < _PRUNE_EVERY:
            _prune(connection, now)
            self._pruned_at = now

    def _id(self, connection: sqlite3.Connection, charge: Charge) -> int:
        if (known := self._ids.get(charge)) is not None and connection.execute(
            "SELECT 1 FROM spend_charge WHERE id = ?", (known,)
        ).fetchone():
            return known
        row = (
            charge.ref.account, charge.resource.value, str(charge.ref), charge.generation, charge.name,
            charge.deployment, charge.parent, charge.owner, charge.label, charge.currency, charge.price,
            int(charge.estimated), int(charge.prepaid),
        )  # fmt: skip
        same = " AND ".join(f"{column} = ?" for column in _COLUMNS)
        found = connection.execute(f"SELECT id FROM spend_charge WHERE {same}", row).fetchone()  # noqa: S608  (constants)
        if found is not None:
            return int(found[0])
        marks = ", ".join("?" * len(row))
        cursor = connection.execute(
            f"INSERT INTO spend_charge({', '.join(_COLUMNS)}) VALUES ({marks})",  # noqa: S608  (constants)
            row,
        )
        return int(cursor.lastrowid or 0)


def _begin(connection: sqlite3.Connection) -> None:
    # Before the first read: what another process writes between that and the first write would be an error.
    connection.execute("BEGIN IMMEDIATE")
    if not _has_tables(connection):
        for statement in _TABLES:
            connection.execute(statement)


def _has_tables(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'budget_notice'").fetchone()
    return found is not None


def _extend(
    connection: sqlite3.Connection, table: str, key: Mapping[str, object], since: float, until: float, joins: float
) -> None:
    """Store a span of time: the last one that begins before its end is extended where they meet."""
    same = " AND ".join(f"{column} = ?" for column in key)
    last = connection.execute(
        f"SELECT since, until FROM {table} WHERE {same} AND since <= ? ORDER BY since DESC LIMIT 1",  # noqa: S608  (constants)
        (*key.values(), until),
    ).fetchone()
    if last is not None and last[1] >= since - joins:
        if until > last[1]:
            connection.execute(
                f"UPDATE {table} SET until = ? WHERE {same} AND since = ?",  # noqa: S608  (constants)
                (until, *key.values(), last[0]),
            )
        if since >= last[0]:
            return
    marks = ", ".join("?" * (len(key) + 2))
    # Its own row is there, and may have ended earlier, where the one of another process was extended in place of it.
    connection.execute(
        f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT({', '.join(key)}, since)"  # noqa: S608  (constants)
        " DO UPDATE SET until = max(until, excluded.until)",
        (*key.values(), since, until),
    )


def _prune(connection: sqlite3.Connection, now: float) -> None:
    """Delete the months that are too old, and more of them where there are too many spans."""
    month = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    first = month
    for _ in range(KEPT_MONTHS - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    while True:
        before = first.timestamp()
        connection.execute("DELETE FROM spend_span WHERE until < ?", (before,))
        connection.execute("DELETE FROM spend_look WHERE until < ?", (before,))
        connection.execute("DELETE FROM budget_notice WHERE since < ?", (before - 31 * 24 * 3600,))
        (spans,) = connection.execute("SELECT count(*) FROM spend_span").fetchone()
        if spans <= MOST_SPANS or first >= month:
            break
        first = (first + timedelta(days=32)).replace(day=1)
    connection.execute("DELETE FROM spend_charge WHERE id NOT IN (SELECT charge FROM spend_span)")


def _read(
    connection: sqlite3.Connection, accounts: Sequence[str], since: float, wrong: dict[str, list[Sequence[Any]]]
) -> SpendRecord:
    among = f"({', '.join('?' * len(accounts))})"
    select = "SELECT DISTINCT charge FROM spend_span WHERE until >= ?"
    numbers = {number for (number,) in connection.execute(select, (since,))}
    charges: dict[int, Charge] = {}
    for row in connection.execute(
        f"SELECT id, {', '.join(_COLUMNS)} FROM spend_charge WHERE account IN {among}",  # noqa: S608  (constants)
        accounts,
    ):
        if row[0] in numbers:
            try:
                charges[row[0]] = _charge(row)
            except UNUSABLE:
                wrong.setdefault("spend_charge", []).append(row)
    spans: list[tuple[int, float, float]] = []
    for row in connection.execute(
        "SELECT charge, since, until FROM spend_span WHERE until >= ? ORDER BY since", (since,)
    ):
        if type(row[1]) is not float or type(row[2]) is not float or not -1e11 < row[1] <= row[2] < 1e11:
            wrong.setdefault("spend_span", []).append(row)
        elif row[0] in charges:
            spans.append(row)
    looks: list[Look] = []
    for row in connection.execute(
        f"SELECT account, list, whole, since, until FROM spend_look WHERE until >= ? AND account IN {among}"  # noqa: S608  (constants)
        " ORDER BY since",
        (since, *accounts),
    ):
        try:
            if text(row[1]) in _RESOURCES:  # another is a later release's
                looks.append(_look(row))
        except UNUSABLE:
            wrong.setdefault("spend_look", []).append(row)
    begun = {
        account: first
        for account, first in connection.execute(
            f"SELECT account, min(since) FROM spend_look WHERE account IN {among} GROUP BY account",  # noqa: S608  (constants)
            accounts,
        )
        if type(first) is float and math.isfinite(first)
    }
    return SpendRecord(charges, spans, looks, begun)


def _prices(rows: Iterable[Sequence[Any]], now: float) -> Iterator[SeenPrice]:
    """Join the spans of the same price, which are in the order of their begin, the newest first."""
    seen: list[tuple[tuple[Any, ...], float, float]] = []
    for *price, since, until in rows:
        if type(since) is not float or type(until) is not float or not -1e11 < since <= until < 1e11:
            continue  # set aside and counted when a period is read
        if seen and seen[-1][0] == tuple(price):
            seen[-1] = seen[-1][0], since, max(seen[-1][2], min(until, seen[-2][1] if len(seen) > 1 else now))
            continue
        if len(seen) == MOST_PRICES:
            break
        # Another process may have seen an old price a little longer: the newer one counts.
        seen.append((tuple(price), since, min(until, seen[-1][1] if seen else now)))
    for place, ((currency, amount, estimated, prepaid), since, until) in enumerate(seen):
        try:
            money = Money(_amount(amount), text(currency), bool(estimated)) if amount else None
        except UNUSABLE:
            continue
        still = place == 0 and now - until <= STILL_SEEN
        last = None if still else datetime.fromtimestamp(until, UTC)
        yield SeenPrice(money, datetime.fromtimestamp(since, UTC), last, bool(prepaid))


def _amount(value: Any) -> Decimal:
    amount = Decimal(text(value))
    if not 0 <= amount < Decimal(10) ** 12:
        raise ValueError("not a price")
    return amount


def _charge(row: Sequence[Any]) -> Charge:
    _, account, resource, ref, *texts, estimated, prepaid = row
    generation, name, deployment, parent, owner, label, currency, price = map(text, texts)
    found = values.ref(ref)
    if found.account != text(account):
        raise ValueError("a charge of another account")
    if price:
        _amount(price)
    return Charge(
        found, Resource(text(resource)), generation, name, deployment, parent, owner, label, currency, price,
        bool(estimated), bool(prepaid),
    )  # fmt: skip


def _look(row: Sequence[Any]) -> Look:
    account, resource, whole, since, until = row
    begin, end = number(since), number(until)
    if not -1e11 < begin <= end < 1e11:
        raise ValueError("not a span of time")
    return Look(text(account), Resource(text(resource)), bool(whole), begin, end)
