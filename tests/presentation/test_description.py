"""Descriptions and the lines of questions: every field of a row, the same in the app and on the command line."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any

import pytest

from gputui.models import (
    RESOURCES,
    Balance,
    Block,
    Deployment,
    GpuProcess,
    Image,
    Instance,
    Machine,
    Money,
    Package,
    Phase,
    Ref,
    RegistryCredential,
    Resource,
    Row,
    Secret,
    Task,
    Volume,
)
from gputui.models.resources import resource_of
from gputui.presentation.columns.column import plain_text
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import fields_of, table_columns
from gputui.presentation.description import description, subject, subject_text, targets_text
from tests.fleet.fakes import START
from tests.screens.cloud import deployment, usd
from tests.screens.hub import container

UTC_CONTEXT = Context(utc=True)


def described(row: Row, context: Context = UTC_CONTEXT) -> dict[str, str]:
    return {label: plain_text(cell) for fields in description(row, context).values() for label, cell in fields}


# --- every field -------------------------------------------------------------------------------------------------

UNSAID = {
    "raw",  # shown by a command of its own
    "series",  # drawn as charts
    "takes_tasks",  # decide what is offered
    "edits_need_stop",
    "desired",  # the counts say these, by the type of the deployment
    "parallelism",
    "starting",
    "running",
    "finished",
    "phase",  # the state says these
    "status",
    "frozen",
    "attempts",  # the delivery says them
    "processes",  # there is a row for each process
    "instance",
    "queue",  # named by its name
    "medium",  # said with the type
    "gpu_all",  # the GPUs
    "gpu_indices",
    "gpu_count",
    "gpu_model",
    "available",  # a stock without a number
    "memory_shared",
    "is_admin",
    "admins",
    "backend",
    "tag",
    "source",
    "region_name",
    "registry",
    "own",
}
"""Fields without a line of their own."""


def filled(hint: Any, name: str, number: int) -> Any:
    """Return a value of a type that is recognisable by the name and number of its field."""
    if isinstance(hint, UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if typing.get_origin(hint) is tuple:
        items = typing.get_args(hint)
        inner = [part for part in items if part is not Ellipsis]
        if Ellipsis in items:
            return (filled(inner[0], name, number),)
        return tuple(filled(part, f"{name}{place}", number) for place, part in enumerate(inner))
    if hint is Ref:
        return Ref("lab", "pod", f"{name}-{number}")
    if hint is Secret:
        return Secret("hunter2")
    if hint is Decimal:
        return Decimal(number)
    if hint is datetime:
        return START.replace(minute=number % 60, year=2000 + number % 20)
    if hint is bool:
        return True
    if hint in (int, float):
        return number << 30 if "memory" in name or name.endswith("size") else number
    if hint is str:
        return f"{name}-{number}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    return make(hint, number)


def make(model: type[Any], start: int = 11) -> Any:
    hints = typing.get_type_hints(model)
    names = [field.name for field in dataclasses.fields(model)]
    return model(**{name: filled(hints[name], name, start + 2 * place) for place, name in enumerate(names)})


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_description_has_every_field_that_is_known(resource: Resource) -> None:
    model = RESOURCES[resource].model
    row = make(model)
    text = "\n".join(described(row).values())
    hidden = []
    for field in dataclasses.fields(model):
        if field.name in UNSAID:
            continue
        other = dataclasses.replace(row, **{field.name: _empty(getattr(row, field.name))})
        if "\n".join(described(other).values()) == text:
            hidden.append(field.name)
    assert not hidden


def _empty(value: object) -> object:
    if isinstance(value, Ref):
        return Ref("lab", "pod", "another")
    if isinstance(value, str):
        return "another"
    return () if isinstance(value, tuple) else False if value is True else None


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_field_is_named_once(resource: Resource) -> None:
    fields = fields_of(resource, Context())
    keys = [field.key for field in fields]
    assert len(keys) == len(set(keys))
    labels = [field.label or field.title.lower() for field in fields if field.label is not None]
    assert len(labels) == len(set(labels))
    assert all(column.listed for column in table_columns(resource))


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_model_belongs_to_one_resource(resource: Resource) -> None:
    assert resource_of(make(RESOURCES[resource].model)) is resource


@pytest.mark.parametrize("resource", [kind for kind in RESOURCES if hasattr(make(RESOURCES[kind].model), "status")])
def test_a_status_is_in_lower_case_everywhere(resource: Resource) -> None:
    row = make(RESOURCES[resource].model)
    known = {"before": "PULLING_IMAGE", "problem": None}
    others = {name: value for name, value in known.items() if hasattr(row, name)}
    row = dataclasses.replace(row, status="PULLING_IMAGE", phase=Phase.PENDING, **others)
    fields = fields_of(resource, UTC_CONTEXT)
    shown = [plain_text(cell) for column in fields for cell in (column.cell(row), column.plain_cell(row))]
    shown += [*described(row).values(), plain_text(subject(row, account=True)), subject_text(row)]
    assert any("pulling_image" in text for text in shown)
    assert not [text for text in shown if "PULLING_IMAGE" in text]


# --- kinds of rows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "price"),
    [
        (container("hub", "a", price=usd("1.80")), "$1.80/h"),
        (container("hub", "a", price=usd("0")), "free"),
        (deployment("hub", "a", running=0, price=usd("0")), "no cost now"),
        (container("hub", "a", price=None), "unknown"),
        (container("hub", "a", "shutdown", price=usd("1.80")), "$1.80/h while it runs"),
        (container("hub", "a", price=Money(Decimal("1.8"), "USD", estimated=True)), "~$1.80/h  (an estimate)"),
    ],
)
def test_a_description_says_what_kind_of_price_it_is(row: Row, price: str) -> None:
    assert described(row)["price"] == price


def test_an_own_server_without_a_price_says_nothing_of_it() -> None:
    assert "price" not in described(container("hub", "a", price=None), Context(billed=False))


def test_a_deployment_of_which_little_is_known_is_described_all_the_same() -> None:
    row = Deployment(Ref("hub", "deployment", "u"), "bare", "Fleet", Phase.UNKNOWN, "weird")
    assert described(row)["state"] == "weird"
    assert "Template" not in description(row, UTC_CONTEXT)
    assert "None" not in "".join(described(row).values())


def test_a_package_is_described_in_hours() -> None:
    known = described(Package(Ref("hub", "package", "p"), "RTX 5090", ("sgp1", "us"), 7_200_000, 1_800_000))
    assert known["total"] == "2,000.0 GPU hours  (7,200,000 s)"
    assert known["left"].startswith("500.0 GPU hours")
    assert known["left"].endswith("25%")


def test_a_block_says_until_when_and_that_it_was_extended() -> None:
    row = Block(
        Ref("hub", "block", "sgp1/m1"),
        "m1",
        "sgp1",
        until=START.replace(year=2020),
        comment="slow boot",
        created_at=START.replace(hour=8),
        updated_at=START.replace(hour=9),
    )
    known = described(row)
    assert known["until"] == "2020-03-01 12:00:00"
    assert known["time left"] == "expired"
    assert known["reason"] == "slow boot"
    assert known["extended"] == "2026-03-01 09:00:00"


def test_a_balance_is_described_with_its_parts() -> None:
    known = described(Balance(Ref("hub", "balance", "hub"), usd("12.50"), (("vouchers", "3.00"),)))
    assert known["available"] == "$12.50"
    assert known["other figures"] == "vouchers 3.00"


def test_processes_that_are_unknown_are_not_described_as_none() -> None:
    row = Instance(Ref("lab", "pod", "a"), "a", Phase.RUNNING, "running")

    class Probed(Context):
        def processes(self, instance: Instance) -> Sequence[GpuProcess]:
            return [GpuProcess(Ref("lab", "process", "0"), "h", 0, None, "", processes=None, problem="no answer")]

    assert described(row, Probed())["processes"] == "GPU 0  processes unknown: no answer"


# --- lines of questions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "line", "text"),
    [
        (
            container("hub", "a", price=usd("1.80"), parent=None, gpu_count=2, gpu_model="RTX 5090", image="cuda:12"),
            "● a   hub   running   GPUs: 2 RTX 5090   $1.80/h   cuda:12",
            "hub/container/a (running, GPUs: 2 RTX 5090, $1.80/h, cuda:12)",
        ),
        (
            deployment("hub", "train", running=3, starting=1, price_from=None, price_to=None),
            "● train   hub   ReplicaSet   running 3/4 +1   2 × RTX 5090",
            "hub/deployment/uuid-train (train, ReplicaSet, running 3/4 +1, 2 × RTX 5090)",
        ),
        (
            Volume(Ref("y", "volume", "7"), "data", "CEPH", Phase.RUNNING, "active", 1 << 40, "eu", mounts=2),
            "● data   y   CEPH   active   1.0T   eu",
            "y/volume/7 (data, CEPH, active, 1.0T, eu)",
        ),
        (
            RegistryCredential(Ref("y", "credential", "1"), "team", "AWS", "Amazon ECR"),
            "team   y   Amazon ECR",
            "y/credential/1 (team, Amazon ECR)",
        ),
        (
            Image(Ref("lab", "image", "cuda:12"), "cuda", "12", size=1 << 30),
            "cuda:12   lab   1.0G",
            "lab/image/cuda:12 (1.0G)",
        ),
        (
            Task(Ref("y", "task", "e/1"), "t-1", Ref("y", "endpoint", "e"), "", Phase.PENDING, "queued"),
            "◐ t-1   y",
            "y/task/e/1 (t-1)",
        ),
    ],
)
def test_a_question_identifies_a_row_in_the_same_words_everywhere(row: Row, line: str, text: str) -> None:
    assert plain_text(subject(row, account=True)) == line
    assert subject_text(row) == text


def test_several_rows_are_counted_by_account() -> None:
    one, two, other = container("hub", "a"), container("hub", "b"), deployment("lab", "train")
    assert targets_text([one]) == "a in hub"
    assert targets_text([one, two]) == "2 containers in hub"
    assert targets_text([one, two, other]) == "3 resources (2 in hub, 1 in lab)"
    assert targets_text([one, two], "pulls") == "2 pulls in hub"
    vms = [replace(row, ref=replace(row.ref, kind="vm")) for row in (one, two)]
    assert targets_text(vms) == "2 VMs in hub"


# --- machines ----------------------------------------------------------------------------------------------------


def test_of_a_machine_it_says_what_is_unknown() -> None:
    host = Instance(Ref("own", "host", "gpu01"), "gpu01", Phase.UNKNOWN, "unreachable", machine=Machine(False))
    said = described(host)
    assert said["gpus"] == "?"
    for label in ("load", "logged in", "memory used", "disk /", "disk of home", "kernel", "driver", "cuda", "uptime"):
        assert said[label] == "unknown"
    facts = Machine(True, kernel="6.8.0", users=(), gpus_lost=1, containers_problem="ops may not use docker")
    said = described(dataclasses.replace(host, gpu_count=0, started_at=START, machine=facts))
    assert (said["logged in"], said["kernel"], said["driver"], said["cuda"]) == ("none", "6.8.0", "none", "none")
    assert (said["gpus"], said["gpus lost"], said["containers"]) == ("none", "1", "unknown: ops may not use docker")


def test_processes_are_described_with_their_users() -> None:
    class WithProcesses(Context):
        def processes(self, instance: Instance) -> Sequence[GpuProcess]:
            process = GpuProcess(Ref("own", "process", "a"), "a", 0, 3900, "python train.py", uptime=60.0)
            return [dataclasses.replace(process, user="alice"), process]

    known, unknown = described(container("hub", "train"), WithProcesses())["processes"].splitlines()
    assert known.split()[:4] == ["GPU", "0", "3900", "alice"]
    assert unknown.split()[:4] == ["GPU", "0", "3900", "?"]
