"""Headings over many instances: how much time of a core the keys of groups take: ``python -m benchmarks.groups``."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from textual.app import App, ComposeResult

from benchmarks.core import Core
from benchmarks.measure import Finding, options, report
from gputui.app.theme import DARK, variables
from gputui.models import Change, Instance, Money, Phase, Ref, Resource
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import columns_of
from gputui.presentation.groups.lists import groupings_of
from gputui.widgets.table.table import RecordTable

ROWS, ROUNDS = 10_000, 9
TOGGLE, CHANGE = 100.0, 60.0
"""Bounds in milliseconds of a core: of a key that groups, folds or sorts, and of a change of 1 % of the rows."""

_PHASES = (*[Phase.RUNNING] * 7, Phase.STOPPED, Phase.FAILED, Phase.PENDING)


def instances(count: int) -> list[Instance]:
    """Return instances of some accounts, deployments, hosts and models, most of them with a price."""

    def one(number: int) -> Instance:
        account, phase = f"account-{number % 5}", _PHASES[number % 10]
        return Instance(
            Ref(account, "container", f"{number:06}"),
            f"train-{number * 7919 % count:05}",
            phase,
            phase.value,
            parent=Ref(account, "deployment", f"d{number % 97}"),
            gpu_model=("RTX 4090", "RTX 5090", "H100")[number % 3],
            gpu_count=None if number % 50 == 0 else 1 + number % 4,
            host=f"host{number % 400}",
            price=None if number % 20 == 0 else Money(Decimal(number % 9 + 1) / 10, ("USD", "CNY")[number % 2]),
        )

    return [one(number) for number in range(count)]


class _Program(App[None]):
    """One table of instances."""

    def __init__(self) -> None:
        super().__init__()
        self.table: RecordTable[Any] = RecordTable(columns_of(Resource.INSTANCES, Context()))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Add the colours that the program's themes have."""
        return variables(DARK, "truecolor")

    def compose(self) -> ComposeResult:
        """Show the table."""
        yield self.table


async def measure(count: int, rounds: int) -> list[Finding]:
    """Return the longest of the medians of each kind of step, all of them with the lines that they show."""
    app, rows, core = _Program(), instances(count), Core()
    findings: dict[str, dict[str, float]] = {"group": {}, "fold all": {}, "sort in groups": {}, "change 1 %": {}}

    def timed(kind: str, name: str, *steps: Callable[[], object]) -> None:
        samples = []
        for number in range(rounds):
            start = time.thread_time()
            steps[number % len(steps)]()
            app.table.render_lines(app.table.size.region)
            samples.append((time.thread_time() - start) * 1000)
            core.sample()
        findings[kind][name] = statistics.median(samples)

    async with app.run_test(size=(120, 40)):
        table = app.table
        table.set_rows(rows)
        table.set_sort("name")
        table.settle()
        for grouping in groupings_of(Resource.INSTANCES, Context()):
            table.set_group(None)
            again = [lambda grouping=grouping: table.set_group(grouping)]
            timed("group", grouping.key, *again)
            timed("fold all", grouping.key, table.folding.fold_all)
            table.folding.unfold_all()
            timed("sort in groups", grouping.key, table.action_sort_invert)
            some = rows[::100]
            changes = [
                Change(updated=tuple(replace(row, host=f"host{number}", status="paused") for row in some))
                for number in range(2)
            ]
            timed("change 1 %", grouping.key, *(lambda change=change: table.apply(change) for change in changes))
    return [
        core.finding(
            f"ms to {kind}, {count:,} rows, the slowest grouping",
            max(times.values()),
            CHANGE if kind.startswith("change") else TOGGLE,
            ", ".join(f"{name} {took:.0f}" for name, took in times.items()),
        )
        for kind, times in findings.items()
    ]


def main() -> int:
    """Measure and print; returns an exit status."""
    args = options(__doc__).parse_args()
    count, rounds = (200, 1) if args.tiny else (ROWS, ROUNDS)
    return report(asyncio.run(measure(count, rounds)), tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
