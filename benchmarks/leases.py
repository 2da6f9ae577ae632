"""Leases in ten thousand simulated worlds: none may go wrong: ``python -m benchmarks.leases``."""

from __future__ import annotations

import sys
from collections import Counter

from benchmarks.measure import Finding, options, report
from gputui.rules.lease_log import fold
from tests.rules.lease_simulation import Run

RUNS = 10_000
_STEPS = 200
"""Looks of the agent in a world, before all that fails there works again."""


def worlds(runs: int) -> Finding:
    """Return how many leases went wrong: a request too early, to another row, without a warning, or no outcome."""
    broken = []
    ends: Counter[str] = Counter()
    requests = 0
    for seed in range(runs):
        run = Run(seed)
        try:
            run.run(_STEPS).settle().explain()
        except AssertionError as error:
            broken.append(str(error))
            continue
        ends[fold(run.lease, run.journal).state.value] += 1
        requests += len(run.requests)
    found = ", ".join(f"{count:,} {end}" for end, count in sorted(ends.items()))
    detail = f"{found}; {requests:,} requests {'; '.join(broken[:3])}".rstrip()
    return Finding(f"leases of {runs:,} that go wrong", len(broken), 0, detail)


def main() -> int:
    """Simulate and print; returns an exit status."""
    args = options(__doc__).parse_args()
    return report([worlds(20 if args.tiny else RUNS)], tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
