"""The whole program in a pseudo-terminal: time to the first frame with data, bytes at rest, a key among 10,000 rows.

The reference for the start is a minimal Textual app with one DataTable of as many rows. All against one frozen
simulator. ``python -m benchmarks.app``; exits with 1 when a bound is missed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.measure import Finding, averaged, options, ratio, report, side_by_side
from benchmarks.table import compare
from gputui.agent.start import stop_agent
from tests.tui.harness import Terminal

ROWS = 50
IDLE_SECONDS = 30.0
SETTLED = 3.0
"""Seconds without a byte before it is at rest."""
START_BOUND = 1.5
HOME = "Spending"
"""The heading that the first view has as soon as it shows rows that cost something."""


@contextmanager
def simulator(directory: Path, size: str = "small", clouds: str = "none") -> Iterator[Path]:
    """Run a frozen simulator; gives the path of its configuration, without hosts (benchmarks.hosts)."""
    command = [sys.executable, "-m", "gputui", "sim", "--port", "0", "--speed", "0", "--size", size]
    command += ["--clouds", clouds] if clouds else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            if "runs until" not in process.stderr.readline():
                sys.exit("the simulator did not start")
            os.set_blocking(process.stdout.fileno(), False)
            config = directory / "config.toml"
            config.touch(mode=0o600)
            accounts = os.read(process.stdout.fileno(), 1 << 20).decode().split("[accounts.")
            config.write_text("[accounts.".join(one for one in accounts if 'kind = "ssh"' not in one))
            yield config
        finally:
            process.terminate()


def start(argv: list[str], shows: str, env: dict[str, str]) -> float:
    """Start a program and return the seconds until it shows a text."""
    with Terminal([sys.executable, *argv], columns=120, rows=40, env=env) as terminal:
        terminal.wait_for(shows)
        return terminal.last_read_at - terminal.started


def starts(config: Path, rounds: int, settled: float, *, agent: bool) -> list[Finding]:
    """Time the first frame with data: with what the last session knew, and on a machine that has never seen it.

    With ``agent`` each session starts one, which is stopped after it.
    """
    known = config.parent / "known"
    env = {"GPUTUI_CONFIG": str(config), "GPUTUI_STATE_DIR": str(known), "GPUTUI_AGENT": "" if agent else "off"}
    with Terminal([sys.executable, "-m", "gputui"], columns=120, rows=40, env=env) as terminal:
        terminal.wait_for(HOME)
        terminal.settle(settled)
        terminal.send("q")
        terminal.wait_exit()
    stop_agent(known)

    def again() -> float:
        seconds = start(["-m", "gputui"], HOME, env)
        stop_agent(known)
        return seconds

    def never_seen() -> float:
        fresh = config.parent / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        seconds = start(["-m", "gputui"], HOME, env | {"GPUTUI_STATE_DIR": str(fresh)})
        stop_agent(fresh)
        return seconds

    def minimal() -> float:
        return start(["-m", "benchmarks.minimal", str(ROWS)], "● running", {})

    samples = side_by_side({"again": again, "never seen": never_seen, "minimal": minimal}, rounds)
    return [
        ratio("first frame with data, seen before / minimal", samples, "again", "minimal", START_BOUND),
        ratio("first frame with live data, never seen / minimal", samples, "never seen", "minimal", START_BOUND),
    ]


def at_rest(config: Path, seconds: float, settled: float) -> Finding:
    """Count what is written while an unchanged server is polled; for Home see benchmarks.home."""
    env = {"GPUTUI_CONFIG": str(config), "GPUTUI_STATE_DIR": str(config.parent / "rest")}
    program = [sys.executable, "-m", "gputui", "--view", "instances"]
    with Terminal(program, columns=120, rows=40, env=env) as terminal:
        terminal.wait_for("● running")
        terminal.settle(settled)
        written = terminal.count(seconds)
    return Finding(f"bytes written in {seconds:.0f} s at rest", written, 0)


def count_instances(config: Path) -> int:
    """Return how many instances there are in a frozen world, as the command line lists them."""
    env = os.environ | {"GPUTUI_CONFIG": str(config), "GPUTUI_STATE_DIR": str(config.parent / "counted")}
    command = [sys.executable, "-m", "gputui", "get", "instances", "-o", "json"]
    return len(json.loads(subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True).stdout))


def many_instances(config: Path, rounds: int, settled: float) -> list[Finding]:
    """Time a cursor key among 10,000 instances of a simulator that is polled all the time, against DataTable's."""
    with ExitStack() as stack:
        count = count_instances(config)
        env = {"GPUTUI_CONFIG": str(config), "GPUTUI_STATE_DIR": str(config.parent / "many")}
        program = [sys.executable, "-m", "gputui", "--view", "instances"]
        ours = stack.enter_context(Terminal(program, columns=120, rows=40, env=env))
        shown = f"{count:,}".replace(",", ",?")
        ours.wait_for(re.compile(rf"Instances +{shown}\b"), timeout=180)
        ours.settle(settled, timeout=60)
        # A long list rests three quarters of the time: this is that time, while the other lists are polled.
        reference = stack.enter_context(
            Terminal([sys.executable, "-m", "benchmarks.data_table", str(count)], columns=120, rows=40)
        )
        reference.wait_for("r5c0v0", timeout=60)
        reference.settle()
        terminals = {"gputui": ours, "DataTable": reference}
        in_view = compare(terminals, ["down"] * 25 + ["up"] * 25, rounds, 0.05)
        for terminal in terminals.values():
            terminal.send(*["down"] * 40)
            terminal.settle()
        scrolling = compare(terminals, ["down"], rounds, 0.05)
    both = averaged(in_view, scrolling)
    return [
        ratio(f"cursor key among {count:,} polled instances", both, "gputui", "DataTable", 0.5),
        ratio("  within the view", in_view, "gputui", "DataTable", 1.0),
        ratio("  scrolling", scrolling, "gputui", "DataTable", 1.0),
    ]


def main() -> int:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keys", type=int, default=50, help="cursor keys to time")
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS, help="seconds to watch at rest")
    args = parser.parse_args()
    settled = SETTLED
    if args.tiny:
        args.rounds, args.keys, args.idle, settled = 1, 1, 0.1, 0.2
    with tempfile.TemporaryDirectory() as directory, simulator(Path(directory)) as config:
        findings = [*starts(config, args.rounds, settled, agent=not args.tiny), at_rest(config, args.idle, settled)]
        if args.tiny:
            findings += many_instances(config, args.keys, settled)
    if not args.tiny:
        with tempfile.TemporaryDirectory() as directory, simulator(Path(directory), "huge") as config:
            findings += many_instances(config, args.keys, settled)
    return report(findings, tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
