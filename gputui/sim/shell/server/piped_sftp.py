"""The SFTP server as a program, as OpenSSH has it: SFTP over its input and output, such as in a container."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

import asyncssh
from asyncssh.logging import logger
from asyncssh.sftp import SFTPServerHandler

from gputui.sim.shell.shell import Shell
from gputui.sim.shell.streams import BrokenPipe

from .sftp import SimulatedSftp


class _Pipes:
    """The streams of a program in place of an SSH channel, its reader and its writer."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._unsent: asyncio.Queue[bytes] = asyncio.Queue()
        self.logger = logger
        self.channel = self
        self.closed = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        """There is no connection to know anything of."""
        return default

    def is_closing(self) -> bool:
        """Whether the client has gone."""
        return self.closed

    async def readexactly(self, size: int) -> bytes:
        """Return so many bytes. Raises IncompleteReadError at the end of the input."""
        data = await self._shell.streams[0].rest(size)
        if len(data) < size:
            raise asyncio.IncompleteReadError(data, size)
        return data

    def write(self, data: bytes) -> None:
        """Send an answer when its turn comes."""
        self._unsent.put_nowait(data)

    async def send(self) -> None:
        """Send the answers one after the other."""
        with suppress(BrokenPipe):
            while True:
                await self._shell.streams[1].write(await self._unsent.get())
                self._unsent.task_done()
        self.closed = True

    async def sent(self) -> None:
        """Return once all answers are sent."""
        await self._unsent.join()

    def close(self) -> None:
        """The session has ended."""

    def exit(self, status: int) -> None:
        """The program ends with this."""


async def serve(shell: Shell) -> int:
    """Serve the files of the shell's machine or container until the input ends."""
    pipes = _Pipes(shell)
    channel = cast("asyncssh.SSHServerChannel[bytes]", pipes)
    server = SimulatedSftp(channel, shell.host, shell.pod, shell.user)
    sending = asyncio.create_task(pipes.send())
    try:
        await SFTPServerHandler(server, cast(Any, pipes), cast(Any, pipes), 3).run()
        await asyncio.wait({sending, waiting := asyncio.ensure_future(pipes.sent())}, return_when="FIRST_COMPLETED")
        waiting.cancel()
    finally:
        sending.cancel()
    return 0
