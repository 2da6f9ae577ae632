"""The agent of a session in a terminal: it begins with the session, outlives it, and serves the next one."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gputui.agent.start import ask_agent, stop_agent
from tests.cli.conftest import Simulation
from tests.tui.conftest import Spawn
from tests.tui.live_app import Place

ON = {"GPUTUI_AGENT": None}


@pytest.fixture
def place(tmp_path: Path, spawn: Spawn) -> Iterator[Place]:
    simulation = Simulation()
    simulation.start()
    yield Place(tmp_path, spawn, simulation)
    stop_agent(tmp_path / "state")
    simulation.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_outlives_the_session_that_started_it_and_serves_the_next(place: Place) -> None:
    state = place.home / "state"
    first = place.shown(env=ON)
    first.wait_for(lambda: (ask_agent(state, "status") or {}).get("ready", False))
    status = ask_agent(state, "status")
    assert status is not None
    agent = status["pid"]
    assert status["sessions"] == [first.process.pid]
    assert Path(f"/proc/{agent}/cmdline").read_bytes().rstrip(b"\0") == b"gputui agent"
    assert os.getsid(agent) == agent
    assert not {link for link in map(os.readlink, Path(f"/proc/{agent}/fd").iterdir()) if "pts" in link}

    os.kill(first.process.pid, signal.SIGKILL)
    first.close()
    second = place.shown(env=ON)
    second.wait_for(lambda: (ask_agent(state, "status") or {}).get("sessions") == [second.process.pid])
    second.send("q")
    second.wait_exit()
    status = ask_agent(state, "status")
    assert status is not None
    assert (status["pid"], status["sessions"]) == (agent, [])
    assert (state / "agent" / "output").read_text() == ""
