"""Home with 1,000 instances: when it is complete, what it uses at rest, what it writes.

The reference is the list of the instances in the same program, against the same simulator in a process of its own,
whose world stops once all instances run. ``python -m benchmarks.home``; exits with 1 when a bound is missed.
Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.cloud import OF_A_DEPLOYMENT, cpu_seconds, plan
from benchmarks.core import Core
from benchmarks.measure import Finding, options, ratio, report, side_by_side
from gputui.sim.machines.clock import WorldClock
from gputui.sim.server import running_simulator
from tests.tui.harness import Terminal

COMPLETE_BOUND = 1.5
"""It reads more lists at the same time, of which events take a request a deployment."""
WRITTEN_BOUND = 0
"""The spending of today, which grows by itself, is shown again after ten minutes."""
CPU_BOUND = 1.0
"""Percent of a core more than the list of the instances, which asks for no events and no prepaid time."""


@dataclass(frozen=True)
class Watching:
    """How large the world is, and how long in seconds the program settles and is watched, in rounds.

    ``prepared`` is how many seconds the simulator takes to bring up all instances.
    """

    seconds: float
    deployments: int = 100
    settle: float = 20.0
    rounds: int = 3
    prepared: float = 40.0

    @property
    def instances(self) -> str:
        """How many there are, as the program writes it."""
        return f"{self.deployments * OF_A_DEPLOYMENT:,}"


TINY = Watching(seconds=0.2, deployments=3, settle=0.2, rounds=1, prepared=0.5)
NUMBERS = itertools.count()
AGE = 4 * 3600.0
"""Seconds that pass in the world before it stops: ages are then in hours, which seldom change while it is watched."""
_AGES = re.compile(r"\b\d+h\b")


async def serve(deployments: int, prepared: float) -> None:
    """Serve a cloud in which nothing happens any more; print its configuration, and end with the input."""
    end = time.monotonic() + prepared
    clock = WorldClock(speed=AGE / prepared, start=time.time() - AGE, monotonic=lambda: min(time.monotonic(), end))
    cloud = plan(deployments)
    lasting = tuple(replace(one, kind="ReplicaSet", replicas=0) for one in cloud.initial)
    calm = replace(cloud, initial=lasting, quiet=True)
    async with running_simulator(clock=clock, seed=1, ssh=False, plans={"gpuhub": [calm], "deepdock": []}) as running:
        await asyncio.sleep(prepared)
        print(json.dumps(running.config_toml().partition("\n[accounts.lab]")[0]), flush=True)
        await asyncio.to_thread(sys.stdin.readline)


@contextmanager
def server(directory: Path, watching: Watching) -> Iterator[Path]:
    """Run the simulator; gives the path of its configuration."""
    command = [sys.executable, "-m", "benchmarks.home", "--serve", str(watching.deployments)]
    command += ["--prepared", str(watching.prepared)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            config = directory / "config.toml"
            config.touch(mode=0o600)
            config.write_text(json.loads(process.stdout.readline()))
            yield config
        finally:
            process.terminate()


def start(config: Path, view: str) -> Terminal:
    """Start the program with a view, on a machine that has never seen the servers."""
    env = {"GPUTUI_CONFIG": str(config), "GPUTUI_STATE_DIR": str(config.parent / f"state-{next(NUMBERS)}")}
    return Terminal([sys.executable, "-m", "gputui", "--view", view], columns=160, rows=40, env=env)


def sign(view: str, watching: Watching) -> str:
    """Return the text that a view shows when all instances are in it."""
    return f"{watching.instances} instances" if view == "home" else f"Instances   {watching.instances}"


def complete(config: Path, view: str, watching: Watching) -> float:
    """Return the seconds until a view has all instances."""
    with start(config, view) as terminal:
        terminal.wait_for(sign(view, watching), timeout=60)
        return terminal.last_read_at - terminal.started


def only_ages_differ(one: str, other: str) -> bool:
    """Whether a line became an hour older meanwhile, which is news, and nothing else changed."""
    return one != other and _AGES.sub("", one) == _AGES.sub("", other)


def at_rest(config: Path, watching: Watching) -> list[Finding]:
    """Measure what both views use while unchanged servers are polled, and what Home writes."""
    with ExitStack() as stack:
        programs = {view: stack.enter_context(start(config, view)) for view in ("home", "instances")}
        for view, terminal in programs.items():
            terminal.wait_for(sign(view, watching), timeout=60)
        for terminal in programs.values():
            terminal.count(watching.settle)
        shares, written, core = [], 0, Core()
        for _ in range(watching.rounds):
            before = {view: cpu_seconds(terminal.process.pid) for view, terminal in programs.items()}
            begun = time.perf_counter()
            shown = programs["home"].text
            with core.sampled():
                count = programs["home"].count(watching.seconds / watching.rounds)
            if not only_ages_differ(shown, programs["home"].text):
                written += count
            lasted = time.perf_counter() - begun
            used = {view: cpu_seconds(programs[view].process.pid) - before[view] for view in programs}
            shares.append({view: 100 * seconds / lasted for view, seconds in used.items()})
    more = [share["home"] - share["instances"] for share in shares]
    own = statistics.median(share["home"] for share in shares)
    detail = f"{own:.2f} in all; of {watching.rounds} rounds: {', '.join(f'{share:.2f}' for share in more)}"
    return [
        Finding(f"bytes written in {watching.seconds:.0f} s at rest", written, WRITTEN_BOUND),
        core.finding("percent of a core more than the list of instances", statistics.median(more), CPU_BOUND, detail),
    ]


def main() -> int:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=45.0, help="to watch it at rest")
    parser.add_argument("--serve", type=int, metavar="DEPLOYMENTS", help=argparse.SUPPRESS)
    parser.add_argument("--prepared", type=float, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        asyncio.run(serve(args.serve, args.prepared))
        return 0
    watching = TINY if args.tiny else Watching(args.seconds)
    with tempfile.TemporaryDirectory() as directory, server(Path(directory), watching) as config:
        views = {view: partial(complete, config, view, watching) for view in ("home", "instances")}
        samples = side_by_side(views, 1 if args.tiny else args.rounds)
        name = f"Home with {watching.instances} instances complete / their list"
        findings = [ratio(name, samples, "home", "instances", COMPLETE_BOUND), *at_rest(config, watching)]
    return report(findings, tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
