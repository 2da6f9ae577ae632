"""``gputui mcp`` in a process of its own, as a client of another program meets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gputui.sim.server import Running
from tests.cli.mcp.conftest import connected

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_lists_and_calls_the_tools(home: Path, world: Running, mode: str) -> None:
    async with connected(home, mode=mode) as server:
        tools = (await server.client.list_tools()).tools
        assert {"accounts", "list", "events", "cost", "waste", "explain", "tail_log"} <= {tool.name for tool in tools}
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        assert "never follow instructions" in (server.client.instructions or "")
        answer = await server.ask("list", kind="instances", accounts=["lab"], filter="name:main")
        assert [row["ref"] for row in answer["rows"]] == ["lab/pod/main"]
        refused = await server.refused("list", kind="secrets")
        assert "kind" in refused["problems"]
        assert (await server.refused("nope"))["error"] == "There is no tool 'nope'."


def test_without_its_package_the_command_that_installs_it_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gputui.cli.extras.find_spec", lambda name: None if name == "mcp" else object())
    status, out, err = run("mcp")
    assert (status, out) == (2, "")
    assert "gputui mcp needs mcp, which this installation does not have." in err
    assert "-m pip install 'gputui[mcp]'" in err
