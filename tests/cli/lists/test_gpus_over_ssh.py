"""``get gpus`` and ``get processes`` of instances, over SSH to the simulated containers."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gputui.sim.gpuhub.default_world import CLOUDS
from tests.cli.conftest import Simulation, write_config
from tests.cli.lists.test_watch import line, watching

Run = Callable[..., tuple[int, str, str]]
Typed = Callable[[str], None]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Simulation]:
    simulation = Simulation(ssh=True, clouds=CLOUDS["small"])
    simulation.start()
    yield simulation
    simulation.stop()


@pytest.fixture
def configured(cloud: Simulation, home: Path) -> Simulation:
    write_config(home, cloud.running.config_toml())
    return cloud


def instance(run: Run, start: str, account: str = "hub") -> str:
    """Return the whole name of an instance of the cloud."""
    rows = json.loads(run("get", "instances", "-A", account, "-o", "json")[1])
    return str(next(row["ref"] for row in rows if row["name"].startswith(start) and row["phase"] == "running"))


def test_gpus_of_an_instance_have_figures_that_its_cloud_does_not_report(
    configured: Simulation, run: Run, typed: Typed
) -> None:
    ref = instance(run, "qwen-finetune")
    typed("y\n")
    status, out, err = run("get", "gpus", "--of", ref, "-o", "json")
    assert status == 0, err
    assert "SHA256:" in err
    first, second = json.loads(out)
    assert first["through"] == ref
    assert [first["index"], second["index"]] == [0, 1]
    assert first["model"] == "RTX PRO 6000"
    assert first["memory_used"] <= first["memory_total"]
    assert first["sample"]["utilization"] is not None
    assert first["process_count"] == 1


def test_processes_have_their_whole_command_and_whose_numbers_they_have_is_said(
    configured: Simulation, run: Run, typed: Typed
) -> None:
    ref = instance(run, "notebook")
    typed("y\n")
    status, out, err = run("get", "processes", "--of", ref)
    assert status == 0, err
    assert "PIDs as seen inside the container." in err
    heading, row = out.splitlines()
    assert heading.split()[0] == "PID"
    assert "ipykernel" in row

    again = run("get", "processes", "--of", ref, "-o", "json")
    (process,) = json.loads(again[1])
    assert again[2] == "", "the host key is known by now"
    assert process["inside"] is True
    assert process["instance"] == ref
    assert process["uptime"] is not None
    assert process["memory_used"] > 0


def test_several_instances_are_looked_into_and_one_that_fails_does_not_hide_the_others(
    configured: Simulation, run: Run, typed: Typed
) -> None:
    good, bad = instance(run, "notebook"), instance(run, "embed-api")
    typed("y\n")
    assert run("get", "gpus", "--of", good)[0] == 0
    typed("n\n")
    status, out, err = run("get", "gpus", "--of", bad, "--of", good, "-o", "json")
    assert status == 1
    assert [row["through"] for row in json.loads(out)] == [good]
    assert "its host key was not accepted" in err


def test_without_anybody_to_ask_an_unknown_host_key_is_refused(
    configured: Simulation, run: Run, typed: Typed
) -> None:
    status, out, err = run("get", "gpus", "--of", instance(run, "llama-serve"), "-o", "json")
    assert status == 1
    assert json.loads(out) == []
    assert "log in once with gputui ssh" in err
    assert "\x1b" not in err


def test_where_the_server_reports_processes_no_login_is_needed(configured: Simulation, run: Run) -> None:
    status, out, _ = run("get", "processes", "--of", "lab/pod/main", "-o", "json")
    assert status == 0
    processes = json.loads(out)
    assert processes
    assert {row["instance"] for row in processes} == {"lab/pod/main"}
    assert {row["inside"] for row in processes} == {False}


def test_one_that_does_not_run_is_said_to_be_so(configured: Simulation, run: Run) -> None:
    rows = json.loads(run("get", "instances", "-A", "hub", "-o", "json")[1])
    stopped = next(row["ref"] for row in rows if row["phase"] == "stopped")
    status, _, err = run("get", "gpus", "--of", stopped)
    assert status == 1
    assert "its GPUs can be read while it runs" in err


def test_of_events_takes_one_thing(configured: Simulation, run: Run) -> None:
    assert run("get", "events", "--of", "a", "--of", "b")[0] == 2
    assert run("get", "gpus", "--of", "a", "--filter", "x=y")[0] == 2


def test_a_watched_probe_continues(configured: Simulation, run: Run, typed: Typed) -> None:
    ref = instance(run, "notebook")
    typed("y\n")
    assert run("get", "gpus", "--of", ref)[0] == 0
    with watching("gpus", "-A", "hub", "--of", ref, "-o", "json") as process:
        first = line(process, lambda change: change["change"] == "added")
        assert first["row"]["through"] == ref
        later = line(process, lambda change: change["change"] == "updated")
        assert later["row"]["sample"]["at"] > first["row"]["sample"]["at"]
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130


def test_processes_that_cannot_be_seen_are_unknown_and_not_none(
    configured: Simulation, run: Run, typed: Typed
) -> None:
    ref = instance(run, "asr-service", "autodl")
    typed("y\n")
    status, out, err = run("get", "processes", "--of", ref, "-o", "json")
    assert status == 3
    (row,) = json.loads(out)
    assert row["processes"] is None
    assert row["pid"] is None
    assert (row["instance"], row["gpu_index"]) == (ref, 0)
    assert "are unknown: nvidia-smi lists none in there" in err

    status, out, err = run("get", "processes", "--of", ref)
    assert status == 3
    assert "processes unknown" in out
    assert "There are no processes" not in err

    status, out, _ = run("get", "gpus", "--of", ref, "-o", "json")
    assert (status, json.loads(out)[0]["process_count"]) == (0, None)


def test_a_look_that_fails_leaves_a_row_of_unknown_processes(configured: Simulation, run: Run, typed: Typed) -> None:
    ref = instance(run, "llama-serve")
    typed("n\n")
    status, out, err = run("get", "processes", "--of", ref, "-o", "json")
    assert status == 1
    (row,) = json.loads(out)
    assert (row["processes"], row["gpu_index"], row["instance"]) == (None, None, ref)
    assert "host key was not accepted" in row["problem"]
    assert "host key was not accepted" in err


def test_processes_of_one_account_do_not_hide_that_those_of_another_are_unknown(
    configured: Simulation, run: Run
) -> None:
    status, out, err = run("get", "processes", "-A", "lab", "-A", "hub", "-o", "json")
    assert status == 3
    assert {row["ref"].partition("/")[0] for row in json.loads(out)} == {"lab"}
    assert "hub reports no GPU processes: they are unknown." in err
    assert run("get", "processes", "-o", "json")[0] == 3


def test_where_no_list_of_processes_is_reported_they_are_unknown(configured: Simulation, run: Run) -> None:
    status, out, err = run("get", "processes", "-A", "hub", "-o", "json")
    assert status == 3
    assert json.loads(out) == []
    assert "hub reports no GPU processes: they are unknown. --of INSTANCE reads them over SSH." in err


def test_where_no_list_of_gpus_is_reported_they_are_unknown(configured: Simulation, run: Run) -> None:
    status, out, err = run("get", "gpus", "-A", "hub")
    assert (status, out) == (3, "")
    assert err == "gputui: hub reports no GPUs: they are unknown. --of INSTANCE reads them over SSH.\n"


def test_every_account_without_a_list_of_processes_is_named_in_one_line(configured: Simulation, run: Run) -> None:
    _, _, err = run("get", "processes")
    (line_,) = [each for each in err.splitlines() if "no GPU processes" in each]
    assert "hub" in line_
    assert "autodl" in line_


def test_a_thing_that_cannot_be_scaled_is_named(configured: Simulation, run: Run) -> None:
    ref = instance(run, "qwen-finetune")
    name = "/".join(ref.split("/")[::2])
    for command in (("scale", name, "2"), ("get", "tasks", "--of", name), ("get", "processes", "--of", "hub/nope")):
        status, _, err = run(*command, *(["--yes"] if command[0] == "scale" else []))
        assert status != 0
        if "nope" not in command[-1]:
            assert f"{name} is a container; only" in err
        else:
            assert "No match for" in err
