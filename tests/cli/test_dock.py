"""A host with DeepDock from the command line: lists, containers with their secrets, pulls, deletion by force."""

from __future__ import annotations

import json
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gputui.sim.deepdock.default_world import DockPlan
from gputui.sim.deepdock.host import DockHost
from tests.cli.conftest import Simulation, write_config

Run = Callable[..., tuple[int, str, str]]
Typed = Callable[[str], None]

CUDA = "nvidia/cuda:12.2.0-runtime-ubuntu22.04"
NEW = ("create", "container", "--set", "name=exp-1", "--set", f"image={CUDA}", "--set", "user_name=eve")


@pytest.fixture(autouse=True)
def _no_person(typed: Typed) -> None:
    """No person is at the terminal, until a test says so."""


def simulated(home: Path, speed: float) -> Iterator[Simulation]:
    simulation = Simulation(docks=[DockPlan()], speed=speed)
    simulation.start()
    section = simulation.running.config_toml().partition("[accounts.dock]")[2]
    write_config(home, f"[accounts.dock]{section}")
    yield simulation
    simulation.stop()


@pytest.fixture
def dock(home: Path) -> Iterator[Simulation]:
    """A host whose time is stopped."""
    yield from simulated(home, 0.0)


@pytest.fixture
def usual(home: Path) -> Iterator[Simulation]:
    """A host on which time passes as it does, and large images take minutes."""
    yield from simulated(home, 1.0)


@pytest.fixture
def quick(home: Path) -> Iterator[Simulation]:
    """A host on which minutes pass in no time."""
    yield from simulated(home, 2000.0)


@contextmanager
def interrupted_when(condition: Callable[[], bool]) -> Iterator[None]:
    """Press Ctrl+C once the condition holds; never after the block."""
    ended = threading.Event()
    here = threading.get_ident()

    def interrupt() -> None:
        while not ended.wait(0.02):
            if condition():
                signal.pthread_kill(here, signal.SIGINT)
                return

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_gpus_show_their_health(dock: Simulation, run: Run) -> None:
    status, out, _ = run("get", "gpus", "-o", "json")
    gpus = json.loads(out)
    assert status == 0
    assert [gpu["index"] for gpu in gpus] == list(range(8))
    assert gpus[0]["sample"].keys() == {"at", "utilization", "memory_used", "power", "temperature", "fan"}
    assert gpus[0]["instances"] == ["train-7b"]
    assert "series" not in gpus[0]
    _, table, _ = run("get", "gpus")
    assert re.search(r"0  RTX 4090 +\d+ % .*/24\.0G +\d+ W +\d+ °C +\d+ %", table)


def test_the_host_is_listed_with_its_memory_cores_and_clock(dock: Simulation, run: Run) -> None:
    status, out, _ = run("get", "hosts", "-o", "json")
    (host,) = json.loads(out)
    assert status == 0
    assert (host["gpu_count"], host["cpu_count"], host["memory_total"]) == (8, 64, 256 << 30)


def test_processes_that_the_server_does_not_report_are_unknown_on_each_gpu(dock: Simulation, run: Run) -> None:
    status, out, err = run("get", "processes", "-A", "dock", "-o", "json")
    assert status == 3
    rows = json.loads(out)
    assert [row["gpu_index"] for row in rows] == list(range(8))
    assert {row["processes"] for row in rows} == {None}
    assert "dock: processes on GPU 0, 1, 2, 3, 4, 5, 6, 7 of" in err
    assert "are unknown" in err


def test_a_secret_on_the_command_line_is_refused_with_the_ways_to_give_it(dock: Simulation, run: Run) -> None:
    status, _, err = run(*NEW, "--set", "password=hunter2", "--yes")
    assert status == 2
    assert "hunter2" not in err
    assert "password=env:NAME" in err
    assert "password=generate" in err


def test_a_password_is_fetched_from_where_it_is(dock: Simulation, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXP_PASSWORD", "from the environment")
    status, out, err = run(*NEW, "--set", "password=env:EXP_PASSWORD", "--yes")
    assert (status, out) == (0, "dock/container/exp-1\n")
    assert "eve logs in" in err
    assert dock.running.world.hosts["dock"].pods["exp-1"].password == "from the environment"
    _, audit, _ = run("audit", "-o", "json")
    assert "from the environment" not in audit


def test_a_generated_password_is_printed_once(dock: Simulation, run: Run) -> None:
    status, _, err = run(*NEW, "--set", "password=generate", "--yes")
    assert status == 0
    (made_up,) = re.findall(r"^password: (\w{20})$", err, re.MULTILINE)
    assert dock.running.world.hosts["dock"].pods["exp-1"].password == made_up


def test_a_dry_run_shows_the_request_without_its_secrets(dock: Simulation, run: Run) -> None:
    given = (*NEW, "--set", "password=generate", "--set", "gpu_ids=6,7", "--set", "env=LANG=C\nAPI_KEY=abc123")
    status, out, err = run(*given, "--dry-run")
    assert status == 0
    assert '"gpu_ids": [\n    6,\n    7\n  ]' in out
    assert '"LANG": "C"' in out
    assert "abc123" not in out + err
    assert "exp-1" not in dock.running.world.hosts["dock"].pods


def test_what_runs_is_deleted_by_force_alone(dock: Simulation, run: Run) -> None:
    status, _, err = run("delete", "dock/container/builder", "--yes")
    assert status == 1
    assert "stop the container before removing or force remove" in err
    status, out, _ = run("delete", "dock/container/builder", "--dry-run")
    assert "without force the server refuses, and nothing is deleted. Give --force." in out
    status, out, _ = run("delete", "dock/container/builder", "--yes", "--force")
    assert (status, out) == (0, "dock/container/builder: Container builder deleted.\n")


def test_a_paused_container_has_processes_that_are_lost(dock: Simulation, run: Run) -> None:
    for command in ("stop", "restart", "delete"):
        status, out, _ = run(command, "dock/ablation", "--dry-run")
        assert (status, "The processes on its GPUs are unknown: work may be lost." in out) == (0, True)
    assert "It has processes: without force the server refuses" in out
    status, out, _ = run("delete", "dock/eval-mmlu", "--dry-run")
    assert (status, "processes" in out) == (0, False)


def test_force_is_no_matter_for_what_is_stopped(dock: Simulation, run: Run) -> None:
    status, _, _ = run("delete", "dock/container/eval-mmlu", "--yes", "--force")
    assert status == 0
    _, audit, _ = run("audit", "-o", "json")
    assert "force" not in json.loads(audit)[0]["summary"]


def test_images_are_named_by_their_tag_with_its_slashes_and_colons(dock: Simulation, run: Run) -> None:
    status, _, _ = run("delete", f"dock/image/{CUDA}", "--yes")
    assert status == 0
    _, out, _ = run("get", "images", "-o", "json")
    assert CUDA not in {image["ref"].removeprefix("dock/image/") for image in json.loads(out)}


def test_a_pull_is_waited_for(quick: Simulation, run: Run) -> None:
    status, out, err = run("pull", "ubuntu:24.04", "--yes")
    assert (status, out) == (0, "dock/image/ubuntu:24.04\n")
    assert "pulled" in err
    _, out, _ = run("get", "images", "-o", "json")
    assert "dock/image/ubuntu:24.04" in {image["ref"] for image in json.loads(out)}


def test_a_pull_of_what_is_not_there_says_so(quick: Simulation, run: Run) -> None:
    status, _, err = run("pull", "nobody/nothing:1", "--yes")
    assert status == 1
    assert "pull access denied" in err


def test_ctrl_c_ends_the_wait_for_a_pull_and_says_that_the_outcome_is_unknown(usual: Simulation, run: Run) -> None:
    host = usual.running.world.hosts["dock"]
    assert isinstance(host, DockHost)
    with interrupted_when(lambda: bool(host.pulls)):
        status, out, err = run("pull", "vllm/vllm-openai:v0.8.5", "--yes")
    assert (status, out) == (4, "")
    assert "was not awaited" in err
    assert "gputui get images -A dock" in err
    _, audit, _ = run("audit", "-o", "json")
    assert json.loads(audit)[0]["outcome"] == "unknown"


@pytest.mark.parametrize("name", ["", "a b", "x:y:z", "Upper:1"])
def test_what_is_no_name_of_an_image_is_not_sent(dock: Simulation, run: Run, name: str) -> None:
    status, _, err = run("pull", name, "--yes")
    assert status == 2
    assert "repo_tag" in err
