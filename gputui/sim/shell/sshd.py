"""The SSH server of the simulator: a port and a shell for each pod, forwards to simulated web services."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hmac
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncssh

from gputui.sim.loopback import LOOPBACK, bound_socket
from gputui.sim.world import SSH_PASSWORD, Host, NumbersOnly, Pod

from .shell import Shell
from .syntax import ShellExitError
from .terminal import Process, Terminal

OWN_PORTS = 64
"""How many containers of a host, or of a cloud, have a port of their own."""
_SSH = 22
_SERVICES = (6006, 6008, 8000, 8888)
_INTERRUPTED = 130


@dataclass
class _Endpoint:
    """An SSH port and its pod; the shared port has none."""

    listener: socket.socket
    host: Host | None = None
    pod: Pod | None = None
    server: asyncssh.SSHAcceptor | None = None


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
        self._endpoints: dict[str, _Endpoint] = {}
        self._connections: dict[str, set[asyncssh.SSHServerConnection]] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._shared: _Endpoint | None = None
        self._owners: dict[str, set[str]] = {}
        self._sharing: dict[str, _Endpoint] = {}
        self._started = False

    async def start(self) -> None:
        """Take the shared port. Raises OSError when it is taken."""
        listener = bound_socket(self.port)
        self.port = listener.getsockname()[1]
        self._shared = _Endpoint(listener)

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
            _close(endpoint)
        for connections in self._connections.values():
            for connection in list(connections):
                connection.abort()
        for endpoint in endpoints:
            if endpoint.server is not None:
                await endpoint.server.wait_closed()

    def open(self, host: Host, pod: Pod, port: int) -> int:
        """The host port for a container port; for 22 one that listens from now on."""
        if port != _SSH:
            return self._numbers.open(host, pod, port)
        if not self._has_own_port(host, pod):
            if pod.password and self._shared is not None:
                self._sharing[pod.password] = _Endpoint(self._shared.listener, host, pod)
            return self.port
        listener = self._listener(self._ports.get(pod.container_id))
        number = int(listener.getsockname()[1])
        self._ports[pod.container_id] = number
        endpoint = self._endpoints[pod.container_id] = _Endpoint(listener, host, pod)
        # From here on connections queue up in the kernel, and are greeted when asyncssh has taken over.
        listener.listen(32)
        if self._started:
            task = asyncio.get_running_loop().create_task(self._listen(endpoint))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        return number

    def close(self, host: Host, pod: Pod) -> None:
        """Close the port of a stopped pod and its sessions."""
        endpoint = self._endpoints.pop(pod.container_id, None)
        if endpoint is not None:
            _close(endpoint)
        for connection in list(self._connections.get(pod.container_id, ())):
            connection.abort()
        if host.cloud:
            # Unlike a pod, a cloud's container never runs again under the same id.
            self._sharing.pop(pod.password, None)
            self._owners.get(host.cloud, set()).discard(pod.container_id)
            self._ports.pop(pod.container_id, None)
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

    async def _listen(self, endpoint: _Endpoint) -> None:
        identity = endpoint.pod.container_id if endpoint.pod else ""
        if identity not in self._keys:
            self._keys[identity] = asyncssh.generate_private_key("ssh-ed25519")
        if identity and self._endpoints.get(identity) is not endpoint:
            return
        server = await asyncssh.listen(
            sock=endpoint.listener,
            server_factory=functools.partial(_LoginServer, self, endpoint),
            server_host_keys=[self._keys[identity]],
            process_factory=_session,
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            login_timeout=60,
        )
        endpoint.server = server
        if identity and self._endpoints.get(identity) is not endpoint:
            server.close()

    def sharing(self, password: str) -> _Endpoint | None:
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


class _LoginServer(asyncssh.SSHServer):
    """One connection: authentication and the allowed forwards."""

    def __init__(self, front: SshServer, endpoint: _Endpoint) -> None:
        self._front = front
        self.endpoint = endpoint
        self._connection: asyncssh.SSHServerConnection | None = None

    @property
    def _identity(self) -> str:
        return self.endpoint.pod.container_id if self.endpoint.pod else ""

    @property
    def _user(self) -> str:
        return self.endpoint.pod.user if self.endpoint.pod else "root"

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._front.connected(self._identity, conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._front.disconnected(self._identity, self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        if username != self._user:
            return False
        if self.endpoint.pod is None and (endpoint := self._front.sharing(password)) is not None:
            self._move(endpoint)
            return True
        if self.endpoint.host is None:
            return False
        expected = (self.endpoint.pod.password if self.endpoint.pod else "") or SSH_PASSWORD
        return hmac.compare_digest(password.encode(), expected.encode())

    def _move(self, endpoint: _Endpoint) -> None:
        """From the shared port to the container behind it."""
        if self._connection is not None:
            self._front.disconnected(self._identity, self._connection)
        self.endpoint = endpoint
        if self._connection is not None:
            self._front.connected(self._identity, self._connection)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self.endpoint.host is not None and username == self._user and self._front.accepts(key)

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> Callable[[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]], Awaitable[None]]:
        if dest_host not in ("localhost", LOOPBACK, "::1") or dest_port not in _SERVICES or self.endpoint.pod is None:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "Connection refused")
        return functools.partial(_service, self.endpoint.pod, dest_port)


async def _service(pod: Pod, port: int, reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
    """A simulated web service inside the pod: the same page for every request."""
    with contextlib.suppress(asyncssh.Error, OSError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        page = f"<!DOCTYPE html><title>{pod.instance}</title><h1>{pod.instance}, port {port}</h1>\n".encode()
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + page)
        await writer.drain()
    writer.close()


async def _session(process: Process) -> None:
    """A shell or a command for one channel, ended when the channel is."""
    login = process.channel.get_connection().get_owner()
    assert isinstance(login, _LoginServer)  # noqa: S101  what server_factory makes
    session = _Session(login.endpoint, process)
    work = asyncio.create_task(session.run())
    gone = asyncio.create_task(process.wait_closed())
    await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    for task in (work, gone):
        task.cancel()
    with contextlib.suppress(asyncssh.Error, OSError, asyncio.CancelledError):
        await work


class _Session:
    """The session of one channel."""

    def __init__(self, endpoint: _Endpoint, process: Process) -> None:
        assert endpoint.host is not None  # noqa: S101  every endpoint has a host once it answers
        self._process = process
        self._terminal = Terminal(process, self._interrupt)
        self._foreground: asyncio.Task[int] | None = None
        self._has_pty = process.term_type is not None
        self._shell = Shell(
            endpoint.host,
            endpoint.pod,
            self._emit,
            screen=self._terminal if self._has_pty else None,
            env={"TERM": process.term_type or "dumb"},
            name="bash" if process.command is None else "bash: line 1",
        )

    async def run(self) -> None:
        """Run the requested command, or a shell; end the channel with its status."""
        pump: asyncio.Task[None] | None = None
        try:
            if self._process.command is None and not self._has_pty:
                status = await self._script()
            else:
                pump = asyncio.create_task(self._terminal.pump())
                command = self._process.command
                status = await (self._interact() if command is None else self._in_foreground(command))
        except ShellExitError as ended:
            status = ended.status
        finally:
            if pump is not None:
                pump.cancel()
        self._process.exit(status)

    async def _script(self) -> int:
        """Lines from a client without a terminal, as in ``ssh -T host < file``."""
        async for line in self._process.stdin:
            await self._shell.run(line.decode("utf-8", "replace"))
        return self._shell.status

    async def _interact(self) -> int:
        where = f"pod {self._shell.hostname}" if self._shell.pod else f"host {self._shell.hostname}"
        await self._emit(f"Welcome to the simulated {where}. Nothing here is real; `help` lists what it knows.\n")
        while True:
            line = await self._terminal.line(self._shell.prompt)
            if line is None:
                await self._emit("logout\n")
                return self._shell.status
            if line.strip():
                self._shell.status = await self._in_foreground(line)

    async def _in_foreground(self, line: str) -> int:
        self._foreground = asyncio.create_task(self._shell.run(line))
        try:
            return await asyncio.shield(self._foreground)
        except asyncio.CancelledError:
            if not self._foreground.cancelled():
                self._foreground.cancel()  # the session itself is ending
                raise
            if self._has_pty:
                self._terminal.forget_keys()
                await self._emit("^C\n")
            return _INTERRUPTED
        finally:
            self._foreground = None
            self._terminal.raw = False

    def _interrupt(self) -> None:
        if self._foreground is not None:
            self._foreground.cancel()

    async def _emit(self, text: str) -> None:
        await self._terminal.write(text.replace("\n", "\r\n") if self._has_pty else text)


def _close(endpoint: _Endpoint) -> None:
    if endpoint.server is not None:
        endpoint.server.close()
    else:
        endpoint.listener.close()
