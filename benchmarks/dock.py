"""The program on a host with eight GPUs and an hour of readings of each, compared with one that shows none.

Both run at once against the same simulator, in terminals of 120×40. ``python -m benchmarks.dock``; exits with 1 when
a bound is missed. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cloud import cpu_seconds
from benchmarks.measure import Finding, options, report
from gputui.sim.server import running_simulator
from tests.tui.harness import Terminal

GPUS = 8
CPU_BOUND = 3.0
"""Percent of a core more than the idle program, polling every 2 s and drawing included."""
BYTES_BOUND = 6 * 1024
_LATEST = 20.0
"""Seconds to wait for the first refresh on a busy machine."""


@dataclass(frozen=True)
class Watching:
    """How long to watch, in seconds: all rounds of one view, before them, and after each key."""

    seconds: float
    settle: float = 10.0
    key: float = 2.0
    rounds: int = 3
    speed: float = 1.0
    """Of the simulated world."""


TINY = Watching(seconds=0.6, settle=0.1, key=0.1, rounds=1, speed=20.0)
TINY_POLLING = "\n[polling]\nlists = 0.5\nprocesses = 0.5\n"
"""So often that every round has refreshes."""


async def serve(speed: float) -> None:
    """Serve the host; print its configuration, and end with the input."""
    async with running_simulator(seed=1, speed=speed, ssh=False, plans={"gpuhub": []}) as running:
        _, _, section = running.config_toml().partition("[accounts.dock]")
        print(f"[accounts.dock]{section}".replace("\n", "\\n"), flush=True)
        await asyncio.to_thread(sys.stdin.readline)


@contextmanager
def server(directory: Path, speed: float) -> Iterator[Path]:
    """Run the simulator in a process of its own; yields the configuration."""
    command = [sys.executable, "-m", "benchmarks.dock", "--serve", str(speed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            config = directory / "config.toml"
            config.touch(mode=0o600)
            config.write_text(process.stdout.readline().replace("\\n", "\n"))
            yield config
        finally:
            process.terminate()


def start(stack: ExitStack, config: Path, name: str, keys: str, sign: str, watching: Watching) -> Terminal:
    """Start the program and show a view."""
    env = {"GPUTUI_CONFIG": str(config), "GPUTUI_STATE_DIR": str(config.parent / name)}
    terminal = stack.enter_context(Terminal([sys.executable, "-m", "gputui"], columns=120, rows=40, env=env))
    terminal.wait_for("● running", timeout=60)
    for key in keys:
        terminal.send(key)
        terminal.count(watching.key)
    terminal.wait_for(sign, timeout=60)
    terminal.count(watching.settle)
    return terminal


def bursts(terminal: Terminal, others: list[Terminal], seconds: float) -> list[int]:
    """Let time pass, until a refresh at least; returns how many bytes each refresh of one program wrote."""
    end, last = time.perf_counter() + seconds, 0.0
    written: list[int] = []
    while (now := time.perf_counter()) < end or (not written and now < end + _LATEST):
        if count := terminal.pump(0.05):
            now = time.perf_counter()
            if written and now - last < 0.5:
                written[-1] += count
            else:
                written.append(count)
            last = now
        for other in others:
            other.pump(0.0)
    return written


def measure(config: Path, watching: Watching) -> list[Finding]:
    """Compare a program that draws the GPUs with one that does not look at them."""
    findings = []
    with ExitStack() as stack:
        idle = start(stack, config, "idle", "9", "dock", watching)
        for name, keys, sign in (("one GPU's charts", "5", "now"), ("eight charts", "5C", f"GPU {GPUS - 1}")):
            with ExitStack() as shown:
                drawing = start(shown, config, name.replace(" ", "-"), keys, sign, watching)
                shares: list[float] = []
                written: list[int] = []
                for _ in range(watching.rounds):
                    before = [cpu_seconds(one.process.pid) for one in (drawing, idle)]
                    begun = time.perf_counter()
                    written += bursts(drawing, [idle], watching.seconds / watching.rounds)
                    lasted = time.perf_counter() - begun
                    used = [cpu_seconds(one.process.pid) for one in (drawing, idle)]
                    ours, theirs = (100 * (now - then) / lasted for now, then in zip(used, before, strict=True))
                    shares.append(ours - theirs)
                detail = f"of {watching.rounds} rounds: {', '.join(f'{share:.2f}' for share in shares)}"
                findings.append(
                    Finding(f"percent of a core more than idle, {name}", statistics.median(shares), CPU_BOUND, detail)
                )
                detail = f"{len(written)} refreshes, median {statistics.median(written):.0f}"
                findings.append(Finding(f"most bytes of a refresh, {name}", max(written), BYTES_BOUND, detail))
    return findings


def main() -> int:
    """Measure and print; returns an exit status."""
    parser = options(__doc__)
    parser.add_argument("--serve", type=float, metavar="SPEED", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=90.0, help="how long to measure each (default: 90)")
    args = parser.parse_args()
    if args.serve is not None:
        asyncio.run(serve(args.serve))
        return 0
    watching = TINY if args.tiny else Watching(args.seconds)
    with tempfile.TemporaryDirectory() as directory, server(Path(directory), watching.speed) as config:
        if args.tiny:
            config.write_text(config.read_text() + TINY_POLLING)
        return report(measure(config, watching), tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
