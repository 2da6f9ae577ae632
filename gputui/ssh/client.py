"""Connections: one login with its host-key check, waiting for an sshd still starting, commands and forwards."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any

import asyncssh

from gputui.errors import ConflictError, RateLimitedError, SshError, UnavailableError
from gputui.models import SSHLogin, SSHTarget, parse_jump
from gputui.ssh import failures
from gputui.ssh.credentials import ATTEMPT_SECONDS, METHODS, AskSecret, Credentials, LoginClient, paused
from gputui.ssh.known_hosts import AskHostKey, HostKey, KnownHosts, jump_host_id, name_of_host
from gputui.ssh.trust import InstanceTrust, Trust, TrustedKeys
from gputui.text import clean

# Without a handler, asyncssh's warnings would reach stderr, which is the terminal of the app.
logging.getLogger("asyncssh").addHandler(logging.NullHandler())

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 2.0
_KEEPALIVE_SECONDS = 15
_KEEPALIVE_MISSED = 3
_WINDOW = 16 * 2**20
# Of several host keys, ask about the one that OpenSSH shows first: its fingerprint is the published one.
_KEY_ALGORITHMS = (
    *("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("rsa-sha2-512", "rsa-sha2-256"),
)
_CIPHERS = "^aes128-gcm@openssh.com"
_PROBE_SECONDS = 3.0
_CLOSE_SECONDS = 2.0
_FORWARD_CLOSE_SECONDS = 1.0

Sleep = Callable[[float], Awaitable[None]]
Refetch = Callable[[], Awaitable[SSHTarget]]
_LoggedIn = tuple["Endpoint", asyncssh.SSHClientConnection]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The target of a connection: an address, a user, the keys known for it, and the jump host if any."""

    host_id: str
    host: str
    port: int
    user: str
    trust: Trust
    tunnel: asyncssh.SSHClientConnection | None = None

    @property
    def where(self) -> str:
        """Return the address for a message."""
        return clean(f"{name_of_host(self.host_id)} at {self.host}:{self.port}")


class Connection:
    """A logged-in SSH connection. Shell, commands and forwards share it; closing it ends them all."""

    def __init__(self, endpoint: Endpoint, ssh: asyncssh.SSHClientConnection, resources: AsyncExitStack) -> None:
        self.endpoint = endpoint
        self.ssh = ssh
        self._resources = resources

    @property
    def closed(self) -> bool:
        """Whether it ended, by either side or by the network."""
        return self.ssh.is_closed()

    async def close(self) -> None:
        """Close it with its sessions, forwards and the connection to the jump host; bounded in time."""
        self.ssh.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.ssh.wait_closed()
        except TimeoutError:
            self.ssh.abort()
        await self._resources.aclose()

    async def wait_closed(self) -> None:
        """Return when it has ended, by either side or the network."""
        await self.ssh.wait_closed()

    def __repr__(self) -> str:
        return f"Connection({self.endpoint.where!r})"


@dataclass(frozen=True, slots=True)
class _Context:
    """The callbacks and stores of one login."""

    hosts: KnownHosts
    ask: AskHostKey
    progress: Callable[[str], None]
    deadline: float
    sleep: Sleep
    monotonic: Callable[[], float]


async def connect(
    target: SSHTarget,
    login: SSHLogin,
    *,
    host_id: str,
    hosts: KnownHosts,
    ask: AskHostKey,
    ask_secret: AskSecret | None = None,
    progress: Callable[[str], None] = lambda _: None,
    refetch: Refetch | None = None,
    deadline: float = 120.0,
    sleep: Sleep = asyncio.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Connection:
    """Log in to ``target``; ``login`` overrides the port, user and password of the target.

    A refused port is retried for ``deadline`` seconds, each time with a ``refetch``-ed target, with reports to
    ``progress``; cancel it to give up earlier. Unknown host keys go to ``ask``, secrets that are not configured to
    ``ask_secret``. Raises HostKeyError for a changed key, SshError for every other failure.
    """
    context = _Context(hosts, ask, progress, deadline, sleep, monotonic)
    async with AsyncExitStack() as resources:
        tunnel = None
        if login.jump is not None:
            tunnel = (await _connect_jump(login, context, ask_secret, resources)).ssh

        async def attempt(now: SSHTarget) -> _LoggedIn:
            host, port = now.host, login.port or now.port
            trust = InstanceTrust(hosts, host_id, host, port)
            endpoint = Endpoint(host_id, host, port, login.user_of(now), trust, tunnel)
            credentials.password = login.password_of(now)
            return endpoint, await _log_in(endpoint, credentials, context)

        credentials = Credentials(host_id, login, login.password_of(target), ask_secret)
        try:
            await credentials.load()
            endpoint, ssh = await _until_up(attempt, target, refetch, context)
        finally:
            credentials.close()
        return Connection(endpoint, ssh, resources.pop_all())


async def _connect_jump(
    login: SSHLogin, context: _Context, ask_secret: AskSecret | None, resources: AsyncExitStack
) -> Connection:
    """Log in to the jump host: with the account's key and agent, never with the password meant for the instance."""
    user, host, port = parse_jump(login.jump or "")
    connection = await connect(
        SSHTarget(host, port, user or login.user or "root"),
        SSHLogin(key=login.key, agent=login.agent),
        host_id=jump_host_id(host, port),
        hosts=context.hosts,
        ask=context.ask,
        ask_secret=ask_secret,
        progress=context.progress,
        deadline=0,
    )
    resources.push_async_callback(connection.close)
    return connection


async def _until_up(
    attempt: Callable[[SSHTarget], Awaitable[_LoggedIn]],
    target: SSHTarget,
    refetch: Refetch | None,
    context: _Context,
) -> _LoggedIn:
    """Repeat ``attempt`` while the sshd is not up, until the deadline."""
    started = context.monotonic()
    pause = _FIRST_PAUSE
    while True:
        try:
            return await attempt(target)
        except failures.NotUpError as reason:
            waited = context.monotonic() - started
            if waited + pause > context.deadline:
                raise SshError(
                    f"{reason}" + (f" Waited {waited:.0f}s." if waited >= 1 else ""),
                    hint="Does it run, and is an SSH server started in it?",
                ) from None
            context.progress(f"{reason} Waiting for its SSH server: {waited:.0f}s of {context.deadline:.0f}s.")
        await context.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        if refetch is not None:
            try:
                target = await refetch()
            except (UnavailableError, RateLimitedError, ConflictError) as error:
                # The back end may fail as well: try the last known address.
                context.progress(error.message)


async def _log_in(endpoint: Endpoint, credentials: Credentials, context: _Context) -> asyncssh.SSHClientConnection:
    """One attempt: host key first, then the login. Raises NotUpError, HostKeyError, SshError."""
    client: LoginClient | None = None
    try:
        async with asyncio.timeout(ATTEMPT_SECONDS) as timeout:
            known = await asyncio.to_thread(endpoint.trust.trusted)
            if known.is_empty:
                known = await _trust_first(endpoint, known, await _fetch_key(endpoint), context, timeout)
            client = LoginClient(credentials, endpoint.user, timeout, context.progress)
            try:
                return await _connect_strictly(endpoint, client, known)
            except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
                key = await _fetch_key(endpoint)
                if key in known.keys and key not in known.revoked:
                    raise
                known = await _trust_first(endpoint, known, key, context, timeout)
            client = LoginClient(credentials, endpoint.user, timeout, context.progress)
            return await _connect_strictly(endpoint, client, known)
    except asyncssh.PermissionDenied as error:
        tried = client.tried if client else []
        raise failures.permission_denied(endpoint.user, endpoint.where, tried, credentials.passed_over) from error
    except (OSError, asyncssh.Error) as error:
        if isinstance(error, (asyncssh.ConnectionLost, ConnectionResetError, BrokenPipeError)):
            raise await _why_lost(endpoint) from error
        if failures.is_not_up(error):
            raise failures.NotUpError(f"{endpoint.where} refuses connections.") from error
        if failures.is_too_many_attempts(error):
            raise failures.too_many_attempts(endpoint.user, endpoint.where, client.tried if client else []) from error
        raise failures.explain(error, endpoint.where) from error


async def _trust_first(
    endpoint: Endpoint, known: TrustedKeys, key: HostKey, context: _Context, timeout: asyncio.Timeout
) -> TrustedKeys:
    """Ask about the key of an unknown host, and store it. Raises HostKeyError for one that is known to be wrong."""
    trust = endpoint.trust
    if (refusal := await asyncio.to_thread(trust.refusal, key, known)) is not None:
        raise refusal
    question = await asyncio.to_thread(trust.question, key)
    if trust.accepts_new:
        context.progress(f"The new host key of {endpoint.where} is {question.kept_in}: {key}.")
    else:
        with paused(timeout):
            accepted = await context.ask(question)
        if not accepted:
            raise SshError(f"Not logged in to {endpoint.where}: its host key was not accepted.")
    await asyncio.to_thread(question.remember)
    return TrustedKeys((key,))


async def _fetch_key(endpoint: Endpoint) -> HostKey:
    key = await asyncssh.get_server_host_key(
        endpoint.host, endpoint.port, tunnel=endpoint.tunnel, config=None, server_host_key_algs=_KEY_ALGORITHMS
    )
    if key is None:
        raise SshError(f"{endpoint.where} presents no host key.")
    return HostKey.parse(key.export_public_key("openssh").decode())


async def _connect_strictly(
    endpoint: Endpoint, client: LoginClient, known: TrustedKeys
) -> asyncssh.SSHClientConnection:
    """Connect, accepting only ``known`` keys; asyncssh then asks the server for their algorithms alone."""
    return await asyncssh.connect(
        endpoint.host,
        endpoint.port,
        tunnel=endpoint.tunnel,
        username=endpoint.user,
        known_hosts=tuple(map(_public_keys, (known.keys, known.authorities, known.revoked))),
        x509_trusted_certs=None,
        client_factory=lambda: client,
        client_keys=None,
        preferred_auth=METHODS,
        gss_host=None,
        config=None,
        encryption_algs=_CIPHERS,
        keepalive_interval=_KEEPALIVE_SECONDS,
        keepalive_count_max=_KEEPALIVE_MISSED,
        login_timeout=0,
        window=_WINDOW,
    )


def _public_keys(keys: Sequence[HostKey]) -> list[asyncssh.SSHKey]:
    """Return the keys for asyncssh; those of algorithms that it does not have are left out: they cannot match."""
    found = []
    for key in keys:
        with suppress(asyncssh.KeyImportError):
            found.append(asyncssh.import_public_key(f"{key.algorithm} {key.data}"))
    return found


async def _why_lost(endpoint: Endpoint) -> Exception:
    """Distinguish a port whose sshd is still starting from one that is not SSH, by the answer to a greeting.

    A container's published port accepts connections before anything listens behind it, and closes them immediately.
    """
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            said = await _greeting(endpoint)
    except TimeoutError:
        said = b""
    except (OSError, asyncssh.Error) as error:
        if not failures.is_not_up(error):
            return failures.explain(error, endpoint.where)
        said = b""
    if not said:
        return failures.NotUpError(f"{endpoint.where} closes connections.")
    if b"SSH-" in said:
        return SshError(f"The connection to {endpoint.where} was lost during the login.")
    first = clean(said.decode("utf-8", "replace").splitlines()[0][:60])
    if (refused := failures.refused_greeting(first, endpoint.where)) is not None:
        return refused
    return SshError(f"{endpoint.where} is not an SSH server: it sent {first!r}.", hint="Is this port its SSH port?")


async def _greeting(endpoint: Endpoint) -> bytes:
    opening: Any = (
        asyncio.open_connection(endpoint.host, endpoint.port)
        if endpoint.tunnel is None
        else endpoint.tunnel.open_connection(endpoint.host, endpoint.port, encoding=None)
    )
    reader, writer = await opening
    try:
        writer.write(b"SSH-2.0-gputui\r\n\r\n")
        said: bytes = await reader.read(256)
        return said
    finally:
        writer.close()


class Forward:
    """A port on this machine's loopback address, forwarded to a port of an instance."""

    def __init__(self, listener: asyncssh.SSHListener, remote_port: int) -> None:
        self.local_port = listener.get_port()
        self.remote_port = remote_port
        self._listener = listener

    async def close(self) -> None:
        """Stop listening; open connections end with the SSH connection. Waits for one second at most."""
        self._listener.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FORWARD_CLOSE_SECONDS):
                await self._listener.wait_closed()


async def forward(connection: Connection, local_port: int, remote_port: int) -> Forward:
    """Forward a port of 127.0.0.1 (``local_port`` 0: any free one) to ``remote_port`` in the instance."""
    try:
        listener = await connection.ssh.forward_local_port("127.0.0.1", local_port, "localhost", remote_port)
    except OSError as error:
        raise SshError(
            f"Cannot listen on port {local_port} of this machine: {error.strerror}.",
            hint="Use another port, or 0 for any free one.",
        ) from error
    return Forward(listener, remote_port)
