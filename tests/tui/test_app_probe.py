"""``p`` on a container of a cloud, in a real terminal: the whole program against the simulated sshd."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gputui.sim.gpuhub.default_world import CLOUDS
from tests.cli.conftest import Simulation
from tests.tui.conftest import Spawn
from tests.tui.live_app import Place, cursor_line


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    simulation = Simulation(ssh=True, clouds=CLOUDS["small"])
    simulation.start()
    yield simulation
    simulation.stop()


@pytest.fixture
def place(tmp_path: Path, spawn: Spawn, simulation: Simulation) -> Place:
    return Place(tmp_path, spawn, simulation)


def test_p_asks_for_the_host_key_once_and_shows_what_runs_on_the_gpus(place: Place) -> None:
    terminal = place.start()
    terminal.wait_for("embed-api")
    terminal.write("/name:qwen-fine\r")
    terminal.wait_for(lambda: "qwen-fine" in cursor_line(terminal))
    terminal.settle(0.2)
    terminal.send("p")
    terminal.wait_for("SHA256:")
    terminal.settle(0.6)
    terminal.send("y")
    terminal.wait_for("PIDs as seen inside")
    terminal.wait_for("python -m")
    terminal.wait_for(re.compile(r"GPUs   2\b"))
    terminal.send("q")
    terminal.wait_for("/ name:qwen-fine")
    terminal.send("p")
    terminal.wait_for("PIDs as seen inside")
    assert "SHA256:" not in terminal.text
    terminal.send("q")
    terminal.wait_for("/ name:qwen-fine")
    terminal.send("escape")
    terminal.wait_for(lambda: "/ name:qwen-fine" not in terminal.text)
    terminal.send("q")
    assert terminal.wait_exit() == 0
