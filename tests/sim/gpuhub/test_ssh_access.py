"""Logging into a simulated cloud's containers with what the API says."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import asyncssh
import pytest

from gputui.sim.gpuhub.default_world import CLOUDS
from gputui.sim.server import Running
from gputui.sim.shell.server.sshd import OWN_PORTS
from tests.sim.conftest import Sims
from tests.sim.gpuhub.clouds import HUB, Hub


async def login(container: dict[str, Any]) -> asyncssh.SSHClientConnection:
    info = container["info"]
    command = re.fullmatch(r"ssh -p (\d+) root@(\S+)", info["ssh_command"])
    assert command is not None
    return await asyncssh.connect(
        command[2], int(command[1]), username="root", password=info["root_password"], known_hosts=None, config=None
    )


async def hub_of(sims: Sims, sim: Running) -> Hub:
    return Hub(await sims.client(sim, "hub", auth=None))


async def running(hub: Hub) -> list[dict[str, Any]]:
    rows = await hub.rows("deployment/list")
    return [row for one in rows for row in await hub.containers(one["name"], status=["running"])]


async def test_every_running_container_lets_one_in_with_its_own_password(sims: Sims) -> None:
    hub = await hub_of(sims, await sims.start(ssh=True, clouds=[HUB]))
    containers = await running(hub)
    assert len(containers) > 15
    for container in containers:
        async with await login(container) as connection:
            said = await connection.run("echo $AutoDLContainerUUID $AutoDLDeploymentUUID $AutoDLDataCenter")
            assert said.stdout is not None
            assert str(said.stdout).split() == [
                container["uuid"],
                container["deployment_uuid"],
                container["data_center"],
            ]


async def test_inside_are_the_gpus_of_the_container(sims: Sims) -> None:
    hub = await hub_of(sims, await sims.start(ssh=True, clouds=[HUB]))
    container = (await hub.containers("qwen-finetune", status=["running"]))[0]
    async with await login(container) as connection:
        said = await connection.run("nvidia-smi --query-gpu=name --format=csv,noheader")
        assert str(said.stdout).splitlines() == ["RTX Pro 6000"] * 2


async def test_another_containers_password_is_refused(sims: Sims) -> None:
    hub = await hub_of(sims, await sims.start(ssh=True, clouds=[HUB]))
    first, second = (await hub.containers("llama-serve"))[:2]
    first["info"]["root_password"] = second["info"]["root_password"]
    with pytest.raises(asyncssh.PermissionDenied):
        await login(first)


async def test_a_stopped_container_cuts_its_sessions_and_refuses(sims: Sims) -> None:
    hub = await hub_of(sims, await sims.start(ssh=True, clouds=[HUB]))
    container = (await hub.containers("llama-serve"))[0]
    async with await login(container) as connection:
        await hub.data("PUT", "deployment/container/stop", {"deployment_container_uuid": container["uuid"]})
        await connection.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await login(container)


async def test_containers_beyond_the_own_ports_share_one_and_are_distinguished_by_password(sims: Sims) -> None:
    plan = replace(CLOUDS["large"][0], initial=CLOUDS["large"][0].initial[:10])
    sim = await sims.start(ssh=True, clouds=[plan])
    hub = await hub_of(sims, sim)
    containers = await running(hub)
    common = f"ssh -p {sim.ssh_port} root@127.0.0.1"
    shared = [row for row in containers if row["info"]["ssh_command"] == common]
    assert len(containers) - len(shared) == OWN_PORTS
    container = shared[-1]
    async with await login(container) as connection:
        said = await connection.run("hostname")
        assert str(said.stdout).strip() == container["uuid"]
        await hub.data("PUT", "deployment/container/stop", {"deployment_container_uuid": container["uuid"]})
        await connection.wait_closed()
    with pytest.raises(asyncssh.PermissionDenied):
        await login(container)
