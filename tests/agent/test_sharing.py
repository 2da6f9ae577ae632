"""Sessions share the requests of their lists through the agent: counted by the servers of the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from gputui import vendors
from gputui.agent.link import Link
from gputui.agent.main import Process
from gputui.agent.start import AgentPlan
from gputui.api.capabilities import Backend
from gputui.app.first_rows import FirstRows
from gputui.config.loader import Account, load_config
from gputui.fleet import Fleet
from gputui.models import Action, Instance, Phase, Resource
from gputui.sim.gpuhub.default_world import CLOUDS
from gputui.sim.server import Running
from tests.agent.conftest import until
from tests.cli.conftest import Simulation, write_config
from tests.fleet.fakes import FakeClock

ON_SCREEN = (Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.STOCK, Resource.EVENTS, Resource.BALANCES)
SECONDS = 15


@pytest.fixture(scope="module")
def simulator() -> Iterator[Running]:
    simulation = Simulation(clouds=CLOUDS["small"][:1])
    simulation.start()
    yield simulation.running
    simulation.stop()


class Sessions:
    """Sessions with one clock, each a fleet that polls what is on its screen, and their agent."""

    def __init__(self, home: Path, simulator: Running, *accounts: str) -> None:
        self.clock = FakeClock()
        self.fleets: list[Fleet] = []
        self.links: list[Link] = []
        self._simulator = simulator
        _, *sections = simulator.config_toml().split("[accounts.")
        chosen = [
            text for text in sections if not accounts or text.startswith(tuple(f"{name}]" for name in accounts))
        ]
        self._path = write_config(home, "".join(f"[accounts.{text}" for text in chosen))
        self._state = home / "state"
        self._config = load_config(self._path)
        self.process = Process(
            self._path,
            self._state,
            load=partial(load_config, self._path),
            open_backend=self.open_backend,
            clock=self.clock,
        )

    def open_backend(self, account: Account) -> Backend:
        """Open one that has the same clock: it has answers that serve for some seconds."""
        backend: Backend = vendors.load(account.kind, "backend")(account, monotonic=self.clock.monotonic)
        return backend

    @property
    def requests(self) -> int:
        return sum(site.faults.requests for site in self._simulator.sites.values())

    @asynccontextmanager
    async def agent(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.process.run())
        try:
            await until(lambda: task.done() or (hasattr(self.process, "agent") and self.process.agent.ready.is_set()))
            yield
        finally:
            self.process.stop("the test is over")
            await task

    @asynccontextmanager
    async def session(
        self, *, linked: bool, watch: Iterable[Resource] = ON_SCREEN, fresh: bool = False
    ) -> AsyncIterator[Fleet]:
        polling = self._config.polling
        fleet = Fleet(
            self._config.accounts, open_backend=self.open_backend, history=None, polling=polling, clock=self.clock
        )
        link = Link(self._state, AgentPlan(self._path, (), starts=False))
        if linked:
            assert await link.open() is not None
            link.serve(fleet, fresh=fresh)
        try:
            await fleet.start()
            fleet.poll(watch)
            self.fleets.append(fleet)
            self.links.append(link)
            yield fleet
        finally:
            await fleet.aclose()
            await link.aclose()

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, with the answers that come meanwhile."""
        for _ in range(int(2 * seconds)):
            await self.clock.advance(0.5)
            await self.all_read()

    async def all_read(self) -> None:
        agent = [self.process.agent.fleet] if hasattr(self.process, "agent") else []
        pollers = [
            poller
            for fleet in [*self.fleets, *agent]
            for runtime in fleet.runtimes.values()
            for poller in runtime.pollers.values()
        ]
        await asyncio.sleep(0)
        await until(lambda: not any(poller._running for poller in pollers))

    async def cost(self) -> int:
        """Return the requests of the next seconds."""
        before = self.requests
        await self.pass_time(SECONDS)
        return self.requests - before


async def test_ten_sessions_cost_what_one_costs(tmp_path: Path, simulator: Running) -> None:
    (alone_home := tmp_path / "alone").mkdir()
    alone = Sessions(alone_home, simulator, "hub")
    async with alone.session(linked=False):
        await alone.pass_time(10)
        one = await alone.cost()

    (home := tmp_path / "ten").mkdir()
    sessions = Sessions(home, simulator, "hub")
    async with sessions.agent(), AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(sessions.session(linked=True))
            await sessions.pass_time(1)
        ten = await sessions.cost()
        assert ten <= one, f"ten cost {ten} requests, one costs {one}"
        first, *others = [set(fleet.rows(Resource.INSTANCES)) for fleet in sessions.fleets]
        assert first
        assert all(rows == first for rows in others)


async def test_a_session_whose_agent_ends_asks_by_itself_and_loses_nothing(
    tmp_path: Path, simulator: Running
) -> None:
    sessions = Sessions(tmp_path, simulator)
    async with sessions.agent(), sessions.session(linked=True, watch=[Resource.INSTANCES]) as fleet:
        await sessions.pass_time(1)
        rows = dict(fleet.rows(Resource.INSTANCES))
        assert rows
        sessions.process.stop("it is over")
        await sessions.links[0].client.ended.wait()  # type: ignore[union-attr]
        del sessions.process.agent
        before = sessions.requests
        await sessions.pass_time(6)
        assert sessions.requests > before
        assert {name: fleet.feed(name, Resource.INSTANCES).error for name in fleet.accounts} == dict.fromkeys(
            fleet.accounts
        )
        assert dict(fleet.rows(Resource.INSTANCES)).keys() == rows.keys()
        sessions.process.agent = None  # type: ignore[assignment]


async def test_the_agent_polls_and_records_what_is_on_a_screen(tmp_path: Path, simulator: Running) -> None:
    sessions = Sessions(tmp_path, simulator)
    async with sessions.agent(), sessions.session(linked=True, watch=[Resource.STOCK]) as fleet:
        await until(lambda: Resource.STOCK in sessions.process.agent.fleet.polled_lists.now)
        await sessions.pass_time(1)
        shared = [name for name in fleet.accounts if fleet.rows(Resource.STOCK, name)]
        assert shared
        for name in shared:
            assert fleet.runtime(name).is_recorded_elsewhere(Resource.STOCK)
            assert not sessions.process.agent.fleet.runtime(name).is_recorded_elsewhere(Resource.STOCK)
            there = sessions.process.agent.fleet.rows(Resource.STOCK, name)
            assert set(there) == set(fleet.rows(Resource.STOCK, name))


async def test_the_first_rows_of_a_session_come_from_the_agent(tmp_path: Path, simulator: Running) -> None:
    sessions = Sessions(tmp_path, simulator)
    async with sessions.agent(), sessions.session(linked=True, watch=[Resource.INSTANCES]) as fleet:
        await sessions.pass_time(1)
        first = Fleet(
            fleet.accounts, open_backend=sessions.open_backend, history=None, polling=None, clock=sessions.clock
        )
        before = sessions.requests
        rows = FirstRows(sessions.links[0], first)
        rows.start()
        await asyncio.sleep(0.1)  # it is linked before the first view is there
        first.poll([Resource.INSTANCES])
        await rows.wait()
        await until(lambda: bool(first.rows(Resource.INSTANCES)))
        assert await rows.aclose() is None
        assert sessions.requests == before
        assert first.rows(Resource.INSTANCES).keys() == fleet.rows(Resource.INSTANCES).keys()
        one = next(iter(first.all(Instance)))
        assert not first.is_stale(one)

        after = Fleet(
            fleet.accounts, open_backend=sessions.open_backend, history=None, polling=None, clock=sessions.clock
        )
        after.adopt(first)
        assert dict(after.rows(Resource.INSTANCES)) == dict(first.rows(Resource.INSTANCES))
        assert not after.is_stale(one)


async def test_after_a_change_the_list_is_newer_than_the_change(tmp_path: Path, simulator: Running) -> None:
    sessions = Sessions(tmp_path, simulator)
    watch = [Resource.INSTANCES]
    async with (
        sessions.agent(),
        sessions.session(linked=True, watch=watch) as one,
        sessions.session(linked=True, watch=watch) as other,
    ):
        await sessions.pass_time(1)
        pod = next(row for row in one.all(Instance) if row.phase is Phase.RUNNING and Action.STOP in one.actions(row))
        assert other.get(pod.ref) is not None
        await one.act(pod.ref, Action.STOP, expected=pod)
        await sessions.pass_time(1)
        stopped = one.find(Instance, pod.ref)
        assert stopped is not None
        assert stopped.phase is not Phase.RUNNING

        await sessions.pass_time(6)
        assert other.find(Instance, pod.ref) == stopped


async def test_a_refresh_asks_the_server_again(tmp_path: Path, simulator: Running) -> None:
    sessions = Sessions(tmp_path, simulator)
    async with sessions.agent(), sessions.session(linked=True, watch=[Resource.IMAGES]) as fleet:
        await sessions.pass_time(1)
        before = sessions.requests
        fleet.refresh([Resource.IMAGES])
        await sessions.pass_time(1)
        assert sessions.requests > before


@pytest.mark.parametrize("fresh", [False, True])
async def test_a_command_takes_no_answer_from_before_it(tmp_path: Path, simulator: Running, fresh: bool) -> None:
    sessions = Sessions(tmp_path, simulator, "hub")
    watch = [Resource.INSTANCES]
    async with sessions.agent(), sessions.session(linked=True, watch=watch):
        await sessions.pass_time(1)
        before = sessions.requests
        async with sessions.session(linked=True, watch=watch, fresh=fresh) as command:
            await sessions.all_read()
            await until(lambda: bool(command.all(Instance)))
            assert (sessions.requests > before) is fresh
