"""An agent in this process: real sockets and files, back ends from a script, a clock that tests advance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gputui.agent.agent import Agent
from gputui.agent.client import Client, connect
from gputui.agent.main import Process
from gputui.agent.protocol import hello_of
from gputui.agent.services import Factory, Handler
from gputui.config.loader import load_config
from gputui.errors import AgentError
from tests.cli.conftest import account_toml, write_config
from tests.fleet.fakes import FakeBackend, FakeClock


async def until(condition: Callable[[], object]) -> None:
    """Let the loop, threads and sockets work until a condition is met."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (what is waited for has no event of its own)
            await asyncio.sleep(0.001)


class FakeService:
    """A service that is busy as long as the test says, and that answers one request."""

    name = "fake"

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.busy = False
        self.ended = False
        self.fails: Exception | None = None

    @property
    def requests(self) -> Mapping[str, Handler]:
        return {"fake.echo": self._echo}

    async def _echo(self, arguments: Mapping[str, Any]) -> Any:
        if "wait" in arguments:
            await asyncio.Event().wait()
        if self.fails is not None:
            raise self.fails
        return {"accounts": list(self.agent.fleet.accounts), **arguments}

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


class Running:
    """An agent that a test runs, and how the test reaches it."""

    def __init__(self, home: Path) -> None:
        self.config = write_config(home, account_toml("lab"))
        self.state = home / "state"
        self.clock = FakeClock()
        self.backends: dict[str, FakeBackend] = {}
        self.services: list[FakeService] = []
        self.process = self.make()

    def make(self, config: Path | None = None, services: Iterable[Factory] | None = None) -> Process:
        path = config or self.config
        return Process(
            path,
            self.state,
            load=partial(load_config, path),
            open_backend=lambda account: self.backends.setdefault(account.name, FakeBackend(account.name)),
            services=lambda: [self._service] if services is None else services,
            clock=self.clock,
        )

    def _service(self, agent: Agent) -> FakeService:
        self.services.append(FakeService(agent))
        return self.services[-1]

    async def attach(self, *, attached: bool = True) -> Client:
        client = await connect(self.process.place, hello_of(self.config, attached=attached))
        assert client is not None
        return client

    async def pass_time(self, seconds: float) -> None:
        """Let time pass in the steps of the agent, with what threads do in each."""
        for _ in range(int(seconds)):
            await self.clock.advance(1)
            await asyncio.sleep(0.002)

    async def pass_until(self, condition: Callable[[], object]) -> None:
        """Let time pass until a condition is met: on a busy machine threads take some of its steps."""
        for _ in range(300):
            if condition():
                return
            await self.pass_time(1)
        raise AssertionError("it never happened")


@asynccontextmanager
async def running(home: Path) -> AsyncIterator[Running]:
    found = Running(home)
    task = asyncio.create_task(found.process.run())
    try:
        await until(lambda: task.done() or found.services)
        yield found
    finally:
        if not task.done():
            found.process.stop("the test is over")
        await asyncio.wait({task}, timeout=10)
        if task.done() and (error := task.exception()) is not None and not isinstance(error, AgentError):
            raise error


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as found:
        yield found
