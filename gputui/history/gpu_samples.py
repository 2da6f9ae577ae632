"""The stored readings of GPUs: statements on the history's file.

Readings of the last day are stored unchanged, at intervals of :data:`SPACING` or more; older ones one a minute, for a
week. Charts need no finer ones: those before the last hour are read one a minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from gputui.history import values
from gputui.history.values import UNUSABLE
from gputui.models import GpuSample, Ref

if TYPE_CHECKING:
    import sqlite3

SPACING = 5.0
"""Readings of one GPU that follow closer than this are not written, in seconds."""
FINE_SECONDS = 3600.0
"""The age up to which readings are drawn unchanged, then one a minute."""
WHOLE_SECONDS = 24 * 3600.0
"""How long every reading is kept."""
KEPT_SECONDS = 7 * 24 * 3600.0
"""How long one reading a minute is kept."""
THIN_EVERY = 3600.0
"""The minimum interval in seconds at which older readings are reduced and deleted."""


def write(connection: sqlite3.Connection, samples: Iterable[tuple[Ref, GpuSample]]) -> None:
    """Add readings; one that is there already stays as it is."""
    connection.executemany(
        "INSERT OR IGNORE INTO gpu_sample VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (str(ref), s.at.timestamp(), s.utilization, s.memory_used, s.power, s.temperature, s.fan)
            for ref, s in samples
        ],
    )


def thin(connection: sqlite3.Connection, now: datetime) -> None:
    """Delete readings that are too old, and of those older than a day all but the first of each minute."""
    day_ago = now.timestamp() - WHOLE_SECONDS
    connection.execute("DELETE FROM gpu_sample WHERE at < ?", (now.timestamp() - KEPT_SECONDS,))
    connection.execute(
        "DELETE FROM gpu_sample WHERE at < ? AND EXISTS (SELECT 1 FROM gpu_sample AS first"
        " WHERE first.gpu = gpu_sample.gpu AND first.at < gpu_sample.at"
        " AND first.at >= CAST(gpu_sample.at / 60 AS INTEGER) * 60)",
        (day_ago,),
    )


def read(
    connection: sqlite3.Connection, accounts: Iterable[str], now: datetime
) -> tuple[Mapping[Ref, list[GpuSample]], Sequence[Sequence[Any]]]:
    """Return the readings of these accounts' GPUs, oldest first: of the last hour all, before that one a minute.

    With them the rows that cannot be read, as they are in the file.
    """
    found: dict[Ref, list[GpuSample]] = {}
    wrong: list[Sequence[Any]] = []
    week_ago, hour_ago = now.timestamp() - KEPT_SECONDS, now.timestamp() - FINE_SECONDS
    for account in accounts:
        rows = connection.execute(
            "SELECT * FROM gpu_sample WHERE gpu >= ? AND gpu < ? AND at >= ? AND (at >= ? OR NOT EXISTS"
            " (SELECT 1 FROM gpu_sample AS first WHERE first.gpu = gpu_sample.gpu AND first.at < gpu_sample.at"
            " AND first.at >= CAST(gpu_sample.at / 60 AS INTEGER) * 60)) ORDER BY gpu, at",
            (f"{account}/", f"{account}{chr(ord('/') + 1)}", week_ago, hour_ago),
        )
        for gpu, samples in groupby(rows, itemgetter(0)):
            for row in samples:
                try:
                    sample, ref = values.gpu_sample(row[1:]), values.ref(gpu)
                except UNUSABLE:
                    wrong.append(row)
                else:
                    found.setdefault(ref, []).append(sample)
    return found, wrong
