"""The start of the agent with the full-screen program: when, and as what."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gputui.agent.place import Place
from gputui.agent.start import AgentPlan, start_early

PROGRAM = ("gputui", "agent")


class Starts:
    """Notes what is started instead."""

    def __init__(self) -> None:
        self.spawned: list[tuple[tuple[str, ...], Path]] = []
        self.forked: list[tuple[str, Path]] = []

    def spawn(self, program: Sequence[str], output: str) -> int:
        self.spawned.append((tuple(program), Path(output)))
        return 7

    def fork(self, run: Callable[[], int], name: str, output: str) -> int:
        self.forked.append((name, Path(output)))
        return 8


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Starts:
    found = Starts()
    monkeypatch.setattr("gputui.agent.start.start_detached", found.spawn)
    monkeypatch.setattr("gputui.agent.start.fork_detached", found.fork)
    monkeypatch.setattr("gputui.agent.start.cores", lambda: 2)
    monkeypatch.setattr("gputui.agent.start.can_fork", lambda: True)
    return found


def plan(run: Callable[[], int] | None = lambda: 0) -> AgentPlan:
    return AgentPlan(Path("config.toml"), PROGRAM, run=run)


def test_it_is_a_copy_of_the_session(starts: Starts, tmp_path: Path) -> None:
    assert start_early(plan(), tmp_path / "state") == 8
    assert starts.forked == [("gputui agent", tmp_path / "state" / "agent" / "output")]
    assert stat.S_IMODE((tmp_path / "state" / "agent").stat().st_mode) == 0o700
    assert not starts.spawned


@pytest.mark.parametrize("can_fork", [True, False])
def test_where_a_copy_is_not_possible_it_is_a_program(
    starts: Starts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_fork: bool
) -> None:
    monkeypatch.setattr("gputui.agent.start.can_fork", lambda: can_fork)
    assert start_early(plan(None) if can_fork else plan(), tmp_path) == 7
    assert starts.spawned == [(PROGRAM, tmp_path / "agent" / "output")]
    assert not starts.forked


def test_where_an_agent_runs_none_is_started(starts: Starts, tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.prepare()
    lock = place.lock()
    assert lock is not None
    assert start_early(plan(), tmp_path) is None
    os.close(lock)
    assert start_early(plan(), tmp_path) == 8


def test_the_folder_of_another_user_is_not_used(
    starts: Starts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Place(tmp_path).prepare()
    monkeypatch.setattr("os.getuid", lambda: 4711)
    assert start_early(plan(), tmp_path) is None


def test_a_state_directory_that_cannot_be_made_is_left_to_the_session(starts: Starts, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    assert start_early(plan(), tmp_path / "state") is None


def test_so_is_a_system_that_permits_no_more_processes(
    starts: Starts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(run: object, name: str, output: str) -> int:
        raise BlockingIOError

    monkeypatch.setattr("gputui.agent.start.fork_detached", refuse)
    assert start_early(plan(), tmp_path) is None


def test_with_a_single_core_it_would_delay_the_first_frame(
    starts: Starts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gputui.agent.start.cores", lambda: 1)
    assert start_early(plan(), tmp_path) is None
    assert not starts.forked


def test_it_begins_with_what_both_need_and_without_what_draws(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    check = (
        "import sys\n"
        "from pathlib import Path\n"
        "from gputui.agent import start\n"
        "from gputui.app.startup import run\n"
        "names = ('asyncio', 'sqlite3', 'gputui.fleet', 'textual', 'rich', 'pydantic', 'httpx')\n"
        "start.start_early = lambda plan, state: sys.exit(' '.join(name for name in names if name in sys.modules))\n"
        "place = Path(sys.argv[1])\n"
        "plan = start.AgentPlan(place / 'config.toml', ('gputui', 'agent'))\n"
        "run(lambda: None, preview=place / 'config.toml', state_dir=place / 'state', agent=plan)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", check, str(tmp_path)], stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    assert done.stderr == "asyncio sqlite3 gputui.fleet\n"
