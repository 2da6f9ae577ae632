"""The ProxyCommand of a host: a process of the user's shell whose input and output are the connection.

asyncssh's own takes what the command prints on its standard error for a part of the connection, and runs no shell.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

from gputui.errors import SshError, reason_of
from gputui.text import clean

_END_SECONDS = 0.5
_MOST_BYTES = 4096


class ProxyCommand:
    """Starts a command for each connection, and ends them all; its messages are stored for :meth:`failure`."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._processes: list[tuple[asyncio.subprocess.Process, asyncio.ReadTransport, _Listener]] = []
        self._said = b""

    async def open(self) -> socket.socket:
        """Start the command; return this end of its connection. Raises SshError where the shell does not start."""
        ours, its = socket.socketpair()
        # A pipe that asyncio makes would delay the end until every program that has it open has ended.
        messages, its_messages = os.pipe()
        shell = os.environ.get("SHELL") or "/bin/sh"
        self._said = b""
        listener, loop = _Listener(self._keep), asyncio.get_running_loop()
        listening, _ = await loop.connect_read_pipe(lambda: listener, os.fdopen(messages, "rb", 0))
        try:
            process = await asyncio.create_subprocess_exec(
                *(shell, "-c", f"exec {self._command}"),
                stdin=its.fileno(),
                stdout=its.fileno(),
                stderr=its_messages,
                # Without a terminal: it could neither ask there nor write into a full screen.
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            listening.close()
            raise SshError(f"The shell {clean(shell)} does not start: {reason_of(error)}.") from error
        finally:
            its.close()
            os.close(its_messages)
        ours.setblocking(False)
        self._processes.append((process, listening, listener))
        return ours

    async def failure(self, where: str) -> SshError:
        """Return the error of a connection that failed: the exit status of the command, and its last message."""
        if not self._processes:
            return SshError(f"The ProxyCommand of {where} was not started in time.", hint="Is this machine busy?")
        process, _, listener = self._processes[-1]
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
                await listener.ended.wait()
        lines = clean(self._said.decode("utf-8", "replace"), multiline=True).strip().splitlines()
        said = f": {lines[-1].strip().rstrip('.')}" if lines else ""
        status = process.returncode
        ended = f"failed with exit status {status}" if status else "did not connect to an SSH server"
        return SshError(
            f"The ProxyCommand of {where} {ended}{said}.", hint="Correct it in the OpenSSH configuration of the host."
        )

    async def close(self) -> None:
        """End every process that still runs, with its children.

        One that has ended gets no signal: its id may be another group's by now.
        """
        processes, self._processes = self._processes, []
        for process, listening, _ in processes:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            listening.close()
            await process.wait()

    def _keep(self, said: bytes) -> None:
        self._said = (self._said + said)[-_MOST_BYTES:]


class _Listener(asyncio.Protocol):
    """Takes what a command prints."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Take a piece."""
        self._take(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that there is no more."""
        self.ended.set()
