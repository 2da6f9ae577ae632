"""Connections: one login with its host-key check, waiting for an sshd still starting."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Required, TypedDict, TypeVar, Unpack

import asyncssh

from gputui.completion import write_in_thread
from gputui.errors import ConflictError, DeclinedError, RateLimitedError, UnavailableError, UnreachableError
from gputui.late_dataclasses import dataclass
from gputui.models import Secret, SSHLogin, SSHTarget
from gputui.ssh import failures
from gputui.ssh.awake import awake_timeout
from gputui.ssh.challenges import AskSecret
from gputui.ssh.credentials import ATTEMPT_SECONDS, Credentials, LoginClient, paused
from gputui.ssh.endpoint import Endpoint
from gputui.ssh.jump_hosts import JumpHosts, hops
from gputui.ssh.known_hosts import AskHostKey, HostKey, KnownHosts
from gputui.ssh.proxy_command import ProxyCommand
from gputui.ssh.resolution import Resolved, settings_of
from gputui.ssh.trust import InstanceTrust, Trust, TrustedKeys
from gputui.ssh.user_known_hosts import NewKeys, UserKnownHosts

# Without a handler, asyncssh's warnings would reach stderr, which is the terminal of the app.
logging.getLogger("asyncssh").addHandler(logging.NullHandler())

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 2.0
_CLOSE_SECONDS = 2.0

Sleep = Callable[[float], Awaitable[None]]
Refetch = Callable[[], Awaitable[SSHTarget]]
_LoggedIn = tuple["Endpoint", asyncssh.SSHClientConnection]
_T = TypeVar("_T")


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


class LoginOptions(TypedDict, total=False):
    """The arguments of a login that are those of :class:`Context`."""

    hosts: Required[KnownHosts]
    ask: Required[AskHostKey]
    ask_secret: AskSecret | None
    progress: Callable[[str], None]
    deadline: float
    sleep: Sleep
    monotonic: Callable[[], float]
    jumps: JumpHosts | None


@dataclass(frozen=True, slots=True)
class Context:
    """The callbacks and stores of one login.

    Unknown host keys go to ``ask``, secrets that are not configured to ``ask_secret``, reports to ``progress``.
    An SSH server that is still starting is waited for during ``deadline`` seconds. Without ``jumps`` the connections
    to its jump hosts are its own.
    """

    hosts: KnownHosts
    ask: AskHostKey
    ask_secret: AskSecret | None = None
    progress: Callable[[str], None] = lambda _: None
    deadline: float = 120.0
    sleep: Sleep = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic
    jumps: JumpHosts | None = None


async def connect(
    target: SSHTarget,
    login: SSHLogin,
    *,
    host_id: str,
    refetch: Refetch | None = None,
    **options: Unpack[LoginOptions],
) -> Connection:
    """Log in to ``target``; ``login`` overrides the port, user and password of the target.

    Of a target with an alias the user's OpenSSH configuration has the address, the keys and the way; its host key is
    in the user's known_hosts. A refused port is retried until the deadline, each time with a ``refetch``-ed target;
    cancel it to give up earlier. Where the target's own password is refused it is ``refetch``-ed once, and its new
    password or address tried before ``ask_secret`` is called. Raises HostKeyError for a changed key, ConfigError for
    a line of the OpenSSH configuration, SshError for every other failure.
    """
    context = Context(**options)
    settings = await settings_of(target, login)
    return await _connect(target, login, host_id, context, settings, refetch=refetch)


async def _connect(
    target: SSHTarget,
    login: SSHLogin,
    host_id: str,
    context: Context,
    settings: Resolved | None,
    *,
    refetch: Refetch | None = None,
    via: asyncssh.SSHClientConnection | None = None,
    is_hop: bool = False,
) -> Connection:
    """Log in over the jump hosts of the account or of the target; a hop itself over ``via``, the one before it."""
    async with AsyncExitStack() as resources:
        tunnel = via if is_hop else await _connect_jumps(login, settings, context, resources)
        endpoint_at = _through(tunnel, host_id, login, settings, context, resources)

        async def attempt(now: SSHTarget) -> _LoggedIn:
            endpoint = endpoint_at(now)
            credentials.password = login.password_of(now)
            own = now.password is not None and credentials.password is now.password
            if own and refetch is not None and not credentials.was_renewed:
                credentials.renew = partial(_renew, now, login, refetch, context)
            return endpoint, await _log_in(endpoint, credentials, context)

        credentials = Credentials(host_id, login, login.password_of(target), context.ask_secret, settings)
        try:
            await credentials.load()
            endpoint, ssh = await until_up(attempt, target, refetch, context)
        finally:
            credentials.close()
        return Connection(endpoint, ssh, resources.pop_all())


async def _renew(now: SSHTarget, login: SSHLogin, refetch: Refetch, context: Context) -> Secret | None:
    """Return the password of an instance that refused the one of ``now``; None where it is the same.

    Address and password may change with a power cycle, after they were requested. Raises MovedError for another
    address, GputuiError where it does not run any more.
    """
    context.progress("The password was refused. Requesting the address and the password again …")
    try:
        new = await refetch()
    except (UnavailableError, RateLimitedError, ConflictError) as error:
        context.progress(error.message)
        return None
    if _address(new, login) != _address(now, login):
        raise failures.MovedError(new)
    password = login.password_of(new)
    return password if password != login.password_of(now) else None


def _address(target: SSHTarget, login: SSHLogin) -> tuple[str, int, str]:
    return target.host, login.port or target.port, login.user_of(target)


async def way_to(
    host_id: str, login: SSHLogin, settings: Resolved | None, context: Context, resources: AsyncExitStack
) -> Callable[[SSHTarget], Endpoint]:
    """Log in to the jump hosts; return the function from an address to the endpoint there."""
    tunnel = await _connect_jumps(login, settings, context, resources)
    return _through(tunnel, host_id, login, settings, context, resources)


def _through(
    tunnel: asyncssh.SSHClientConnection | None,
    host_id: str,
    login: SSHLogin,
    settings: Resolved | None,
    context: Context,
    resources: AsyncExitStack,
) -> Callable[[SSHTarget], Endpoint]:
    """Return the function from an address to the endpoint there; settings have an address of their own."""
    proxy = None
    if settings is not None and settings.proxy_command is not None and tunnel is None:
        proxy = ProxyCommand(settings.proxy_command)
        resources.push_async_callback(proxy.close)

    def endpoint(now: SSHTarget) -> Endpoint:
        if settings is not None:
            host, port, user = settings.host, settings.port, settings.user
        else:
            host, port, user = now.host, login.port or now.port, login.user_of(now)
        trust = _trust_of(host_id, host, port, login, context.hosts, settings)
        return Endpoint(host_id, host, port, user, trust, tunnel, proxy, settings)

    return endpoint


def _trust_of(
    host_id: str, host: str, port: int, login: SSHLogin, hosts: KnownHosts, settings: Resolved | None
) -> Trust:
    """Return the trust in the host keys of an address: that of gputui, or of the OpenSSH configuration."""
    if settings is None:
        return InstanceTrust(hosts, host_id, host, port, login.accept_new or False)
    new_keys = settings.new_keys or NewKeys.ASK
    if login.accept_new is not None:
        new_keys = NewKeys.ACCEPT if login.accept_new else NewKeys.ASK
    return UserKnownHosts(
        *(host_id, host, port, hosts, settings.known_hosts, settings.global_known_hosts),
        name=settings.host_key_alias,
        new_keys=new_keys,
        hashes=settings.hashes_known_hosts,
    )


async def _connect_jumps(
    login: SSHLogin, settings: Resolved | None, context: Context, resources: AsyncExitStack
) -> asyncssh.SSHClientConnection | None:
    """Log in to the jump hosts, each through the one before it; None without any."""
    tunnel, way = None, ""
    jumps, context = context.jumps, replace(context, deadline=0)
    for hop in await hops(login, settings):
        connecting = partial(_connect, hop.target, hop.login, hop.host_id, context, hop.settings)
        way += f"{hop.key}\n"
        if jumps is None:
            connection = await connecting(via=tunnel, is_hop=True)
            resources.push_async_callback(connection.close)
        else:
            lease = jumps.pool.lease(way, partial(connecting, via=tunnel, is_hop=True), shares_failure=not jumps.asks)
            connection = await resources.enter_async_context(lease)
        tunnel = connection.ssh
    return tunnel


async def until_up(
    attempt: Callable[[SSHTarget], Awaitable[_T]],
    target: SSHTarget,
    refetch: Refetch | None,
    context: Context,
) -> _T:
    """Repeat ``attempt`` while the sshd is not up, until the deadline, and where it is at another address."""
    started = context.monotonic()
    pause = _FIRST_PAUSE
    while True:
        try:
            return await attempt(target)
        except failures.MovedError as moved:
            context.progress(str(moved))
            target = moved.target
            continue
        except failures.NotUpError as reason:
            waited = context.monotonic() - started
            if waited + pause > context.deadline:
                raise UnreachableError(
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


async def _log_in(endpoint: Endpoint, credentials: Credentials, context: Context) -> asyncssh.SSHClientConnection:
    """One attempt: host key first, then the login. Raises NotUpError, MovedError, HostKeyError, SshError."""
    client: LoginClient | None = None
    to_connect = endpoint.settings.connect_timeout if endpoint.settings else None
    try:
        async with awake_timeout(to_connect or ATTEMPT_SECONDS) as timeout:
            known = await asyncio.to_thread(endpoint.trust.trusted)
            if known.is_empty:
                known = await _trust_first(endpoint, await endpoint.fetch_key(), context, timeout)
            client = LoginClient(
                credentials, endpoint.user, timeout, context.progress, was_to_connect=to_connect is not None
            )
            try:
                return await endpoint.connect(client, known)
            except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
                key = await endpoint.fetch_key()
                if key in known.keys and key not in known.revoked:
                    raise
                known = await _trust_first(endpoint, key, context, timeout)
            client = LoginClient(credentials, endpoint.user, timeout, context.progress)
            return await endpoint.connect(client, known)
    except asyncssh.PermissionDenied as error:
        if client is not None and client.ended is not None:
            raise client.ended from error
        tried = client.tried if client else []
        refused = failures.permission_denied(
            endpoint.user, endpoint.where, tried, credentials.passed_over, in_openssh=endpoint.settings is not None
        )
        if client is not None and client.gave_up:
            raise DeclinedError(refused.message, hint=refused.hint) from error
        raise refused from error
    except (OSError, asyncssh.Error) as error:
        if isinstance(error, (asyncssh.ConnectionLost, ConnectionResetError, BrokenPipeError)):
            raise await endpoint.why_lost() from error
        if isinstance(error, TimeoutError):
            raise await endpoint.why_late() from error
        if failures.is_not_up(error):
            raise failures.NotUpError(f"{endpoint.where} refuses connections.") from error
        if failures.is_too_many_attempts(error):
            raise failures.too_many_attempts(endpoint.user, endpoint.where, client.tried if client else []) from error
        raise failures.explain(error, endpoint.where) from error


async def _trust_first(endpoint: Endpoint, key: HostKey, context: Context, timeout: asyncio.Timeout) -> TrustedKeys:
    """Ask about the key of an unknown host, and store it. Raises HostKeyError for one that is known to be wrong."""
    trust = endpoint.trust
    now = await asyncio.to_thread(trust.trusted)
    if key in now.keys and key not in now.revoked:
        return now  # another login to this address, or another name of it, has stored it meanwhile
    if (refusal := await asyncio.to_thread(trust.refusal, key)) is not None:
        raise refusal
    question = await asyncio.to_thread(trust.question, key)
    if trust.accepts_new:
        context.progress(f"The new host key of {endpoint.where} is {question.kept_in}: {key}.")
    else:
        with paused(timeout):
            accepted = await context.ask(question)
        if not accepted:
            raise DeclinedError(f"Not logged in to {endpoint.where}: its host key was not accepted.")
    await write_in_thread(question.remember)
    return TrustedKeys((key,))
