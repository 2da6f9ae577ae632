"""An SSH server whose login shell is a real program of this machine, each command in a session of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress

import asyncssh
from asyncssh.packet import UInt32

from tests.ssh.servers import Server


class ShellServer(Server):
    """Runs ``[*shell, command]`` for every command. ``processes`` are those that were started.

    ``reports_at_once``: the exit status is sent before the output has ended, as sshd does.
    """

    def __init__(self, shell: Sequence[str] = ("/bin/sh", "-c"), *, reports_at_once: bool = False) -> None:
        super().__init__()
        self.shell = list(shell)
        self._reports_at_once = reports_at_once
        self.processes: list[asyncio.subprocess.Process] = []
        self.commands: list[str] = []
        self._programs: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        await super().stop()
        for program in self._programs:
            program.cancel()
        await asyncio.gather(*self._programs, return_exceptions=True)

    async def _program(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._programs.add(task)
        task.add_done_callback(self._programs.discard)
        self.commands.append(process.command or "")
        pipe = asyncio.subprocess.PIPE
        running = await asyncio.create_subprocess_exec(
            *self.shell, process.command or "", stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
        self.processes.append(running)
        self.started.set()
        feeding = asyncio.create_task(_feed(process, running))
        try:
            copied = asyncio.gather(_copy(running.stdout, process.stdout), _copy(running.stderr, process.stderr))
            if self._reports_at_once:
                while running.returncode is None:  # noqa: ASYNC110  (wait() awaits the end of the output, too)
                    await asyncio.sleep(0.01)
                process.channel._send_request(b"exit-status", UInt32(running.returncode))
            await copied
            status = await running.wait()
            if status < 0:
                process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
            else:
                process.exit(status)
        except (OSError, asyncssh.Error):
            pass
        finally:
            feeding.cancel()
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(running.pid, signal.SIGKILL)
            running._transport.close()  # type: ignore[attr-defined]  # its pipes, before the loop ends


async def _copy(source: asyncio.StreamReader | None, sink: asyncssh.SSHWriter[bytes]) -> None:
    while source is not None and (piece := await source.read(65536)):
        sink.write(piece)
        await sink.drain()


async def _feed(process: asyncssh.SSHServerProcess[bytes], running: asyncio.subprocess.Process) -> None:
    assert running.stdin is not None
    with suppress(OSError, asyncssh.Error):
        while piece := await process.stdin.read(65536):
            running.stdin.write(piece)
            await running.stdin.drain()
        running.stdin.close()
