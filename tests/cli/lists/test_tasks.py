"""Tasks of queues from the command line: lists, one endpoint's, describing one, submitting one."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from gputui.sim.yotta.default_world import YottaPlan
from tests.cli.conftest import Simulation, write_config

Run = Callable[..., tuple[int, str, str]]
Typed = Callable[[str], None]


@pytest.fixture(autouse=True)
def _no_person(typed: Typed) -> None:
    """No person is at the terminal, until a test says so."""


@pytest.fixture
def yotta(home: Path) -> Iterator[Simulation]:
    """An account with two queues, one of which has tasks, whose time is stopped."""
    simulation = Simulation(yottas=[YottaPlan()])
    simulation.start()
    section = simulation.running.config_toml().partition("[accounts.yotta]")[2]
    write_config(home, f"[accounts.yotta]{section}")
    yield simulation
    simulation.stop()


def queues(run: Run) -> dict[str, dict[str, object]]:
    """Return the queues by name."""
    _, out, _ = run("get", "queues", "-o", "json")
    return {row["name"]: row for row in json.loads(out)}


def newest(run: Run) -> dict[str, str]:
    """Return the newest task."""
    _, out, _ = run("get", "tasks", "-o", "json")
    tasks: list[dict[str, str]] = json.loads(out)
    return tasks[0]


def test_queues_show_running_and_waiting_tasks(yotta: Simulation, run: Run) -> None:
    status, out, _ = run("get", "queues")
    assert status == 0
    assert out.splitlines()[0].split() == ["QUEUE", "ACCOUNT", "PROCESSING", "TASKS", "READ", "OF"]
    found = queues(run)
    assert set(found) == {"sdxl-queue", "asr-nightly"}
    assert found["sdxl-queue"]["total"] == found["sdxl-queue"]["read"]


def test_tasks_are_listed_newest_first_with_their_delivery(yotta: Simulation, run: Run) -> None:
    status, out, _ = run("get", "tasks")
    assert status == 0
    heads, *lines = out.splitlines()
    assert heads.split()[:6] == ["TASK", "ACCOUNT", "QUEUE", "STATUS", "DELIVERY", "CREATED"]
    assert any(line.count("delivered") == 2 for line in lines)
    assert any("failed" in line and line.endswith("CUDA out of memory") for line in lines)
    made = [row["created_at"] for row in json.loads(run("get", "tasks", "-o", "json")[1])]
    assert made == sorted(made, reverse=True)


def test_servers_narrow_the_tasks(yotta: Simulation, run: Run) -> None:
    _, out, _ = run("get", "tasks", "--filter", "status=FAILED", "-o", "json")
    assert {row["status"] for row in json.loads(out)} == {"FAILED"}
    _, out, _ = run("get", "tasks", "--filter", "queue=asr-nightly", "-o", "json")
    assert json.loads(out) == []


def test_older_tasks_than_those_listed_are_mentioned(yotta: Simulation, run: Run) -> None:
    total = queues(run)["sdxl-queue"]["total"]
    _, out, err = run("get", "tasks", "--filter", "newest=3")
    assert len(out.splitlines()) == 4
    assert f"These are the newest 3 of {total} tasks; --filter newest=N reads more" in err
    assert "These are" not in run("get", "tasks")[2]


def test_one_endpoint_leaves_its_tasks_alone(yotta: Simulation, run: Run) -> None:
    status, out, _ = run("get", "tasks", "--of", "sdxl", "--filter", "newest=2", "-o", "json")
    assert status == 0
    assert [row["queue_name"] for row in json.loads(out)] == ["sdxl-queue"] * 2
    _, out, err = run("get", "tasks", "--of", "asr-nightly")
    assert (out, "There are no tasks of asr-nightly." in err) == ("", True)
    _, out, _ = run("get", "queues", "--of", "yotta/asr-nightly", "-o", "json")
    assert [row["name"] for row in json.loads(out)] == ["asr-nightly"]


def test_an_endpoint_without_a_queue_is_wrong_usage(yotta: Simulation, run: Run) -> None:
    status, out, err = run("get", "tasks", "--of", "chat-prod")
    assert (status, out) == (2, "")
    assert "has no queue: only endpoints in QUEUE mode take tasks." in err


def test_a_task_is_described_with_its_json_laid_out(yotta: Simulation, run: Run) -> None:
    task = newest(run)
    status, out, _ = run("describe", task["ref"])
    assert status == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert any(line.startswith("status ") and line.endswith(task["status"].lower()) for line in lines)
    assert any(line.startswith('"prompt": ') for line in lines)
    assert any(line.startswith("took ") for line in lines)
    assert run("describe", task["ref"], "-o", "json")[0] == 0
    status, out, _ = run("describe", str(queues(run)["sdxl-queue"]["ref"]))
    assert (status, "processing" in out) == (0, True)


def test_a_task_that_is_older_than_those_listed_is_described_by_its_whole_ref(
    yotta: Simulation, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    oldest = json.loads(run("get", "tasks", "-o", "json")[1])[-1]
    monkeypatch.setattr("gputui.api.yotta.filters.NEWEST", 3)
    assert oldest["ref"] not in run("get", "tasks", "-o", "json")[1]
    status, out, _ = run("describe", oldest["ref"])
    assert (status, oldest["name"] in out) == (0, True)


def test_a_task_is_submitted_from_a_file_and_its_ref_printed(
    yotta: Simulation, run: Run, home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "input.json"
    path.write_text('{"prompt": "a kettle",\n "steps": 3}\n', "utf-8")
    endpoint = str(queues(run)["sdxl-queue"]["deployment"]).rpartition("/")[2]
    given = ("--set", f"endpoint={endpoint}", "--set", f"input=@{path}", "--set", "processUri=/render")
    status, out, _ = run("create", "task", *given, "--dry-run")
    assert status == 0
    assert json.loads(out.partition("\n")[2])["input"] == {"prompt": "a kettle", "steps": 3}
    status, out, err = run("create", "task", *given, "--set", "taskId=mine_1", "--yes")
    assert (status, out) == (0, f"yotta/task/{endpoint}/mine_1\n")
    assert newest(run)["name"] == "mine_1"
    # The same id is another task's by now.
    status, _, err = run("create", "task", *given, "--set", "taskId=mine_1", "--yes")
    assert status != 0
    assert "mine_1" in err


def test_input_comes_from_stdin(yotta: Simulation, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = str(queues(run)["sdxl-queue"]["deployment"]).rpartition("/")[2]
    stdin = SimpleNamespace(buffer=io.BytesIO(b"[1, 2]\n"), isatty=lambda: False)
    monkeypatch.setattr("sys.stdin", stdin)
    given = ("--set", f"endpoint={endpoint}", "--set", "input=@-", "--set", "processUri=/render")
    assert run("create", "task", *given, "--yes")[0] == 0
    assert json.loads(newest(run)["input"]) == [1, 2]


def test_input_that_is_no_json_is_said_with_its_place(yotta: Simulation, run: Run) -> None:
    endpoint = str(queues(run)["sdxl-queue"]["deployment"]).rpartition("/")[2]
    given = ("--set", f"endpoint={endpoint}", "--set", 'input={"a": ', "--set", "processUri=/render")
    status, out, err = run("create", "task", *given, "--yes")
    assert (status, out) == (2, "")
    assert "input: is no JSON" in err
    assert "line 1, column 7" in err
