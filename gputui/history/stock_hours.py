"""The stock by the hour: for how long an offer had each number of idle GPUs. Statements on the history's file.

Of every offer and hour that was observed there is one row, for :data:`KEPT_DAYS`: the seconds of each count, and the
least price. Several processes may observe at once: for each account the file has the time until which observation is
counted, and what is before it is not counted again. Counts above :data:`EXACT` are rounded down, four steps an
octave, so that a row stays short however much the stock flickers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any

from gputui.history import values
from gputui.models import Money, Ref
from gputui.models.serialize import integer, text
from gputui.models.stock import AVAILABLE, StockHour, StockPlace, StockSpan

KEPT_DAYS = 92
"""How long hours are kept."""
MANY_PRICES = 10_000
EXACT = 16
"""The largest count that is kept as it is."""

_HOUR = 3600
_CLOCK_SLACK = 3600.0
"""A time in the file that is further in the future than this, in seconds, was written by a wrong clock."""
_LONGEST_PRICE = 30
_NO_PRICE = (None, None)
TABLES = (
    # Created on first use, so that older releases can use the same file.
    "CREATE TABLE stock_offer(id INTEGER PRIMARY KEY, ref TEXT NOT NULL UNIQUE, model TEXT NOT NULL,"
    " region TEXT NOT NULL, type TEXT NOT NULL)",
    "CREATE TABLE stock_price(id INTEGER PRIMARY KEY, currency TEXT NOT NULL, amount TEXT NOT NULL,"
    " UNIQUE(currency, amount))",
    "CREATE TABLE stock_until(account TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE stock_hour(hour INTEGER, offer INTEGER, seconds BLOB NOT NULL, price INTEGER,"
    " PRIMARY KEY(hour, offer)) WITHOUT ROWID",
)


def has_tables(connection: sqlite3.Connection) -> bool:
    """Return whether the file has hours."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'stock_hour'").fetchone() is not None


def write(connection: sqlite3.Connection, spans: Iterable[StockSpan], now: datetime) -> None:
    """Count what was observed, as far as no other process has counted it. There have to be tables."""
    connection.execute("BEGIN IMMEDIATE")
    new = _not_counted(connection, spans, now.timestamp())
    add_spans(connection, new)
    connection.executemany(
        "INSERT OR REPLACE INTO stock_until VALUES (?, ?)",
        [(account, end.timestamp()) for account, end in _ends(new).items()],
    )


def thin(connection: sqlite3.Connection, now: datetime) -> None:
    """Delete the hours that are too old, and where there are many prices those of no hour that is left."""
    connection.execute("DELETE FROM stock_hour WHERE hour < ?", (_hour(now) - KEPT_DAYS * 24,))
    (prices,) = connection.execute("SELECT count(*) FROM stock_price").fetchone()
    if prices > MANY_PRICES:
        connection.execute(
            "DELETE FROM stock_price WHERE id NOT IN (SELECT price FROM stock_hour WHERE price IS NOT NULL)"
        )


def _ends(spans: Iterable[StockSpan]) -> dict[str, datetime]:
    ends: dict[str, datetime] = {}
    for span in spans:
        account = span.ref.account
        ends[account] = max(span.end, ends.get(account, span.end))
    return ends


def _not_counted(connection: sqlite3.Connection, spans: Iterable[StockSpan], now: float) -> list[StockSpan]:
    """Return the parts of spans after the time until which the observation of their account is counted."""
    counted = {
        account: until
        for account, until in connection.execute("SELECT account, until FROM stock_until")
        if isinstance(until, float) and until <= now + _CLOCK_SLACK
    }
    found = []
    for span in spans:
        until = counted.get(span.ref.account)
        if until is None or span.begin.timestamp() >= until:
            found.append(span)
        elif span.end.timestamp() > until:
            found.append(replace(span, begin=datetime.fromtimestamp(until, UTC)))
    return found


def add_spans(connection: sqlite3.Connection, spans: Iterable[StockSpan]) -> None:
    """Add spans to the rows of their hours, whether they are counted already or not."""
    hours: dict[tuple[int, int], tuple[dict[int, float], Money | None]] = {}
    offers = _Offers(connection)
    for span in spans:
        offer = offers.id_of(span)
        for hour, seconds in _by_hour(span.begin.timestamp(), span.end.timestamp()):
            found, price = hours.get((hour, offer), ({}, None))
            level = rounded(span.idle)
            found[level] = found.get(level, 0.0) + seconds
            hours[hour, offer] = found, _least(price, span.price)
    prices = {price: _price_id(connection, price) for _, price in hours.values() if price is not None}
    rows = []
    for (hour, offer), (seconds_of, lowest) in sorted(hours.items(), key=itemgetter(0)):
        price = lowest
        counted = {level: round(seconds) for level, seconds in seconds_of.items()}
        before = connection.execute(
            "SELECT seconds, currency, amount FROM stock_hour LEFT JOIN stock_price ON id = price"
            " WHERE hour = ? AND offer = ?",
            (hour, offer),
        ).fetchone()
        if before is not None:
            for level, seconds in _decoded_or_none(before[0]).items():
                counted[level] = counted.get(level, 0) + seconds
            price = _least(_money_or_none(*before[1:]), price)
        number = None if price is None else prices.get(price) or _price_id(connection, price)
        rows.append((hour, offer, encode(counted), number))
    connection.executemany("INSERT OR REPLACE INTO stock_hour VALUES (?, ?, ?, ?)", rows)


class _Offers:
    """The numbers of offers in the file; a new offer gets one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known = {
            ref: (number, names)
            for number, ref, *names in connection.execute("SELECT id, ref, model, region, type FROM stock_offer")
        }

    def id_of(self, span: StockSpan) -> int:
        """Return the number of the offer of a span; its model and region are stored where they are known."""
        ref, names = str(span.ref), [span.model, span.region, span.type_id]
        number, stored = self._known.get(ref, (None, []))
        if number is None:
            cursor = self._connection.execute(
                "INSERT INTO stock_offer(ref, model, region, type) VALUES (?, ?, ?, ?)", (ref, *names)
            )
            number = int(cursor.lastrowid or 0)
        elif span.model and names != stored:
            self._connection.execute(
                "UPDATE stock_offer SET model = ?, region = ?, type = ? WHERE id = ?", (*names, number)
            )
        else:
            return int(number)
        self._known[ref] = (number, names)
        return int(number)


def _price_id(connection: sqlite3.Connection, price: Money) -> int:
    written = (price.currency, str(price.amount))
    connection.execute("INSERT OR IGNORE INTO stock_price(currency, amount) VALUES (?, ?)", written)
    (number,) = connection.execute("SELECT id FROM stock_price WHERE currency = ? AND amount = ?", written).fetchone()
    return int(number)


def _least(one: Money | None, other: Money | None) -> Money | None:
    """Return the lower of two prices; of two currencies the other, which is the later."""
    if one is None or other is None:
        return other or one
    return one if one.currency == other.currency and one.amount <= other.amount else other


def _by_hour(begin: float, end: float) -> Iterator[tuple[int, float]]:
    """Yield the hours of a time, and the seconds of it in each."""
    while begin < end:
        hour = int(begin // _HOUR)
        until = min(end, (hour + 1) * _HOUR)
        yield hour, until - begin
        begin = until


def _hour(at: datetime) -> int:
    return int(at.timestamp() // _HOUR)


# --- reading ---------------------------------------------------------------------------------------------------


def places(connection: sqlite3.Connection) -> list[Sequence[Any]]:
    """Return the rows of all offers."""
    return list(connection.execute("SELECT id, ref, model, region, type FROM stock_offer"))


def place(row: Sequence[Any]) -> StockPlace:
    """Return the offer of a row; raises an error of :data:`.values.UNUSABLE`."""
    _, ref, model, region, type_id = row
    return StockPlace(values.ref(ref), text(model), text(region), text(type_id))


def read(
    connection: sqlite3.Connection, offers: Collection[int], since: datetime, until: datetime
) -> list[Sequence[Any]]:
    """Return the rows of some offers, by their numbers, from one hour to another, oldest first."""
    first, last = _hour(since), _hour(until)
    marks = ",".join("?" * len(offers))
    prices = {number: price for number, *price in connection.execute("SELECT id, currency, amount FROM stock_price")}
    found = connection.execute(  # the marks are question marks
        "WITH RECURSIVE hours(hour) AS (SELECT ? UNION ALL SELECT hour + 1 FROM hours WHERE hour < ?)"  # noqa: S608
        " SELECT hour, offer, seconds, price FROM stock_hour"
        f" WHERE hour IN (SELECT hour FROM hours) AND offer IN ({marks})"
        " ORDER BY hour, offer",
        (first, last, *offers),
    )
    return [(hour, offer, seconds, *prices.get(price, _NO_PRICE)) for hour, offer, seconds, price in found]


def hour(row: Sequence[Any], refs: Mapping[int, Ref]) -> StockHour | None:
    """Return the hour of a row; None for another offer's. Raises an error of :data:`.values.UNUSABLE`."""
    begin, offer, seconds, currency, amount = row
    if (ref := refs.get(offer)) is None:
        return None
    if type(seconds) is not bytes:
        raise TypeError("not bytes")
    return StockHour(ref, _begin(integer(begin)), decode(seconds), _money(currency, amount))


@lru_cache(maxsize=4096)
def _begin(hour: int) -> datetime:
    return values.time(hour * _HOUR)


@lru_cache(maxsize=4096)
def _money(currency: object, amount: object) -> Money | None:
    if currency is None or amount is None:
        return None
    written = text(amount)
    price = Decimal(written) if len(written) <= _LONGEST_PRICE else Decimal("NaN")
    if not price.is_finite():
        raise ValueError("not a price")
    return Money(price, text(currency))


def _money_or_none(currency: object, amount: object) -> Money | None:
    """Return a price; none of a damaged one, which is replaced."""
    try:
        return _money(currency, amount)
    except values.UNUSABLE:
        return None


# --- the seconds of each count, as bytes -----------------------------------------------------------------------


def rounded(idle: int) -> int:
    """Return the count that is stored for a count: the same up to :data:`EXACT`, then rounded down."""
    if idle <= EXACT:
        return max(idle, AVAILABLE)
    step = 1 << (idle.bit_length() - 3)
    return idle // step * step


def encode(seconds: Mapping[int, int]) -> bytes:
    """Return the bytes of seconds by count: for each count two numbers of seven bits a byte, the lowest first."""
    encoded = bytearray()
    for level, count in sorted(seconds.items()):
        if count > 0:
            for number in (level - AVAILABLE, count):
                rest = number
                while rest > 0x7F:
                    encoded.append(rest & 0x7F | 0x80)
                    rest >>= 7
                encoded.append(rest)
    return bytes(encoded)


@lru_cache(maxsize=4096)
def decode(encoded: bytes) -> Mapping[int, int]:
    """Return the seconds by count; raises ValueError for bytes that are none."""
    # Nearly all are of a byte for the count, and one or two for the seconds.
    found: dict[int, int] = {}
    place, end = 0, len(encoded)
    while place + 1 < end:
        level, seconds = encoded[place], encoded[place + 1]
        place += 2
        if seconds >= 0x80:
            if place == end or encoded[place] >= 0x80:
                break
            seconds += (encoded[place] - 1) * 0x80
            place += 1
        if level >= 0x80:
            break
        found[level + AVAILABLE] = seconds
    else:
        if place == end:
            return found
    return _decode_any(encoded)


def _decode_any(encoded: bytes) -> Mapping[int, int]:
    numbers = list[int]()
    number = shift = 0
    for byte in encoded:
        if byte < 0x80:
            numbers.append(number | byte << shift)
            number = shift = 0
        else:
            number |= (byte & 0x7F) << shift
            shift += 7
    if shift or len(numbers) % 2 or max(numbers, default=0) > 2**40:
        raise ValueError("not seconds by count")
    return dict(zip([level + AVAILABLE for level in numbers[::2]], numbers[1::2], strict=True))


def _decoded_or_none(encoded: object) -> Mapping[int, int]:
    """Return the seconds by count; none of a damaged row, which is replaced."""
    try:
        return decode(encoded) if type(encoded) is bytes else {}
    except ValueError:
        return {}
