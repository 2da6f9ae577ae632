"""The SSH server of the simulator: a port and a shell for each pod, forwards to simulated web services."""

from __future__ import annotations

import asyncio
import functools
import socket

import asyncssh

from gputui.sim.loopback import bound_socket
from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hosts import Host, NumbersOnly

from .authentication import CodeLoginServer, LoginServer
from .endpoints import Door, Endpoint
from .sessions import run_session, sftp_session

OWN_PORTS = 64
"""How many containers of a host, or of a cloud, have a port of their own."""
_SSH = 22


class SshServer:
    """Listens for pods while they run. A container keeps its port number.

    The first pods of each host, some of each cloud and all of a host with ``own_ports`` have their own port; others
    share one. That opens the host's shell, or the container with the given password.
    """

    def __init__(self, port: int = 0, *, first_pod_port: int = 0, authorized_key: str = "") -> None:
        self.port = port
        self._next_port = first_pod_port
        self._authorized = asyncssh.import_public_key(authorized_key) if authorized_key else None
        self._numbers = NumbersOnly()
        self._ports: dict[str, int] = {}
        self._keys: dict[str, asyncssh.SSHKey] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._connections: dict[str, set[asyncssh.SSHServerConnection]] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._shared: Endpoint | None = None
        self._owners: dict[str, set[str]] = {}
        self._sharing: dict[str, Endpoint] = {}
        self._started = False

    async def start(self) -> None:
        """Take the shared port. Raises OSError when it is taken."""
        listener = bound_socket(self.port)
        self.port = listener.getsockname()[1]
        self._shared = Endpoint(listener)

    async def ready(self, host: Host | None = None) -> None:
        """Answer on every port taken so far; ``host`` has the shell of the shared one, None for no such shell."""
        self._started = True
        if self._shared is not None:
            self._shared.host = host
            await self._listen(self._shared)
        for endpoint in list(self._endpoints.values()):
            await self._listen(endpoint)

    async def stop(self) -> None:
        """Close all ports and connections."""
        for task in self._opening:
            task.cancel()
        endpoints = [*self._endpoints.values(), *([self._shared] if self._shared else [])]
        for endpoint in endpoints:
            endpoint.close()
        self.cut_all()
        for endpoint in endpoints:
            if endpoint.server is not None:
                await endpoint.server.wait_closed()

    def open(self, host: Host, pod: Pod, port: int) -> int:
        """The host port for a container port; for 22 one that listens from now on."""
        if port != _SSH:
            return self._numbers.open(host, pod, port)
        if not self._has_own_port(host, pod):
            if pod.password and self._shared is not None:
                self._sharing[pod.password] = Endpoint(self._shared.listener, host, pod)
            return self.port
        listener = self._listener(self._ports.get(pod.container_id))
        number = int(listener.getsockname()[1])
        self._ports[pod.container_id] = number
        endpoint = self._endpoints[pod.container_id] = Endpoint(listener, host, pod)
        # From here on connections queue up in the kernel, and are greeted when asyncssh has taken over.
        listener.listen(32)
        if self._started:
            task = asyncio.get_running_loop().create_task(self._listen(endpoint))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        return number

    def open_machine(self, host: Host, door: Door) -> int:
        """Return the port of a machine's own server, which listens from now on."""
        listener = self._listener(None)
        endpoint = Endpoint(listener, host, door=door)
        self._endpoints[endpoint.identity] = endpoint
        self._keys[endpoint.identity] = asyncssh.generate_private_key("ssh-ed25519")
        listener.listen(32)
        return int(listener.getsockname()[1])

    def host_key(self, host: Host) -> str:
        """Return the public key of a machine's own server, as in a line of known_hosts."""
        return self._keys[f"machine {host.name}"].export_public_key().decode().strip()

    def cut(self, host: Host) -> None:
        """Close the connections to a machine's own server."""
        for connection in list(self._connections.get(f"machine {host.name}", ())):
            connection.abort()

    def cut_all(self) -> None:
        """Close all connections, without an exit status for what runs over them."""
        for connections in self._connections.values():
            for connection in list(connections):
                connection.abort()

    def close(self, host: Host, pod: Pod) -> None:
        """Close the port of a stopped pod and its sessions."""
        endpoint = self._endpoints.pop(pod.container_id, None)
        if endpoint is not None:
            endpoint.close()
        for connection in list(self._connections.get(pod.container_id, ())):
            connection.abort()
        if host.cloud:
            # Unlike a pod, a cloud's container has another port, if it runs again under the same id at all.
            self._sharing.pop(pod.password, None)
            self._owners.get(host.cloud, set()).discard(pod.container_id)
            self._ports.pop(pod.container_id, None)
            if not pod.returns:
                self._keys.pop(pod.container_id, None)

    def change_host_key(self, pod: Pod) -> None:
        """Give a pod a new host key, as a recreated container has; new connections get it."""
        self._keys.pop(pod.container_id, None)
        endpoint = self._endpoints[pod.container_id]
        assert endpoint.host is not None  # noqa: S101  only the shared endpoint has no host
        self.close(endpoint.host, pod)
        self.open(endpoint.host, pod, _SSH)

    def _has_own_port(self, host: Host, pod: Pod) -> bool:
        owners = self._owners.setdefault(host.cloud or host.name, set())
        if host.own_ports or len(owners) < OWN_PORTS:
            owners.add(pod.container_id)
        return pod.container_id in owners

    def _listener(self, wanted: int | None) -> socket.socket:
        if wanted is None and self._next_port:
            wanted = self._next_port
            self._next_port += 1
        try:
            return bound_socket(wanted or 0)
        except OSError:
            return bound_socket(0)

    async def _listen(self, endpoint: Endpoint) -> None:
        identity = endpoint.identity
        if identity not in self._keys:
            self._keys[identity] = asyncssh.generate_private_key("ssh-ed25519")
        if identity and self._endpoints.get(identity) is not endpoint:
            return
        logins = CodeLoginServer if endpoint.door is not None and endpoint.door.code else LoginServer
        server = await asyncssh.listen(
            sock=endpoint.listener,
            server_factory=functools.partial(logins, self, endpoint),
            server_host_keys=[self._keys[identity]],
            process_factory=run_session,
            sftp_factory=sftp_session,
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            login_timeout=60,
        )
        endpoint.server = server
        if identity and self._endpoints.get(identity) is not endpoint:
            server.close()

    def sharing(self, password: str) -> Endpoint | None:
        """The container on the shared port that a password opens."""
        return self._sharing.get(password)

    def accepts(self, key: asyncssh.SSHKey) -> bool:
        """Whether a public key may log in."""
        return self._authorized is not None and key.public_data == self._authorized.public_data

    def connected(self, identity: str, connection: asyncssh.SSHServerConnection) -> None:
        """Record a connection, to close it when its pod stops."""
        self._connections.setdefault(identity, set()).add(connection)

    def disconnected(self, identity: str, connection: asyncssh.SSHServerConnection) -> None:
        """Forget a closed connection."""
        self._connections.get(identity, set()).discard(connection)
