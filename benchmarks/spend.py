"""The spending of 1,000 instances: to record it, and to add up a month of it: ``python -m benchmarks.spend``.

Each instance runs all month, and is observed in two sessions a day with a gap between, so that there are 60 spans of
each. While it is recorded, the list is read every 5 s and the use of every instance changes with each reading.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from benchmarks.core import Core
from benchmarks.measure import Finding, options, report
from gputui.analytics.spend import window
from gputui.analytics.spend_ledger import Ledger
from gputui.history.history import History
from gputui.models import Instance, Money, Phase, Ref, Resource, Usage
from gputui.models.periods import By, Period
from gputui.models.spend import Charge, Look, Span
from tests.fleet.fakes import FakeBackend, FakeClock, make_fleet

INSTANCES, DAYS, ROUNDS, READINGS = 1_000, 30, 9, 60
PACE = 5.0
SHARE, ADD_UP, SIZE = 1.0, 200.0, 20.0
"""Bounds: percent of a core, milliseconds to read and add up a month, megabytes of the file."""
LIST = Resource.INSTANCES
START = datetime(2026, 3, 1, tzinfo=UTC)


def instances(count: int, reading: int = 0) -> list[Instance]:
    """Return instances, in use as much as at a reading."""
    return [
        Instance(
            Ref("hub", "container", f"{number:06}"),
            f"train-{number}",
            Phase.RUNNING,
            "running",
            parent=Ref("hub", "deployment", f"d{number % 50}"),
            gpu_model="RTX 5090",
            price=Money(Decimal(number % 9 + 1) / 10, "USD"),
            container_id=f"c{number}",
            started_at=START,
            usage=Usage(cpu=float(reading)),
        )
        for number in range(count)
    ]


async def recorded(history: History, core: Core, count: int, readings: int) -> tuple[float, float]:
    """Return the seconds of a core that a reading of a list and a writing take."""
    clock, hub = FakeClock(START), FakeBackend("hub", [LIST])
    hub.spending = frozenset({LIST})
    hub.rows[LIST] = instances(count)
    fleet = make_fleet(clock, hub, history=history)
    fleet.poll([LIST])
    await fleet.start()
    runtime, spending = fleet.runtime("hub"), fleet.spending
    assert spending is not None
    await fleet.read([LIST])
    taken: list[float] = []
    for reading in range(readings):
        clock.elapsed += PACE
        rows = instances(count, reading + 1)
        fleet._store.replace("hub", LIST, rows)  # the store and its listeners are not what is measured
        spending._changed.add(("hub", LIST))
        begun = time.process_time()
        spending.take(runtime, LIST, rows)
        taken.append(time.process_time() - begun)
        core.sample()
    begun = time.process_time()
    await spending.flush(now=True)
    written = time.process_time() - begun
    begun = time.process_time()
    await spending.flush(now=True)
    written = (written + time.process_time() - begun) / 2
    await fleet.aclose()
    return statistics.median(taken), written


def fill(history: History, count: int, days: int) -> int:
    """Write a month of two sessions a day; returns the number of spans."""
    charges = [
        Charge(
            row.ref, LIST, str(row.container_id), row.name, str(row.parent), row.parent.id if row.parent else "",
            currency="USD", price=str(row.price.amount) if row.price else "",
        )
        for row in instances(count)
    ]  # fmt: skip
    sessions = [
        (START + timedelta(days=day, hours=hour), START + timedelta(days=day, hours=hour + 8))
        for day in range(days)
        for hour in (0, 12)
    ]
    for begin, end in sessions:
        since, until = begin.timestamp(), end.timestamp()
        spans = [Span(charge, since, until) for charge in charges]
        history.spend.record(spans, [Look("hub", LIST, True, since, until)], end)
    return len(sessions) * count


def add_up(history: History, now: datetime) -> float:
    """Return the milliseconds of a core to read a month and to add it up by instance, which has the most lines."""
    begun = time.process_time()
    month = window(Period.MONTH, now, UTC)
    found = Ledger(history.spend.read(["hub"], month.since), now).report(month, By.INSTANCE)
    seconds = time.process_time() - begun
    assert found.totals
    assert found.estimates
    return seconds * 1000


def measured(folder: Path, *, tiny: bool) -> Sequence[Finding]:
    """Return the figures."""
    count, days = (20, 2) if tiny else (INSTANCES, DAYS)
    history = History(folder / "recorded.sqlite3")
    core = Core()
    taken, written = asyncio.run(recorded(history, core, count, 3 if tiny else READINGS))
    history.close()
    share = 100 * (taken / PACE + written / 60)
    month = History(folder / "month.sqlite3")
    spans = fill(month, count, days)
    now = START + timedelta(days=days) - timedelta(hours=1)
    times, month_core = [], Core()
    for _ in range(2 if tiny else ROUNDS):
        times.append(add_up(month, now))
        month_core.sample()
    month.close()
    size = (folder / "month.sqlite3").stat().st_size / 1e6
    times_of = f"a reading {taken * 1000:.1f} ms, a writing {written * 1000:.0f} ms"
    return [
        Finding("MB of a month", size, SIZE, f"{spans:,} spans"),
        core.finding("percent of a core to record", share, SHARE, times_of),
        month_core.finding("ms to add up a month", statistics.median(times), ADD_UP, f"{spans:,} spans"),
    ]


def main() -> int:
    """Measure and report."""
    arguments = options(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return report(measured(Path(folder), tiny=arguments.tiny), tiny=arguments.tiny)


if __name__ == "__main__":
    sys.exit(main())
