"""Every case of the laboratory, then a fleet on a world that moves fast while its servers fail in turn.

What is compared at the end: the events that clouds report with the simulator's own list, none lost and none doubled;
what was observed of the others with their state. ``python -m tests.faults.soak --seconds 600``; exits with 1 when
anything is wrong. Ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gputui.api import open_backend
from gputui.config.loader import Account, parse_config
from gputui.config.sections import Polling
from gputui.fleet import Fleet
from gputui.history.history import History
from gputui.models import Change, Event, EventSource, FeedState, Instance, Ref, Resource
from gputui.sim.gpuhub.cloud import Cloud
from gputui.sim.machines.clock import WorldClock
from gputui.sim.server import Running, running_simulator
from tests.faults.laboratory import ACCOUNTS, laboratory, run_cases
from tests.faults.test_changes import ChangeCase, change_cases
from tests.faults.test_lists import ListCase, list_cases

SPEED = 5.0
TURN = 6.0
"""Seconds that a fault lasts before another account has another."""
PROFILES = ("none", "flaky", "slow", "down", "html", "truncated", "ratelimited", "none", "auth", "hang")
CALM = 45.0
"""Seconds without a fault at the end, in which everything has to be caught up."""
PATIENCE = 45.0
"""Seconds that a run may last longer until events of both sources have come."""
WATCHED = (Resource.INSTANCES, Resource.EVENTS, Resource.DEPLOYMENTS)


@dataclass
class Witness:
    """The events that the fleet reported, each time."""

    notified: Counter[Ref] = field(default_factory=Counter)
    events: list[Event] = field(default_factory=list)

    def hear(self, change: Change) -> None:
        """Note what is new."""
        for row in change.added:
            if isinstance(row, Event):
                self.notified[row.ref] += 1
                self.events.append(row)

    @property
    def saw_both(self) -> bool:
        """Whether there were events of each source to compare."""
        return {event.source for event in self.events} == set(EventSource)


class Stopwatch:
    """The machine's time until it is stopped."""

    def __init__(self) -> None:
        self._stopped_at: float | None = None

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start."""
        return time.monotonic() if self._stopped_at is None else self._stopped_at

    def stop(self) -> None:
        """Let no more time pass."""
        self._stopped_at = time.monotonic()


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def matrix(account: str) -> tuple[int, list[str]]:
    """Run every case of an account; returns how many there are, and what was wrong."""
    async with laboratory() as lab:
        cases: list[ListCase | ChangeCase] = [*await list_cases(lab, account), *await change_cases(lab, account)]
        await run_cases(cases)
        return len(cases), [f"{case}: {'; '.join(case.wrong)}" for case in cases if case.wrong]


async def soak(
    seconds: float, seed: int, *, calm: float = CALM, turn: float = TURN, speed: float = SPEED
) -> list[str]:
    """Run the fleet for so long; returns what was wrong at the end."""
    chance = random.Random(seed)
    stopwatch = Stopwatch()
    clock = WorldClock(speed=speed, start=time.time(), monotonic=stopwatch.monotonic)
    async with running_simulator(seed=seed, ssh=False, clock=clock) as running:
        config = parse_config(running.config_toml(), name="soak", private=True)
        accounts = {name: entry.model_copy(update={"timeout": 3.0}) for name, entry in config.accounts.items()}
        failures: list[BaseException] = []
        witness = Witness()
        fleet = Fleet(
            accounts, open_backend=open_backend, history=History(None), polling=Polling(events=0.5, lists=1.0),
            on_failure=failures.append,
        )  # fmt: skip
        fleet.subscribe(Resource.EVENTS, witness.hear)
        fleet.poll(WATCHED)
        await fleet.start()
        try:
            await caught_up(fleet, accounts)
            end = time.monotonic() + max(0.0, seconds - calm)
            while (left := end - time.monotonic()) > 0 or (left > -PATIENCE and not witness.saw_both):
                for name in accounts:
                    running.set_faults(chance.choice(PROFILES), name)
                await asyncio.sleep(min(turn, left) if left > 0 else turn)
            running.set_faults("none")
            await asyncio.sleep(calm / 2)
            stopwatch.stop()  # time is stopped for the comparison
            await asyncio.sleep(calm / 2)
            for _ in range(2):  # the first answers may be older than the stop
                stopped = datetime.now(UTC)
                fleet.refresh()
                await caught_up(fleet, accounts, since=stopped)
            wrong = [*reported(running, witness), *await observed(fleet, accounts, witness)]
        finally:
            await fleet.aclose()
    wrong += [f"failed inside: {type(failure).__name__}: {failure}" for failure in failures]
    sources = Counter(event.source for event in witness.events)
    say(f"{sources[EventSource.REPORTED]} reported and {sources[EventSource.OBSERVED]} observed events compared")
    if not witness.saw_both:
        wrong.append("nothing happened: run it for longer")
    return wrong


async def caught_up(fleet: Fleet, accounts: Mapping[str, Account], *, since: datetime | None = None) -> None:
    """Wait until every list that is watched has been read, after ``since``."""
    for _ in range(600):
        feeds = [
            fleet.feed(name, resource) for name in accounts for resource in WATCHED if fleet.supports(name, resource)
        ]
        if feeds and all(
            feed.state is FeedState.FRESH and feed.fetched_at and (since is None or feed.fetched_at > since)
            for feed in feeds
        ):
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("the lists are not read within a minute without faults")


def reported(running: Running, witness: Witness) -> list[str]:
    """Compare the events that clouds reported with what has happened in them."""
    wrong = [f"reported {count} times: {ref}" for ref, count in witness.notified.items() if count > 1]
    clouds = {name: one.state for name, one in running.accounts.items() if isinstance(one.state, Cloud)}
    for name, cloud in clouds.items():
        there = Counter(
            (event.container, event.status, int(event.at))
            for deployment in cloud.deployments.values()
            for event in deployment.events
        )
        known = Counter(
            (event.instance.id, event.status, int(event.at.timestamp()))
            for event in witness.events
            if event.instance.account == name and event.source is EventSource.REPORTED
        )
        wrong += [f"{name}: lost: {event}" for event in there - known]
        wrong += [f"{name}: doubled, or never happened: {event}" for event in known - there]
    return wrong


async def observed(fleet: Fleet, accounts: Mapping[str, Account], witness: Witness) -> list[str]:
    """Compare what was observed of instances with their state as the simulator has it now."""
    wrong = []
    last: dict[Ref, Event] = {}
    for event in witness.events:
        if event.source is EventSource.OBSERVED:
            before = last.get(event.instance)
            if before is not None and event.before is not None and event.before != before.status:
                wrong.append(f"{event.instance}: {event.before} → {event.status} after {before.status}")
            last[event.instance] = event
    for name, entry in accounts.items():
        backend = open_backend(entry)
        there = {row.ref: row for row in await backend.listers[Resource.INSTANCES]() if isinstance(row, Instance)}
        await backend.aclose()
        shown = {ref: row for ref, row in fleet.rows(Resource.INSTANCES).items() if ref.account == name}
        wrong += [f"{ref}: shown, and not there" for ref in shown.keys() - there.keys()]
        wrong += [f"{ref}: there, and not shown" for ref in there.keys() - shown.keys()]
        for ref, event in last.items():
            if ref.account != name:
                continue
            if ref not in there and event.status != "gone":
                wrong.append(f"{ref}: is gone, and the last event is {event.status}")
            elif ref in there and event.status != there[ref].status:
                wrong.append(f"{ref}: is {there[ref].status}, and the last event is {event.status}")
    return wrong


def main() -> int:
    """Run everything and print what was wrong; returns an exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long the fleet runs (default: 600)")
    parser.add_argument("--seed", type=int, default=1, help="of the world and of the faults' order")
    parser.add_argument("--fleet-only", action="store_true", help="leave the cases of the laboratory out")
    args = parser.parse_args()
    wrong = []
    for account in () if args.fleet_only else ACCOUNTS:
        count, found = asyncio.run(matrix(account))
        say(f"{account}: {count} cases, {len(found)} wrong")
        wrong += found
    wrong += asyncio.run(soak(args.seconds, args.seed))
    for line in wrong[:200]:
        say(line)
    say(f"{len(wrong)} wrong" if wrong else "nothing wrong: no event lost, none doubled")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
