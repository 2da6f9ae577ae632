"""Instances behind one SSH server, and logins to them that trust it."""

from __future__ import annotations

from gputui.fleet import Fleet
from gputui.fleet.connections import log_in
from gputui.models import Action, Instance, Ref, Resource, Secret, SSHTarget
from gputui.ssh.client import Connection
from tests.fleet.fakes import FakeBackend, pod
from tests.ssh.servers import PASSWORD

SSH_ALONE = frozenset({Action.SSH})


class Hosts(FakeBackend):
    """Instances that are all logged into at the port of one server."""

    def __init__(self, port: int, *names: str, account: str = "lab") -> None:
        super().__init__(account)
        self.port = port
        self.generation = ""
        self.password: Secret | None = Secret(PASSWORD)
        self.rows[Resource.INSTANCES] = [pod(account, name, container_id=name) for name in names]
        self.offered = SSH_ALONE

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        return SSHTarget("127.0.0.1", self.port, "root", self.password, self.generation)


async def trusting(fleet: Fleet, instance: Instance, *, trusts: bool = True) -> Connection:
    async def user() -> str:
        return "root"

    async def yes(_: object) -> bool:
        return trusts

    async def secret(_: object) -> None:
        return None

    return await log_in(fleet, instance.ref, fleet.connections.hosts, user, yes, secret, deadline=0)
