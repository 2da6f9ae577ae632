"""Which command lines start the agent before anything else."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gputui.agent import early
from gputui.agent.place import Place
from gputui.config.paths import config_path, state_dir
from tests.cli.conftest import account_toml, write_config

Started = list[tuple[tuple[str, ...], Path]]


@pytest.fixture
def started(home: Path, monkeypatch: pytest.MonkeyPatch) -> Started:
    """A terminal with a configuration; what is started is noted instead."""
    found: Started = []

    def start(program: Sequence[str], output: str) -> int:
        found.append((tuple(program), Path(output)))
        return 7

    monkeypatch.delenv("GPUTUI_AGENT")
    monkeypatch.setattr(early, "start_detached", start)
    monkeypatch.setattr("gputui.agent.start.start_detached", start)
    monkeypatch.setattr(early, "cores", lambda: 2)
    monkeypatch.setattr("gputui.agent.start.cores", lambda: 2)
    monkeypatch.setattr("os.isatty", lambda descriptor: True)
    write_config(home, account_toml("lab"))
    return found


def test_the_full_screen_program_starts_it(started: Started, home: Path) -> None:
    assert early.start_for([]) == 7
    other = home / "config.toml"
    assert early.start_for(["--view", "stock", "--config", str(other)]) == 7
    assert [program[-3:] for program, _ in started[1:]] == [("--config", str(other), "agent")]
    assert {output for _, output in started} == {home / "state" / "agent" / "output"}
    assert stat.S_IMODE((home / "state" / "agent").stat().st_mode) == 0o700


def test_without_the_folder_of_an_agent_next_to_nothing_is_imported_first() -> None:
    check = (
        "import sys; known = set(sys.modules); import gputui.agent.early; print(*sorted(set(sys.modules) - known))"
    )
    imported = subprocess.run([sys.executable, "-c", check], stdout=subprocess.PIPE, text=True, check=True).stdout
    own = [name for name in imported.split() if name.startswith("gputui")]
    assert set(own) == {"gputui", "gputui.agent", "gputui.agent.detached", "gputui.agent.early", "gputui.own_program"}
    assert not {"re", "json", "pathlib", "dataclasses", "typing"} & set(imported.split())


def test_where_an_agent_runs_none_is_started(started: Started, home: Path) -> None:
    place = Place(home / "state")
    place.prepare()
    lock = place.lock()
    assert lock is not None
    assert early.start_for([]) is None
    os.close(lock)
    assert early.start_for([]) == 7


def test_the_folder_of_another_user_is_not_used(
    started: Started, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Place(home / "state").prepare()
    monkeypatch.setattr("os.getuid", lambda: 4711)
    assert early.start_for([]) is None


def test_a_state_directory_that_cannot_be_made_is_left_to_the_session(started: Started, home: Path) -> None:
    (home / "state").write_text("")
    assert early.start_for([]) is None


def test_with_a_single_core_it_would_delay_the_first_frame(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early, "cores", lambda: 1)
    assert early.start_for([]) is None


@pytest.mark.parametrize("argv", [["get", "instances"], ["--read-only"], ["--config"], ["--view", "stock", "demo"]])
def test_other_command_lines_do_not(started: Started, argv: list[str]) -> None:
    assert early.start_for(argv) is None
    assert not started


@pytest.mark.parametrize("section", ["[agent]\nenabled = false\n", "agent = {enabled = false}\n", "[agent\n"])
def test_it_is_not_started_where_it_is_turned_off(started: Started, home: Path, section: str) -> None:
    write_config(home, f"{section}{account_toml('lab')}")
    assert early.start_for([]) is None


def test_a_key_of_the_same_name_elsewhere_turns_nothing_off(started: Started, home: Path) -> None:
    write_config(home, f"{account_toml('lab')}[accounts.lab.ssh]\nagent = false\n")
    assert early.start_for([]) == 7


def test_the_environment_turns_it_off(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUTUI_AGENT", "off")
    assert early.start_for([]) is None


def test_without_a_configuration_nothing_is_started(started: Started, home: Path) -> None:
    (home / "config.toml").unlink()
    assert early.start_for([]) is None


@pytest.mark.parametrize("named", [True, False])
def test_the_files_are_those_of_the_program(home: Path, monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    if not named:
        monkeypatch.delenv("GPUTUI_CONFIG", raising=False)
        monkeypatch.delenv("GPUTUI_STATE_DIR", raising=False)
    assert early._config(None) == str(config_path())
    assert early._state() == str(state_dir())
