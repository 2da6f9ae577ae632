"""The record table compared with Textual's DataTable, in terminals of 120×40: ``python -m benchmarks.table``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import cycle

from benchmarks.measure import Finding, averaged, options, ratio, report, side_by_side
from tests.tui.harness import Terminal

ROWS = 10_000
FEW_ROWS = 1_000
PAGE = 38
KEY_ROUNDS = 40
REFRESH_ROUNDS = 5
IDLE_SECONDS = 5.0

OURS, REFERENCE = "record table", "DataTable"
PROGRAMS = {OURS: "tests.tui.sample_table", REFERENCE: "benchmarks.data_table"}


def start(stack: ExitStack, name: str, rows: int) -> Terminal:
    """Start a table and wait until it is drawn."""
    terminal = stack.enter_context(Terminal([sys.executable, "-m", PROGRAMS[name], str(rows)], columns=120, rows=40))
    terminal.wait_for("r5c0v0", timeout=60)
    terminal.settle()
    return terminal


def answer_time(terminal: Terminal, keys: Callable[[], str], quiet: float) -> Callable[[], float]:
    """Return a sample: seconds from a key to the last byte of what it draws."""

    def sample() -> float:
        start = time.perf_counter()
        terminal.send(keys())
        burst = terminal.burst(quiet, since=start)
        if burst.last_at is None:
            raise RuntimeError("a key drew nothing")
        return burst.last_at

    return sample


def compare(terminals: dict[str, Terminal], keys: list[str], rounds: int, quiet: float) -> dict[str, list[float]]:
    """Press the same keys in both and time the answers."""
    contenders = {}
    for name, terminal in terminals.items():
        presses = cycle(keys)
        contenders[name] = answer_time(terminal, presses.__next__, quiet)
    return side_by_side(contenders, rounds)


def main() -> int:
    """Measure and print; returns an exit status."""
    args = options(__doc__).parse_args()
    rows, key_rounds, refresh_rounds, idle_seconds = ROWS, KEY_ROUNDS, REFRESH_ROUNDS, IDLE_SECONDS
    if args.tiny:
        rows, key_rounds, refresh_rounds, idle_seconds = 200, 1, 1, 0.1
    findings = []
    with ExitStack() as stack:
        terminals = {name: start(stack, name, rows) for name in PROGRAMS}
        refreshed = compare(terminals, ["r"], refresh_rounds, 0.5)
        in_view = compare(terminals, ["down"] * 30 + ["up"] * 30, key_rounds, 0.05)
        for terminal in terminals.values():
            terminal.send(*["down"] * PAGE)
            terminal.settle()
        scrolling = compare(terminals, ["down"], key_rounds, 0.05)
        both = averaged(in_view, scrolling)
        findings += [
            ratio(f"cursor key, {rows:,} rows", both, OURS, REFERENCE, 0.5),
            ratio("  within the view", in_view, OURS, REFERENCE, 1.0),
            ratio("  scrolling", scrolling, OURS, REFERENCE, 1.0),
            ratio(f"1 % of {rows:,} rows changed, against clear and add_row", refreshed, OURS, REFERENCE, 0.1),
        ]
    with ExitStack() as stack:
        terminals = {name: start(stack, name, min(rows, FEW_ROWS)) for name in PROGRAMS}
        written = {}
        for name, terminal in terminals.items():
            terminal.send("u")
            written[name] = terminal.burst().written
        idle = terminals[OURS].count(idle_seconds)
        detail = f"DataTable writes {written[REFERENCE]}"
        findings += [
            Finding("bytes for one changed cell among 1,000 rows", written[OURS], 1000, detail),
            Finding(f"bytes in {idle_seconds:g} idle seconds", idle, 0),
        ]
    return report(findings, tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
