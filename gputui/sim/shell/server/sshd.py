"""The SSH server of the simulator: a port and a shell for each pod, forwards to simulated web services."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hmac
import signal
import socket
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

import asyncssh

from gputui.sim.loopback import LOOPBACK, bound_socket
from gputui.sim.machines.containers import SSH_PASSWORD, Pod
from gputui.sim.machines.hosts import Host, NumbersOnly
from gputui.sim.machines.root_files import files_of
from gputui.sim.shell.language.parser import ShellExitError
from gputui.sim.shell.logins import new_shell
from gputui.sim.shell.shell import home_of
from gputui.sim.shell.streams import BrokenPipe, Buffered, Output, Pipe, Stream

from .sftp import SimulatedSftp
from .terminal import Process, Terminal

OWN_PORTS = 64
"""How many containers of a host, or of a cloud, have a port of their own."""
_SSH = 22
_SERVICES = (6006, 6008, 8000, 8888)
_INTERRUPTED = 130
_HANG_SECONDS = 0.5


@dataclass
class Door:
    """How a machine with an SSH server of its own lets ``user`` in.

    The keys in ``~/.ssh/authorized_keys`` are accepted, and a password unless that is "".

    ``forwards_to`` returns the ports of loopback that it opens connections to. ``mood`` returns "" while it answers,
    "drops" while it closes connections, "hangs" while nothing comes from it.
    """

    user: str
    password: str = ""
    forwards_to: Callable[[], Collection[int]] = tuple
    mood: Callable[[], str] = str


@dataclass
class _Endpoint:
    """An SSH port and its pod; the shared port has none, nor has that of a machine, which has a ``door``."""

    listener: socket.socket
    host: Host | None = None
    pod: Pod | None = None
    server: asyncssh.SSHAcceptor | None = None
    door: Door | None = None

    @property
    def identity(self) -> str:
        """The container's id, the machine's name; "" of the shared port."""
        if self.pod is not None:
            return self.pod.container_id
        return f"machine {self.host.name}" if self.door is not None and self.host is not None else ""

    @property
    def user(self) -> str:
        """The only user who may log in."""
        return self.door.user if self.door is not None else self.pod.user if self.pod is not None else "root"

    async def answers(self) -> None:
        """Wait while the machine hangs."""
        while self.door is not None and self.host is not None and self.door.mood() == "hangs":
            await asyncio.sleep(_HANG_SECONDS)
            self.host.world.advance()


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

    def open_machine(self, host: Host, door: Door) -> int:
        """Return the port of a machine's own server, which listens from now on."""
        listener = self._listener(None)
        endpoint = _Endpoint(listener, host, door=door)
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
        identity = endpoint.identity
        if identity not in self._keys:
            self._keys[identity] = asyncssh.generate_private_key("ssh-ed25519")
        if identity and self._endpoints.get(identity) is not endpoint:
            return
        server = await asyncssh.listen(
            sock=endpoint.listener,
            server_factory=functools.partial(_LoginServer, self, endpoint),
            server_host_keys=[self._keys[identity]],
            process_factory=_session,
            sftp_factory=_sftp,
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

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._front.connected(self.endpoint.identity, conn)
        host, door = self.endpoint.host, self.endpoint.door
        if host is not None and door is not None:
            host.world.advance()
            if door.mood() == "drops":
                asyncio.get_running_loop().call_soon(conn.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._front.disconnected(self.endpoint.identity, self._connection)

    async def begin_auth(self, username: str) -> bool:
        await self.endpoint.answers()
        return True

    def password_auth_supported(self) -> bool:
        return self.endpoint.door is None or bool(self.endpoint.door.password)

    def validate_password(self, username: str, password: str) -> bool:
        if username != self.endpoint.user:
            return False
        if self.endpoint.door is not None:
            return hmac.compare_digest(password.encode(), self.endpoint.door.password.encode())
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
            self._front.disconnected(self.endpoint.identity, self._connection)
        self.endpoint = endpoint
        if self._connection is not None:
            self._front.connected(self.endpoint.identity, self._connection)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        endpoint = self.endpoint
        if endpoint.host is None or username != endpoint.user:
            return False
        if endpoint.door is None and self._front.accepts(key):
            return True
        files = files_of(endpoint.host, endpoint.pod, username)
        known = files.text(f"{home_of(username)}/.ssh/authorized_keys")
        kind, data = key.export_public_key().decode().split()[:2]
        return any(line.split()[:2] == [kind, data] for line in known.splitlines())

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> Callable[[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]], Awaitable[None]]:
        endpoint = self.endpoint
        if dest_host == LOOPBACK and endpoint.door is not None and dest_port in endpoint.door.forwards_to():
            return functools.partial(_forward, dest_port)
        serves = endpoint.pod is not None or endpoint.door is not None
        if dest_host not in ("localhost", LOOPBACK, "::1") or dest_port not in _SERVICES or not serves:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "Connection refused")
        assert endpoint.host is not None  # noqa: S101  every endpoint has a host once it answers
        return functools.partial(_service, endpoint.pod.instance if endpoint.pod else endpoint.host.name, dest_port)


def _sftp(channel: asyncssh.SSHServerChannel[bytes]) -> SimulatedSftp:
    """The files of a pod or machine for one channel."""
    login = channel.get_connection().get_owner()
    assert isinstance(login, _LoginServer)  # noqa: S101  what server_factory makes
    endpoint = login.endpoint
    assert endpoint.host is not None  # noqa: S101  every endpoint has a host once it answers
    return SimulatedSftp(channel, endpoint.host, endpoint.pod, endpoint.user)


async def _forward(port: int, reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
    """A connection through a machine to the server of another one."""

    async def copy(source: Any, target: Any) -> None:
        with contextlib.suppress(asyncssh.Error, OSError):
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()
            target.write_eof()

    with contextlib.suppress(asyncssh.Error, OSError):
        inner_reader, inner_writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))
        finally:
            inner_writer.close()
    writer.close()


async def _service(
    name: str, port: int, reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]
) -> None:
    """A simulated web service inside a pod or machine: the same page for every request."""
    with contextlib.suppress(asyncssh.Error, OSError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        page = f"<!DOCTYPE html><title>{name}</title><h1>{name}, port {port}</h1>\n".encode()
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
    work = asyncio.create_task(_Session(login.endpoint, process).run())
    gone = asyncio.create_task(process.wait_closed())
    await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    for task in (work, gone):
        task.cancel()
    with contextlib.suppress(asyncssh.Error, OSError, asyncio.CancelledError, BrokenPipe):
        await work


class _Session:
    """The session of one channel."""

    def __init__(self, endpoint: _Endpoint, process: Process) -> None:
        assert endpoint.host is not None  # noqa: S101  every endpoint has a host once it answers
        self._process = process
        self._endpoint = endpoint
        self._host = endpoint.host
        self._terminal = Terminal(process) if process.term_type is not None else None
        self._foreground: asyncio.Task[int] | None = None
        self._input = Pipe()
        self._signal = 0
        self._shell = new_shell(
            endpoint.host,
            endpoint.pod,
            self._streams(),
            user=endpoint.user,
            screen=self._terminal,
            env={"TERM": process.term_type or "dumb"},
            name="bash" if process.command is None else "bash: line 1",
        )
        endpoint.host.shells[self._shell.session.pid].end = self._end

    def _end(self, number: int) -> None:
        """A program on the machine has sent a signal to the shell."""
        if self._foreground is not None and number in set(signal.Signals):
            self._signal = number
            self._foreground.cancel()

    def _streams(self) -> dict[int, Stream]:
        if self._terminal is not None:
            return dict.fromkeys((0, 1, 2), self._terminal.stream)
        source = self._input
        output, errors = (self._writer(writer) for writer in (self._process.stdout, self._process.stderr))
        return {0: Buffered(lambda: source.read(65_536)), 1: output, 2: errors}

    def _writer(self, writer: asyncssh.SSHWriter[bytes]) -> Stream:
        async def take(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        return Output(take)

    async def run(self) -> None:
        """Run the requested command, or a shell; end the channel with its status."""
        pump = asyncio.create_task(self._terminal.pump() if self._terminal is not None else self._pump())
        try:
            await self._endpoint.answers()
            status = await self._run()
        except ShellExitError as ended:
            status = ended.status
        finally:
            pump.cancel()
            self._host.close_shell(self._shell.session.pid)
        if self._signal:
            self._process.exit_with_signal(signal.Signals(self._signal).name.removeprefix("SIG"))
        else:
            self._process.exit(status)

    async def _run(self) -> int:
        command = self._process.command
        if self._terminal is not None:
            if command is not None:
                return await self._terminal.in_foreground(self._shell.run(command))
            where = f"{'pod' if self._shell.pod else 'host'} {self._shell.hostname}"
            await self._terminal.write(
                f"Welcome to the simulated {where}. Nothing here is real; `help` lists what it knows.\r\n"
            )
            return await self._terminal.interact(self._shell)
        stdin = self._shell.streams[0]
        assert isinstance(stdin, Buffered)  # noqa: S101  as made above
        work = self._shell.run_stream(stdin) if command is None else self._shell.run(command)
        self._foreground = asyncio.create_task(work)
        try:
            return await asyncio.shield(self._foreground)
        except asyncio.CancelledError:
            if not self._foreground.cancelled():
                self._foreground.cancel()  # the session itself is ending
                raise
            return _INTERRUPTED

    async def _pump(self) -> None:
        """Hand the client's input to the programs, and end them on its signals."""
        while True:
            try:
                data = await self._process.stdin.read(65_536)
            except (asyncssh.BreakReceived, asyncssh.SignalReceived):
                if self._foreground is not None:
                    self._foreground.cancel()
                continue
            if not data:
                self._input.close()
                return
            await self._input.write(data)


def _close(endpoint: _Endpoint) -> None:
    if endpoint.server is not None:
        endpoint.server.close()
    else:
        endpoint.listener.close()
