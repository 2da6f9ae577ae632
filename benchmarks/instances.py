"""200 container instances of AutoDL: the first complete list, the cost of polling them, and the pace of requests.

The reference is a bare httpx.AsyncClient with json.loads that sends the same requests, as many at once. The simulator
runs in a process of its own. ``python -m benchmarks.instances``; exits with 1 when a bound is missed. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from benchmarks.cloud import cpu_seconds, reading
from benchmarks.core import Core
from benchmarks.measure import Finding, options, report
from gputui.api import open_backend
from gputui.api.gpuhub.account import GpuhubAccount
from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.api.gpuhub.pro.lists import SNAPSHOTS_AT_ONCE
from gputui.api.http.pagination import PAGE_SIZE
from gputui.config.loader import load_config
from gputui.sim.gpuhub.default_world import PERSONAL
from gputui.sim.gpuhub.instances import SPECS
from gputui.sim.gpuhub.plans import InitialInstance
from gputui.sim.server import running_simulator
from tests.tui.harness import Terminal

ROOT = "/api/v1/dev/instance/pro"
READ_BOUND = 1.4
CPU_BOUND = 3.0
RATE = 20.0
"""The configured requests per second."""


@dataclass(frozen=True)
class Watching:
    """How many instances there are, and how long in seconds the program settles and is measured."""

    seconds: float
    instances: int = 200
    settle: float = 15.0


TINY = Watching(seconds=0.5, instances=6, settle=0.2)


async def serve(instances: int) -> None:
    """Serve an account; print its configuration, then for each line read the most requests within a second."""
    specs = tuple(SPECS)
    initial = tuple(
        InitialInstance(
            f"box-{number:03d}", specs[number % len(specs)], "shutdown" if number % 2 else "running", 3600.0
        )
        for number in range(instances)
    )
    plan = replace(PERSONAL, models=(), instances=initial, machines=0, quiet=True)
    async with running_simulator(
        seed=1, ssh=False, plans={"gpuhub": [plan], "deepdock": [], "pody": [], "yotta": []}
    ) as sim:
        seconds: Counter[int] = Counter()
        faults = sim.sites[plan.name].faults
        answer = faults.__class__.__call__

        async def counting(self: Any, scope: Any, receive: Any, send: Any) -> None:
            seconds[int(time.monotonic())] += 1
            await answer(self, scope, receive, send)

        faults.__class__.__call__ = counting  # type: ignore[method-assign]  # the only place that sees all of them
        print(json.dumps(sim.config_toml()), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(max(seconds.values(), default=0), flush=True)
            seconds.clear()


class Server:
    """The simulator in its process."""

    def __init__(self, process: subprocess.Popen[str], config: Path) -> None:
        self._process = process
        self.config = config

    def busiest_second(self) -> int:
        """Return the most requests within a second since the last call."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def server(directory: Path, instances: int) -> Iterator[Server]:
    """Run the simulator."""
    command = [sys.executable, "-m", "benchmarks.instances", "--serve", str(instances)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            config = directory / "config.toml"
            config.touch(mode=0o600)
            config.write_text(json.loads(process.stdout.readline()))
            yield Server(process, config)
        finally:
            process.terminate()


async def bare(client: httpx.AsyncClient) -> int:
    """Read all instances and their snapshots with nothing but httpx and json."""
    limit = asyncio.Semaphore(SNAPSHOTS_AT_ONCE)

    async def page(index: int) -> dict[str, Any]:
        answer = await client.post(f"{ROOT}/list", json={"page_index": index, "page_size": PAGE_SIZE})
        data: dict[str, Any] = json.loads(answer.content)["data"]
        return data

    async def snapshot(uuid: str) -> dict[str, Any]:
        async with limit:
            answer = await client.get(f"{ROOT}/snapshot", params={"instance_uuid": uuid})
        data: dict[str, Any] = json.loads(answer.content)["data"]
        return data

    first = await page(1)
    rest = await asyncio.gather(*(page(index) for index in range(2, first["max_page"] + 1)))
    rows = [row for part in (first, *rest) for row in part["list"]]
    return len(await asyncio.gather(*(snapshot(row["uuid"]) for row in rows)))


def reading_list(runner: asyncio.Runner, account: GpuhubAccount, rounds: int, instances: int) -> list[Finding]:
    """Time the first complete list, with nothing known from before."""
    backend = open_backend(account)
    assert isinstance(backend, GpuhubBackend)
    name = "first list of {} instances / bare httpx"
    # One request more: whether the account may use deployments.
    found = reading(runner, backend, account, rounds, instances, name=name, bare=bare, bound=READ_BOUND, more=1.5)
    runner.run(backend.aclose())
    return found


def polling(running: Server, watching: Watching) -> list[Finding]:
    """Measure what the whole program uses while it polls all instances, and the most requests within a second."""
    config, core = running.config, Core()
    text = config.read_text()
    config.write_text(text.replace("[accounts.personal]\n", f"[accounts.personal]\nrequests_per_second = {RATE}\n"))
    env = {"GPUTUI_CONFIG": str(config), "GPUTUI_STATE_DIR": str(config.parent / "state")}
    running.busiest_second()
    with Terminal([sys.executable, "-m", "gputui", "--view", "instances"], columns=120, rows=40, env=env) as terminal:
        terminal.wait_for("personal", timeout=60)
        terminal.send("3")
        terminal.wait_for("● running", timeout=60)
        terminal.count(watching.settle)
        before, begun = cpu_seconds(terminal.process.pid), time.perf_counter()
        with core.sampled():
            written = terminal.count(watching.seconds)
        used, lasted = cpu_seconds(terminal.process.pid) - before, time.perf_counter() - begun
    detail = f"{used:.1f} s of {lasted:.0f} s, {written} bytes written"
    name = f"percent of a core to poll {watching.instances} instances"
    return [
        # The seconds of the clock cut the requests of a second in two: a few more may fall into one.
        Finding(
            "requests in the busiest second", running.busiest_second(), RATE * 1.1, f"{RATE:.0f} a second configured"
        ),
        core.finding(name, used / lasted * 100, CPU_BOUND, detail),
    ]


def main() -> int:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=30.0, help="to watch the instances")
    parser.add_argument("--serve", type=int, metavar="INSTANCES", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        asyncio.run(serve(args.serve))
        return 0
    watching = TINY if args.tiny else Watching(args.seconds)
    with tempfile.TemporaryDirectory() as directory, server(Path(directory), watching.instances) as running:
        account = load_config(running.config).accounts["personal"]
        assert isinstance(account, GpuhubAccount)
        with asyncio.Runner() as runner:
            findings = reading_list(runner, account, 1 if args.tiny else args.rounds, watching.instances)
        findings += polling(running, watching)
    return report(findings, tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
