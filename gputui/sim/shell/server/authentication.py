"""Logins: who may log in with which credentials, and where they may forward connections."""

from __future__ import annotations

import asyncio
import functools
import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import asyncssh

from gputui.sim.loopback import LOOPBACK
from gputui.sim.machines.containers import SSH_PASSWORD
from gputui.sim.machines.root_files import files_of
from gputui.sim.shell.shell import home_of

from .endpoints import Door, Endpoint
from .forwards import SERVICE_PORTS, forward_to_machine, serve_page

if TYPE_CHECKING:
    from .sshd import SshServer


class LoginServer(asyncssh.SSHServer):
    """One connection: authentication and the allowed forwards."""

    def __init__(self, front: SshServer, endpoint: Endpoint) -> None:
        self._front = front
        self.endpoint = endpoint
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """A client has connected; a machine that drops connections closes this one."""
        self._connection = conn
        self._front.connected(self.endpoint.identity, conn)
        host, door = self.endpoint.host, self.endpoint.door
        if host is not None and door is not None:
            host.world.advance()
            if door.mood() == "drops":
                asyncio.get_running_loop().call_soon(conn.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        if self._connection is not None:
            self._front.disconnected(self.endpoint.identity, self._connection)

    async def begin_auth(self, username: str) -> bool:
        """Everybody has to authenticate, once the machine answers."""
        await self.endpoint.answers()
        return True

    def password_auth_supported(self) -> bool:
        """Whether passwords are accepted at all."""
        return self.endpoint.door is None or bool(self.endpoint.door.password)

    def validate_password(self, username: str, password: str) -> bool:
        """Whether a password opens the container or machine; on the shared port it says which container."""
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

    def _move(self, endpoint: Endpoint) -> None:
        """From the shared port to the container behind it."""
        if self._connection is not None:
            self._front.disconnected(self.endpoint.identity, self._connection)
        self.endpoint = endpoint
        if self._connection is not None:
            self._front.connected(self.endpoint.identity, self._connection)

    def public_key_auth_supported(self) -> bool:
        """Keys are always accepted."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether a key opens it: that of the whole simulator, or one of the authorized keys in its files."""
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
        """Return the other end of a forwarded connection. Raises ChannelOpenError where none is allowed."""
        endpoint = self.endpoint
        if dest_host == LOOPBACK and endpoint.door is not None and dest_port in endpoint.door.forwards_to():
            return functools.partial(forward_to_machine, dest_port)
        serves = endpoint.pod is not None or endpoint.door is not None
        if dest_host not in ("localhost", LOOPBACK, "::1") or dest_port not in SERVICE_PORTS or not serves:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "Connection refused")
        assert endpoint.host is not None  # noqa: S101  every endpoint has a host once it answers
        return functools.partial(serve_page, endpoint.pod.instance if endpoint.pod else endpoint.host.name, dest_port)


class CodeLoginServer(LoginServer):
    """One connection to a machine that asks for a password and a one-time code, and accepts nothing else."""

    def password_auth_supported(self) -> bool:
        """Passwords alone are not accepted."""
        return False

    def public_key_auth_supported(self) -> bool:
        """Keys are not accepted."""
        return False

    def kbdint_auth_supported(self) -> bool:
        """Questions are."""
        return True

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        """Return the questions; a real server would not print the code."""
        door = self._door
        instructions = f"The one-time code of this simulated host is {door.code}."
        return "", instructions, "", [("Password: ", False), ("One-time code: ", True)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        """Whether both answers are right."""
        given, expected = "\n".join(responses), f"{self._door.password}\n{self._door.code}"
        return username == self._door.user and hmac.compare_digest(given.encode(), expected.encode())

    @property
    def _door(self) -> Door:
        assert self.endpoint.door is not None  # noqa: S101  only a machine asks for a code
        return self.endpoint.door
