"""All benchmarks, one after another: ``python -m benchmarks``. Exits with 1 when any bound is missed."""

from __future__ import annotations

import subprocess
import sys
import time

PROGRAMS = (
    "table",
    "groups",
    "form",
    "app",
    "cli",
    "cloud",
    "gpus",
    "dock",
    "logs",
    "ssh",
    "copy",
    "hosts",
    "runs",
    "instances",
    "home",
    "agent",
    "leases",
    "rules",
    "odds",
    "timeline",
    "spend",
)


def main() -> int:
    """Run each in a process of its own, so that none warms another's imports."""
    missed = []
    for name in PROGRAMS:
        print(f"\n== {name}", flush=True)
        begun = time.monotonic()
        status = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
        print(f"exit status {status}, {time.monotonic() - begun:.0f} s", flush=True)
        if status:
            missed.append(name)
    print(f"\nmissed or failed: {', '.join(missed)}" if missed else "\nall bounds kept")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
