"""Grabs and leases in ten thousand simulated worlds each: not one may go wrong (``python -m benchmarks.rules``)."""

from __future__ import annotations

import sys
from collections import Counter

from benchmarks.measure import Finding, options, report
from gputui.rules.leases import fold
from gputui.rules.orders import Orders
from tests.rules.lease_simulation import Run as LeaseRun
from tests.rules.simulation import BrokenPromiseError, simulate

RUNS = 10_000


def worlds(runs: int) -> Finding:
    """Return how many worlds broke a promise: bought more than was wanted or paid for, lost or did not explain it."""
    broken = []
    ends: Counter[str] = Counter()
    bought = crashes = 0
    for seed in range(runs):
        try:
            world = simulate(seed)
        except BrokenPromiseError as error:
            broken.append(f"seed {seed}: {error}")
            continue
        over = Orders(world.journal).over
        ends["waiting" if over is None else over.state] += 1
        bought += len(world.things)
        crashes += world.crashes
    found = ", ".join(f"{count:,} {end}" for end, count in sorted(ends.items()))
    detail = f"{found}; {bought:,} bought, {crashes:,} crashes {'; '.join(broken[:3])}".rstrip()
    return Finding(f"worlds of {runs:,} that break a promise", len(broken), 0, detail)


def leases(runs: int) -> Finding:
    """Return how many runs of a lease went wrong: sent too early, to the wrong row, unwarned, or with no outcome."""
    broken = []
    ends: Counter[str] = Counter()
    requests = 0
    for seed in range(runs):
        run = LeaseRun(seed)
        try:
            run.run(200).settle().explain()
        except AssertionError as error:
            broken.append(str(error))
            continue
        ends[fold(run.lease, run.journal).state.value] += 1
        requests += len(run.requests)
    found = ", ".join(f"{count:,} {end}" for end, count in sorted(ends.items()))
    detail = f"{found}; {requests:,} requests {'; '.join(broken[:3])}".rstrip()
    return Finding(f"runs of {runs:,} leases that go wrong", len(broken), 0, detail)


def main() -> int:
    """Simulate and print; returns an exit status."""
    args = options(__doc__).parse_args()
    runs = 20 if args.tiny else RUNS
    return report([leases(runs), worlds(runs)], tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
