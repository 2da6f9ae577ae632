import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gputui.cli.columns import csv_columns
from gputui.cli.lists.cost import KEYS
from gputui.config.paths import history_path
from gputui.errors import ForbiddenError
from gputui.history.history import History
from gputui.models import Event, Instance, Phase, Ref, Resource, Volume
from gputui.sim.server import Running
from tests.cli.cloud import Cloud, money
from tests.cli.conftest import Simulation, write_config

Run = Callable[..., tuple[int, str, str]]

LISTED = ["instances", "gpus", "processes", "images", "stock"]
CLOUDY = ["stock", "deployments", "instances", "events", "blacklist", "packages", "balances"]


@pytest.mark.parametrize("kind", LISTED)
def test_json_is_an_array_of_models_with_every_key(kind: str, world: Running, run: Run) -> None:
    status, out, err = run("get", kind, "-o", "json")

    rows = json.loads(out)
    assert status == 0
    assert err == ""
    assert rows
    assert {row["ref"].partition("/")[0] for row in rows} >= {"lab", "lab-b"}
    assert all(set(row) == set(csv_columns(Resource(kind))) for row in rows)


@pytest.mark.parametrize("kind", LISTED)
def test_csv_has_the_keys_of_json_as_its_header_and_as_many_rows(kind: str, world: Running, run: Run) -> None:
    _, as_json, _ = run("get", kind, "-A", "lab", "-o", "json")
    status, out, _ = run("get", kind, "-A", "lab", "-o", "csv")

    header, *rows = csv.reader(io.StringIO(out))
    expected = json.loads(as_json)
    assert status == 0
    assert header == list(expected[0])
    assert [row[0] for row in rows] == [row["ref"] for row in expected]


@pytest.mark.parametrize("kind", LISTED)
def test_a_table_has_a_line_for_every_row_and_no_escape_sequence(kind: str, world: Running, run: Run) -> None:
    _, as_json, _ = run("get", kind, "-o", "json")
    status, out, _ = run("get", kind)

    assert status == 0
    assert "\x1b" not in out
    assert len(out.splitlines()) == len(json.loads(as_json)) + 1


def test_an_account_filter_asks_that_account_alone(world: Running, run: Run) -> None:
    _, out, _ = run("get", "instances", "-A", "lab-b", "-o", "json")

    assert {row["ref"].partition("/")[0] for row in json.loads(out)} == {"lab-b"}


def test_an_unknown_account_is_wrong_usage_and_the_known_ones_are_named(world: Running, run: Run) -> None:
    status, out, err = run("get", "instances", "-A", "hub")

    assert (status, out) == (2, "")
    assert "'hub'" in err
    assert "lab, lab-b" in err


def test_what_could_be_read_is_printed_when_an_account_does_not_answer(own_simulation: Simulation, run: Run) -> None:
    own_simulation.call(lambda running: running.unplug("lab-b"))

    status, out, err = run("get", "gpus", "-o", "json")

    assert status == 3
    assert {row["ref"].partition("/")[0] for row in json.loads(out)} == {"lab"}
    assert "lab-b" in err
    assert "Traceback" not in err


def test_wrong_credentials_in_one_account_leave_the_other_and_exit_with_refused(
    world: Running, home: Path, run: Run
) -> None:
    text = world.config_toml()
    write_config(home, text.replace('password = "wonderland"', 'password = "wrong-one"', 1))

    status, out, err = run("get", "instances", "-o", "json")

    assert status == 1
    assert {row["ref"].partition("/")[0] for row in json.loads(out)} == {"lab-b"}
    assert "wrong-one" not in err


def test_a_row_that_cannot_be_read_in_full_is_kept_and_reported_once(own_simulation: Simulation, run: Run) -> None:
    own_simulation.running.set_faults("inspect", "lab")

    status, out, err = run("get", "instances", "-A", "lab")

    assert status == 3
    assert "the list of instances is incomplete: pod jupyter cannot be read" in err
    assert any(line.startswith("jupyter") for line in out.splitlines())
    assert err.count("jupyter") == 1


def test_hostile_names_reach_no_output_raw(own_simulation: Simulation, run: Run) -> None:
    for host in own_simulation.running.world.hosts.values():
        host.pods.clear()
    own_simulation.running.set_faults("hostile")

    for output in ("table", "json", "csv"):
        for kind in ("instances", "processes", "images"):
            _, out, err = run("get", kind, "-o", output)
            text = json.dumps(json.loads(out), ensure_ascii=False) if output == "json" else out
            assert out
            if output == "table":
                assert len(out.splitlines()) == len(json.loads(run("get", kind, "-o", "json")[1])) + 1
            assert not set(text + err) & set("\x1b\x07\x9b\x85\u202e\r"), (output, kind)


def test_an_empty_list_is_mentioned_on_stderr(own_simulation: Simulation, run: Run) -> None:
    own_simulation.running.world.hosts["lab"].pods.clear()

    status, out, err = run("get", "instances", "-A", "lab")
    _, as_json, _ = run("get", "instances", "-A", "lab", "-o", "json")

    assert (status, out) == (0, "")
    assert "no instances in lab" in err
    assert json.loads(as_json) == []


def test_events_are_those_of_the_history_of_the_accounts_asked_for(world: Running, home: Path, run: Run) -> None:
    def event(account: str) -> Event:
        instance = Ref(account, "pod", "main")
        at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        return Event(Ref(account, "event", "1"), instance, "main", at, "exited", Phase.STOPPED, before="running")

    history = History(history_path(home / "state"))
    history.record(events=[event("lab"), event("lab-b")])
    history.close()

    _, out, _ = run("get", "events", "-A", "lab", "-o", "json")

    (row,) = json.loads(out)
    assert (row["instance"], row["status"], row["before"]) == ("lab/pod/main", "exited", "running")
    assert row["at"] == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize("kind", CLOUDY)
def test_what_a_cloud_has_is_listed_with_every_key_in_every_form(kind: str, hub: Cloud, run: Run) -> None:
    status, as_json, err = run("get", kind, "-o", "json")
    header, *lines = csv.reader(io.StringIO(run("get", kind, "-o", "csv")[1]))
    _, table, _ = run("get", kind)

    rows = json.loads(as_json)
    assert (status, err) == (0, "")
    assert [row["ref"] for row in rows] == [line[0] for line in lines]
    assert all(tuple(row) == tuple(header) == csv_columns(Resource(kind)) for row in rows)
    assert len(table.splitlines()) == len(rows) + 1


def cells(table: str, heading: str) -> list[str]:
    """Return the text under a heading that is aligned to the left."""
    head, *lines = table.splitlines()
    at = head.index(heading)
    return [line[at:].split("  ")[0].strip() for line in lines]


def last_cells(table: str) -> list[str]:
    """Return what is in the last column."""
    return [line.split()[-1] for line in table.splitlines()[1:]]


def test_deployments_show_counts_gpus_and_prices(hub: Cloud, run: Run) -> None:
    _, table, _ = run("get", "deployments")

    assert cells(table, "INSTANCES") == ["1/2 +1", "3/20 1 run"]
    assert cells(table, "GPU")[0] == "2 × RTX 5090, RTX 4090"
    assert "$0.90–1.80" in table


def test_prepaid_time_is_in_hours_and_blocks_have_their_time_left(hub: Cloud, run: Run) -> None:
    assert " 20.0 h  100.0 h " in run("get", "packages")[1]
    assert " 1h 36m " in run("get", "blacklist")[1]
    assert "$412.50" in run("get", "balances")[1]


def test_a_region_that_could_not_be_read_is_reported_with_the_others(hub: Cloud, run: Run) -> None:
    status, out, err = run("get", "stock")

    assert (status, err) == (0, "gputui: hub/offer/sgp2: no answer\n")
    assert "RTX 5090" in out


def test_an_account_that_could_not_be_read_is_reported_with_the_cost(hub: Cloud, run: Run) -> None:
    lost = Volume(Ref("hub", "volume", "R2"), "R2", "R2", Phase.UNKNOWN, "unknown", problem="they cannot be read")
    hub.rows[Resource.VOLUMES] = [lost]
    status, _, said = run("get", "cost")

    assert status == 0
    assert said == "Total: $4.20/h\ngputui: hub/volume/R2: they cannot be read\n"


def test_the_cost_of_an_hour_is_summed_up_by_deployment(hub: Cloud, run: Run) -> None:
    status, as_json, _ = run("get", "cost", "-o", "json")
    _, table, said = run("get", "cost")
    _, as_csv, _ = run("get", "cost", "-o", "csv")

    assert status == 0
    assert json.loads(as_json) == [
        {
            "account": "hub",
            "deployment": "hub/deployment/53a677bb3e281b8",
            "name": "train",
            "instances": 2,
            "gpus": 4,
            "per_hour": {"amount": "3.60", "currency": "USD", "estimated": False},
            "volumes": 0,
            "gpus_unknown": 0,
        },
        {
            "account": "hub",
            "deployment": "hub/deployment/9b01bb3e281b855",
            "name": "batch",
            "instances": 1,
            "gpus": 2,
            "per_hour": {"amount": "0.60", "currency": "USD", "estimated": False},
            "volumes": 0,
            "gpus_unknown": 0,
        },
    ]
    assert cells(table, "DEPLOYMENT") == ["train", "batch"]
    assert said == "Total: $4.20/h\n"
    assert as_csv.splitlines()[0] == ",".join(KEYS)


def test_a_sum_says_what_it_lacks(hub: Cloud, run: Run) -> None:
    hub.spending = frozenset({Resource.INSTANCES})
    rows = hub.rows[Resource.INSTANCES]
    hub.rows[Resource.INSTANCES] = [*rows[:1], *(replace(row, price=None) for row in rows[1:3])]  # type: ignore[type-var]
    status, table, said = run("get", "cost")
    lines = json.loads(run("get", "cost", "-o", "json")[1])

    assert status == 0
    assert last_cells(table) == ["$1.80", "?", "?"]
    assert said == "Total: $1.80/h\n1 of 3 instances have a price (4 GPUs unpriced).\n"
    assert [line["per_hour"] and line["per_hour"]["amount"] for line in lines] == ["1.80", None, None]


def test_without_any_price_the_cost_is_not_known_rather_than_nothing(hub: Cloud, run: Run) -> None:
    hub.spending = frozenset({Resource.INSTANCES})
    hub.rows[Resource.INSTANCES] = [replace(row, price=None) for row in hub.rows[Resource.INSTANCES]]  # type: ignore[type-var]
    _, table, said = run("get", "cost")

    assert last_cells(table) == ["?", "?"]
    assert said.splitlines() == ["The cost is not known.", "0 of 3 instances have a price (6 GPUs unpriced)."]


def test_refused_lists_are_no_cost_of_nothing(hub: Cloud, run: Run) -> None:
    for resource in (Resource.INSTANCES, Resource.DEPLOYMENTS):
        hub.errors[resource] = ForbiddenError("hub: no permission (BadRequest).")
    status, out, said = run("get", "cost")

    assert (status, out) == (1, "")
    assert said.startswith("The cost is not known.\nNot included: hub did not answer in full.\n")
    assert "no permission" in said
    assert run("get", "cost", "-o", "json")[:2] == (1, "[]\n")


def test_an_own_server_without_a_stated_price_is_named(hub: Cloud, run: Run) -> None:
    hub.rows[Resource.INSTANCES] = [replace(row, price=None) for row in hub.rows[Resource.INSTANCES]]  # type: ignore[type-var]
    status, out, said = run("get", "cost")

    assert (status, out) == (0, "")
    assert said == "Not included: hub: no price stated; set price, or price = 0, in [accounts.hub].\n"


def test_a_balance_says_when_it_runs_out(hub: Cloud, run: Run) -> None:
    hub.rows[Resource.PACKAGES] = []
    row = json.loads(run("get", "balances", "-o", "json")[1])[0]

    assert row["runs_out_is"] == "exact"
    left = datetime.fromisoformat(row["runs_out"]) - datetime.now(UTC)
    assert left.total_seconds() / 3600 == pytest.approx(412.5 / 4.2, abs=0.1)
    assert " 4d 02h " in run("get", "balances")[1]

    hub.spending = frozenset({Resource.INSTANCES})
    hub.rows[Resource.INSTANCES] = [*hub.rows[Resource.INSTANCES], unpriced()]
    assert " ≤ 4d 02h " in run("get", "balances")[1]

    hub.errors[Resource.INSTANCES] = ForbiddenError("hub: no permission (BadRequest).")
    status, out, err = run("get", "balances", "-o", "csv")
    assert (status, err) == (0, "")
    assert out.splitlines()[1].endswith(",,")


def unpriced() -> Instance:
    return Instance(Ref("hub", "container", "x"), "x", Phase.RUNNING, "running", gpu_count=1)


def test_a_refused_balance_is_no_empty_list(hub: Cloud, run: Run) -> None:
    hub.errors[Resource.BALANCES] = ForbiddenError("hub: no permission (BadRequest).")
    status, out, err = run("get", "balances")

    assert (status, out) == (1, "")
    assert "no permission" in err
    assert "There are no" not in err


@pytest.mark.parametrize("option", [("--watch",), ("--filter", "a=b"), ("--of", "x")])
def test_cost_takes_nothing_that_belongs_to_lists(option: tuple[str, ...], hub: Cloud, run: Run) -> None:
    assert run("get", "cost", *option)[0] == 2


def test_lines_of_cost_without_a_deployment_have_the_names_of_the_screen(hub: Cloud, run: Run) -> None:
    hub.spending = frozenset({Resource.INSTANCES})
    first, second, *_ = hub.rows[Resource.INSTANCES]
    hub.rows[Resource.INSTANCES] = [replace(first, parent=None), replace(second, parent=None, price=None)]  # type: ignore[type-var]
    disk = Volume(Ref("hub", "volume", "7"), "data", "CEPH", Phase.RUNNING, "active", price=money("0.20"))
    hub.rows[Resource.VOLUMES] = [disk]

    _, table, _ = run("get", "cost")

    assert sorted(line.split()[1] for line in table.splitlines()[1:]) == ["no", "unpriced", "volumes"]


def test_a_selector_chooses_rows_in_each_form_and_says_when_none_match(world: Running, run: Run) -> None:
    status, out, _ = run("get", "instances", "-l", "name=main,account=lab", "-o", "json")
    assert (status, [row["ref"] for row in json.loads(out)]) == (0, ["lab/pod/main"])
    status, out, _ = run("get", "instances", "-A", "lab", "-l", "name:main", "--columns", "name", "-o", "csv")
    assert (status, out) == (0, "name\nmain\n")
    status, out, err = run("get", "instances", "-A", "lab", "-l", "gpu=RTX 4090")
    assert (status, out) == (0, "")
    assert "No instances in lab match the filter." in err
    assert "NAME=VALUE compares the whole text of a column; NAME:VALUE finds a part of it." in err


def test_sums_take_no_selector(world: Running, run: Run) -> None:
    status, _, err = run("get", "cost", "-l", "name=main")
    assert (status, "-l chooses rows, and cost has sums" in err) == (2, True)
