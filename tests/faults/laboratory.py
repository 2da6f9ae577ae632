"""The simulator, with a proxy before it for each case, and the back ends that ask it, without anything in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

from gputui import vendors
from gputui.api.capabilities import Backend
from gputui.api.http import transport
from gputui.config.loader import Account, parse_config
from gputui.models import Ref, Resource, Row
from gputui.sim.machines.clock import WorldClock
from gputui.sim.server import Running, running_simulator
from tests.cli.conftest import PODS
from tests.faults.catalogue import FAULTS
from tests.faults.fault import Fault
from tests.faults.proxy import CHANGE_HEADER, Answer, Exchange, FaultProxy, ask_upstream

ACCOUNTS = ("hub", "autodl", "lab", "dock", "yotta")
PATIENCE, LONG_PATIENCE = 1.0, 60.0
"""Seconds that a back end waits for an answer: where none is to come, and where one is, on a busy machine."""
START = 1_790_000_000.0
COSTLY = tuple(fault for fault in FAULTS if fault.costly)


class FakeTime:
    """Time that moves only when something waits for it: what waits between two attempts costs nothing."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += max(0.0, seconds)
        await asyncio.sleep(0)


@contextmanager
def short_patience() -> Iterator[None]:
    """Make every wait for an answer short, and mark the requests that ask for a change."""
    exchange, change = transport.Transport._exchange, transport.Transport.change

    async def marked(self: Any, attempt: Any, headers: dict[str, str]) -> bytes:
        return await exchange(self, attempt, headers | ({CHANGE_HEADER: "1"} if attempt.changes else {}))

    async def impatient(self: Any, *arguments: Any, **options: Any) -> bytes:
        return await change(self, *arguments, **(options | {"timeout": self._read_timeout}))

    # The one place that all requests go through.
    transport.Transport._exchange = marked  # type: ignore[method-assign]
    transport.Transport.change = impatient  # type: ignore[method-assign]
    try:
        yield
    finally:
        transport.Transport._exchange = exchange  # type: ignore[method-assign]
        transport.Transport.change = change  # type: ignore[method-assign]


@dataclass
class Laboratory:
    """A frozen world. What is asked of it is asked once; Nothing changes it."""

    running: Running
    accounts: Mapping[str, Account]
    _known: dict[tuple[str, str, bytes], Answer] = field(default_factory=dict)
    _rows: dict[tuple[str, Resource], tuple[Row, ...]] = field(default_factory=dict)

    def backend(self, account: str, url: str, *, patience: float = LONG_PATIENCE) -> Backend:
        """Return a back end of an account that asks at an address."""
        config = self.accounts[account].model_copy(update={"base_url": url, "timeout": patience})
        time = FakeTime()
        made: Backend = vendors.load(config.kind, "backend")(config, sleep=time.sleep, monotonic=time.monotonic)
        return made

    def port(self, account: str) -> int:
        """Return where the simulator serves an account."""
        return self.running.sites[account].port

    def asks(self, account: str) -> Callable[[Exchange], Awaitable[Answer]]:
        """Return what answers the requests of a case soundly."""

        async def ask(exchange: Exchange) -> Answer:
            assert not exchange.changes, "a list changes nothing, and changes are answered as they were recorded"
            key = (f"{account} {exchange.method}", exchange.target, exchange.body)
            if key not in self._known:
                self._known[key] = await ask_upstream(self.port(account), exchange)
            return self._known[key]

        return ask

    async def rows(self, account: str, resource: Resource) -> tuple[Row, ...]:
        """Return the rows of a list as they are without faults."""
        if (account, resource) not in self._rows:
            backend = self.backend(account, self.running.base_urls[account])
            try:
                self._rows[account, resource] = tuple(await backend.listers[resource]())
            finally:
                await backend.aclose()
        return self._rows[account, resource]

    async def row(self, ref: Ref, resource: Resource) -> Row:
        """Return a row without faults."""
        return next(row for row in await self.rows(ref.account, resource) if row.ref == ref)

    def secrets(self, account: str) -> tuple[str, ...]:
        """Return the credentials of an account."""
        config: Any = self.accounts[account]
        found = [getattr(config, name, None) for name in ("password", "token", "api_key")]
        header = getattr(config, "header", None)
        found.append(header.value if header is not None else None)
        return tuple(reference.resolve().reveal() for reference in found if reference is not None)


@asynccontextmanager
async def laboratory(*, patient: bool = False) -> AsyncIterator[Laboratory]:
    """Start the simulator, frozen, with the same world each time; ``patient`` leaves the waits as they are."""
    clock = WorldClock(speed=0, start=START)
    async with running_simulator(speed=0, seed=7, ssh=False, clock=clock, plans={"pody": PODS}) as running:
        config = parse_config(running.config_toml(), name="faults", private=True)
        with nullcontext() if patient else short_patience():
            yield Laboratory(running, config.accounts)


async def all_at_once(work: list[Callable[[], Awaitable[None]]], most: int = 12) -> None:
    """Do everything, so many at once; what hangs does not delay what works."""
    waiting = iter(work)

    async def worker() -> None:
        for one in waiting:
            await one()

    async with asyncio.TaskGroup() as group:
        for _ in range(most):
            group.create_task(worker())


class Case(Protocol):
    """Something done under a fault."""

    fault: Fault

    async def run(self) -> None:
        """Run it."""


async def run_cases(cases: Sequence[Case], *, connect: float = PATIENCE) -> None:
    """Run all cases; first those that wait in vain, as long as no other work delays what they wait for.

    ``connect`` is how long these wait for a connection, in seconds.
    """
    usual = transport.CONNECT_TIMEOUT
    transport.CONNECT_TIMEOUT = connect
    try:
        await all_at_once([case.run for case in cases if case.fault.waits])
    finally:
        transport.CONNECT_TIMEOUT = usual
    await all_at_once([case.run for case in cases if not case.fault.waits])


def every_day(fault: Fault, account: str, *, turn: int = 0) -> bool:
    """Whether a fault is among an account's for every day; a costly one is, in turn, for one of the accounts."""
    return not fault.costly or (COSTLY.index(fault) + turn) % len(ACCOUNTS) == ACCOUNTS.index(account)


def patience_for(fault: Fault, *, in_vain: float = PATIENCE) -> float:
    """Return how long to wait for an answer under a fault, in seconds; ``in_vain`` where none comes."""
    return in_vain if fault.waits else LONG_PATIENCE


MOST_SECONDS = 12.0
"""Processor time of the cases of one account: ten such sets, on two cores within a minute."""


def check_duration(capsys: Any, what: str, account: str, count: int, seconds: float) -> None:
    """Print how many cases there were and how long they took, and compare that with the limit."""
    with capsys.disabled():
        print(f"\n{what} of {account}: {count} cases, {seconds:.1f} s of the processor")  # noqa: T201
    assert seconds <= MOST_SECONDS


__all__ = [
    "ACCOUNTS",
    "FaultProxy",
    "Laboratory",
    "all_at_once",
    "check_duration",
    "every_day",
    "laboratory",
    "patience_for",
    "run_cases",
]  # fmt: skip
