"""Simulated hosts without the rest of the simulator, in a frozen world unless asked otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from gputui.sim.machines.clock import WorldClock
from gputui.sim.machines.world import World
from gputui.sim.shell.server.sshd import SshServer
from gputui.sim.ssh.host import SshHost
from gputui.sim.ssh.plans import SshPlan
from gputui.sim.ssh.vendor import SshVendor
from gputui.sim.vendors import SimulatedAccount
from tests.sim.conftest import START


@dataclass
class Hosts:
    """Running hosts with the files of their user."""

    account: SimulatedAccount
    sshd: SshServer

    @property
    def config(self) -> Path:
        return Path(self.account.config["ssh"]["config"])

    def __getitem__(self, name: str) -> SshHost:
        host: SshHost = self.account.state[name]
        return host

    @asynccontextmanager
    async def connect(self, name: str, **options: object) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """A login with nothing but the OpenSSH configuration."""
        async with asyncssh.connect(name, config=[str(self.config)], agent_path=None, **options) as connection:
            yield connection

    async def output(self, name: str, command: str) -> str:
        async with asyncio.timeout(10), self.connect(name) as connection:
            result = await connection.run(command, stderr=asyncssh.STDOUT)
        assert isinstance(result.stdout, str)
        return result.stdout + (f"status {result.exit_status}\n" if result.exit_status else "")


@asynccontextmanager
async def running_hosts(plan: SshPlan | None = None, clock: WorldClock | None = None) -> AsyncIterator[Hosts]:
    sshd = SshServer()
    await sshd.start()
    world = World(clock or WorldClock(speed=0, start=START), network=sshd)
    account = SshVendor().build(world, plan or SshVendor().plans("small", "codes")[0], seed=1)
    try:
        await sshd.ready()
        yield Hosts(account, sshd)
    finally:
        await sshd.stop()
        assert account.close is not None
        account.close()
