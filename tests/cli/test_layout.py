"""The columns and the order of a list, as the command line asks for them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gputui.api.capabilities import Backend
from gputui.cli.layout import list_layout
from gputui.errors import ConfigError
from gputui.models import Deployment, GpuProcess, Instance, Phase, Ref, Resource
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import columns_of
from tests.cli.conftest import account_toml, write_config
from tests.fleet.fakes import FakeBackend, pod

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("resource", [resource for resource in Resource if resource is not Resource.ACCOUNTS])
def test_the_wide_form_has_the_columns_of_the_table_first_and_then_every_other(resource: Resource) -> None:
    usual = [column.key for column in list_layout(resource).columns]
    wide = [column.key for column in list_layout(resource, "wide").columns]
    assert wide[: len(usual)] == usual
    assert {*wide, "phase"} >= {column.key for column in columns_of(resource, Context())}


def test_rows_are_ordered_by_their_figures_and_unknown_ones_are_last_both_ways() -> None:
    sized = {"b": 2 << 30, "unknown": None, "a": 10 << 30}
    rows = [replace(pod("lab", name), memory_limit=size) for name, size in sized.items()]
    for sort, names in (("memory", ["b", "a"]), ("mem-limit:desc", ["a", "b"])):
        ordered: list[Instance] = list_layout(Resource.INSTANCES, sort=sort).sorted(rows)
        assert [row.name for row in ordered] == [*names, "unknown"]


def test_a_column_without_an_order_of_its_own_sorts_as_names_do() -> None:
    rows = [replace(pod("lab", name), spot=spot) for name, spot in (("a", True), ("b", None), ("c", False))]
    assert [row.name for row in list_layout(Resource.INSTANCES, sort="spot").sorted(rows)] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("columns", "sort", "output", "said"),
    [
        ("name,stote", "", "table", "There is no column 'stote'. Did you mean state or"),
        ("name,,gpu", "", "table", "There is no column ''."),
        ("", "prise:desc", "table", "There is no column 'prise'. Did you mean price or"),
        ("", "price:down", "json", "the order is asc or desc, as in --sort price:desc"),
        ("", "-price", "csv", "the order is after the column: --sort price:desc"),
        ("name", "", "json", "JSON always has all keys"),
    ],
)
def test_what_cannot_be_printed_is_refused(columns: str, sort: str, output: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        list_layout(Resource.INSTANCES, output, columns=columns, sort=sort)
    assert said in str(refused.value)


def test_columns_that_need_another_list_are_not_watched() -> None:
    assert list_layout(Resource.INSTANCES, columns="name,gpumem").needs == {Resource.GPUS, Resource.PROCESSES}
    assert "gpumem" not in [column.key for column in list_layout(Resource.INSTANCES, "wide", watch=True).columns]
    with pytest.raises(ConfigError, match="no column 'gpumem'"):
        list_layout(Resource.INSTANCES, columns="gpumem", watch=True)


@pytest.fixture
def lab(home: Path, clouds: dict[str, Backend]) -> FakeBackend:
    """Two instances, of which one has a deployment and a process."""
    write_config(home, account_toml("lab"))
    two, train = Ref("lab", "pod", "two"), Ref("lab", "deployment", "d-1")
    process = GpuProcess(Ref("lab", "process", "1"), "h", 0, 1, "", "two", two, gpu_memory_used=1 << 30)
    backend = FakeBackend("lab")
    backend.rows[Resource.INSTANCES] = [replace(pod("lab", "two"), parent=train), pod("lab", "one")]
    backend.rows[Resource.DEPLOYMENTS] = [Deployment(train, "train", "", Phase.RUNNING, "running")]
    backend.rows[Resource.PROCESSES] = [process]
    clouds["lab"] = backend
    return backend


def test_chosen_columns_are_printed_in_their_order_with_what_other_lists_say(lab: FakeBackend, run: Run) -> None:
    status, out, err = run("get", "instances", "--columns", "deployment,name,gpumem", "--sort", "name")
    assert (status, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["DEPLOYMENT", "NAME", "GPU", "MEM"],
        ["one", "?"],
        ["train", "two", "1.0G"],
    ]


def test_csv_has_the_chosen_columns_and_json_its_own_keys_in_the_order_asked_for(lab: FakeBackend, run: Run) -> None:
    _, out, _ = run("get", "instances", "-o", "csv", "--columns", "name,phase", "--sort", "name")
    assert list(csv.reader(io.StringIO(out))) == [["name", "phase"], ["one", "running"], ["two", "running"]]
    _, out, _ = run("get", "instances", "-o", "json", "--sort", "name:desc")
    assert [row["name"] for row in json.loads(out)] == ["two", "one"]
    assert "gpu_indices" in json.loads(out)[0]


def test_a_column_that_is_not_there_is_wrong_usage_before_anything_is_requested(lab: FakeBackend, run: Run) -> None:
    for kind in ("instances", "balances", "events", "cost"):
        status, out, err = run("get", kind, "--columns", "nonsense")
        assert (status, out) == (2, "")
        assert "--columns: There is no column 'nonsense'." in err
        assert f"Columns of {kind}: " in err
    assert lab.calls[Resource.INSTANCES] == 0


def test_the_end_of_a_balance_is_a_column_too(lab: FakeBackend, run: Run) -> None:
    assert (
        "Columns of balances: account, available, other, out." in run("get", "balances", "--columns", "nonsense")[2]
    )
    assert run("get", "balances", "--columns", "account,runs-out")[0] == 0
