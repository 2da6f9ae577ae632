"""Jump hosts: which a login goes through, how each is logged in to, and the connections that logins share."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from gputui.late_dataclasses import dataclass
from gputui.models import SSHLogin, SSHTarget
from gputui.openssh_config import aliases
from gputui.ssh.known_hosts import jump_host_id
from gputui.ssh.pool import ConnectionPool
from gputui.ssh.resolution import Resolved, in_thread, split_name, through


@dataclass(frozen=True, slots=True)
class JumpHosts:
    """The connections to jump hosts that logins share: a hundred at once would be refused (MaxStartups).

    ``asks``: this login can ask the user, so it tries by itself where the one that it waited for has failed.
    """

    pool: ConnectionPool
    asks: bool = True


@dataclass(frozen=True, slots=True)
class Hop:
    """A jump host, and how to log in to it; ``key`` identifies that login."""

    target: SSHTarget
    login: SSHLogin
    host_id: str
    settings: Resolved | None
    key: str


async def hops(login: SSHLogin, settings: Resolved | None) -> list[Hop]:
    """Return the jump hosts, that of the account before those of the OpenSSH configuration.

    None gets the password meant for the instance. The account's key is offered to its jump host unless the OpenSSH
    configuration has keys for that.
    """
    own = SSHLogin(key=login.key, agent=login.agent, accept_new=login.accept_new, config=login.config)
    if login.jump is not None:
        user, host, port = split_name(login.jump)
        if host not in await in_thread(lambda: aliases(login.config)):
            target = SSHTarget(host, port or 22, user or login.user or "root")
            key = f"{target.user}@{host}:{target.port} {login.key} {login.agent}"
            return [Hop(target, own, jump_host_id(host, target.port), None, key)]
        found = await in_thread(partial(through, [login.jump], path=login.config))
    elif settings is not None:
        found = await in_thread(partial(through, settings.jumps, settings, path=login.config))
    else:
        return []
    hosts = []
    for hop in found:
        uses_own = login.jump is not None and hop is found[-1] and hop.identity_files is None
        hop_login = own if uses_own else replace(own, key=None)
        target = SSHTarget(hop.host, hop.port, hop.user, alias=hop.name)
        key = f"{hop.key} {hop_login.key} {hop_login.agent} {login.config}"
        hosts.append(Hop(target, hop_login, jump_host_id(hop.name, None), hop, key))
    return hosts
