"""A month of observed stock: its size on disk, and the time to draw the odds of a cell.

22 places with 43 models each, looked at every 5 s. Three stocks are assumed: ``usual``, where 60 % of the cells do
not change, 35 % change twice an hour and 5 % once a minute; ``busy``, where every cell changes every two minutes; and
``worst``, where every cell has every count that there can be in every hour. Counts go up to 8, 64 or 512 GPUs. The
hours are written as the program stores them, one row each, without the looks in between: a month of those takes a
month. The samples of changes, which are kept next to them, are as many as are kept at most.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import repeat
from pathlib import Path

from textual.app import App, ComposeResult

from benchmarks.core import Core
from benchmarks.measure import Finding, options, report
from gputui.analytics.stock_odds import hour_points
from gputui.app.theme import DARK, variables
from gputui.history.history import STOCK_KEPT, History, StockSample
from gputui.history.stock_hours import encode, rounded
from gputui.history.stock_past import read_past
from gputui.models import Money, Ref
from gputui.models.stock import StockPlace, StockSpan
from gputui.presentation.odds import summary
from gputui.widgets.chart.chart import Chart
from gputui.widgets.chart.data import ChartData
from gputui.widgets.chart.scale import Measure
from gputui.widgets.week_grid import WeekGrid

PLACES, MODELS, DAYS, LOOKS = 22, 43, 30, 720
SIZE, DRAWN = 100.0, 200.0
"""Bounds: megabytes on disk, and milliseconds until the odds are drawn."""
ROUNDS = 15
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
_TOTALS = (8, 64, 512)
_LOOK = 5


def usual(cell: int) -> float:
    """Return how often an hour the count of a cell changes."""
    return 60.0 if cell % 20 == 0 else 2.0 if cell % 20 < 8 else 0.0


def busy(cell: int) -> float:
    """Return the same of a stock in which everything moves."""
    return 30.0


def worst(cell: int) -> float:
    """Return the same of a stock that is another at every look."""
    return LOOKS


def histograms(cell: int, hours: int, changes: float, chance: random.Random) -> Iterator[dict[int, int]]:
    """Yield the seconds of each count in each hour: a walk of small steps, and now and then a large one."""
    total = _TOTALS[cell % len(_TOTALS)]
    if changes >= LOOKS:
        counts = {rounded(count) for count in range(total + 1)}
        yield from repeat(dict.fromkeys(counts, LOOKS * _LOOK // len(counts)), hours)
        return
    idle = chance.randrange(total + 1)
    for _ in range(hours):
        count = min(int(chance.expovariate(1 / changes)), LOOKS) if changes else 0
        seconds: dict[int, int] = {}
        left = LOOKS
        for number in range(count, 0, -1):
            looks = max(1, left // (number + 1))
            seconds[rounded(idle)] = seconds.get(rounded(idle), 0) + looks * _LOOK
            left -= looks
            step = chance.choice((-2, -1, -1, 1, 1, 2)) if chance.random() < 0.95 else chance.randrange(-total, total)
            idle = min(max(idle + step, 0), total)
            if left <= 0:
                break
        if left > 0:
            seconds[rounded(idle)] = seconds.get(rounded(idle), 0) + left * _LOOK
        yield seconds


def fill(path: Path, changes: Callable[[int], float], cells: int, days: int) -> None:
    """Write a month of hours, and as many samples as are kept."""
    refs = [Ref("hub", "offer", f"region-{cell % PLACES:02}/RTX 50{cell // PLACES:02}") for cell in range(cells)]
    history, price = History(path), Money(Decimal("0.90"), "USD")
    first = [StockSpan(ref, "RTX", "region", 1, BEGIN, BEGIN + timedelta(seconds=5), price) for ref in refs]
    history.stock_hours.add(first, BEGIN)
    kept = min(STOCK_KEPT, int(sum(map(changes, range(cells))) * 24 * days))
    now = datetime.now(UTC)
    samples = [StockSample(refs[number % cells], now, number % 64, 64) for number in range(kept)]
    history.record(stock=samples)
    history.close()
    chance = random.Random(1)
    connection = sqlite3.connect(path)
    numbers = dict(connection.execute("SELECT ref, id FROM stock_offer"))
    begin = int(BEGIN.timestamp()) // 3600
    walks = [histograms(cell, days * 24, changes(cell), chance) for cell in range(cells)]
    with connection:
        for hour in range(begin, begin + days * 24):
            rows = [(hour, numbers[str(ref)], encode(next(walk)), 1) for ref, walk in zip(refs, walks, strict=True)]
            connection.executemany("INSERT OR REPLACE INTO stock_hour VALUES (?, ?, ?, ?)", rows)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


class _Program(App[None]):
    """The parts of the view of the odds."""

    def compose(self) -> ComposeResult:
        yield Chart()
        yield WeekGrid()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Add the colours that the program's themes have."""
        return variables(DARK, "truecolor")

    def draw(self, history: History, place: StockPlace, count: int, now: datetime) -> None:
        """Read the past of an offer, and draw it as the view does."""
        past = next(read_past(history, [place], now))
        found = past.odds(count, now, UTC)
        assert list(summary(found))
        points = hour_points(past.hours, now)
        self.query_one(Chart).show(ChartData(str(place.ref), "idle", Measure("idle"), points, 30 * 86400.0, now))
        self.query_one(WeekGrid).show(found.odds.week, found.slot)
        for widget in (self.query_one(Chart), self.query_one(WeekGrid)):
            widget.render_lines(widget.size.region)


async def draw(path: Path, core: Core, days: int, rounds: int) -> list[float]:
    """Return how many milliseconds it takes to draw the odds of some offers, one after the other."""
    app, times = _Program(), []
    async with app.run_test(size=(120, 40)):
        for number in range(rounds):
            history = History(path)
            places = history.stock_hours.places()
            begun = time.perf_counter()
            app.draw(history, places[number * 37 % len(places)], 2 + number % 2, BEGIN + timedelta(days=days))
            times.append((time.perf_counter() - begun) * 1000)
            core.sample()
            history.close()
    return times


def measure(cells: int, days: int, rounds: int) -> list[Finding]:
    """Return size and time of each stock."""
    findings: list[Finding] = []
    for changes in (usual, busy, worst):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "history.sqlite3"
            fill(path, changes, cells, days)
            size = path.stat().st_size / 1e6
            core = Core()
            times = asyncio.run(draw(path, core, days, rounds))
            name = f"{changes.__name__} stock"
            findings += [
                Finding(f"MB on disk, {name}", size, SIZE, f"{cells} cells, {days} days"),
                core.finding(
                    f"ms to draw odds, {name}", statistics.median(times), DRAWN, f"longest {max(times):.0f} ms"
                ),
            ]
    return findings


def main() -> int:
    """Measure and print; returns an exit status."""
    args = options(__doc__).parse_args()
    cells, days, rounds = (6, 1, 1) if args.tiny else (PLACES * MODELS, DAYS, ROUNDS)
    return report(measure(cells, days, rounds), tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
