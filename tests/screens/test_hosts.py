"""Hosts over SSH on the screen: from the list to the GPUs and processes of one, and one that goes away."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from gputui.errors import SshError, UnreachableError
from gputui.models import Instance
from tests.api.ssh.remote import FakeRemote, Machine, gpus_part, ssh_backend
from tests.fleet.fakes import FakeBackend, FakeClock
from tests.fleet.ssh_hosts import trusting
from tests.screens.stage import staged


async def test_hosts_are_listed_with_what_runs_on_them_until_they_go_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    busy = Machine().with_parts(
        gpus=gpus_part(2, used=70_000, load=97),
        apps="GPU-0, 4000, python3, 60000\nGPU-1, 4000, python3, 60000",
        ps="4000 3600 2048 python train.py",
        owners="/proc/4000 carol",
    )
    remote = FakeRemote({"gpu01": busy, "gpu02": Machine()})
    monkeypatch.setattr("gputui.fleet.account_runtime.FleetRemote", lambda fleet: remote)
    clock = FakeClock()
    backend = ssh_backend(remote, clock)
    async with staged(cast("FakeBackend", backend), clock=clock, view="3") as stage:
        await stage.until(lambda: stage.names == ["gpu01", "gpu02"])
        assert "2 H100 SXM 80G" in stage.line_of("gpu01")
        assert "up" in stage.line_of("gpu01")
        await stage.press("p")
        await stage.until(lambda: "carol" in stage.text)
        assert "python train.py" in stage.line_of("carol")
        assert "GPUs   2" in stage.title
        remote.machines["gpu01"].problem = UnreachableError("gpu01 refused the connection.")
        await stage.press("3", "r")
        await stage.until(lambda: "unreachable" in stage.text)
        assert "gpu01" in stage.line_of("unreachable")
        assert "up" in stage.line_of("gpu02")


async def test_a_host_that_was_logged_into_is_looked_at_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    remote = FakeRemote({"gpu01": Machine(problem=SshError("Not logged into gpu01: the host key is unknown."))})
    monkeypatch.setattr("gputui.fleet.account_runtime.FleetRemote", lambda fleet: remote)

    async def connected(*_: object, **__: object) -> object:
        return object()

    monkeypatch.setattr("gputui.ssh.client.connect", connected)
    clock = FakeClock()
    async with staged(cast("FakeBackend", ssh_backend(remote, clock)), clock=clock, view="3") as stage:
        await stage.until(lambda: "not read" in stage.line_of("gpu01"))
        remote.machines["gpu01"].problem = None
        (row,) = stage.fleet.all(Instance)
        await trusting(stage.fleet, row)
        await stage.until(lambda: "up" in stage.line_of("gpu01"))
