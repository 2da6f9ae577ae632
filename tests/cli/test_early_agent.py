"""Which command lines start the agent before anything else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from gputui.cli import early_agent
from tests.cli.conftest import account_toml, write_config

Started = list[tuple[tuple[str, ...], Path]]


@pytest.fixture
def started(home: Path, monkeypatch: pytest.MonkeyPatch) -> Started:
    """A terminal with a configuration; what is started is noted instead."""
    found: Started = []

    def start(program: Sequence[str], state: Path) -> int:
        found.append((tuple(program), state))
        return 7

    monkeypatch.delenv("GPUTUI_AGENT")
    monkeypatch.setattr("gputui.agent.start.start_early", start)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    write_config(home, account_toml("lab"))
    return found


def test_the_full_screen_program_starts_it(started: Started, home: Path) -> None:
    assert early_agent.start_for([]) == 7
    other = home / "config.toml"
    assert early_agent.start_for(["--view", "stock", "--config", str(other)]) == 7
    assert [program[-3:] for program, _ in started[1:]] == [("--config", str(other), "agent")]
    assert {state for _, state in started} == {home / "state"}


@pytest.mark.parametrize("argv", [["get", "instances"], ["--read-only"], ["--config"], ["--view", "stock", "demo"]])
def test_other_command_lines_do_not(started: Started, argv: list[str]) -> None:
    assert early_agent.start_for(argv) is None
    assert not started


@pytest.mark.parametrize("section", ["[agent]\nenabled = false\n", "agent = {enabled = false}\n", "[agent\n"])
def test_it_is_not_started_where_it_is_turned_off(started: Started, home: Path, section: str) -> None:
    write_config(home, f"{section}{account_toml('lab')}")
    assert early_agent.start_for([]) is None


def test_a_key_of_the_same_name_elsewhere_turns_nothing_off(started: Started, home: Path) -> None:
    write_config(home, f"{account_toml('lab')}[accounts.lab.ssh]\nagent = false\n")
    assert early_agent.start_for([]) == 7


def test_the_environment_turns_it_off(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUTUI_AGENT", "off")
    assert early_agent.start_for([]) is None


def test_without_a_configuration_nothing_is_started(started: Started, home: Path) -> None:
    (home / "config.toml").unlink()
    assert early_agent.start_for([]) is None
