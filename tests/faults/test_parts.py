"""One request of several fails, or one account of several: the rest stays, and nothing is missing in silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from gputui.config.sections import Polling
from gputui.errors import GputuiError
from gputui.fleet import Fleet
from gputui.models import FeedState, PartialRows, Ref, Resource
from tests.faults.catalogue import FAULTS
from tests.faults.fault import Fault, Sort
from tests.faults.laboratory import ACCOUNTS, FaultProxy, Laboratory, laboratory, patience_for, run_cases
from tests.faults.proxy import Exchange, pass_on
from tests.faults.test_lists import LONGEST, harmful, texts

PART_FAULTS = tuple(
    fault
    for fault in FAULTS
    if fault.name
    in {
        "closed before the answer", "reset in the body", "acted, then reset", "401 in JSON", "403 in JSON",
        "429 in JSON", "500 in JSON", "502 with a page", "503 in JSON", "403 with a page", "302 elsewhere",
        "JSON cut off",
        "a page that asks to sign in", "204 without a body", "an empty body", "an object of something else", "NaN",
        "packed, and it is not", "a text",
    }
)  # fmt: skip
"""What can happen to one request of a list. 404 and an empty list are answers: what was there is gone."""
FIRST = 4
"""So many of the requests that a list is made of are spoilt in turn."""
LISTS = 2
"""So many lists of an account meet each fault, in turn."""


def nth_question(number: int) -> Callable[[Exchange], bool]:
    """Return a check of whether an exchange is the n-th different question, or a repetition of it."""
    seen: dict[tuple[str, str, bytes], int] = {}

    def spoils(exchange: Exchange) -> bool:
        return seen.setdefault((exchange.method, exchange.target, exchange.body), len(seen)) == number

    return spoils


class PartCase:
    """A list one of whose requests fails."""

    def __init__(self, lab: Laboratory, account: str, resource: Resource, fault: Fault, number: int) -> None:
        self.lab = lab
        self.account = account
        self.resource = resource
        self.fault = fault
        self.number = number
        self.wrong: list[str] = []

    def __str__(self) -> str:
        return f"{self.account} {self.resource.value}, request {self.number + 1}: {self.fault.name}"

    async def run(self) -> None:
        """Run it."""
        spoils = nth_question(self.number)
        expected = {row.ref for row in await self.lab.rows(self.account, self.resource)}
        async with FaultProxy(self.lab.asks(self.account), self.fault.play, spoils=spoils) as proxy:
            backend = self.lab.backend(self.account, proxy.url, patience=patience_for(self.fault))
            try:
                rows = await asyncio.wait_for(backend.listers[self.resource](), LONGEST)
            except GputuiError:
                rows = None
            except Exception as error:  # noqa: BLE001  (what the case is about)
                self.wrong.append(f"raised {type(error).__name__}: {str(error)[:200]}")
                rows = None
            await backend.aclose()
            self.wrong += [f"the proxy: {error!r}" for error in proxy.broken]
        if rows is None:
            return
        missing = sorted(str(ref) for ref in expected - {row.ref for row in rows})
        noted = isinstance(rows, PartialRows) or any(getattr(row, "problem", None) for row in rows)
        if missing and not noted:
            self.wrong.append(f"{len(missing)} of {len(expected)} are missing in silence: {missing[:3]}")
        if any(harmful(text) for row in rows for text in texts(row)):
            self.wrong.append("acts on the terminal")


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_part_that_fails_is_not_missing_in_silence(account: str) -> None:
    async def check() -> list[PartCase]:
        async with laboratory() as lab:
            backend = lab.backend(account, "http://127.0.0.1:9")
            resources = [resource for resource in backend.listers if resource is not Resource.EVENTS]
            await backend.aclose()
            cases = [
                PartCase(lab, account, resources[place % len(resources)], fault, (turn + place) % FIRST)
                for turn, fault in enumerate(PART_FAULTS)
                for place in range(LISTS * turn, LISTS * (turn + 1))
            ]
            await run_cases(cases)
            return cases

    cases = asyncio.run(check())
    assert len(cases) == LISTS * len(PART_FAULTS)
    assert [f"{case}: {'; '.join(case.wrong)}" for case in cases if case.wrong] == []


ACCOUNT_FAULTS = tuple(
    fault
    for number, fault in enumerate(FAULTS)
    if fault.sort is not Sort.SOUND and not fault.costly and number % 8 == 0
)


class Switch:
    """A fault that can be turned on."""

    def __init__(self) -> None:
        self.fault: Fault | None = None

    async def play(self, exchange: Exchange) -> None:
        """Answer as it says now."""
        await (pass_on if self.fault is None else self.fault.play)(exchange)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_one_accounts_fault_is_its_own(account: str) -> None:
    other = "lab" if account == "dock" else "dock"

    async def under(fleet: Fleet, switch: Switch, fault: Fault) -> list[str]:
        """Return what is wrong while an account of a fleet has a fault; the fleet is as before afterwards."""
        before = refs(fleet, account)
        fetched = fleet.feed(account, Resource.INSTANCES).fetched_at
        switch.fault = fault
        fleet.refresh([Resource.INSTANCES])
        await until(
            lambda: (
                state(fleet, account) is not FeedState.FRESH
                or fleet.feed(account, Resource.INSTANCES).fetched_at != fetched
            )
        )
        wrong = []
        if state(fleet, account) is not FeedState.FRESH:
            if refs(fleet, account) != before:
                wrong.append("the last rows are gone")
            if state(fleet, account) is not FeedState.STALE:
                wrong.append(f"the rows are {state(fleet, account)}")
        if state(fleet, other) is not FeedState.FRESH or not refs(fleet, other):
            wrong.append(f"{other} is {state(fleet, other)}")
        switch.fault, fetched = None, fleet.feed(account, Resource.INSTANCES).fetched_at
        fleet.refresh([Resource.INSTANCES])
        await until(
            lambda: (
                state(fleet, account) is FeedState.FRESH
                and fleet.feed(account, Resource.INSTANCES).fetched_at != fetched
                and refs(fleet, account) == before
            )
        )
        return [f"{fault.name}: {each}" for each in wrong]

    async def check() -> list[str]:
        switches = {name: Switch() for name in (account, other)}
        failures: list[BaseException] = []
        async with laboratory() as lab, AsyncExitStack() as stack:
            proxies = {
                name: await stack.enter_async_context(
                    FaultProxy(lab.asks(name), switch.play, spoils=lambda exchange: True)
                )
                for name, switch in switches.items()
            }
            fleet = Fleet(
                {name: lab.accounts[name] for name in switches},
                open_backend=lambda config: lab.backend(config.name, proxies[config.name].url),
                history=None, polling=Polling(), on_failure=failures.append,
            )  # fmt: skip
            await fleet.start()
            stack.push_async_callback(fleet.aclose)
            await until(lambda: all(state(fleet, name) is FeedState.FRESH for name in switches))
            wrong = [each for fault in ACCOUNT_FAULTS for each in await under(fleet, switches[account], fault)]
        return [*wrong, *(f"{type(failure).__name__}: {failure}" for failure in failures)]

    assert len(ACCOUNT_FAULTS) >= 12
    assert asyncio.run(check()) == []


def state(fleet: Fleet, account: str) -> FeedState:
    return fleet.feed(account, Resource.INSTANCES).state


def refs(fleet: Fleet, account: str) -> set[Ref]:
    return {ref for ref in fleet.rows(Resource.INSTANCES) if ref.account == account}


async def until(holds: Callable[[], bool]) -> None:
    """Let others work until a condition holds."""
    async with asyncio.timeout(LONGEST):
        while not holds():  # noqa: ASYNC110  (what is waited for is several things of the fleet)
            await asyncio.sleep(0.01)
