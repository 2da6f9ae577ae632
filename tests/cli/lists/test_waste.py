"""``gputui get waste``: found from the lists of now and from the samples of earlier sessions."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gputui.api.capabilities import Backend
from gputui.config.paths import history_path
from gputui.errors import UnavailableError
from gputui.history.history import History
from gputui.models import GpuDevice, GpuSample, Instance, Money, Phase, Ref, Resource
from gputui.models.waste import Snooze, WasteReason
from tests.fleet.fakes import FakeBackend

Run = Callable[..., tuple[int, str, str]]

MAIN, GPU = Ref("hub", "container", "main"), Ref("hub", "gpu", "0")


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def hub(clouds: dict[str, Backend], now: datetime) -> FakeBackend:
    """An account with an instance whose GPU is idle now."""
    backend = clouds["hub"] = FakeBackend("hub", (Resource.INSTANCES, Resource.GPUS))
    price = Money(Decimal("1.50"), "USD")
    sample = GpuSample(now, 0.0, 2**34)
    backend.rows[Resource.INSTANCES] = [
        Instance(MAIN, "main", Phase.RUNNING, "running", gpu_indices=(0,), host="h07", price=price)
    ]
    backend.rows[Resource.GPUS] = [GpuDevice(GPU, "h07", 0, sample=sample, series=(sample,))]
    return backend


@pytest.fixture
def history(home: Path, hub: FakeBackend, now: datetime) -> History:
    """Of an earlier session, which saw that GPU idle for an hour."""
    kept = History(history_path(home / "state"))
    kept.record(gpus=[(GPU, GpuSample(now - timedelta(minutes=minute), 0.0)) for minute in range(1, 60)])
    return kept


def test_the_samples_of_earlier_sessions_show_for_how_long_gpus_are_idle(history: History, run: Run) -> None:
    status, out, err = run("get", "waste")
    assert (status, out.splitlines()[1].split()) == (
        0,
        ["idle", "main", "hub", "1", "≥", "59m", "$1.50", "≥", "$1.48", "16.0G", "memory", "in", "use"],
    )
    assert "Total: $1.50/h" in err
    status, out, _ = run("get", "waste", "--idle", "50m", "-o", "json")
    (row,) = json.loads(out)
    assert (row["ref"], row["reason"], row["at_least"], row["memory_in_use"]) == (str(MAIN), "idle", True, 2**34)
    assert row["so_far"]["currency"] == "USD"
    assert run("get", "waste", "--idle", "2h", "-o", "json")[:2] == (0, "[]\n")


def test_gpus_that_were_not_seen_for_long_enough_are_said_to_be_idle_and_no_waste(hub: FakeBackend, run: Run) -> None:
    status, out, err = run("get", "waste")
    assert (status, out) == (0, "")
    assert "Nothing is known to cost money and do nothing." in err
    assert f"{MAIN}: idle, seen 0 of 30 min." in err


def test_snoozed_waste_is_left_out_and_counted(history: History, run: Run, now: datetime) -> None:
    until = now + timedelta(hours=8)
    history.snooze([Snooze(MAIN, WasteReason.IDLE, until, "demo", now, "alice")])
    status, out, err = run("get", "waste")
    assert (status, out) == (0, "")
    assert "Left out: 1 snoozed." in err


def test_an_account_that_does_not_answer_is_named_with_the_exit_status_of_every_list(
    hub: FakeBackend, run: Run
) -> None:
    hub.errors[Resource.INSTANCES] = UnavailableError("hub: no answer")
    status, out, err = run("get", "waste")
    assert (status, out) == (3, "")
    assert "Not included: hub did not answer in full." in err


def test_options_of_other_lists_are_refused(hub: FakeBackend, run: Run) -> None:
    assert run("get", "waste", "--watch")[0] == 2
    status, _, err = run("get", "instances", "--idle", "30m")
    assert status == 2
    assert "--idle belongs to waste" in err
