"""A log of a million lines in the program, compared with Textual's own Log widget with the same lines.

The lines come over HTTP from a simulator of its own process, page by page; then it writes 2,000 a second.
``python -m benchmarks.logs``; exits with 1 when a bound is missed. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.measure import Finding, options, report
from gputui.sim.server import running_simulator
from tests.tui.harness import Terminal

LINES = 1_000_000
RATE = 2_000
"""Lines a second that are followed."""
MEMORY_BOUND = 250.0
PAGE_BOUND = 0.050
RATIO_BOUND = 1.5
LAG_BOUND = 2.0
"""Seconds that the newest line on the screen may be older than the newest there is."""
_PAGES = 120
_THEIR_PAGES = 40
"""Of Log, whose median alone is needed."""
_FOLLOW_SECONDS = 10.0
_NUMBER = re.compile(r"step (\d+) ")


def text_of(number: int) -> str:
    """Return a line such as training programs write."""
    return f"INFO:     step {number} of 9999999, loss 2.{number % 997:03}, 812.4 tokens/s, memory 71.3 of 80.0 GiB"


async def serve(count: int) -> None:
    """Serve one worker with a long log; begin to write at a line on stdin, end with the input."""
    from gputui.sim.yotta import logs
    from gputui.sim.yotta.entities import RUNNING

    logs.KEPT = 4 * LINES
    async with running_simulator(seed=1, ssh=False, plans={"gpuhub": [], "deepdock": []}) as running:
        cloud = running.accounts["yotta"].state
        worker = next(
            worker
            for endpoint in cloud.serverless.endpoints.values()
            for worker in endpoint.workers.values()
            if worker.status == RUNNING
        )
        book = worker.log
        book.silence()
        begin = running.world.time - count / 1000
        book.clear()
        for number in range(0, count, 1000):
            book.write(begin + number / 1000, map(text_of, range(number, number + 1000)))
        _, _, section = running.config_toml().partition("[accounts.yotta]")
        print(f"{worker.id} [accounts.yotta]{section}".replace("\n", "\\n"), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        number, begun = count, time.monotonic()
        while True:
            await asyncio.sleep(0.05)
            due = count + int((time.monotonic() - begun) * RATE)
            book.write(running.world.time, map(text_of, range(number, due)))
            number = due


def reference(count: int) -> None:
    """Show the same lines in Textual's Log."""
    from textual.app import App, ComposeResult
    from textual.widgets import Log

    class Shown(App[None]):
        def compose(self) -> ComposeResult:
            yield Log()

        def on_mount(self) -> None:
            log = self.query_one(Log)
            log.write_lines([text_of(number) for number in range(count)])
            log.focus()

    Shown().run()


@contextmanager
def server(directory: Path, count: int) -> Iterator[tuple[Path, str, subprocess.Popen[str]]]:
    """Run the simulator in a process of its own; yields the configuration and the name of the worker."""
    command = [sys.executable, "-m", "benchmarks.logs", "--serve", "--lines", str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            worker, _, section = process.stdout.readline().replace("\\n", "\n").partition(" ")
            config = directory / "config.toml"
            config.touch(mode=0o600)
            config.write_text(section)
            yield config, worker, process
        finally:
            process.terminate()


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1000  # type: ignore[index]  # every process has it


def page_through(terminal: Terminal, key: str, pages: int) -> list[float]:
    """Press a key many times; returns the seconds from each to the last byte of what it changed."""
    taken = []
    for _ in range(pages):
        begun = time.perf_counter()
        terminal.send(key)
        burst = terminal.burst(quiet=0.06, since=begun)
        taken.append(burst.last_at or 0.0)
    return taken


def p95(samples: list[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(samples, n=20)[-1]


def measure(directory: Path, count: int, pages: int, follow: float) -> list[Finding]:
    """Read it all, page in it, follow it."""
    with ExitStack() as stack:
        config, worker, process = stack.enter_context(server(directory, count))
        env = {"GPUTUI_CONFIG": str(config), "GPUTUI_STATE_DIR": str(directory / "state")}
        ours = stack.enter_context(
            Terminal([sys.executable, "-m", "gputui", "--view", "instances"], columns=120, rows=40, env=env)
        )
        ours.wait_for("dev-box", timeout=60)
        ours.write(f":logs {worker}\r")
        ours.wait_for("following", timeout=60)
        before = memory(ours.process.pid)
        begun = time.perf_counter()
        ours.send("O")
        ours.wait_for(f"{count:,} lines   all of it", timeout=600)
        read = time.perf_counter() - begun
        held = memory(ours.process.pid)
        ours.send("g")
        ours.settle()
        down = page_through(ours, "ctrl+f", pages)
        up = page_through(ours, "ctrl+u", pages)
        log = [sys.executable, "-m", "benchmarks.logs", "--reference", "--lines", str(count)]
        theirs = stack.enter_context(Terminal(log, columns=120, rows=40))
        theirs.wait_for(f"step {count - 1} ", timeout=300)
        theirs.send("home")
        theirs.settle()
        their_down = page_through(theirs, "pagedown", min(pages, _THEIR_PAGES))
        ours.send("G")
        ours.settle()
        # The harness draws what it read only when it is looked at: that must not count.
        ours.wait_for(f"step {count - 1} ")
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        lags, start = [], time.monotonic()
        while (passed := time.monotonic() - start) < follow:
            ours.pump(0.2)
            shown = max((int(found) for found in _NUMBER.findall(ours.text)), default=0)
            lags.append((count + passed * RATE - shown) / RATE)
        return [
            Finding(
                "MB of memory with all lines", held, MEMORY_BOUND, f"{before:.0f} MB before, read in {read:.0f} s"
            ),
            Finding(
                "MB compared with Textual's Log",
                held / memory(theirs.process.pid),
                1.0,
                f"{memory(theirs.process.pid):.0f} MB",
            ),
            Finding(
                "seconds of a page down, p95",
                p95(down),
                PAGE_BOUND,
                f"median {statistics.median(down) * 1000:.1f} ms",
            ),
            Finding(
                "seconds of a page up, p95", p95(up), PAGE_BOUND, f"median {statistics.median(up) * 1000:.1f} ms"
            ),
            Finding(
                "page down compared with Textual's Log, medians",
                statistics.median(down) / statistics.median(their_down),
                RATIO_BOUND,
                f"{statistics.median(their_down) * 1000:.1f} ms",
            ),
            Finding(
                f"seconds behind at {RATE:,} lines a second, most",
                max(lags),
                LAG_BOUND,
                f"at the end {lags[-1]:.2f}",
            ),
        ]


def main() -> int:
    """Measure and print; returns an exit status."""
    parser = options(__doc__)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--reference", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--lines", type=int, default=LINES, help=f"of the log (default: {LINES:,})")
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(args.lines))
        return 0
    if args.reference:
        reference(args.lines)
        return 0
    count, pages, follow = (5_000, 2, 1.0) if args.tiny else (args.lines, _PAGES, _FOLLOW_SECONDS)
    with tempfile.TemporaryDirectory() as directory:
        return report(measure(Path(directory), count, pages, follow), tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
