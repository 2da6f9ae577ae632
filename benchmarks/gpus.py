"""The charts of eight GPUs busy and at rest, in terminals of 120×40: ``python -m benchmarks.gpus``."""

from __future__ import annotations

import os
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.core import Core
from benchmarks.measure import Finding, options, report
from tests.tui.harness import Terminal

GPUS = 8
EVERY = 2.0
"""Seconds from one refresh to the next; every GPU has a new sample each time, and 360 older ones."""
ROUNDS = 3
ROUND_SECONDS = 10.0
REFRESHES = 40
IDLE_SECONDS = 5.0
MOST_CPU = 1.0
"""Percent of a core, a third of what the GPU view as a whole may take more than an idle app."""
MOST_BYTES = 6 * 1024
_TICKS = os.sysconf("SC_CLK_TCK")


def start(stack: ExitStack, *options: str) -> Terminal:
    """Start the charts and wait until they are drawn."""
    argv = [sys.executable, "-m", "tests.tui.sample_charts", str(GPUS), *options]
    terminal = stack.enter_context(Terminal(argv, columns=120, rows=40))
    terminal.wait_for(f"GPU {GPUS - 1} utilisation", timeout=60)
    terminal.settle()
    return terminal


def processor_seconds(terminal: Terminal) -> float:
    """Return what the program has used of the processor so far (Linux)."""
    fields = Path(f"/proc/{terminal.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def shares(terminals: dict[str, Terminal], rounds: int, seconds: float) -> dict[str, float]:
    """Run all at once for some rounds; returns the median percent of a core that each used."""
    used: dict[str, list[float]] = {name: [] for name in terminals}
    for _ in range(rounds):
        before = {name: processor_seconds(terminal) for name, terminal in terminals.items()}
        began = time.perf_counter()
        while (left := began + seconds - time.perf_counter()) > 0:
            for terminal in terminals.values():
                terminal.pump(min(left, 0.2))
        elapsed = time.perf_counter() - began
        for name, terminal in terminals.items():
            used[name].append(100 * (processor_seconds(terminal) - before[name]) / elapsed)
    return {name: statistics.median(several) for name, several in used.items()}


def main() -> int:
    """Measure and print; returns an exit status."""
    args = options(__doc__).parse_args()
    rounds, seconds, refreshes, idle = ROUNDS, ROUND_SECONDS, REFRESHES, IDLE_SECONDS
    if args.tiny:
        rounds, seconds, refreshes, idle = 1, 0.5, 2, 0.1
    findings = []
    with ExitStack() as stack:
        terminals = {"refreshed": start(stack, "load", str(EVERY)), "idle": start(stack, "load")}
        core = Core()
        with core.sampled():
            used = shares(terminals, rounds, seconds)
        detail = f"{used['refreshed']:.2f} % against {used['idle']:.2f} %"
        more = used["refreshed"] - used["idle"]
        findings.append(core.finding(f"percent of a core, {GPUS} charts every {EVERY:g} s", more, MOST_CPU, detail))
    with ExitStack() as stack:
        for kind, words in (("load", "as GPUs at work look"), ("walk", "the hardest curves")):
            terminal = start(stack, kind)
            written = []
            for _ in range(refreshes):
                terminal.send("r")
                written.append(terminal.burst().written)
            detail = f"median {statistics.median(written):.0f}"
            findings.append(Finding(f"most bytes of a refresh, {words}", max(written), MOST_BYTES, detail))
        findings.append(Finding(f"bytes in {idle:g} idle seconds", terminal.count(idle), 0))
    return report(findings, tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
