"""A large cloud: requests for its stock, reading 1,000 containers, the cost of polling them, how late events show.

The reference for reading is a bare httpx.AsyncClient with json.loads that asks for the same pages, as many at once.
The simulator runs in a process of its own. ``python -m benchmarks.cloud``; exits with 1 when a bound is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from benchmarks.core import Core
from benchmarks.measure import Finding, options, ratio, report, side_by_side
from gputui.api import open_backend
from gputui.api.gpuhub.account import GpuhubAccount
from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.api.gpuhub.resources import CONTAINERS, CONTAINERS_AT_ONCE, DEPLOYMENTS
from gputui.api.http.pagination import PAGE_SIZE
from gputui.config.loader import Account, load_config
from gputui.config.sections import Polling
from gputui.fleet import Fleet
from gputui.models import Change, Event, Resource
from gputui.sim.gpuhub.default_world import CLOUDS
from gputui.sim.gpuhub.plans import CloudPlan
from gputui.sim.machines.clock import WorldClock
from gputui.sim.server import running_simulator
from tests.tui.harness import Terminal

REGIONS, MODELS = 12, 30
OF_A_DEPLOYMENT = 10
READ_BOUND = 1.5
CPU_BOUND = 5.0
LAG_OVER_POLL = 0.3


@dataclass(frozen=True)
class Watching:
    """How large a world is, and how it is watched while it moves.

    ``settle`` and ``calm`` are in seconds: a program settles after its start; a world begins with many instances on
    their way up at once, and after ``calm`` it is as it stays. ``events`` is how many have to happen meanwhile.
    """

    seconds: float
    settle: float = 15.0
    calm: float = 60.0
    events: int = 20
    speed: float = 1.0
    deployments: int = 100

    @property
    def instances(self) -> int:
        """How many there are at the start."""
        return self.deployments * OF_A_DEPLOYMENT


_LONGEST = 60.0
"""Seconds to wait for the fewest events that say something."""
TINY = Watching(seconds=0.5, settle=0.2, calm=0.0, events=2, speed=20.0, deployments=3)


def plan(deployments: int) -> CloudPlan:
    """Return a cloud of twelve regions and thirty models with deployments of ten containers each."""
    hub, autodl = CLOUDS["large"]
    regions = (*autodl.regions, "westDC9")
    assert len(regions) == REGIONS
    assert len(autodl.models) == MODELS
    return replace(hub, regions=regions, models=autodl.models, machines=8, initial=hub.initial[:deployments])


async def serve(speed: float, deployments: int) -> None:
    """Serve the cloud; print its configuration, then for each line read the true times of all events."""
    clock = WorldClock(speed=speed, start=time.time())
    async with running_simulator(
        clock=clock, seed=1, ssh=False, plans={"gpuhub": [plan(deployments)], "deepdock": []}
    ) as running:
        section = running.config_toml().partition("\n[accounts.lab]")[0]
        print(json.dumps(section), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            cloud = running.accounts["hub"].state
            events = [event for deployment in cloud.deployments.values() for event in deployment.events]
            print(json.dumps([[event.container, event.status, event.at] for event in events]), flush=True)


class Server:
    """The simulator in its process."""

    def __init__(self, process: subprocess.Popen[str], config: Path) -> None:
        self._process = process
        self._begun = time.monotonic()
        self.config = config

    @property
    def age(self) -> float:
        """How long it has been running, in seconds."""
        return time.monotonic() - self._begun

    @property
    def account(self) -> Account:
        """The only account."""
        return load_config(self.config).accounts["hub"]

    def event_times(self) -> dict[tuple[str, str, int], float]:
        """Return when events truly happened: a server reports whole seconds only."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        reported = json.loads(self._process.stdout.readline())
        return {(container, status, int(at)): at for container, status, at in reported}


@contextmanager
def server(directory: Path, *, speed: float, deployments: int) -> Iterator[Server]:
    """Run the simulator."""
    command = [sys.executable, "-m", "benchmarks.cloud", "--serve", str(speed), "--deployments", str(deployments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            config = directory / "config.toml"
            config.touch(mode=0o600)
            config.write_text(json.loads(process.stdout.readline()))
            yield Server(process, config)
        finally:
            process.terminate()


@contextmanager
def counted() -> Iterator[list[str]]:
    """Count the requests that go out meanwhile, by their paths."""
    sent: list[str] = []
    send = httpx.AsyncClient.send

    async def counting(self: httpx.AsyncClient, request: httpx.Request, **more: Any) -> httpx.Response:
        sent.append(request.url.path)
        return await send(self, request, **more)

    httpx.AsyncClient.send = counting  # type: ignore[method-assign]  # there is no other place that sees all of them
    try:
        yield sent
    finally:
        httpx.AsyncClient.send = send  # type: ignore[method-assign]


def stock_requests(runner: asyncio.Runner, backend: GpuhubBackend) -> Finding:
    """Count the requests of one refresh of the whole map."""
    with counted() as sent:
        offers = runner.run(backend.stock())
    if len(offers) != REGIONS * MODELS:
        sys.exit(f"there are {len(offers)} offers in place of {REGIONS * MODELS}")
    return Finding("requests for a refresh of the stock", len(sent), REGIONS, f"{len(offers)} offers")


async def bare(client: httpx.AsyncClient) -> int:
    """Read all containers with nothing but httpx and json."""
    limit = asyncio.Semaphore(CONTAINERS_AT_ONCE)

    async def page(path: str, index: int, **more: str) -> dict[str, Any]:
        async with limit:
            answer = await client.post(path, json={"page_index": index, "page_size": PAGE_SIZE, **more})
            data: dict[str, Any] = json.loads(answer.content)["data"]
            return data

    async def whole(path: str, **more: str) -> list[dict[str, Any]]:
        first = await page(path, 1, **more)
        rest = await asyncio.gather(*(page(path, index, **more) for index in range(2, first["max_page"] + 1)))
        return [row for part in (first, *rest) for row in part["list"]]

    deployments = await whole(DEPLOYMENTS)
    parts = await asyncio.gather(*(whole(CONTAINERS, deployment_uuid=row["uuid"]) for row in deployments))
    return sum(map(len, parts))


def reading(
    runner: asyncio.Runner,
    backend: GpuhubBackend,
    account: GpuhubAccount,
    rounds: int,
    instances: int,
    *,
    name: str = "reading {:,} containers / bare httpx",
    bare: Callable[[httpx.AsyncClient], Coroutine[None, None, int]] = bare,
    bound: float = READ_BOUND,
    more: float = 0.0,
) -> list[Finding]:
    """Time a whole reading of all instances, with nothing known from before.

    ``bare`` is the reference, ``more`` how many requests more than it gputui may send.
    """
    client = httpx.AsyncClient(base_url=account.base_url, headers={"Authorization": account.token.resolve().reveal()})

    def timed(work: Callable[[], Coroutine[None, None, int]]) -> float:
        begun = time.perf_counter()
        count = runner.run(work())
        taken = time.perf_counter() - begun
        if count != instances:
            sys.exit(f"{count} instances were found in place of {instances}")
        return taken

    async def ours() -> int:
        backend.forget()
        return len(await backend.instances())

    contenders: dict[str, Callable[[], float]] = {
        "gputui": lambda: timed(ours),
        "bare httpx": lambda: timed(lambda: bare(client)),
    }
    for contender in contenders.values():
        contender()
    samples = side_by_side(contenders, rounds)
    with counted() as sent:
        timed(ours)
    asked = len(sent)
    sent.clear()
    with counted() as sent:
        timed(lambda: bare(client))
    runner.run(client.aclose())
    return [
        ratio(name.format(instances), samples, "gputui", "bare httpx", bound),
        Finding(
            "  its requests / those of bare httpx",
            asked / len(sent),
            1.0 + more / len(sent),
            f"{asked} against {len(sent)}",
        ),
    ]


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def polling(running: Server, watching: Watching) -> Finding:
    """Measure what the whole program uses while it polls all containers of a world that moves as it always does."""
    config, core = running.config, Core()
    env = {"GPUTUI_CONFIG": str(config), "GPUTUI_STATE_DIR": str(config.parent / "state")}
    with Terminal([sys.executable, "-m", "gputui", "--view", "instances"], columns=120, rows=40, env=env) as terminal:
        terminal.wait_for("hub", timeout=60)
        terminal.send("3")
        terminal.wait_for("● running", timeout=60)
        terminal.count(watching.settle)
        before, begun = cpu_seconds(terminal.process.pid), time.perf_counter()
        with core.sampled():
            written = terminal.count(watching.seconds)
        used, lasted = cpu_seconds(terminal.process.pid) - before, time.perf_counter() - begun
    detail = f"{used:.1f} s of {lasted:.0f} s, {written} bytes written"
    return core.finding(
        f"percent of a core to poll {watching.instances:,} containers", used / lasted * 100, CPU_BOUND, detail
    )


async def arrivals(account: Account, watching: Watching) -> dict[tuple[str, str, int], float]:
    """Return when events appeared in the rows of a fleet that watches them at the default pace."""
    seen: dict[tuple[str, str, int], float] = {}
    fleet = Fleet({account.name: account}, open_backend=open_backend, history=None, polling=Polling())

    def note(change: Change) -> None:
        now = time.time()
        for row in change.added:
            if isinstance(row, Event):
                seen[row.instance.id, row.status, int(row.at.timestamp())] = now

    fleet.poll({Resource.EVENTS})
    await fleet.start()
    try:
        await asyncio.sleep(watching.settle)
        fleet.subscribe(Resource.EVENTS, note)
        await asyncio.sleep(watching.seconds)
        with suppress(TimeoutError):  # a busy machine needs longer for the first of them
            async with asyncio.timeout(_LONGEST):
                while len(seen) < watching.events:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
    finally:
        await fleet.aclose()
    return seen


async def moving_world(running: Server, watching: Watching) -> list[Finding]:
    """Watch the events and measure the whole program, both for the same time; each is a client of its own."""
    await asyncio.sleep(max(0.0, watching.calm - running.age))
    seen, polled = await asyncio.gather(
        arrivals(running.account, watching), asyncio.to_thread(polling, running, watching)
    )
    return [lag(running, seen, watching.events), polled]


def lag(running: Server, seen: Mapping[tuple[str, str, int], float], least: int) -> Finding:
    """Compare when events happened and when they were to be seen."""
    times: Mapping[tuple[str, str, int], float] = running.event_times()
    lags = sorted(at - times[key] for key, at in seen.items())
    if len(lags) < least:
        sys.exit(f"only {len(lags)} events happened; measure for longer")
    p95 = quantiles(lags, n=20)[-1]
    return Finding(
        "seconds from an event to its row, p95",
        p95,
        Polling().events + LAG_OVER_POLL,
        f"{len(lags)} events, median {lags[len(lags) // 2]:.2f} s, most {lags[-1]:.2f} s",
    )


def main() -> int:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=30.0, help="to watch the moving world")
    parser.add_argument("--serve", type=float, metavar="SPEED", help=argparse.SUPPRESS)
    parser.add_argument("--deployments", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    watching = TINY if args.tiny else Watching(args.seconds)
    rounds = 1 if args.tiny else args.rounds
    if args.serve is not None:
        asyncio.run(serve(args.serve, args.deployments))
        return 0
    with (
        tempfile.TemporaryDirectory() as directory,
        tempfile.TemporaryDirectory() as other,
        server(Path(directory), speed=watching.speed, deployments=watching.deployments) as moving,
        server(Path(other), speed=0, deployments=watching.deployments) as frozen,
    ):
        account = frozen.account
        backend = open_backend(account)
        assert isinstance(account, GpuhubAccount)
        assert isinstance(backend, GpuhubBackend)
        with asyncio.Runner() as runner:
            findings = [
                stock_requests(runner, backend),
                *reading(runner, backend, account, rounds, watching.instances),
            ]
            runner.run(backend.aclose())
        findings += asyncio.run(moving_world(moving, watching))
    return report(findings, tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
