"""Unforeseen faults in one account, row or cell: the others are printed, and the fault is said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gputui.api.capabilities import Backend
from gputui.cli import layout, session
from gputui.models import Instance, Resource
from gputui.presentation.columns.column import Column
from tests.cli.conftest import account_toml, write_config
from tests.fleet.fakes import FakeBackend, pod

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def two(clouds: dict[str, Backend], home: Path) -> tuple[FakeBackend, FakeBackend]:
    """An account to spoil, and a sound one; each with one pod."""
    spoiled, sound = FakeBackend("spoiled"), FakeBackend("sound")
    for backend in (spoiled, sound):
        backend.rows[Resource.INSTANCES] = [pod(backend.account, f"{backend.account}-main")]
        clouds[backend.account] = backend
    write_config(home, account_toml("spoiled", "sound"))
    return spoiled, sound


@pytest.mark.parametrize("fault", [OverflowError("year is out of range"), KeyError("x"), RecursionError()])
@pytest.mark.parametrize("output", ["table", "json", "csv"])
def test_a_fault_in_one_account_leaves_the_others(
    two: tuple[FakeBackend, FakeBackend], run: Run, fault: Exception, output: str
) -> None:
    two[0].errors[Resource.INSTANCES] = fault
    status, out, err = run("get", "instances", "-o", output)
    assert (status, "sound-main" in out, "spoiled-main" in out) == (1, True, False)
    assert f"spoiled: reading instances failed inside gputui ({type(fault).__name__}" in err
    assert "Please report this." in err
    assert "Traceback" not in err


def test_a_check_continues_after_a_fault(two: tuple[FakeBackend, FakeBackend], run: Run) -> None:
    two[0].errors["identify"] = ZeroDivisionError("division by zero")
    status, out, err = run("config", "check")
    assert status == 1
    assert [line.split()[2] for line in out.splitlines()[1:]] == ["something", "ok"]
    assert "spoiled: the check failed inside gputui (ZeroDivisionError" in err


def test_an_account_that_cannot_be_opened_leaves_the_others(
    two: tuple[FakeBackend, FakeBackend], clouds: dict[str, Backend], run: Run
) -> None:
    del clouds["spoiled"]  # opening it fails with a KeyError
    status, out, err = run("get", "instances")
    assert (status, "sound-main" in out) == (1, True)
    assert "spoiled: opening it failed inside gputui (KeyError" in err


def test_a_fault_in_one_cell_leaves_the_others(
    two: tuple[FakeBackend, FakeBackend], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cell(row: Instance) -> str:
        return str(1 / len(row.ref.account.removeprefix("spoiled")))

    table: tuple[Column[Instance], ...] = (Column("name", lambda row: row.name), Column("odd", cell))
    monkeypatch.setattr(layout, "table_columns", lambda resource, context: table)
    status, out, err = run("get", "instances")
    assert (status, [line.split() for line in out.splitlines()[1:]]) == (
        0,
        [["spoiled-main", "?"], ["sound-main", "0.2"]],
    )
    assert "spoiled/pod/spoiled-main: ODD cannot be shown (ZeroDivisionError" in err


def test_a_row_that_cannot_be_written_leaves_the_others(two: tuple[FakeBackend, FakeBackend], run: Run) -> None:
    odd = replace(pod("spoiled", "spoiled-main"), created_at="soon")  # type: ignore[arg-type]  # that is the fault
    two[0].rows[Resource.INSTANCES] = [odd]
    _, out, err = run("get", "instances", "-o", "json")
    assert [row["name"] for row in json.loads(out)] == ["sound-main"]
    assert "spoiled/pod/spoiled-main: cannot be written (AttributeError" in err


@pytest.mark.parametrize("command", [("get", "instances", "-o", "json"), ("config", "check")])
def test_a_wrong_clock_of_this_machine_is_said(
    two: tuple[FakeBackend, FakeBackend], run: Run, command: tuple[str, ...]
) -> None:
    for backend in two:
        backend.clock_ahead = -7200.0
    status, _, err = run(*command)
    assert status == 0
    assert err.count("This machine's clock is 2h 00m ahead of the servers' (spoiled, sound)") == 1
    two[0].clock_ahead = 0.0
    assert "clock" not in run(*command)[2]


def test_accounts_that_take_long_are_named(
    two: tuple[FakeBackend, FakeBackend], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_SLOW_SECONDS", 0.0)
    answered = asyncio.Event()
    for backend in two:
        backend.holds[Resource.INSTANCES] = answered

    def notify(text: str) -> None:
        said.append(text)
        answered.set()

    said: list[str] = []
    monkeypatch.setattr(session, "notify", notify)
    status, out, _ = run("get", "instances")
    assert (status, "spoiled-main" in out) == (0, True)
    assert said == ["gputui: waiting for spoiled, sound …"]
