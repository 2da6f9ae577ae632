"""The columns of all lists: how they sort, and by which names they are filtered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gputui.models import (
    Block,
    Deployment,
    Event,
    GpuDevice,
    GpuProcess,
    Image,
    Instance,
    Phase,
    Ref,
    RegistryCredential,
    Task,
    Volume,
)
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.gpus import gpu_columns
from gputui.query import parse
from gputui.screens.base.session import Session
from gputui.screens.blacklist import BlacklistView
from gputui.screens.deployments import DeploymentsView
from gputui.screens.events.view import EventsView
from gputui.screens.gpus.view import GpusView
from gputui.screens.instances import InstancesView
from gputui.screens.library import LibraryView, part_class
from gputui.screens.tasks import TasksView
from tests.fleet.fakes import FakeClock
from tests.screens.stage import Stage, make_app, staged
from tests.screens.world import lab

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def ref(kind: str) -> Ref:
    return Ref("lab", kind, "1")


BARE: dict[str, Any] = {
    "instances": Instance(ref("pod"), "a", Phase.RUNNING, "running"),
    "deployments": Deployment(ref("deployment"), "a", "", Phase.RUNNING, "running"),
    "events": Event(ref("event"), ref("pod"), "a", NOW, "running", Phase.RUNNING),
    "processes": GpuProcess(ref("process"), "", 0, 1, ""),
    "gpus": GpuDevice(ref("gpu"), "", 0),
    "blacklist": Block(ref("block"), "a", ""),
    "library": Image(ref("image"), "a"),
    "volumes": Volume(ref("volume"), "a", "", Phase.RUNNING, "ready"),
    "credentials": RegistryCredential(ref("credential"), "a", ""),
    "tasks": Task(ref("task"), "a", ref("endpoint"), "", Phase.PENDING, "queued"),
}
"""A row of each list of which nothing is known that may be unknown."""


@pytest.fixture
def session() -> Session:
    """Return the session of an app that is not run: the columns of a list need no screen."""
    return make_app(FakeClock(), lab(), state_dir=Path("/nonexistent/gputui")).session


def columns_of(session: Session) -> dict[str, Sequence[Column[Any]]]:
    return {
        "instances": InstancesView(session).columns(),
        "deployments": DeploymentsView(session).columns(),
        "events": EventsView(session).columns(),
        "processes": GpusView(session).columns(),
        "gpus": gpu_columns(Context()),
        "blacklist": BlacklistView(session).columns(),
        "library": LibraryView(session).columns(),
        "volumes": part_class("volumes")(session).columns(),
        "credentials": part_class("credentials")(session).columns(),
        "tasks": TasksView(session).columns(),
    }


@pytest.mark.parametrize("name", BARE)
def test_an_empty_cell_has_no_place_in_the_order(name: str, session: Session) -> None:
    columns = columns_of(session)[name]
    row = BARE[name]
    placed = {
        column.key: column.order(row) for column in columns if column.sort_key is not None and not column.text(row)
    }
    assert placed == dict.fromkeys(placed)
    assert any(column.sort_key is not None and column.text(row) for column in columns)


@pytest.mark.parametrize("name", BARE)
def test_the_filter_knows_each_column_by_its_heading(name: str, session: Session) -> None:
    columns = columns_of(session)[name]
    headings = {column.key: column.title for column in columns}
    for column in columns:
        words = column.title.casefold().split()
        for written in ("".join(words), "-".join(words)):
            query = parse(f'{written}:="x y"', headings)
            asked = next(key for key in headings if query.matches({key: "x y"}))
            assert written == asked or headings[asked].casefold().split() == words


@pytest.mark.parametrize("name", ["instances", "deployments", "library", "volumes", "tasks"])
def test_ages_sort_as_the_figures_do(name: str, session: Session) -> None:
    column = next(column for column in columns_of(session)[name] if column.key == "age")
    now = datetime.now(UTC)
    rows = [replace(BARE[name], created_at=now - timedelta(minutes=minutes)) for minutes in (4, 1, 90)]
    ascending = sorted(rows, key=column.order)
    assert [column.text(row) for row in ascending] == ["1m", "4m", "1h"]


async def test_the_order_shows_the_youngest_first_where_ages_ascend() -> None:
    async with staged(lab(), view="3") as stage:
        stage.table.set_sort("age")
        assert "AGE↑" in stage.text
        ages = _ages(stage)
        assert ages == sorted(ages)


def _ages(stage: Stage) -> list[float]:
    now = datetime.now(UTC)
    rows = [stage.table.get(ref) for ref in stage.table.visible_refs]
    return [(now - row.created_at).total_seconds() for row in rows if row is not None and row.created_at]


_FULL: dict[str, tuple[Any, dict[str, float]]] = {
    "instances": (
        replace(BARE["instances"], gpu_indices=(4,), gpu_model="RTX 4090", memory_limit=3 << 30),
        {"gpu": 1, "memory": 3 << 30},
    ),
    "deployments": (
        replace(BARE["deployments"], gpu_count=2, gpu_models=("RTX 4090",), running=1, desired=3),
        {"gpu": 2, "counts": 1},
    ),
    "processes": (
        replace(BARE["processes"], gpu_memory_used=5 << 30, uptime=7200),
        {"gpumem": 5 << 30, "uptime": 7200},
    ),
    "gpus": (
        replace(BARE["gpus"], process_count=0, instances=("train-7", "b")),
        {"processes": 0, "instances": 2},
    ),
    "library": (replace(BARE["library"], size=1 << 30), {"size": 1 << 30}),
    "volumes": (replace(BARE["volumes"], size=1 << 40), {"size": 1 << 40}),
}


@pytest.mark.parametrize("name", _FULL)
def test_comparisons_are_of_the_figure_and_not_of_digits_in_the_text(name: str, session: Session) -> None:
    row, expected = _FULL[name]
    columns = {column.key: column for column in columns_of(session)[name]}
    for key, figure in expected.items():
        number = columns[key].number
        assert number is not None
        assert number(row) == figure


@pytest.mark.parametrize("name", BARE)
def test_an_unknown_figure_is_no_number(name: str, session: Session) -> None:
    for column in columns_of(session)[name]:
        if column.number is not None and column.key != "instances":
            assert column.number(BARE[name]) is None, column.key


async def test_gpus_are_compared_by_how_many_there_are() -> None:
    async with staged(lab(), view="5") as stage:  # which reads how many GPUs the host has
        await stage.press("3", "slash", *"gpus:>1", "enter")
        assert stage.names == ["jupyter", "train"]
        await stage.press("slash", *(["backspace"] * 7), *"gpus:>2", "enter")
        assert stage.names == ["jupyter"]
        await stage.press("slash", *(["backspace"] * 7), *"!gpus:>0", "enter")
        assert stage.names == ["eval"]


def test_ages_are_compared_in_seconds(session: Session) -> None:
    column = next(one for one in InstancesView(session).columns() if one.key == "age")
    made = datetime.now(UTC) - timedelta(days=3, hours=5)
    assert column.number is not None
    assert column.number(replace(BARE["instances"], created_at=made)) == pytest.approx(77 * 3600, abs=60)
