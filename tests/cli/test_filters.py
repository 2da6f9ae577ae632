"""Lists that the servers narrow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gputui.api.capabilities import Backend
from gputui.errors import UnavailableError
from gputui.models import FieldKind, FormField, Resource
from tests.cli.cloud import Cloud
from tests.cli.conftest import account_toml, write_config
from tests.fleet.fakes import FakeBackend, pod

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def lab(clouds: dict[str, Backend], home: Path) -> FakeBackend:
    """A second account, without filters."""
    backend = FakeBackend("lab")
    backend.rows[Resource.INSTANCES] = [pod("lab", "main")]
    clouds["lab"] = backend
    write_config(home, account_toml("hub", "lab"))
    return backend


def test_a_filter_is_what_the_server_is_asked_for(hub: Cloud, run: Run) -> None:
    status, _, err = run("get", "instances", "--filter", "released=true", "--filter", "status=running,shutdown")

    assert (status, err) == (0, "")
    assert hub.asked == {Resource.INSTANCES: {"released": "true", "status": "running,shutdown"}}


def test_what_can_be_several_may_be_given_several_times_and_contain_spaces(hub: Cloud, run: Run) -> None:
    run("get", "stock", "--filter", "gpu_name_set=RTX 4090", "--filter", "gpu_name_set=RTX 5090")

    assert hub.asked == {Resource.STOCK: {"gpu_name_set": "RTX 4090,RTX 5090"}}


def test_an_account_without_the_filter_is_left_out_and_said(lab: FakeBackend, hub: Cloud, run: Run) -> None:
    status, out, err = run("get", "instances", "--filter", "status=running", "-o", "json")

    assert status == 0
    assert {row["ref"].partition("/")[0] for row in json.loads(out)} == {"hub"}
    assert err == "gputui: left out: lab: it cannot filter instances\n"
    assert lab.calls[Resource.INSTANCES] == 0


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("instances", "--filter"), "--filter needs one of these"),
        (("instances", "--filter", "colour=red"), "unknown filter of instances: colour; there are released, status"),
        (("instances", "--filter", "colour"), "unknown filter of instances: colour; there are released, status"),
    ],
)
def test_the_fields_are_listed_when_none_or_an_unknown_one_is_named(
    argv: tuple[str, ...], words: str, hub: Cloud, run: Run
) -> None:
    status, out, err = run("get", *argv)

    assert (status, out) == (2, "")
    assert words in err
    assert "status    several of: running, shutdown" in err
    assert "released  true, false" in err
    assert hub.calls[Resource.INSTANCES] == 0


def test_what_accounts_differ_in_is_listed_together(
    clouds: dict[str, Backend], hub: Cloud, home: Path, run: Run
) -> None:
    hub.filter_fields[Resource.STOCK] = (FormField("regions", "Regions", FieldKind.MULTI, choices=("a", "b")),)
    clouds["cn"] = other = Cloud("cn")
    other.filter_fields[Resource.STOCK] = (
        FormField("regions", "Regions", FieldKind.MULTI, choices=("b", "c"), labels=("B", "see")),
        FormField("price_to", "Price", unit="CNY/h"),
    )
    write_config(home, account_toml("hub", "cn"))

    _, _, err = run("get", "stock", "--filter")
    assert run("get", "stock", "--filter", "regions=c")[0] == 0

    lines = [line.split() for line in err.splitlines()]
    assert [line for line in lines if line[:1] in (["a"], ["b"], ["c"])] == [["a"], ["b", "B"], ["c", "see"]]
    assert "text (CNY/h)" in err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("instances", "--filter", "released=maybe"), "hub: released: must be true or false"),
        (("instances", "--filter", "released=true", "--filter", "released=false"), "is given twice"),
        (("blacklist", "--filter", "host=a"), "can filter blacklist: hub. -l filters the rows on this machine."),
        (("events", "--filter", "status=running"), "None of these accounts can filter events: hub."),
    ],
)
@pytest.mark.parametrize("watch", [(), ("--watch",)])
def test_what_cannot_be_asked_for_is_wrong_usage(
    argv: tuple[str, ...], words: str, watch: tuple[str, ...], hub: Cloud, run: Run
) -> None:
    status, out, err = run("get", *argv, *watch)

    assert (status, out) == (2, "")
    assert words in err
    assert hub.calls[Resource.INSTANCES] == 0


def test_an_account_that_does_not_answer_is_reported_with_the_filtered_list(hub: Cloud, run: Run) -> None:
    hub.errors[Resource.INSTANCES] = UnavailableError("no answer")

    status, out, err = run("get", "instances", "--filter", "status=running", "-o", "json")

    assert (status, json.loads(out)) == (3, [])
    assert "gputui: hub: no answer" in err


def test_a_filter_that_nothing_matches_is_named_as_the_reason(lab: FakeBackend, hub: Cloud, run: Run) -> None:
    hub.rows[Resource.INSTANCES] = []

    status, out, err = run("get", "instances", "--filter", "status=shutdown")

    assert (status, err.splitlines()[-1]) == (0, "No instances in hub match the filter.")
    assert "There are no" not in out + err
