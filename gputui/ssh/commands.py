"""Commands without a terminal over a connection: their output and their end."""

from __future__ import annotations

from contextlib import suppress

import asyncssh

from gputui.errors import SshError, UnreachableError
from gputui.ssh.awake import awake_timeout
from gputui.ssh.client import Connection
from gputui.ssh.failures import explain

OUTPUT_LIMIT = 4 * 2**20
"""Bytes of output that are read of one command."""
_CHUNK = 65536


class Command:
    """A running command. ``output`` has the bytes read so far, output and errors together."""

    def __init__(
        self, connection: Connection, process: asyncssh.SSHClientProcess[bytes], limit: int = OUTPUT_LIMIT
    ) -> None:
        self.connection = connection
        self.output = bytearray()
        self._process = process
        self._limit = limit

    @property
    def ended(self) -> bool:
        """Whether the server has reported the end of the command, or of its output; False where the link broke."""
        silent = self._process.stdout.at_eof() and not self.connection.closed
        return silent or self._process.returncode is not None

    @property
    def status(self) -> int | None:
        """The exit status, 128 + N after signal N; None while it runs and where it is unknown."""
        status = self._process.returncode
        return status if status is None or status >= 0 else 128 - status

    @property
    def overflowed(self) -> bool:
        """Whether the output is longer than the limit."""
        return len(self.output) > self._limit

    async def read(self, timeout: float | None, *, until: bytes | None = None) -> bool:
        """Read until the end, or up to ``until``; False when ``timeout`` seconds pass before that, in which this
        process runs.

        The limit of the output counts as the end. Raises SshError when the connection is lost.
        """
        try:
            async with awake_timeout(timeout):
                while until is None or until not in self.output:
                    chunk = await self._process.stdout.read(_CHUNK)
                    self.output += chunk
                    if self.overflowed:
                        return True
                    if not chunk:
                        await self._process.wait_closed()
                        break
        except TimeoutError:
            return False
        except (OSError, asyncssh.Error) as error:
            raise (self._lost() if self.connection.closed else explain(error, self._where)) from error
        if self.status is None and until is None and self.connection.closed:
            raise self._lost()
        return True

    @property
    def _where(self) -> str:
        return self.connection.endpoint.where

    def _lost(self) -> SshError:
        return UnreachableError(f"The connection to {self._where} was lost while the command ran.")

    def end(self) -> None:
        """Kill the command if it runs. Where the server ignores the signal (OpenSSH as root) it ends at its next
        write.
        """
        if not self.ended:
            with suppress(OSError):
                self._process.kill()
        self._process.channel.abort()


async def start(connection: Connection, command: str, *, limit: int = OUTPUT_LIMIT) -> Command:
    """Start ``command`` with a closed stdin, so that nothing that reads from there waits. Raises SshError."""
    try:
        process = await connection.ssh.create_process(
            command, stdin=asyncssh.DEVNULL, stderr=asyncssh.STDOUT, encoding=None
        )
    except (OSError, asyncssh.Error) as error:
        raise explain(error, connection.endpoint.where) from error
    return Command(connection, process, limit)
