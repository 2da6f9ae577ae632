"""Scripts of back ends over the shared connections: one that was lost in between, and one that is lost meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gputui.fleet import Fleet
from gputui.fleet.remote import FleetRemote
from gputui.models import Instance, RemoteOutput
from tests.fleet.fakes import FakeClock, running
from tests.fleet.ssh_hosts import Hosts, trusting
from tests.ssh.shells import ShellServer


async def output_of(fleet: Fleet, script: str) -> RemoteOutput:
    (row,) = fleet.all(Instance)
    target = await fleet.runtime("lab").backend.ssh_target(row.ref)
    return await FleetRemote(fleet).run(replace(target, host_row=row.ref), script, timeout=10)


@pytest.mark.parametrize("when", ["in between", "meanwhile"])
async def test_a_script_is_repeated_only_if_it_was_not_started(tmp_path: Path, when: str) -> None:
    async with ShellServer() as server, running(FakeClock(), Hosts(server.port, "a")) as fleet:
        fleet._state_dir = tmp_path
        await (await trusting(fleet, *fleet.all(Instance))).close()
        assert (await output_of(fleet, "echo first")).stdout == b"first\n"
        if when == "in between":
            server.drop()
            assert (await output_of(fleet, "echo again")).stdout == b"again\n"
            return
        mark = tmp_path / "started"
        script = asyncio.create_task(output_of(fleet, f"echo some; : > {mark}; exec sleep 60"))
        while not mark.exists():  # noqa: ASYNC110  (another process makes it)
            await asyncio.sleep(0.01)
        server.drop()
        output = await script
        assert (output.status, output.lost) == (None, True)
        assert len([command for command in server.commands if "@gputui run" in command]) == 2
