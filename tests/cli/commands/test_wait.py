"""``gputui wait`` against a scripted cloud: every way it can end, and what it prints."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from gputui.errors import AuthError, UnavailableError
from gputui.models import Instance, Offer, Phase, Ref, Resource
from tests.cli.cloud import TRAIN, Cloud, money

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def running(hub: Cloud) -> Instance:
    found = [row for row in hub.rows[Resource.INSTANCES] if isinstance(row, Instance)]
    return next(row for row in found if row.phase is Phase.RUNNING)


def test_one_that_runs_is_named_on_stdout_and_said_on_stderr(running: Instance, run: Run) -> None:
    status, out, err = run("wait", str(running.ref), "--for", "running", "--timeout", "0")
    assert (status, out) == (0, f"{running.ref}\n")
    assert f"{running.ref}: running" in err


def test_json_has_the_outcome_and_the_last_row(running: Instance, run: Run) -> None:
    status, out, err = run("wait", str(running.ref), "--for", "stopped", "--timeout", "0", "-o", "json")
    (found,) = json.loads(out)
    assert status == 4
    assert {**found, "row": found["row"]["ref"]} == {
        "ref": str(running.ref), "for": "stopped", "outcome": "timed out", "state": "running",
        "row": str(running.ref),
    }  # fmt: skip
    assert f"gputui: {running.ref}: not stopped: running" in err


def test_all_of_several_have_to_be_so(hub: Cloud, running: Instance, run: Run) -> None:
    other = replace(running, ref=Ref("hub", running.ref.kind, "other"), phase=Phase.STOPPED, status="stopped")
    hub.rows[Resource.INSTANCES] = [running, other]
    status, out, _ = run("wait", str(running.ref), str(other.ref), "--for", "running", "--timeout", "0")
    assert (status, out) == (4, "")


@pytest.mark.parametrize(
    ("phase", "goal"), [(Phase.FAILED, "running"), (Phase.FAILED, "ssh"), (Phase.FAILED, "stopped")]
)
def test_one_that_has_failed_never_gets_there(
    hub: Cloud, running: Instance, run: Run, phase: Phase, goal: str
) -> None:
    hub.rows[Resource.INSTANCES] = [replace(running, phase=phase, status=phase.value)]
    status, out, err = run("wait", str(running.ref), "--for", goal)
    assert (status, out) == (1, "")
    assert "failed" in err


def test_what_is_not_listed_any_more_is_gone_only_when_the_server_says_so(
    hub: Cloud, running: Instance, run: Run
) -> None:
    hub.rows[Resource.INSTANCES] = []
    assert run("wait", str(running.ref), "--for", "gone", "--timeout", "0")[0] == 0
    hub.errors["fetch"] = UnavailableError("hub: no answer.")
    assert run("wait", str(running.ref), "--for", "gone", "--timeout", "0")[0] == 3


@pytest.mark.parametrize(("phase", "expected"), [(Phase.STOPPED, 0), (Phase.RUNNING, 4), (Phase.UNKNOWN, 4)])
def test_what_no_list_has_is_gone_where_the_server_still_describes_that_it_has_ended(
    hub: Cloud, running: Instance, run: Run, monkeypatch: pytest.MonkeyPatch, phase: Phase, expected: int
) -> None:
    async def fetch(ref: Ref) -> Instance:
        return replace(running, phase=phase, status="terminated")

    hub.rows[Resource.INSTANCES] = []
    monkeypatch.setattr(hub, "fetch", fetch)
    assert run("wait", str(running.ref), "--for", "gone", "--timeout", "0")[0] == expected


def test_a_name_that_nothing_has_is_not_found_unless_it_may_appear(hub: Cloud, run: Run) -> None:
    status, _, err = run("wait", "nobody", "--for", "running")
    assert status == 1
    assert "--appear" in err
    status, _, err = run("wait", "nobody", "--for", "running", "--appear", "--timeout", "0")
    assert status == 4
    assert "nobody: does not exist yet" in err


def test_an_ambiguous_name_is_wrong_usage_and_part_of_one_does_not_appear(
    hub: Cloud, running: Instance, run: Run
) -> None:
    twins = [replace(running, ref=Ref("hub", running.ref.kind, name), name=name) for name in ("twin-a", "twin-b")]
    hub.rows[Resource.INSTANCES] = twins
    assert run("wait", "twin", "--for", "running")[0] == 2
    assert run("wait", "twin", "--for", "running", "--appear", "--timeout", "0")[0] == 4


def test_a_server_that_does_not_answer_is_unreadable_and_refused_credentials_end_it_at_once(
    hub: Cloud, running: Instance, run: Run
) -> None:
    hub.errors[Resource.INSTANCES] = UnavailableError("hub: no answer.")
    status, out, _ = run("wait", str(running.ref), "--for", "running", "--timeout", "0", "-o", "json")
    assert status == 3
    assert json.loads(out)[0]["outcome"] == "unreadable"
    hub.errors[Resource.INSTANCES] = AuthError("hub: wrong key.")
    status, _, err = run("wait", str(running.ref), "--for", "running")
    assert status == 1
    assert "wrong key" in err


def test_a_deployment_runs_when_all_its_instances_do(hub: Cloud, run: Run) -> None:
    (train,) = [row for row in hub.rows[Resource.DEPLOYMENTS] if row.ref == TRAIN]
    hub.rows[Resource.DEPLOYMENTS] = [replace(train, desired=2, running=1, phase=Phase.RUNNING)]  # type: ignore[type-var]
    status, _, err = run("wait", str(TRAIN), "--for", "running", "--timeout", "0")
    assert status == 4
    assert "1 of 2 running" in err


def test_idle_is_never_reached_where_the_load_is_unknown(hub: Cloud, running: Instance, run: Run) -> None:
    status, _, err = run("wait", str(running.ref), "--for", "idle", "--timeout", "0")
    assert status in (1, 3)
    assert "load" in err


@pytest.mark.parametrize(
    "line",
    [
        ("wait", "main"),
        ("wait", "stock"),
        ("wait", "stock", "RTX", "4090"),
        ("wait", "main", "--for", "running", "--count", "2"),
        ("wait", "main", "--for", "running", "--idle-for", "5m"),
        ("wait", "main", "--for", "gone", "--appear"),
        ("wait", "stock", "RTX 4090", "--price", "0"),
        ("wait", "main", "--for", "asleep"),
        ("wait", "main", "--for", "running", "--timeout", "soon"),
    ],
    ids=" ".join,
)
def test_wrong_usage(line: tuple[str, ...], hub: Cloud, run: Run) -> None:
    assert run(*line)[0] == 2


def _offers(hub: Cloud, **changes: object) -> None:
    offer = hub.rows[Resource.STOCK][0]
    assert isinstance(offer, Offer)
    hub.rows[Resource.STOCK] = [replace(offer, **changes)]  # type: ignore[arg-type]


def test_stock_that_fits_is_named(hub: Cloud, run: Run) -> None:
    _offers(hub)
    status, out, _ = run("wait", "stock", "rtx 5090", "--count", "2", "--region", "SGP1", "--timeout", "0")
    assert (status, out) == (0, "hub/offer/sgp1/RTX 5090\n")


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({"idle": 1}, ("--count", "2"), 4),
        ({"idle": None, "available": True}, (), 0),
        ({"idle": None, "available": True}, ("--count", "2"), 3),  # how many is not known
        ({"problem": "no answer"}, (), 3),  # an old figure
        ({"price_from": money("1.20")}, ("--price", "1.00"), 4),
        ({"price_from": money("1.00")}, ("--price", "1.00"), 0),
    ],
)
def test_only_what_is_known_to_fit_is_a_success(
    hub: Cloud, run: Run, changes: dict[str, object], options: tuple[str, ...], expected: int
) -> None:
    _offers(hub, **changes)
    assert run("wait", "stock", "RTX 5090", *options, "--timeout", "0")[0] == expected


def test_an_estimated_price_fits_no_limit(hub: Cloud, run: Run) -> None:
    """An offer states an estimate; the least price of what runs there is one."""
    estimate = replace(money("1.00"), estimated=True)
    hub.rows[Resource.STOCK] = [replace(row, price_from=estimate) for row in hub.rows[Resource.STOCK]]  # type: ignore[type-var]
    status, out, err = run("wait", "stock", "RTX 5090", "--price", "9", "--timeout", "0")
    assert (status, out) == (3, "")
    assert "the price of some is an estimate (~)" in err


def test_an_unknown_price_fits_no_limit(hub: Cloud, run: Run) -> None:
    _offers(hub)
    hub.rows[Resource.INSTANCES] = []  # none runs there whose price would tell
    status, _, err = run("wait", "stock", "RTX 5090", "--price", "9", "--timeout", "0")
    assert status == 3
    assert "the price of some is unknown" in err


def test_a_model_that_no_account_offers_is_not_found_with_its_neighbours(hub: Cloud, run: Run) -> None:
    _offers(hub)
    status, _, err = run("wait", "stock", "RTX 5900")
    assert status == 1
    assert "Near: RTX 5090" in err
    assert run("wait", "stock", "RTX 5900", "--appear", "--timeout", "0")[0] == 4
    assert run("wait", "stock", "RTX 5090", "--region", "nowhere")[0] == 2


def test_a_region_that_did_not_answer_may_have_it(hub: Cloud, run: Run) -> None:
    hub.rows[Resource.STOCK] = [replace(row, idle=0) for row in hub.rows[Resource.STOCK]]  # type: ignore[type-var]
    assert run("wait", "stock", "RTX 5090", "--timeout", "0")[0] == 3


@pytest.mark.parametrize("text", ["5 apples", "soon", "0m", "-3s"])
def test_a_wrong_time_limit_is_refused_with_the_forms_that_are_accepted_here(text: str, hub: Cloud, run: Run) -> None:
    status, _, err = run("wait", str(TRAIN), "--for", "running", f"--timeout={text}")
    assert status == 2
    assert f"{text!r} is not a time such as 30s, 90m or 6h, or 0" in err
