"""The groupings of lists: which rows belong together, and what the headings say of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from gputui.models import (
    Deployment,
    GpuDevice,
    GpuSample,
    Instance,
    Machine,
    Money,
    Phase,
    Ref,
    Resource,
    Row,
    SSHTarget,
    Volume,
)
from gputui.presentation.columns.column import plain_text
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import fields_of
from gputui.presentation.groups.lists import groupings_of

AT = datetime(2026, 11, 29, tzinfo=UTC)


class Known(Context):
    """A context that knows some rows, and that ``own`` is not billed."""

    def __init__(self, *rows: Row) -> None:
        super().__init__()
        self.rows = {row.ref: row for row in rows}

    def get(self, ref: Ref) -> Row | None:
        return self.rows.get(ref)

    def bills(self, account: str) -> bool:
        return account != "own"


def dollars(amount: str, currency: str = "USD") -> Money:
    return Money(Decimal(amount), currency)


def instance(name: str, account: str = "hub", phase: Phase = Phase.RUNNING, **more: Any) -> Instance:
    return Instance(Ref(account, "container", name), name, phase, phase.value, **more)


def headings(
    resource: Resource, by: str, rows: list[Any], context: Context | None = None
) -> dict[str, dict[str, str]]:
    """Group rows as a table does; return the totals by the text of each heading, in the order of the groups."""
    grouping = next(each for each in groupings_of(resource, context or Context()) if each.key == by)
    groups: dict[Any, list[Any]] = {}
    for row in rows:
        groups.setdefault(grouping.of(row), []).append(row)
    known = sorted((key for key in groups if key is not None), key=grouping.order)
    keys = [*known, *([None] if None in groups else [])]
    lines = {key: grouping.line(key, groups[key]) for key in keys}
    return {
        plain_text(line.text) + plain_text(line.note): {
            name: text
            for name, total in grouping.totals.items()
            if (text := plain_text(total.over(groups[key])).strip())
        }
        for key, line in lines.items()
    }


def test_every_total_and_every_grouping_is_of_a_column() -> None:
    for resource in Resource:
        for grouping in groupings_of(resource, Context()):
            assert grouping.key in {column.key for column in fields_of(resource, Context())}, (resource, grouping.key)


def test_instances_by_account_count_what_runs_and_sum_what_is_known() -> None:
    rows = [
        instance("a", gpu_count=2, price=dollars("1.80"), gpu_model="RTX 5090"),
        instance("b", gpu_count=1, price=dollars("0.61"), gpu_model="RTX 4090"),
        instance("c", phase=Phase.FAILED, price=dollars("9.00"), gpu_count=1),
        instance("d", phase=Phase.UNKNOWN),
        instance("i", phase=Phase.PENDING, gpu_count=0, price=dollars("0")),
        instance("j", phase=Phase.STOPPING, gpu_count=0, price=dollars("0")),
        instance("e", price=dollars("3.10", "CNY"), gpu_count=0),
        instance("f", "lab", gpu_count=0),
        instance("g", "own", phase=Phase.STOPPED, gpu_indices=(0, 1)),
        instance("h", "own", gpu_count=4),
    ]
    assert headings(Resource.INSTANCES, "account", rows, Known()) == {
        "hub  7": {"state": "3 running  ✗ 1  ? 1  ◐ 2", "gpu": "3 + ?", "price": "$2.41  ¥3.10 + 1 unpriced"},
        "lab  1": {"state": "1 running", "gpu": "0", "price": "1 unpriced"},
        "own  2": {"state": "1 running", "gpu": "4"},
    }
    assert list(headings(Resource.INSTANCES, "gpu", rows)) == [
        "RTX 4090  1",
        "RTX 5090  1",
        "no GPU  4",
        "model not reported  4",
    ]


class Coloured(Known):
    """A context in which the account ``hub`` has a colour."""

    def account_style(self, account: str) -> str:
        return "account-red" if account == "hub" else ""


@pytest.mark.parametrize("resource", list(Resource))
def test_an_account_with_a_colour_has_it_in_headings(resource: Resource) -> None:
    row = instance("a", host="gpu1")
    found = {each.key: each for each in groupings_of(resource, Coloured())}
    if "account" in found:
        assert found["account"].line("hub", []).text == ("hub", "account-red")
        assert found["account"].line("lab", []).text == ("lab", "")
    if "host" in found and resource is Resource.INSTANCES:
        assert found["host"].totals["account"].over([row]) == ("hub", "account-red")


def test_groups_of_one_name_in_two_accounts_are_two_and_unknown_is_a_group() -> None:
    rows = [instance("a", host="gpu10"), instance("b"), instance("c", host="gpu2"), instance("d", "lab", host="gpu2")]
    grouping = next(each for each in groupings_of(Resource.INSTANCES, Context()) if each.key == "host")
    groups = {grouping.of(row) for row in rows}
    lines = [grouping.line(key, rows[:1]) for key in sorted(groups - {None}, key=grouping.order)]
    assert [plain_text(line.text) for line in lines] == ["gpu2", "gpu2", "gpu10"]
    assert plain_text(grouping.line(None, rows).text) == "host not reported"


def test_a_gpu_that_several_instances_share_is_counted_once() -> None:
    rows = [instance("a", host="h07", gpu_indices=(0, 1)), instance("b", host="h07", gpu_indices=(1,))]
    assert headings(Resource.INSTANCES, "host", rows)["h07  2"]["gpu"] == "2"
    rows += [instance("c", host="h07", gpu_all=True, gpu_count=8), instance("d", host="h07", gpu_all=True)]
    assert headings(Resource.INSTANCES, "host", rows)["h07  4"]["gpu"] == "8 + ?"
    rows = [instance("e", host="h08", gpu_indices=(1,)), instance("f", gpu_count=4)]
    assert headings(Resource.INSTANCES, "account", rows)["hub  2"]["gpu"] == "5"


@pytest.mark.parametrize(
    "phase, count",
    [
        (Phase.PENDING, "3"),
        (Phase.STOPPING, "1"),
        (Phase.STOPPED, "1"),
        (Phase.FAILED, "1"),
        (Phase.UNKNOWN, "1 + ?"),
    ],
)
def test_gpus_are_those_of_what_runs_or_starts_and_doubted_where_the_state_is_unknown(
    phase: Phase, count: str
) -> None:
    for more in ({"gpu_count": 2}, {"gpu_indices": (4, 5), "host": "h07"}):
        rows = [instance("a", gpu_count=1), instance("b", phase=phase, **more)]
        assert headings(Resource.INSTANCES, "account", rows)["hub  2"]["gpu"] == count


class Seen(Context):
    """A context that sees GPUs 0 and 1 of a host, and none of another."""

    def gpus(self, instance: Instance) -> list[GpuDevice]:
        return [gpu(0, 90, 2**30), gpu(1, 30, 2**30)] if instance.host == "h07" else []


def test_the_load_of_instances_is_the_mean_of_their_gpus_and_doubted_where_some_are_not_seen() -> None:
    both = instance("a", host="h07", gpu_indices=(0, 1))
    shared = instance("b", host="h07", gpu_indices=(0, 1))
    ended = instance("c", phase=Phase.STOPPED, host="h08", gpu_indices=(0,))
    other = instance("d", host="h08", gpu_indices=(0,))
    found = headings(Resource.INSTANCES, "account", [both, shared, ended], Seen())["hub  3"]
    assert found["util"] == "mean  60 %"
    found = headings(Resource.INSTANCES, "account", [both, other], Seen())["hub  2"]
    assert (found["util"], found["gpumem"]) == ("mean  60 %?", "2.0G + ?")


def endpoint(name: str, **more: Any) -> Deployment:
    return Deployment(Ref("hub", "endpoint", name), name, "ENDPOINT", Phase.RUNNING, "running", **more)


@pytest.mark.parametrize(("running", "price"), [(2, "$4.00"), (3, "2 unpriced")])
def test_instances_cost_what_their_deployment_does_only_where_all_of_them_are_there(running: int, price: str) -> None:
    parent = endpoint("llama", running=running, price=dollars("4"))
    rows = [instance("w1", parent=parent.ref, gpu_count=1), instance("w2", parent=parent.ref, gpu_count=1)]
    found = headings(Resource.INSTANCES, "deployment", [*rows, instance("alone", "own")], Known(parent))
    assert found["llama  2"]["price"] == price
    assert list(found) == ["llama  2", "no deployment  1"]


def test_containers_of_a_machine_have_no_gpus_of_their_own_next_to_it() -> None:
    machine = instance("gpu01", "own", gpu_count=8, machine=Machine(True))
    inside = SSHTarget("gpu01", 22, "me", enter=("docker", "abc"), host_row=machine.ref)
    rows = [machine, instance("gpu01/vllm", "own", parent=machine.ref, gpu_all=True, gpu_count=8, ssh=inside)]
    assert headings(Resource.INSTANCES, "account", rows, Known(machine))["own  2"]["gpu"] == "8"
    assert list(headings(Resource.INSTANCES, "deployment", rows, Known(machine))) == ["no deployment  2"]


def gpu(index: int, load: float | None = None, used: int | None = None, **more: Any) -> GpuDevice:
    sample = None if load is None else GpuSample(AT, load, used, power=100.0)
    return replace(
        GpuDevice(Ref("dock", "gpu", f"h07:{index}{more.get('mig', '')}"), "h07", index, "RTX 4090"),
        memory_used=used,
        sample=sample,
        **more,
    )


def test_gpus_of_a_host_have_the_mean_of_the_known_loads_and_say_how_many_those_are() -> None:
    size = 24 * 2**30
    rows = [gpu(0, 80, 2**30, memory_total=size), gpu(1, 40, 2**31, memory_total=size)]
    assert headings(Resource.GPUS, "host", rows) == {
        "h07  2": {"account": "dock", "util": "mean      60 %", "memory": "3.0G/48.0G", "power": "200 W"}
    }
    found = headings(Resource.GPUS, "host", [*rows, gpu(2, memory_total=size), gpu(0, 80, 2**29, mig="1g.10gb #7")])
    assert found["h07  4"] == {
        "account": "dock",
        "util": "2 known   60 %",
        "memory": "3.0G+?/72.0G",
        "power": "200 W + ?",
    }
    shared = [gpu(number, 10, 2**30, memory_total=size, memory_shared=True) for number in range(2)]
    assert headings(Resource.GPUS, "model", shared)["RTX 4090  2"]["memory"] == "1.0G/24.0G"


@pytest.mark.parametrize(
    ("gpus", "said"),
    [
        ([gpu(0, 0.5, process_count=0), gpu(1, 80, process_count=0), gpu(2, 0, process_count=1)], "1 idle"),
        ([gpu(0, 0, process_count=0), gpu(1, process_count=0)], "1 idle + ?"),
        ([gpu(0, 0, process_count=0), gpu(1, 0)], "1 idle + ?"),
        ([gpu(0, 0, process_count=0), gpu(1, 90), gpu(2, process_count=2)], "1 idle"),
        ([gpu(0, 0), gpu(1)], None),
    ],
)
def test_a_gpu_is_idle_without_processes_and_load_and_one_without_a_sample_is_unknown(
    gpus: list[GpuDevice], said: str | None
) -> None:
    assert headings(Resource.GPUS, "model", gpus)[f"RTX 4090  {len(gpus)}"].get("processes") == said


def test_volumes_without_a_limit_are_no_unknown_size() -> None:
    def volume(name: str, size: int | None, **more: Any) -> Volume:
        return Volume(Ref("hub", "volume", name), name, "shared", Phase.RUNNING, "ready", size=size, **more)

    rows = [volume("a", 2**30, price=dollars("0.10")), volume("b", None, price=dollars("0"))]
    assert headings(Resource.VOLUMES, "type", rows)["shared  2"] == {
        "account": "hub",
        "size": "1.0G",
        "price": "$0.10",
    }
    rows.append(volume("c", None, problem="not read"))
    assert headings(Resource.VOLUMES, "type", rows)["shared  3"]["size"] == "1.0G + ?"
