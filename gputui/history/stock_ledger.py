"""The stock that was observed, by the hour, in a file of the history."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from gputui.history import stock_hours
from gputui.history.stock_samples import fold
from gputui.models import Ref
from gputui.models.serialize import integer
from gputui.models.stock import StockHour, StockPlace, StockSpan

if TYPE_CHECKING:
    from collections.abc import Callable

    from gputui.history.database import HistoryFile

_THIN_EVERY = timedelta(hours=1)


class StockLedger:
    """The hours of the stock. Thread-safe; an error is in the ``problem`` of the file."""

    def __init__(self, file: HistoryFile) -> None:
        self._file = file
        self._thinned_at: datetime | None = None
        self._beginning = threading.Lock()

    def add(self, spans: Sequence[StockSpan], now: datetime) -> bool:
        """Count what was observed, once whoever else observes it; returns whether that succeeded."""
        return self.begin() and self._file.change(partial(self._write, spans, now))

    def places(self) -> list[StockPlace]:
        """Return the offers that were ever observed."""
        return list(self._places().values())

    def read(self, refs: Collection[Ref], since: datetime, until: datetime) -> list[StockHour]:
        """Return the hours in which some offers were observed, from one to another, oldest first.

        What cannot be read is set aside and counted.
        """
        numbers = {number: place.ref for number, place in self._places().items() if place.ref in refs}
        if not numbers:
            return []
        rows = self._rows(lambda connection: stock_hours.read(connection, numbers, since, until))
        return self._file.usable("stock_hour", rows, lambda row: stock_hours.hour(row, numbers))

    def begin(self) -> bool:
        """Count what the samples of earlier releases say, once; returns whether that is done.

        It is not while another process does it. Blocks for as long as it takes.
        """
        with self._beginning:
            return fold(self._file)

    def _write(self, spans: Sequence[StockSpan], now: datetime, connection: sqlite3.Connection) -> None:
        stock_hours.write(connection, spans, now)
        if self._thinned_at is None or not timedelta(0) <= now - self._thinned_at < _THIN_EVERY:
            stock_hours.thin(connection, now)
            self._thinned_at = now

    def _places(self) -> dict[int, StockPlace]:
        rows = self._rows(stock_hours.places) if self.begin() else []
        return dict(self._file.usable("stock_offer", rows, lambda row: (integer(row[0]), stock_hours.place(row))))

    def _rows(self, read: Callable[[sqlite3.Connection], list[Sequence[Any]]]) -> list[Sequence[Any]]:
        found: list[Sequence[Any]] = []
        self._file.query(lambda connection: found.extend(read(connection)))
        return found
