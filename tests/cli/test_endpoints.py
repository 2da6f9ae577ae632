"""Yotta's endpoints from the command line: started, edited only when stopped, with workers under either key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gputui.sim.yotta.default_world import YottaPlan
from tests.cli.conftest import Simulation, write_config

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def yotta(home: Path) -> Iterator[Simulation]:
    simulation = Simulation(yottas=[YottaPlan(quiet=True)])
    simulation.start()
    write_config(home, simulation.running.config_toml())
    yield simulation
    simulation.stop()


def test_an_endpoint_that_is_stopped_starts(yotta: Simulation, run: Run) -> None:
    status, out, _ = run("start", "yotta/endpoint/asr-nightly", "--yes")
    assert status == 0
    assert out.endswith(" started.\n")
    rows = {row["name"]: row for row in json.loads(run("get", "deployments", "-A", "yotta", "-o", "json")[1])}
    assert rows["asr-nightly"]["phase"] in ("pending", "running")


@pytest.mark.parametrize(
    ("command", "verb"), [(("rename", "R", "other"), "renamed"), (("update", "R", "--set", "workers=4"), "edited")]
)
def test_an_endpoint_that_runs_is_stopped_first(
    yotta: Simulation, run: Run, command: tuple[str, ...], verb: str
) -> None:
    status, _, err = run(*(word.replace("R", "yotta/endpoint/chat-prod") for word in command), "--yes")
    assert status == 1
    assert f"chat-prod can be {verb} only when stopped. Stop it first (gputui stop)." in err


def test_workers_are_listed_under_either_key(yotta: Simulation, run: Run) -> None:
    status, out, err = run("get", "instances", "-A", "yotta", "-o", "json")
    assert (status, err) == (0, "")
    by_endpoint = {row["parent"] for row in json.loads(out) if row["ref"].split("/")[1] == "worker"}
    assert len(by_endpoint) == 3  # those of chat-prod, sdxl-queue and embed
