"""The command line against a simulated cloud over real HTTP, from the first GPU to the last event."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gputui.cli import keep_trying, waiting
from gputui.cli.columns import csv_columns
from gputui.fleet import attempts
from gputui.models import Resource
from gputui.sim.gpuhub.default_world import CLOUDS, PERSONAL
from gputui.sim.server import Running
from tests.cli.conftest import Simulation, write_config
from tests.cli.lists.test_watch import line, watching
from tests.cli.test_main import loaded_by

Run = Callable[..., tuple[int, str, str]]

CREATE = (
    "create",
    "deployment",
    "-A",
    "hub",
    *("--set", "name=fresh"),
    *("--set", "cmd=sleep 100"),
    *("--set", "gpu_name_set=RTX 5090"),
    *("--set", "price_to=90"),
    *("--set", "image_uuid=base-image-l2t43iu6uk"),
)
KINDS = ["stock", "deployments", "instances", "events", "packages", "balances", "images", "blacklist"]


@pytest.fixture(scope="module")
def shared_clouds() -> Iterator[Simulation]:
    simulation = Simulation(clouds=CLOUDS["small"][:2])
    simulation.start()
    yield simulation
    simulation.stop()


@pytest.fixture
def clouds(home: Path, shared_clouds: Simulation) -> Running:
    """The shared clouds, configured: for commands that change nothing."""
    write_config(home, shared_clouds.running.config_toml())
    return shared_clouds.running


@pytest.fixture
def own_clouds(home: Path) -> Iterator[Simulation]:
    """Clouds for one test, configured."""
    simulation = Simulation(clouds=CLOUDS["small"][:2])
    simulation.start()
    write_config(home, simulation.running.config_toml())
    yield simulation
    simulation.stop()


def rows(run: Run, *argv: str) -> list[dict[str, Any]]:
    status, out, err = run("get", *argv, "-o", "json")
    assert (status, err) == (0, "")
    found: list[dict[str, Any]] = json.loads(out)
    return found


def running(run: Run, name: str) -> dict[str, Any]:
    """Return an instance of a deployment that runs."""
    return next(
        row
        for row in rows(run, "instances", "-A", "hub")
        if row["name"].startswith(name) and row["phase"] == "running"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_listed_of_both_clouds(kind: str, clouds: Running, run: Run) -> None:
    found = rows(run, kind, "-A", "hub", "-A", "autodl")

    assert kind == "blacklist" or {row["ref"].partition("/")[0] for row in found} == {"hub", "autodl"}
    assert all(tuple(row) == csv_columns(Resource(kind)) for row in found)
    assert "password" not in json.dumps(found)


def test_money_stays_in_its_currency(clouds: Running, run: Run) -> None:
    lines = json.loads(run("get", "cost", "-o", "json")[1])

    paid = {(line["account"], line["per_hour"]["currency"]) for line in lines if line["per_hour"]["amount"] != "0"}
    assert paid == {("hub", "USD"), ("autodl", "CNY")}
    assert re.fullmatch(r"Total: \$[\d.]+/h, ¥[\d.]+/h\n", run("get", "cost", "-A", "hub", "-A", "autodl")[2])


def test_the_servers_narrow_and_widen_lists(clouds: Running, run: Run) -> None:
    everything = rows(run, "instances", "-A", "hub", "--filter", "released=true")
    stopped = rows(run, "instances", "-A", "hub", "--filter", "status=shutdown", "--filter", "released=true")
    (one,) = rows(run, "deployments", "-A", "hub", "--filter", "name=embed-api")
    models = rows(run, "stock", "-A", "hub", "--filter", "gpu_name_set=RTX 4090", "--filter", "regions=sgp1")

    assert {row["status"] for row in stopped} == {"shutdown"}
    assert len(stopped) < len(everything)
    assert one["name"] == "embed-api"
    assert [(row["gpu_model"], row["region"]) for row in models] == [("RTX 4090", "sgp1")]


def test_what_is_watched_can_be_narrowed_too(own_clouds: Simulation, run: Run) -> None:
    stopped = rows(run, "instances", "-A", "hub", "--filter", "status=shutdown", "--filter", "released=true")

    argv = ("instances", "-o", "json", "--filter", "status=shutdown", "--filter", "released=true")
    with watching(*argv, "-A", "hub") as process:
        seen = [line(process, lambda _: True) for _ in stopped]
        assert {(change["change"], change["row"]["status"]) for change in seen} == {("added", "shutdown")}
        assert {change["ref"] for change in seen} == {row["ref"] for row in stopped}


def test_a_deployment_is_created_scaled_stopped_and_deleted(own_clouds: Simulation, run: Run) -> None:
    status, out, _ = run(*CREATE, "--yes")
    ref = out.strip()
    assert status == 0
    assert rows(run, "deployments", "-A", "hub", "--filter", "name=fresh")[0]["ref"] == ref

    assert run("scale", "hub/fresh", "3", "--yes")[0] == 0
    assert rows(run, "deployments", "-A", "hub", "--filter", "name=fresh")[0]["desired"] == 3

    assert run("stop", ref, "--yes")[0] == 0
    assert rows(run, "deployments", "-A", "hub", "--filter", "name=fresh")[0]["status"] == "stopped"
    assert run("delete", ref, "--yes")[0] == 0
    assert rows(run, "deployments", "-A", "hub", "--filter", "name=fresh") == []


def test_the_account_is_the_only_one_that_has_such_things_or_has_to_be_named(
    home: Path, clouds: Running, run: Run
) -> None:
    unnamed = [part for part in CREATE if part not in ("-A", "hub")]
    status, out, err = run(*unnamed, "--dry-run")
    assert (status, out) == (2, "")
    assert "say which with -A. One of: hub, autodl.\n" in err

    before, _, rest = clouds.config_toml().partition("[accounts.autodl]")
    write_config(home, before + rest[rest.index("[accounts.lab]") :])
    status, out, _ = run(*unnamed, "--dry-run")
    assert (status, out.partition(" ")[0]) == (0, "POST")


def test_the_request_of_a_whole_template_is_shown_without_an_answer(own_clouds: Simulation, run: Run) -> None:
    asked = run(*CREATE, "--dry-run", "--save-template", "fresh")
    own_clouds.call(lambda running: running.unplug("hub"))

    known = run("create", "deployment", "-A", "hub", "-f", "fresh", "--dry-run")

    assert (known[0], known[2]) == (0, "")
    assert known[1] == asked[1]
    assert json.loads(known[1].partition("\n")[2])["container_template"]["price_to"] == 90_000
    assert run("create", "deployment", "-A", "hub", "-f", "fresh", "--yes")[0] == 3


def test_a_refusal_is_the_clouds_own_message_with_its_request_id(own_clouds: Simulation, run: Run) -> None:
    own_clouds.running.set_faults("auth", "hub")

    status, out, err = run("get", "deployments", "-o", "json")

    assert status == 1
    assert {row["ref"].partition("/")[0] for row in json.loads(out)} == {"autodl"}
    assert re.search(r"^gputui: hub: .*\(request \S+\)", err)


def test_an_instance_is_stopped_with_one_less_wanted(own_clouds: Simulation, run: Run) -> None:
    before = next(row for row in rows(run, "deployments", "-A", "hub") if row["name"] == "embed-api")["desired"]
    one = running(run, "embed-api")

    assert run("stop", one["ref"], "--decrease-replicas", "--yes")[0] == 0

    after = next(row for row in rows(run, "deployments", "-A", "hub") if row["name"] == "embed-api")["desired"]
    assert after == before - 1


def test_a_host_is_blocked_and_then_for_longer(own_clouds: Simulation, run: Run) -> None:
    one = running(run, "llama-serve")

    assert run("block", one["name"], "--for", "2h", "--comment", "slow boot", "--yes")[0] == 0
    (block,) = rows(run, "blacklist", "-A", "hub")
    assert (block["host"], block["region"], block["comment"]) == (one["host"], one["region"], "slow boot")
    _, again, _ = run("block", one["ref"], "--for", "6h", "--dry-run")
    assert "It is already blocked" in again
    assert run("block", one["ref"], "--for", "6h", "--yes")[0] == 0
    (extended,) = rows(run, "blacklist", "-A", "hub")
    assert extended["until"] > block["until"]


def test_events_of_a_deployment_are_listed_in_order(clouds: Running, run: Run) -> None:
    events = rows(run, "events", "--of", "hub/embed-api")

    assert {row["name"].rpartition("-")[0] for row in events} == {"embed-api"}
    assert [row["at"] for row in events] == sorted(row["at"] for row in events)
    assert {row["source"] for row in events} == {"reported"}


def test_events_come_as_they_happen(own_clouds: Simulation, run: Run) -> None:
    with watching("events", "-A", "hub", "-o", "json") as process:
        line(process, lambda change: change["row"]["name"].startswith("embed-api"))

        run(*CREATE, "--yes")

        created = line(process, lambda change: change["row"]["name"].startswith("fresh-"))
        assert (created["change"], created["row"]["status"]) == ("added", "creating")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130


@pytest.mark.parametrize("kind", ["stock", "deployments", "instances", "packages", "balances", "images"])
def test_everything_can_be_described_by_its_ref(kind: str, clouds: Running, run: Run) -> None:
    ref = rows(run, kind, "-A", "hub")[0]["ref"]

    status, text, err = run("describe", ref)

    assert status == 0
    assert not err or (kind == "deployments" and "gputui explain" in err)
    assert ["ref", ref] in [line.split(maxsplit=1) for line in text.splitlines()]
    assert json.loads(run("describe", ref, "-o", "json")[1])["ref"] == ref


def test_the_raw_json_of_an_instance_has_no_password(clouds: Running, run: Run) -> None:
    status, raw, _ = run("describe", running(run, "llama-serve")["ref"], "-o", "raw")

    assert status == 0
    assert "ssh_command" in raw
    assert "password" not in raw


def test_questions_to_a_cloud_load_only_what_they_need(clouds: Running) -> None:
    commands = (
        ("get", "deployments", "-o", "json"),
        ("get", "stock", "-o", "json"),
        ("get", "instances", "--filter", "released=true", "-A", "hub", "-o", "csv"),
        ("get", "events", "-A", "hub", "-o", "json"),
        ("get", "cost", "-o", "json"),
        (*CREATE, "--dry-run"),
    )
    assert loaded_by(*commands) == [[]] * len(commands)


@pytest.fixture
def with_personal(home: Path) -> Iterator[None]:
    """Two clouds, of which one account may not use deployments."""
    simulation = Simulation(clouds=(*CLOUDS["small"][:1], PERSONAL))
    simulation.start()
    write_config(home, simulation.running.config_toml())
    yield
    simulation.stop()


@pytest.mark.parametrize("kind", ["instances", "cost"])
def test_the_instances_of_an_account_without_deployments_are_listed_without_a_failure(
    kind: str, with_personal: None, run: Run
) -> None:
    status, out, err = run("get", kind, "-A", "personal", "-o", "json")
    assert (status, err) == (0, "")
    assert json.loads(out)


@pytest.mark.parametrize("kind", ["deployments", "events"])
def test_a_known_denial_is_said_and_fails_only_the_account_that_is_named(
    kind: str, with_personal: None, run: Run
) -> None:
    status, out, err = run("get", kind, "-o", "json")
    assert status == 0
    assert json.loads(out)
    assert "company-verified" in err

    status, _, err = run("get", kind, "-A", "personal", "-o", "json")
    assert status == 1
    assert "company-verified" in err


def test_observed_events_are_listed_in_spite_of_a_denial(with_personal: None, home: Path, run: Run) -> None:
    text = (home / "config.toml").read_text(encoding="utf-8")
    write_config(home, re.sub(r"\[accounts\.hub\].*?(?=\n\[|\Z)", "", text, flags=re.S))

    status, _, err = run("get", "events", "-o", "json")

    assert status == 0
    assert "company-verified" in err


def test_an_instance_that_runs_is_released_in_two_steps_once_that_is_chosen(with_personal: None, run: Run) -> None:
    status, out, _ = run("get", "instances", "-A", "personal", "-o", "json")
    ref = next(row["ref"] for row in json.loads(out) if row["name"] == "sdxl-lora")

    status, _, err = run("release", ref, "--yes")
    assert status == 1
    assert "delete needs it to be stopped. Stop it, or give --stop-first. Nothing was done." in err

    status, out, _ = run("release", ref, "--yes", "--stop-first")
    assert (status, out) == (0, f"{ref}: Instance {ref.rpartition('/')[2]} is released.\n")

    status, out, _ = run("get", "instances", "-A", "personal", "-o", "json")
    assert ref not in [row["ref"] for row in json.loads(out)]


INSTANCE = (
    *("create", "instance", "-A", "personal", "--yes", "--set", "instance_name=big", "--set", "gpu_spec_uuid=h800"),
    *("--set", "req_gpu_amount=4", "--set", "image_uuid=base-image-l2t43iu6uk"),
)


def test_a_create_without_stock_is_sent_again_as_long_as_asked(
    with_personal: None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "PACE", 0.05)
    assert run(*INSTANCE)[0] == 0
    status, out, err = run(*INSTANCE)
    assert (status, out) == (1, "")
    assert "no stock: no host with these GPUs is free now" in err
    assert "--keep-trying 2h sends it again every 30 s." in err

    monkeypatch.setattr(keep_trying, "timedelta", lambda minutes: timedelta(seconds=0.5))
    status, _, err = run(*INSTANCE, "--keep-trying", "1m")
    assert status == 1
    assert "try 1: personal: no stock" in err
    assert err.rstrip().endswith("(InternalError).")


def test_commands_wait_until_the_effect_shows(with_personal: None, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_PAUSE", 0.05)
    status, ref, err = run(*INSTANCE, "--wait")
    assert (status, err.splitlines()[-1]) == (0, f"{ref.strip()}: running")
    status, _, err = run("stop", ref.strip(), "--yes", "--wait")
    assert (status, err.splitlines()[-1]) == (0, f"{ref.strip()}: stopped (shutdown)")
    status, _, err = run("release", ref.strip(), "--yes", "--wait")
    assert (status, err.splitlines()[-1]) == (0, f"{ref.strip()}: gone")


def test_an_option_of_waiting_without_waiting_is_refused(run: Run) -> None:
    status, _, err = run("stop", "a/b", "--yes", "--timeout", "5m")
    assert (status, "--timeout has no effect without --wait." in err) == (2, True)


def test_the_settings_of_an_account_are_changed_by_its_full_name(with_personal: None, run: Run) -> None:
    update = ("update", "personal/account/personal", "--set", "data_center=westDC3")
    asked = run(*update, "--set", "mountable=mount", "--dry-run")
    assert asked[0] == 0
    assert json.loads(asked[1].partition("POST ")[2].partition("\n")[2]) == {"data_center": "westDC3", "mountable": 1}
    status, out, err = run(*update, "--set", "mountable=mount", "--yes")
    assert (status, "The shared disk in westDC3 is mounted." in out + err) == (0, True)
    assert run("update", "hub/account/hub", "--set", "mountable=mount", "--yes")[0] == 1


def test_an_option_that_a_cloud_does_not_have_is_named(with_personal: None, run: Run) -> None:
    status, out, _ = run("get", "instances", "-A", "personal", "-o", "json")
    ref = next(row["ref"] for row in json.loads(out) if row["name"] == "thesis")
    status, _, err = run("commit", ref, "--yes", "--tag", "mine", "--message", "note")
    assert (status, "takes no message" in err) == (1, True)


def test_a_deployment_that_does_not_start_is_explained_with_what_would_help(clouds: Running, run: Run) -> None:
    status, out, _ = run("explain", "hub/video-upscale")
    assert status == 0
    assert out.startswith("Why video-upscale has 0 of 2 running:\nlimits: 1 × RTX 4090 · sgp1, Singapore-A, ")
    assert "✗ No idle GPU fits its limits now.\n" in out
    assert re.search(r"\n  \d+ would fit with CUDA above 12\.0\n", out)

    _, out, _ = run("explain", "hub/video-upscale", "-o", "json")
    assert json.loads(out)["found"] == {"idle": 0, "available": None, "unknown": 0, "total": 0}
    assert run("explain", "hub/none-such")[0] == 1
    instance = json.loads(run("get", "instances", "-A", "hub", "-o", "json")[1])[0]["ref"]
    assert f"{instance} is a container; only deployments are explained." in run("explain", instance)[2]
    assert "gputui explain hub/deployment/" in run("describe", "hub/video-upscale")[2]


def test_an_account_that_may_have_no_deployments_is_named_only_where_it_is_asked_for(
    with_personal: None, run: Run
) -> None:
    status, out, err = run("explain", "llama-serve")
    assert status == 0, err
    assert "llama-serve" in out
    assert "company-verified" not in err
    status, _, err = run("explain", "personal/llama-serve")
    assert status != 0
    assert "company-verified" in err
