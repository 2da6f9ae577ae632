"""The sessions of a login: a shell or a command for each channel, with a terminal or without."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import asyncssh

from gputui.sim.shell.logins import new_shell
from gputui.sim.shell.streams import BrokenPipe, Buffered, Output, Pipe, Stream

from .authentication import LoginServer
from .endpoints import Endpoint
from .sftp import SimulatedSftp
from .terminal import Process, Terminal

_INTERRUPTED = 130


def sftp_session(channel: asyncssh.SSHServerChannel[bytes]) -> SimulatedSftp:
    """The files of a pod or machine for one channel."""
    login = channel.get_connection().get_owner()
    assert isinstance(login, LoginServer)  # noqa: S101  what server_factory makes
    endpoint = login.endpoint
    assert endpoint.host is not None  # noqa: S101  every endpoint has a host once it answers
    return SimulatedSftp(channel, endpoint.host, endpoint.pod, endpoint.user)


async def run_session(process: Process) -> None:
    """A shell or a command for one channel, ended when the channel is."""
    login = process.channel.get_connection().get_owner()
    assert isinstance(login, LoginServer)  # noqa: S101  what server_factory makes
    work = asyncio.create_task(_Session(login.endpoint, process).run())
    gone = asyncio.create_task(process.wait_closed())
    await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    for task in (work, gone):
        task.cancel()
    with contextlib.suppress(asyncssh.Error, OSError, asyncio.CancelledError, BrokenPipe):
        await work


class _Session:
    """The session of one channel."""

    def __init__(self, endpoint: Endpoint, process: Process) -> None:
        assert endpoint.host is not None  # noqa: S101  every endpoint has a host once it answers
        self._process = process
        self._endpoint = endpoint
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
        own = endpoint.host.shells[self._shell.session.pid]
        own.end = self._end
        own.login = f"sshd: {own.user}@{'notty' if self._terminal is None else 'pts/0'}"

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
            status = await self._shell.finish(self._run())
        finally:
            pump.cancel()
            self._shell.session.close()
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
