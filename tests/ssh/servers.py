"""An SSH server in this process: its logins, its keys and a shell that does what the tests ask of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Self

import asyncssh

PASSWORD = "correct-horse-Ω"


class Server:
    """Listens on a loopback port; counts what reaches it. ``password`` None means keys only."""

    def __init__(
        self,
        *,
        host_keys: Sequence[asyncssh.SSHKey] = (),
        password: str | None = PASSWORD,
        client_keys: Sequence[asyncssh.SSHKey] = (),
        port: int = 0,
        allow_pty: bool = True,
        keyboard_interactive: bool = False,
        prompts: Sequence[tuple[str, bool]] = (("Password: ", False),),
        instructions: str = "",
        most_attempts: int = 1000,
        sftp: Callable[[asyncssh.SSHServerChannel[bytes]], asyncssh.SFTPServer] | None = None,
    ) -> None:
        self.host_keys = list(host_keys) or [asyncssh.generate_private_key("ssh-ed25519")]
        self.password = password
        self.client_keys = list(client_keys)
        self.authorities: list[asyncssh.SSHKey] = []
        """Keys whose certificates are accepted."""
        self.port = port
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.passwords: list[str] = []
        self.offers: list[str] = []
        """What was offered, in order: a key's comment or ``password``."""
        self.names: dict[bytes, str] = {}
        self.most_attempts = most_attempts
        self.sizes: list[tuple[int, int]] = []
        self.typed = bytearray()
        self.environment: dict[str, str] = {}
        self.flooded = 0
        self.started = asyncio.Event()
        self.keyboard_interactive = keyboard_interactive
        self.prompts = list(prompts)
        self.instructions = instructions
        self._allow_pty = allow_pty
        self._sftp = sftp

    @property
    def fingerprint(self) -> str:
        return self.host_keys[0].get_fingerprint()

    async def __aenter__(self) -> Self:
        self._acceptor = await asyncssh.create_server(
            lambda: _Logins(self),
            "127.0.0.1",
            self.port,
            server_host_keys=self.host_keys,
            process_factory=self._program,
            encoding=None,
            allow_pty=self._allow_pty,
            line_editor=False,
            sftp_factory=self._sftp,
        )
        self.port = self._acceptor.get_port()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        self._acceptor.close()
        self.drop()
        await self._acceptor.wait_closed()

    def drop(self) -> None:
        """Cut every connection without a word."""
        for connection in self.connections:
            connection.abort()

    async def _program(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self.environment = dict(process.env)
        self.sizes.append(process.term_size[:2])
        self.started.set()
        try:
            status = await self._run(process)
        except (BrokenPipeError, asyncssh.Error):
            return
        process.exit(status)

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> int:
        command = process.command
        if command == "sleep":
            await asyncio.Event().wait()
        if command == "kill":
            process.exit_with_signal("KILL")
        if command is not None and command.startswith("exit "):
            return int(command.split()[1])
        if command is not None:
            process.stdout.write(command.encode())
            process.stderr.write(b"\x1b[31merror\r\n")
            return 0
        process.stdout.write(b"$ ")
        line = b""
        while True:
            try:
                data = await process.stdin.read(1024)
            except asyncssh.TerminalSizeChanged as change:
                self.sizes.append((change.width, change.height))
                process.stdout.write(b"<%dx%d>" % (change.width, change.height))
                continue
            if not data:
                return 0
            self.typed += data
            process.stdout.write(data)
            line += data
            if line.endswith(b"\r"):
                status = await self._line(process, line[:-1].decode("utf-8", "replace"))
                if status is not None:
                    return status
                line = b""
                process.stdout.write(b"\r\n$ ")

    async def _line(self, process: asyncssh.SSHServerProcess[bytes], line: str) -> int | None:
        word, _, rest = line.partition(" ")
        if word == "exit":
            return int(rest or 0)
        if word == "modes":
            process.stdout.write(b"\x1b[?1049h\x1b[?1003;1006h\x1b[?2004h\x1b[?25l\x1b[?1h\x1b=\x1b[31mred")
        if word == "flood":
            await self._flood(process, int(rest))
        return None

    async def _flood(self, process: asyncssh.SSHServerProcess[bytes], size: int) -> None:
        chunk = b"x" * 1023 + b"\n"
        interrupted = asyncio.ensure_future(process.stdin.read(1))
        while self.flooded < size and not interrupted.done():
            process.stdout.write(chunk)
            self.flooded += len(chunk)
            await process.stdout.drain()
        if interrupted.done():
            process.stdout.write(b"^C")
        else:
            interrupted.cancel()
            process.stdout.write(b"done")


class _Logins(asyncssh.SSHServer):
    def __init__(self, server: Server) -> None:
        self._server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._server.connections.append(conn)
        self._connection = conn
        self._refused = 0

    def _answer(self, offer: str, accepted: bool) -> bool:
        """Note an offer; end the connection after too many refusals, in the words of OpenSSH."""
        self._server.offers.append(offer)
        self._refused += not accepted
        if self._refused >= self._server.most_attempts:
            self._connection.disconnect(asyncssh.DISC_PROTOCOL_ERROR, "Too many authentication failures")
        return accepted

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return self._server.password is not None and not self._server.keyboard_interactive

    def kbdint_auth_supported(self) -> bool:
        return self._server.keyboard_interactive

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return "", self._server.instructions, "", self._server.prompts

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        return self.validate_password(username, " ".join(responses))

    def validate_password(self, username: str, password: str) -> bool:
        self._server.passwords.append(password)
        return self._answer("password", password == self._server.password)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        name = self._server.names.get(key.public_data, "a key")
        accepted = any(key.public_data == known.public_data for known in self._server.client_keys)
        # An accepted key comes twice: as a question, then with its signature.
        return accepted if accepted and self._server.offers[-1:] == [name] else self._answer(name, accepted)

    def validate_ca_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        accepted = any(key.public_data == known.public_data for known in self._server.authorities)
        return accepted if accepted and self._server.offers else self._answer("a certificate", accepted)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True
