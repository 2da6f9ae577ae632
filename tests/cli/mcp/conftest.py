"""Tools over a fleet of fakes, and a server in a process of its own over the simulator."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gputui.cli.mcp.read_tools import ReadTools
from gputui.cli.mcp.reading import Reader
from gputui.config.loader import load_config
from gputui.history.history import History
from gputui.rules.book import RuleBook, RulesNow
from tests.cli.conftest import account_toml, write_config
from tests.fleet.fakes import FakeBackend, FakeClock, make_fleet

# Imported where it is used: that takes a second, in every worker of the tests.
if TYPE_CHECKING:
    from mcp import Client
    from mcp.client.session import ElicitationFnT


class Tools:
    """The tools over back ends of a script; time passes as the test says."""

    def __init__(self, home: Path, *backends: FakeBackend) -> None:
        self.home = home
        self.clock = FakeClock()
        self.config = load_config(write_config(home, "\n".join(account_toml(one.account) for one in backends)))
        self.history = History(home / "history.db")
        self.fleet = make_fleet(self.clock, *backends, history=self.history, polls=False)
        self.reader = Reader(self.fleet, self.config, self.history)
        self.by_name = {tool.name: tool for tool in ReadTools(self.reader, self._rules).tools()}

    def _rules(self) -> RulesNow:
        return RuleBook(self.home / "agent", "").read(self.clock.now())

    async def ask(self, name: str, **arguments: Any) -> dict[str, Any]:
        return dict(await self.by_name[name].run(arguments))


@asynccontextmanager
async def tools_over(home: Path, *backends: FakeBackend) -> AsyncIterator[Tools]:
    tools = Tools(home, *backends)
    await tools.fleet.start()
    try:
        yield tools
    finally:
        await tools.fleet.aclose()
        tools.history.close()


class Connected:
    """A client of a server in a process of its own."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def ask(self, name: str, **arguments: Any) -> Any:
        """The answer of a tool that succeeds."""
        result = await self.client.call_tool(name, arguments)
        (content,) = result.content
        assert content.type == "text"
        assert not result.is_error, content.text
        return json.loads(content.text)

    async def refused(self, name: str, **arguments: Any) -> Any:
        """The answer of a tool that fails."""
        result = await self.client.call_tool(name, arguments)
        (content,) = result.content
        assert content.type == "text"
        assert result.is_error
        return json.loads(content.text)


@asynccontextmanager
async def connected(
    home: Path, *words: str, elicit: ElicitationFnT | None = None, mode: str = "auto", agent: bool = False
) -> AsyncIterator[Connected]:
    """Start ``gputui mcp`` with the configuration of a home, and connect to it; what is no message is a failure."""
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    moved = {
        "GPUTUI_CONFIG": str(home / "config.toml"),
        "GPUTUI_STATE_DIR": str(home / "state"),
        **({} if agent else {"GPUTUI_AGENT": "off"}),
    }
    path = {"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": os.environ["PATH"]}
    server = StdioServerParameters(command=sys.executable, args=["-m", "gputui", "mcp", *words], env=moved | path)
    strange: list[object] = []

    async def seen(message: object) -> None:
        if isinstance(message, Exception):
            strange.append(message)

    with (home / "stderr").open("w") as errors:
        transport = stdio_client(server, errlog=errors)
        async with Client(transport, elicitation_callback=elicit, message_handler=seen, mode=mode) as client:
            yield Connected(client)
    assert strange == []


@pytest.fixture
def lab() -> FakeBackend:
    return FakeBackend("lab")
