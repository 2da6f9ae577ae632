"""The readings of GPUs that outlive a session: statements on the history's file.

Those of the last day are kept as they came, though no closer than :data:`SPACING`; of older ones one a minute, for a
week. What is drawn from them is no finer than that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.models import GpuSample, Ref

if TYPE_CHECKING:
    import sqlite3

SPACING = 5.0
"""Readings of one GPU that follow closer than this are not written, in seconds."""
WHOLE_SECONDS = 24 * 3600.0
"""How long every reading is kept."""
KEPT_SECONDS = 7 * 24 * 3600.0
"""How long one reading a minute is kept."""
THIN_EVERY = 3600.0
"""Older readings are thinned out and dropped no more often than this, in seconds."""


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
    """Drop what is too old, and of what is older than a day all but the first of each minute."""
    day_ago = now.timestamp() - WHOLE_SECONDS
    connection.execute("DELETE FROM gpu_sample WHERE at < ?", (now.timestamp() - KEPT_SECONDS,))
    connection.execute(
        "DELETE FROM gpu_sample WHERE at < ? AND EXISTS (SELECT 1 FROM gpu_sample AS first"
        " WHERE first.gpu = gpu_sample.gpu AND first.at < gpu_sample.at"
        " AND first.at >= CAST(gpu_sample.at / 60 AS INTEGER) * 60)",
        (day_ago,),
    )


def read(connection: sqlite3.Connection, accounts: Iterable[str]) -> Mapping[Ref, list[GpuSample]]:
    """Return the readings of these accounts' GPUs, oldest first."""
    wanted = frozenset(accounts)
    found: dict[Ref, list[GpuSample]] = {}
    last_text, samples = "", list[GpuSample]()
    for gpu, at, *figures in connection.execute("SELECT * FROM gpu_sample ORDER BY gpu, at"):
        if gpu != last_text:
            last_text, samples = gpu, []
            ref = Ref.parse(gpu)
            if ref.account in wanted:
                found[ref] = samples
        samples.append(GpuSample(datetime.fromtimestamp(at, UTC), *figures))
    return found
