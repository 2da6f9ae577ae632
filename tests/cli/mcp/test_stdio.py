"""``gputui mcp`` in a process of its own, as a client of another program meets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gputui.sim.server import Running
from tests.cli.conftest import Simulation
from tests.cli.mcp.conftest import connected

if TYPE_CHECKING:
    import mcp_types as types

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


def test_a_single_file_says_that_it_takes_no_packages(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gputui.extras.find_spec", lambda name: None)
    monkeypatch.setattr("gputui.extras.packed_program", lambda: ("gputui.pyz",))
    assert "install gputui as a Python package, 'gputui[mcp]'" in run("mcp")[2]


def test_without_its_package_the_command_that_installs_it_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gputui.extras.find_spec", lambda name: None if name == "mcp" else object())
    status, out, err = run("mcp")
    assert (status, out) == (2, "")
    assert "gputui mcp needs mcp, which this installation does not have." in err
    assert "-m pip install 'gputui[mcp]'" in err


WRITE = ("--write", "--budget", "20USD", "--lease", "8h")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_person_at_the_client_is_asked_and_can_decline(
    home: Path, own_simulation: Simulation, mode: str
) -> None:
    import mcp_types as types

    questions: list[str] = []
    answers = iter(
        [("decline", None), ("accept", {"approve": False}), ("cancel", None), ("accept", {"approve": True})]
    )

    async def person(context: object, params: types.ElicitRequestParams) -> types.ElicitResult:
        questions.append(params.message)
        action, content = next(answers)
        return types.ElicitResult.model_validate({"action": action, "content": content})

    async with connected(home, *WRITE, elicit=person, mode=mode, agent=True) as server:
        assert "Never approve a plan yourself" in (server.client.instructions or "")
        for _ in range(2):
            plan = await server.ask("plan_stop", refs=["lab/pod/main"])
            refused = await server.refused("carry_out", plan=plan["plan"])
            assert "The person did not approve" in refused["error"]
        plan = await server.ask("plan_stop", refs=["lab/pod/main"])
        assert "is not approved" in (await server.refused("carry_out", plan=plan["plan"]))["error"]
        done = await server.ask("carry_out", plan=plan["plan"])
        assert [one["outcome"] for one in done["results"]] == ["done"]
        assert next(answers, None) is None
        rows = (await server.ask("list", kind="instances", accounts=["lab"], filter="name:main"))["rows"]
        assert [row["phase"] for row in rows] == ["stopped"]
    assert all(question.endswith("Stop main in lab?") for question in questions)
    assert list((home / "state" / "mcp").glob("*.plan")) == []


async def test_a_client_that_fails_to_ask_is_referred_to_the_terminal(home: Path, world: Running) -> None:
    import mcp_types as types

    async def broken(context: object, params: types.ElicitRequestParams) -> types.ErrorData:
        return types.ErrorData(code=-32603, message="no window")

    async with connected(home, *WRITE, elicit=broken, mode="legacy", agent=True) as server:
        plan = await server.ask("plan_stop", refs=["lab/pod/main"])
        refused = await server.refused("carry_out", plan=plan["plan"])
        assert f"gputui mcp approve {plan['plan']}" in refused["hint"]


async def test_without_questions_a_client_is_referred_to_the_terminal(home: Path, world: Running) -> None:
    async with connected(home, *WRITE, agent=True) as server:
        plan = await server.ask("plan_stop", refs=["lab/pod/main"])
        refused = await server.refused("carry_out", plan=plan["plan"])
        assert f"gputui mcp approve {plan['plan']}" in refused["hint"]
