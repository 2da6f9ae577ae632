"""With which command lines and configurations the full-screen program begins with an agent."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from gputui.agent.start import AgentPlan
from tests.cli.conftest import account_toml, write_config

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def started(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[AgentPlan]:
    """A terminal with a configuration, in which the program ends immediately; agents are noted, not started."""
    found: list[AgentPlan] = []
    monkeypatch.delenv("GPUTUI_AGENT")
    monkeypatch.setattr("gputui.cli.commands.tui._need_terminal", lambda: None)
    monkeypatch.setattr("gputui.agent.start.start_early", lambda plan, state: found.append(plan))
    monkeypatch.setattr("gputui.app.app.GputuiApp.run", lambda app, **options: 0)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    for name in ("TEXTUAL_ANIMATIONS", "TEXTUAL_SMOOTH_SCROLL"):
        monkeypatch.setenv(name, "")  # it sets them
    write_config(home, account_toml("lab"))
    return found


def test_it_begins_with_one(run: Run, started: list[AgentPlan], home: Path) -> None:
    assert run("--config", str(home / "config.toml"))[0] == 0
    (plan,) = started
    assert plan.config == home / "config.toml"
    assert plan.program[-3:] == ("--config", str(home / "config.toml"), "agent")
    assert plan.run is not None


def test_a_key_of_the_same_name_elsewhere_turns_nothing_off(run: Run, started: list[AgentPlan], home: Path) -> None:
    write_config(home, f"{account_toml('lab')}[accounts.lab.ssh]\nagent = false\n")
    assert run()[0] == 0
    assert started


@pytest.mark.parametrize("section", ["[agent]\nenabled = false\n", "agent = {enabled = false}\n"])
def test_without_one_where_the_configuration_turns_it_off(
    run: Run, started: list[AgentPlan], home: Path, section: str
) -> None:
    write_config(home, f"{section}{account_toml('lab')}")
    assert run()[0] == 0
    assert not started


def test_without_one_where_the_environment_turns_it_off(
    run: Run, started: list[AgentPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPUTUI_AGENT", "off")
    assert run()[0] == 0
    assert not started


def test_without_one_where_it_is_read_only(run: Run, started: list[AgentPlan]) -> None:
    assert run("--read-only")[0] == 0
    assert not started
