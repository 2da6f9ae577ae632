"""The timeline over a month of history: the time to read a window and to make its lanes.

100,000 events, 500,000 samples of the stock of 22 places with 43 models, a week of one sample a minute of 64 GPUs.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.core import Core
from benchmarks.measure import Finding, options, report
from gputui.fleet.timeline import Sources, read
from gputui.history.history import History
from gputui.models.timeline import Timeline, TimeSpan
from gputui.presentation.lanes import lane_lines

BOUNDS = {1: 200.0, 24: 600.0, 30 * 24: 3000.0}
"""Milliseconds in which a window of so many hours is read."""
DRAWN = 50.0
"""Milliseconds in which the lanes of the longest window are made."""
SLOTS, ROUNDS = 108, 5
_MONTH = 30 * 86400


def fill(path: Path, share: float) -> None:
    """Write a month of history, or a share of it, that ends now."""
    History(path).events(limit=1)
    now = datetime.now(UTC).timestamp()
    events, samples, gpus, minutes = int(100_000 * share), int(500_000 * share), 64, int(7 * 1440 * share)
    with sqlite3.connect(path) as file:
        file.executemany(
            "INSERT INTO event(id, account, kind, instance, name, at, status, phase, before, after_seconds)"
            " VALUES (?, 'hub', 'container', ?, ?, ?, ?, 'running', 'created', 3)",
            (
                (str(number), f"c{number % 499}", f"c{number % 499}", now - _MONTH + number * _MONTH / events,
                 f"s{number % 5}")
                for number in range(events)
            ),
        )  # fmt: skip
        file.executemany(
            "INSERT INTO stock(ref, at, idle, total) VALUES (?, ?, ?, 9)",
            (
                (f"hub/offer/r{number % 22}/m{number % 43}", now - _MONTH + number * _MONTH / samples, number % 10)
                for number in range(samples)
            ),
        )
        file.executemany(
            "INSERT INTO gpu_sample VALUES (?, ?, 50, 1, 1, 1, 1)",
            ((f"hub/gpu/{gpu}", now - minute * 60) for gpu in range(gpus) for minute in range(minutes)),
        )


def milliseconds(work: Callable[[], object], rounds: int, core: Core) -> float:
    """Return the median time of some work."""
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begun) * 1000)
        core.sample()
    return statistics.median(taken)


def measure(share: float, rounds: int) -> list[Finding]:
    """Return the findings, of a share of the month."""
    findings, core = [], Core()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "history.db"
        fill(path, share)
        history = History(path)
        sources = Sources(history, ("hub",))
        timeline = Timeline(TimeSpan(datetime.now(UTC), datetime.now(UTC)))
        for hours, bound in BOUNDS.items():
            now = datetime.now(UTC)
            span = TimeSpan(now - timedelta(hours=hours), now)
            taken = milliseconds(lambda span=span: read(sources, span), rounds, core)  # type: ignore[misc]
            findings.append(
                core.finding(
                    f"milliseconds to read {hours} h", taken, bound, f"{len(read(sources, span).moments)} moments"
                )
            )
            timeline = read(sources, span)
        drawn = milliseconds(lambda: lane_lines(timeline, timeline.moments, SLOTS), rounds, core)
        findings.append(core.finding("milliseconds to make the lanes of 30 days", drawn, DRAWN))
        history.close()
    return findings


def main() -> int:
    """Measure and print; returns an exit status."""
    args = options(__doc__).parse_args()
    return report(measure(0.001, 1) if args.tiny else measure(1.0, ROUNDS), tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
