"""The program on a host with eight GPUs and an hour of readings of each, compared with one that shows none.

One draws the charts of a GPU, one those of all eight. All run at once against the same simulator, in terminals of
120×40. ``python -m benchmarks.dock``; exits with 1 when a bound is missed. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cloud import cpu_seconds
from benchmarks.core import Core
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
    """How long to watch, in seconds: all rounds, before them, and after each key."""

    seconds: float
    settle: float = 8.0
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
    terminal = stack.enter_context(
        Terminal([sys.executable, "-m", "gputui", "--view", "instances"], columns=120, rows=40, env=env)
    )
    terminal.wait_for("● running", timeout=60)
    for key in keys:
        terminal.send(key)
        terminal.count(watching.key)
    terminal.wait_for(sign, timeout=60)
    terminal.count(watching.settle)
    return terminal


def bursts(drawing: Mapping[str, Terminal], idle: Terminal, seconds: float) -> dict[str, list[int]]:
    """Let time pass, until a refresh of each at least; return how many bytes each refresh of a program wrote."""
    end = time.perf_counter() + seconds
    last = dict.fromkeys(drawing, 0.0)
    written: dict[str, list[int]] = {name: [] for name in drawing}
    while (now := time.perf_counter()) < end or (not all(written.values()) and now < end + _LATEST):
        for name, terminal in drawing.items():
            if not (count := terminal.pump(0.02)):
                continue
            now = time.perf_counter()
            if written[name] and now - last[name] < 0.5:
                written[name][-1] += count
            else:
                written[name].append(count)
            last[name] = now
        idle.pump(0.0)
    return written


def measure(config: Path, watching: Watching) -> list[Finding]:
    """Compare programs that draw GPUs with one that does not look at them."""
    core = Core()
    with ExitStack() as stack:
        idle = start(stack, config, "idle", "9", "dock", watching)
        drawing = {
            name: start(stack, config, name.replace(" ", "-"), keys, sign, watching)
            for name, keys, sign in (("one GPU's charts", "5", "now"), ("eight charts", "5C", f"GPU {GPUS - 1}"))
        }
        shares: dict[str, list[float]] = {name: [] for name in drawing}
        written: dict[str, list[int]] = {name: [] for name in drawing}
        for _ in range(watching.rounds):
            before = [cpu_seconds(one.process.pid) for one in (idle, *drawing.values())]
            begun = time.perf_counter()
            with core.sampled():
                found = bursts(drawing, idle, watching.seconds / watching.rounds)
            for name, sizes in found.items():
                written[name] += sizes
            lasted = time.perf_counter() - begun
            after = [cpu_seconds(one.process.pid) for one in (idle, *drawing.values())]
            unused, *used = (100 * (now - then) / lasted for now, then in zip(after, before, strict=True))
            for name, share in zip(drawing, used, strict=True):
                shares[name].append(share - unused)
    findings = []
    for name in drawing:
        detail = f"of {watching.rounds} rounds: {', '.join(f'{share:.2f}' for share in shares[name])}"
        more = statistics.median(shares[name])
        findings.append(core.finding(f"percent of a core more than idle, {name}", more, CPU_BOUND, detail))
        detail = f"{len(written[name])} refreshes, median {statistics.median(written[name]):.0f}"
        findings.append(Finding(f"most bytes of a refresh, {name}", max(written[name]), BYTES_BOUND, detail))
    return findings


def main() -> int:
    """Measure and print; returns an exit status."""
    parser = options(__doc__)
    parser.add_argument("--serve", type=float, metavar="SPEED", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=36.0, help="how long to measure (default: 36)")
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
