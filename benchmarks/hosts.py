"""The program with 100 hosts over SSH, all looked at every 10 s, compared with one that has a single host.

Both run at once against simulated hosts in a process of their own, in terminals of 120×40 that show the instances.
Keys are pressed in both in turn, while the hosts are looked at, in the command bar, which is drawn alike in both.
``python -m benchmarks.hosts``; exits with 1 when a bound is missed. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.cloud import cpu_seconds
from benchmarks.core import Core
from benchmarks.measure import Finding, options, ratio, report
from benchmarks.table import compare
from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hosts import Host
from gputui.sim.server import running_simulator
from gputui.sim.ssh.default_world import GPU01
from gputui.sim.ssh.plans import SshPlan
from tests.tui.harness import Terminal

HOSTS = 100
PACE = 10.0
"""Seconds from one look at a host to the next."""
CPU_BOUND = 6.0
MEMORY_BOUND = 120.0
KEY_BOUND = 1.3
KEYS = ["i", "n", "s", "backspace", "backspace", "backspace"]
OTHERS = ("deepdock", "gpuhub", "pody", "yotta")


@dataclass(frozen=True)
class Watching:
    """How many hosts are watched, and how long in seconds; ``settle`` is from the first rows to the measurement.

    ``keys`` are then pressed in each.
    """

    seconds: float
    hosts: int = HOSTS
    settle: float = 12.0
    keys: int = 60


TINY = Watching(seconds=0.6, hosts=3, settle=0.1, keys=1)


async def serve(hosts: int) -> None:
    """Serve hosts; print their configuration, then for each line read how many shells were opened on them so far."""
    opened = 0
    open_shell = Host.open_shell

    def counting(self: Host, user: str, pod: Pod | None) -> int:
        nonlocal opened
        opened += 1
        return open_shell(self, user, pod)

    Host.open_shell = counting  # type: ignore[method-assign]  # the only place that sees all of them
    plans = [replace(GPU01, name=f"host{number:03d}", rate=0) for number in range(hosts)]
    async with running_simulator(
        seed=1, plans={**dict.fromkeys(OTHERS, ()), "ssh": [SshPlan(hosts=tuple(plans))]}
    ) as running:
        print(running.config_toml().replace("\n", "\\n"), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(opened, flush=True)


class Server:
    """The simulator in its process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.stdin, self.stdout = process.stdin, process.stdout
        self.config = self.stdout.readline().replace("\\n", "\n")

    def looks(self) -> int:
        """Return how many shells were opened on all hosts: a look is one."""
        self.stdin.write("\n")
        self.stdin.flush()
        return int(self.stdout.readline())


@contextmanager
def server(hosts: int) -> Iterator[Server]:
    """Run the simulator."""
    command = [sys.executable, "-m", "benchmarks.hosts", "--serve", str(hosts)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        running = Server(process)
        try:
            yield running
        finally:
            running.stdin.close()
            process.wait(10)


@contextmanager
def program(directory: Path, name: str, config: str, hosts: int) -> Iterator[Terminal]:
    """Run the program until it shows all hosts."""
    path = directory / f"{name}.toml"
    path.touch(mode=0o600)
    path.write_text(config)
    env = {"GPUTUI_CONFIG": str(path), "GPUTUI_STATE_DIR": str(directory / name)}
    with Terminal([sys.executable, "-m", "gputui", "--view", "instances"], columns=120, rows=40, env=env) as terminal:
        terminal.wait_for("● up", timeout=60)
        terminal.wait_for(re.compile(rf"Instances +{hosts}\b"), timeout=60)
        yield terminal


def megabytes(pid: int) -> float:
    """Return the memory that a process alone has, in MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(number) for number in re.findall(r"^Private_\w+: +(\d+) kB", text, re.MULTILINE)) / 1000


def _read(counted: Terminal, other: Terminal, seconds: float) -> int:
    """Read what both programs write for a time, so that none is blocked; return the bytes of the first."""
    end = time.perf_counter() + seconds
    written = 0
    while (left := end - time.perf_counter()) > 0:
        written += counted.count(min(0.5, left))
        other.count(0.01)
    return written


def measure(directory: Path, watching: Watching) -> list[Finding]:
    """Watch both programs for the same time."""
    core = Core()
    with server(watching.hosts) as running:
        single = re.sub(r"^hosts = .*$", 'hosts = ["host000"]', running.config, flags=re.MULTILINE)
        with (
            program(directory, "single", single, 1) as one,
            program(directory, "all", running.config, watching.hosts) as all_of_them,
        ):
            _read(all_of_them, one, watching.settle)
            looks, begun = running.looks(), time.perf_counter()
            before = [cpu_seconds(each.process.pid) for each in (one, all_of_them)]
            with core.sampled():
                written = _read(all_of_them, one, watching.seconds)
            looks, lasted = running.looks() - looks, time.perf_counter() - begun
            used = [
                cpu_seconds(each.process.pid) - start for each, start in zip((one, all_of_them), before, strict=True)
            ]
            sizes = [megabytes(each.process.pid) for each in (one, all_of_them)]
            for each in (one, all_of_them):
                each.send(":")
                each.settle()
            keys = compare({"one host": one, "all hosts": all_of_them}, KEYS, watching.keys, 0.05)
    return [
        ratio(f"a key with {watching.hosts} hosts / with one", keys, "all hosts", "one host", KEY_BOUND),
        Finding(
            f"MB more for {watching.hosts} hosts than for one",
            sizes[1] - sizes[0],
            MEMORY_BOUND,
            f"{sizes[1]:.0f} MB against {sizes[0]:.0f} MB",
        ),
        core.finding(
            f"percent of a core to look at {watching.hosts} hosts every {PACE:.0f} s",
            # At the full pace: on a busy machine the simulator answers too late for some looks. The other program has
            # one look a round.
            used[1] / max(1, looks - looks // watching.hosts) * watching.hosts / PACE * 100,
            CPU_BOUND,
            f"{used[1]:.2f} s in {lasted:.0f} s for {looks} looks; one host {used[0]:.2f} s; {written} bytes written",
        ),
    ]


def main() -> int:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=40.0, help="how long to watch")
    parser.add_argument("--serve", type=int, metavar="HOSTS", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        asyncio.run(serve(args.serve))
        return 0
    watching = TINY if args.tiny else Watching(args.seconds)
    with tempfile.TemporaryDirectory() as directory:
        findings = measure(Path(directory), watching)
    return report(findings, tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
