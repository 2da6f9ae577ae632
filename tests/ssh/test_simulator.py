"""Logins to simulated hosts with the OpenSSH configuration that the simulator writes for their user."""

from __future__ import annotations

from gputui.models import SSHLogin, SSHTarget
from gputui.ssh.client import connect
from tests.sim.ssh.hosts import running_hosts
from tests.ssh.conftest import Person


async def test_another_configuration_has_its_own_hosts_keys_and_jump_hosts(person: Person) -> None:
    async with running_hosts() as hosts:
        for name in ("gpu01", "gpu03"):
            connection = await connect(
                SSHTarget("shown", 1, "", alias=name),
                SSHLogin(config=hosts.config),
                host_id=f"hosts/host/{name}",
                hosts=person.hosts,
                ask=person.ask,
                deadline=0,
            )
            person.opened.append(connection)
            assert (await connection.ssh.run("hostname")).stdout in (f"{name}\n", f"{name}\n".encode())
            await connection.close()
    assert not person.asked
