import json
import re
from collections.abc import Callable

import pytest

from gputui.models import Resource
from gputui.sim.server import Running
from tests.cli.cloud import Cloud
from tests.cli.conftest import Simulation

Run = Callable[..., tuple[int, str, str]]


def test_an_instance_is_described_with_what_is_known_of_it(world: Running, run: Run) -> None:
    status, out, _ = run("describe", "lab/main")

    lines = [line.split(maxsplit=1) for line in out.splitlines()]
    assert status == 0
    assert ["ref", "lab/pod/main"] in lines
    assert ["state", "running"] in lines


def test_json_is_the_model_and_raw_is_the_back_ends_own(world: Running, run: Run) -> None:
    model = json.loads(run("describe", "lab/main", "-o", "json")[1])
    raw = json.loads(run("describe", "lab/main", "-o", "raw")[1])

    assert model["ref"] == "lab/pod/main"
    assert "raw" not in model
    assert raw["instance"] == "main"


def test_an_image_can_be_described(world: Running, run: Run) -> None:
    assert run("describe", "lab/image/lab-cuda:latest")[0] == 0


def test_an_account_is_described_with_identity_quota_users_and_host(world: Running, run: Run) -> None:
    status, out, _ = run("describe", "lab")

    assert status == 0
    for known in ("alice", "0.4.1", "max_pods", "bob, carol"):
        assert known in out
    assert json.loads(run("describe", "lab", "-o", "json")[1])["user"] == "alice"


@pytest.mark.parametrize(("ref", "status"), [("main", 2), ("nothing-like-it", 1)])
def test_what_is_ambiguous_or_not_there_is_said(ref: str, status: int, world: Running, run: Run) -> None:
    got, out, err = run("describe", ref)

    assert (got, out) == (status, "")
    assert ref in err


def test_an_account_has_no_raw_form(world: Running, run: Run) -> None:
    assert run("describe", "lab", "-o", "raw")[0] == 1


@pytest.mark.parametrize("output", ["text", "json", "raw"])
def test_hostile_names_reach_no_description_raw(output: str, own_simulation: Simulation, run: Run) -> None:
    own_simulation.running.world.hosts["lab"].pods.clear()
    own_simulation.running.set_faults("hostile")
    refs = [row["ref"] for row in json.loads(run("get", "instances", "-A", "lab", "-o", "json")[1])]

    for ref in refs:
        _, out, err = run("describe", ref, "-o", output)
        assert not set(out + err) & set("\x1b\x07\x9b\x85\u202e\r"), ref


def test_an_account_that_does_not_answer_is_reported_with_the_rows_found(
    own_simulation: Simulation, run: Run
) -> None:
    run("delete", "lab-b/main", "--yes")
    own_simulation.call(lambda running: running.unplug("lab-b"))

    status, out, err = run("describe", "main")

    assert status == 0
    assert "lab/pod/main" in out
    assert len([line for line in err.splitlines() if line.startswith("gputui: lab-b: ")]) == 1


def test_a_deployment_is_described_in_the_units_of_people(hub: Cloud, run: Run) -> None:
    _, out, _ = run("describe", "train")

    lines = [" ".join(line.split()) for line in out.splitlines()]
    for known in (
        "cuda from 11.8",
        "memory from 90.0G",
        "price limit $0.90–1.80/h",
        "ports 6006/http",
        "reuse stopped yes",
    ):
        assert known in lines
    assert run("describe", "train", "-o", "raw")[1] == '{"uuid": "53a677bb3e281b8"}\n'


def test_a_blocked_host_is_found_by_its_name_with_its_time_left(hub: Cloud, run: Run) -> None:
    _, out, _ = run("describe", "host-d")

    assert ["time", "left", "1h 36m"] in [line.split(maxsplit=2) for line in out.splitlines()]


def test_prepaid_time_is_described_in_hours(hub: Cloud, run: Run) -> None:
    _, out, _ = run("describe", "hub/package/RTX 5090|sgp1")

    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "total 100.0 GPU hours (360,000 s)" in lines
    assert "left 20.0 GPU hours (72,000 s), 20%" in lines


@pytest.mark.parametrize(
    ("ref", "asked"),
    [
        ("block/sgp1/host-d", {Resource.BLACKLIST}),
        # The price of a deployment is that of its instances.
        ("deployment/train", {Resource.DEPLOYMENTS, Resource.INSTANCES}),
        ("hub/offer/sgp1/RTX", {Resource.STOCK}),
        # What is named whole is asked for itself: its list may have it no more.
        ("hub/offer/sgp1/RTX 5090", set()),
    ],
)
def test_only_the_lists_a_name_can_be_in_are_asked_for(ref: str, asked: set[Resource], hub: Cloud, run: Run) -> None:
    assert run("describe", ref)[0] == 0

    assert {key for key in hub.calls if isinstance(key, Resource)} == asked


def test_a_deployment_has_the_price_of_the_list(hub: Cloud, run: Run) -> None:
    (price,) = re.findall(r"^price +(\S+)/h, all of it$", run("describe", "train")[1], re.MULTILINE)
    (row,) = [
        line.split() for line in run("get", "deployments", "-A", "hub")[1].splitlines() if line.startswith("train ")
    ]
    assert price in row
