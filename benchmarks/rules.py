"""Grabs in ten thousand simulated worlds, and how soon a request follows the stock: ``python -m benchmarks.rules``.

The reaction goes from the answer with the stock to the call that sends the create: it contains the rows of all
accounts, the decision, the journal and the audit log on this disk, and not the way to the server.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.measure import Finding, options, report
from gputui.agent.runner import RuleService
from gputui.config.loader import Account
from gputui.config.sections import Polling
from gputui.fleet import Clock, Fleet
from gputui.history.history import History
from gputui.models import ActionResult, Money, Offer, Ref, Resource
from gputui.models.rules import Candidate, Grab, Watch
from gputui.rules.files import RuleFiles
from gputui.rules.orders import Orders
from tests.fleet.fakes import FakeBackend
from tests.rules.promises import BrokenPromiseError
from tests.rules.simulation import simulate

RUNS, ROUNDS = 10_000, 15
REACTION = 200.0
"""Bound in milliseconds."""
ACCOUNTS, RULES, PLACES, MODELS = 6, 20, 22, 43


def worlds(runs: int) -> Finding:
    """Return how many worlds broke a promise: bought more than was wanted or paid for, lost or did not explain it."""
    broken = []
    ends: Counter[str] = Counter()
    bought = crashes = 0
    for seed in range(runs):
        try:
            world = simulate(seed)
        except BrokenPromiseError as error:
            broken.append(f"seed {seed}: {error}")
            continue
        over = Orders(world.journal).over
        ends["waiting" if over is None else over.state] += 1
        bought += len(world.things)
        crashes += world.crashes
    found = ", ".join(f"{count:,} {end}" for end, count in sorted(ends.items()))
    detail = f"{found}; {bought:,} bought, {crashes:,} crashes {'; '.join(broken[:3])}".rstrip()
    return Finding(f"worlds of {runs:,} that break a promise", len(broken), 0, detail)


class _Cloud(FakeBackend):
    """An account with a large stock that notes when it is answered, and when a create comes."""

    finds = True

    def __init__(self, account: str) -> None:
        super().__init__(account, (Resource.STOCK, Resource.INSTANCES))
        self.made: dict[str, float] = {}
        self.answered = 0.0
        self.rows[Resource.STOCK] = [
            Offer(
                Ref(account, "offer", f"r{place}/m{model}"),
                f"m{model}",
                f"r{place}",
                idle=0,
                total=64,
                price_from=Money(Decimal(1), "USD"),
            )
            for place in range(PLACES)
            for model in range(MODELS)
        ]

    def offer(self, model: str) -> None:
        """Let one GPU of a model become idle."""
        rows = self.rows[Resource.STOCK]
        self.rows[Resource.STOCK] = [
            replace(row, idle=1) if isinstance(row, Offer) and row.gpu_model == model else row for row in rows
        ]

    async def _enter(self, key: object) -> None:
        await super()._enter(key)
        if key is Resource.STOCK:
            self.answered = time.perf_counter()

    async def find_created(self, kind: str, values: Mapping[str, str]) -> Collection[Ref]:
        return [Ref(self.account, kind, values["name"])] if values["name"] in self.made else []

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        self.made[values["name"]] = time.perf_counter() - self.answered
        return ActionResult("created", created=Ref(self.account, kind, values["name"]))


class _Agent:
    """The parts of an agent that the service needs."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.config_path = Path("/config.toml")
        self.fleet = fleet
        self.folder = folder
        self.history = History(None)
        self.log = logging.getLogger("benchmark")
        self.notifier = self

    def publish(self, topic: str, data: Any) -> None:
        """Drop it."""

    def announce(self, notification: object) -> None:
        """Drop it."""


def _watch(number: int, clouds: list[_Cloud]) -> Watch:
    account = clouds[number % len(clouds)].account
    candidate = Candidate(account, "pod", f"run-{number}-", name_field="name", models=(f"m{number}",))
    grab = Grab((candidate,), 1, Money(Decimal(2), "USD"))
    return Watch(f"r{number:03}", "/config.toml", "me", Clock().now(), grab=grab)


def _is_ready(service: RuleService, clouds: list[_Cloud], rules: int) -> bool:
    return len(service.statuses()) == rules and all(cloud.calls[Resource.STOCK] for cloud in clouds)


async def reaction(rounds: int, folder: Path) -> Finding:
    """Return how long after the stock the slowest of the requests are sent, with all other rules waiting."""
    clouds = [_Cloud(f"account{number}") for number in range(ACCOUNTS)]
    history = History(folder / "history.db")
    by_name = {cloud.account: cloud for cloud in clouds}
    fleet = Fleet(
        {name: Account(name=name, kind="pody", base_url="http://127.0.0.1") for name in by_name},
        open_backend=lambda account: by_name[account.name],
        history=history,
        polling=Polling(stock=1.0),
    )
    files = RuleFiles(folder / "agent")
    for number in range(max(RULES, rounds)):
        files.save(_watch(number, clouds))
    service = RuleService(_Agent(fleet, folder / "agent"))
    await fleet.start()
    task = asyncio.create_task(service.run())
    taken: list[float] = []
    try:
        while not _is_ready(service, clouds, max(RULES, rounds)):  # noqa: ASYNC110  (nothing announces it)
            await asyncio.sleep(0.01)
        for number in range(rounds):
            cloud = clouds[number % len(clouds)]
            cloud.offer(f"m{number}")
            async with asyncio.timeout(20):
                while f"run-{number}-1" not in cloud.made:  # noqa: ASYNC110  (nothing announces it)
                    await asyncio.sleep(0.005)
            taken.append(1000 * cloud.made[f"run-{number}-1"])
    finally:
        task.cancel()
        await asyncio.wait({task})
        await fleet.aclose()
        history.close()
    detail = f"median {statistics.median(taken):.0f} ms, {ACCOUNTS} accounts, {max(RULES, rounds)} rules"
    return Finding("ms from the stock to the request, the slowest", max(taken), REACTION, detail)


def main() -> int:
    """Simulate, measure and print; returns an exit status."""
    args = options(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        findings = [
            worlds(20 if args.tiny else RUNS),
            asyncio.run(reaction(1 if args.tiny else ROUNDS, Path(folder))),
        ]
    return report(findings, tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
