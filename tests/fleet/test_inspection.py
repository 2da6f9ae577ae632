"""A look at the GPUs of many instances: what becomes of each, and the one question about host keys."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gputui.fleet.inspection import Inspection
from gputui.models import Instance, Ref, SSHTarget
from tests.fleet.fakes import FakeClock, running
from tests.fleet.ssh_hosts import Hosts
from tests.ssh.shells import ShellServer

if TYPE_CHECKING:
    from gputui.ssh.known_hosts import HostKey, HostKeyQuestion


class Various(Hosts):
    """Instances of which ``closed`` has no server at its port."""

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        return SSHTarget("127.0.0.1", 1, "root") if ref.id == "closed" else await super().ssh_target(ref)


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


async def test_keys_are_asked_about_once_and_those_that_are_refused_or_fail_are_counted(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    async def trust_a(questions: Sequence[HostKeyQuestion]) -> set[tuple[str, HostKey]]:
        asked.append(sorted(one.host_id for one in questions))
        trusted = [one for one in questions if one.host_id.endswith("/a")]
        for one in trusted:
            await asyncio.to_thread(one.remember)
        return {(one.host_id, one.key) for one in trusted}

    async with ShellServer() as server, running(FakeClock(), Various(server.port, "a", "b", "closed")) as fleet:
        fleet._state_dir = tmp_path
        inspection = Inspection(fleet, fleet.all(Instance))
        steps: list[int] = []
        inspection.listeners.add(lambda _: steps.append(inspection.done))
        assert await inspection.run(trust_a)
        assert asked == [["lab/pod/a", "lab/pod/b"]]
        assert [one.name for one in inspection.inspected] == ["a"]
        assert [one.name for one in inspection.declined] == ["b"]
        assert [ref.id for ref in inspection.failures] == ["closed"]
        assert steps == sorted(steps)
        assert steps[-1] == inspection.total == 3
        assert {ref.id for ref in fleet.probed_instances()} == {"a"}


async def test_no_answer_inspects_none_of_those_that_were_asked_about(tmp_path: Path) -> None:
    async def ended(questions: Sequence[HostKeyQuestion]) -> None:
        return None

    async with ShellServer() as server, running(FakeClock(), Hosts(server.port, "a", "b")) as fleet:
        fleet._state_dir = tmp_path
        inspection = Inspection(fleet, fleet.all(Instance))
        assert await inspection.run(ended)
        assert {one.name for one in inspection.declined} == {"a", "b"}
        assert not fleet.probed_instances()
