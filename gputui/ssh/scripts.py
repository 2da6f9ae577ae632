"""Scripts run by ``sh`` over a connection: output and errors apart as they come, their end, and their end by force.

The login shell there may be any: it is given one constant command, in single quotes that sh, fish and tcsh read
alike. That prints a mark on both outputs and reads the script from stdin. The script is sent only once both marks are
there, so that a start-up file that reads, a menu or another program never gets a part of it, and a failure before
that is certain to have run nothing. What start-up files print is before the marks and is dropped.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from enum import StrEnum

import asyncssh

from gputui.errors import GputuiError, InvalidError, SshError, UnknownOutcomeError
from gputui.late_dataclasses import dataclass
from gputui.models import SSHTarget
from gputui.ssh import commands
from gputui.ssh.client import Connection
from gputui.ssh.containers import command_in
from gputui.ssh.failures import explain
from gputui.text import clean

_Shell = tuple[int, int]
"""The process ids of a shell and of the leader of its group; 0 where others may be in that."""
Write = Callable[[bytes], Awaitable[None]]
"""Takes a piece of output; the next is read once it has returned."""

START_SECONDS = 15.0
"""The time limit for the login shell to start the command."""
LONGEST_SCRIPT = 2**20
"""Bytes of a script for sh."""
LONGEST_ARGUMENT = 120_000
"""Bytes of a script for another interpreter: Linux takes 128 KiB as one argument."""
_MARK = "@gputui run"
_MARKED = re.compile(rb"(?:^|\n)@gputui run (\d{1,10}) (\d{1,10})\r?\n")
_LONGEST_PREAMBLE = 2**18
_CHUNK = 2**16
_EXCERPT = 120
_LINGER_SECONDS = 1.0
"""Seconds without output after which a command that has ended is not awaited: its children may keep the output."""
_LOOK_SECONDS = 1.0
"""Seconds between two looks for such an end; all else that ends a script is noticed when it happens."""
_TERM_SECONDS = 5.0
"""Seconds between TERM and KILL."""
_KILL_SECONDS = 2.0
_SIGNAL_SECONDS = 5.0
_SHELLS = frozenset({"sh", "dash", "ash"})
_OTHERS = re.compile(r"(?:bash|zsh|ksh|mksh|python[\d.]*)")
_SHEBANG = re.compile(r"#!\s*(\S+)(?:[ \t]+([^\n]*))?")

_START = (
    # The process group, where there is a /proc: of fish and tcsh the login shell is its leader. Of another leader,
    # such as an SSH server or the first process of a container, the group has more than this script.
    "read -r g 2>/dev/null </proc/$$/stat; g=${g##*) }; set -- $g; "
    "case ${3:-$$} in $$) g=$$;; 0|1) g=0;; $2) read -r g 2>/dev/null </proc/$2/comm; "
    "case $g in *ssh) g=0;; *sh|nu|elvish) g=$2;; *) g=0;; esac;; *) g=0;; esac; set --; "
    rf'g="$$ $g"; printf "\n{_MARK} %s\n" "$g"; printf "\n{_MARK} %s\n" "$g" >&2; '
)


class Reason(StrEnum):
    """Why a script was ended from here."""

    TIMEOUT = "timeout"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a script.

    ``status`` is its exit status; None after a ``signal`` (``KILL``), and where neither was reported. ``reason``: it
    was ended from here. ``may_run``: it was not seen to end. ``open``: it has ended and others that it started have
    its output open, which is not read any further.
    """

    status: int | None
    signal: str = ""
    reason: Reason | None = None
    may_run: bool = False
    open: bool = False


def command_line(length: int = 0) -> str:
    """Return the command that starts sh; with a ``length`` in bytes the rest of stdin is the script's own."""
    read = f"s=$(dd bs=1 count={length} 2>/dev/null); " if length else "s=$(cat); exec </dev/null; "
    return f"sh -c '{_START}{read}eval \"unset s g; $s\"'"


def script_for_sh(text: str) -> str:
    """Return a script as sh runs it: one that begins with ``#!`` names its own shell, or python.

    Raises InvalidError for any other interpreter, and for a script that is too long.
    """
    first = _SHEBANG.match(text)
    words = [first[1], *shlex.split(first[2] or "")] if first is not None else ["sh"]
    if words[0].rpartition("/")[2] == "env":
        words = [word for word in words[1:] if word != "-S"] or ["sh"]
    name = words[0].rpartition("/")[2]
    size, most = len(text.encode()), LONGEST_SCRIPT
    if name not in _SHELLS or words[1:]:
        most = LONGEST_ARGUMENT
        if name not in _SHELLS and _OTHERS.fullmatch(name) is None:
            raise InvalidError(
                f"The script is for {clean(name)}: only scripts for sh, bash, zsh, ksh and python can be sent.",
                hint="Copy it there, then run it by its path.",
            )
        text = f"exec {shlex.join([*words, '-c', text])}"
    if size > most:
        raise InvalidError(
            f"The script has {size:,} bytes; at most {most:,} can be sent.", hint="Copy it there first."
        )
    return text


async def run(
    connection: Connection,
    script: str,
    *,
    stdout: Write,
    stderr: Write,
    target: SSHTarget | None = None,
    timeout: float | None = None,
    stdin: AsyncIterator[bytes] | None = None,
    stop: asyncio.Event | None = None,
    started: Callable[[], None] = lambda: None,
) -> Ended:
    """Run a script at ``target``, by default where the connection ends; its stdin is empty unless one is given.

    After ``timeout`` seconds, and when ``stop`` is set, it gets TERM, then KILL, with its process group. ``started``
    is called when it has been sent. Raises SshError where nothing was run, UnknownOutcomeError where the connection
    was lost while it ran; exceptions of the writers after it was ended. When cancelled it gets TERM.
    """
    data = script.encode("utf-8", "replace")
    line = command_line(len(data) if stdin is not None else 0)
    try:
        process = await connection.ssh.create_process(command_in(target, line), encoding=None)
    except (OSError, asyncssh.Error) as error:
        raise explain(error, connection.endpoint.where) from error
    running = _Running(connection, process, target, stop or asyncio.Event())
    try:
        return await running.run(data, stdout, stderr, timeout, stdin, started)
    finally:
        await running.close()


class _Output:
    """One of the outputs: what is before the mark is kept as an excerpt, the rest is written."""

    def __init__(self, reader: asyncssh.SSHReader[bytes], write: Write) -> None:
        self._reader = reader
        self._write = write
        self.preamble = bytearray()
        self.shell: asyncio.Future[_Shell | None] = asyncio.get_running_loop().create_future()
        """The shell of the mark; None where the output ended before one."""
        self.moved = 0.0

    async def pump(self) -> None:
        """Read to the end."""
        loop = asyncio.get_running_loop()
        try:
            while chunk := await self._read():
                self.moved = loop.time()
                if not self.shell.done():
                    chunk = self._after_mark(chunk)
                if chunk:
                    await self._write(chunk)
        finally:
            if not self.shell.done():
                self.shell.set_result(None)

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(_CHUNK)
        except (OSError, asyncssh.Error):
            return b""  # the state of the connection says why

    def _after_mark(self, chunk: bytes) -> bytes:
        searched = max(0, len(self.preamble) - 64)
        self.preamble += chunk
        found = _MARKED.search(self.preamble, searched)
        if found is None:
            if len(self.preamble) > _LONGEST_PREAMBLE:
                self.shell.set_result(None)
            return b""
        self.shell.set_result((int(found[1]), int(found[2])))
        rest = bytes(self.preamble[found.end() :])
        del self.preamble[found.start() :]
        return rest


async def _marks_of(first: _Output, second: _Output) -> tuple[_Shell | None, _Shell | None]:
    return await first.shell, await second.shell


class _Running:
    """A script from the start of its shell to its end."""

    def __init__(
        self,
        connection: Connection,
        process: asyncssh.SSHClientProcess[bytes],
        target: SSHTarget | None,
        stop: asyncio.Event,
    ) -> None:
        self._connection = connection
        self._process = process
        self._target = target
        self._stop = stop
        self._shell: _Shell | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ended = False

    async def run(
        self,
        data: bytes,
        stdout: Write,
        stderr: Write,
        timeout: float | None,
        stdin: AsyncIterator[bytes] | None,
        started: Callable[[], None],
    ) -> Ended:
        """Wait for the shell, send the script, wait for its end or end it."""
        outputs = (_Output(self._process.stdout, stdout), _Output(self._process.stderr, stderr))
        pumps = [asyncio.create_task(output.pump()) for output in outputs]
        self._tasks += pumps
        self._shell = await self._wait_for_shell(outputs)
        try:
            self._process.stdin.write(data)
            if stdin is None:
                self._process.stdin.write_eof()
        except (OSError, asyncssh.Error) as error:
            raise self._lost() from error
        started()
        if stdin is not None:
            self._tasks.append(asyncio.create_task(self._feed(stdin)))
        return await self._wait_for_end(outputs, pumps, timeout)

    async def close(self) -> None:
        """Release the channel; a script that still runs gets TERM before."""
        for task in self._tasks:
            task.cancel()
        if self._shell is not None and not self._ended:
            with suppress(asyncio.CancelledError):
                await self._signal("TERM")
        self._process.channel.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _wait_for_shell(self, outputs: tuple[_Output, _Output]) -> _Shell:
        marks = asyncio.create_task(_marks_of(*outputs))
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({marks, stopped}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            first, second = marks.result() if marks.done() else (None, None)
        finally:
            stopped.cancel()
            marks.cancel()
        if first is not None and first == second:
            return first
        where = self._connection.endpoint.where
        if self._connection.closed:
            raise SshError(f"The connection to {where} was lost before the command started.")
        if self._stop.is_set():
            raise SshError(f"{where}: stopped before the command started.")
        raise self._not_started(outputs, ended=marks.done())

    def _not_started(self, outputs: tuple[_Output, _Output], *, ended: bool) -> SshError:
        """Return the error of a login that ends in something else than a shell."""
        said = b" ".join(bytes(output.preamble[: 4 * _EXCERPT]) for output in outputs).decode("utf-8", "replace")
        words = " ".join(clean(said, multiline=True).split())
        excerpt = f" It printed {words[:_EXCERPT]!r}." if words else ""
        where, status = self._connection.endpoint.where, self._process.returncode
        if ended:
            end = f" (exit status {status})" if status is not None and status >= 0 else ""
            return SshError(
                f"The login shell of {where} did not start sh{end}; nothing was run.{excerpt}",
                hint="Log in to look: a restricted shell or another program may be set there.",
            )
        return SshError(
            f"The login shell of {where} started no command within {START_SECONDS:.0f} s; nothing was run.{excerpt}",
            hint="A start-up file there (~/.bashrc) may wait for input or start a menu. Log in to look.",
        )

    async def _feed(self, stdin: AsyncIterator[bytes]) -> None:
        with suppress(OSError, asyncssh.Error):  # the command may close its stdin, or end, before
            async for piece in stdin:
                self._process.stdin.write(piece)
                await self._process.stdin.drain()
            self._process.stdin.write_eof()

    async def _wait_for_end(
        self, outputs: tuple[_Output, _Output], pumps: list[asyncio.Task[None]], timeout: float | None
    ) -> Ended:
        loop = asyncio.get_running_loop()
        ends = None if timeout is None else loop.time() + timeout
        reason: Reason | None = None
        for signal, seconds in (("", None), ("TERM", _TERM_SECONDS), ("KILL", _KILL_SECONDS)):
            if signal:
                await self._signal(signal)
                ends = loop.time() + (seconds or 0)
            if (end := await self._end_until(outputs, pumps, ends, heed_stop=not signal)) is not None:
                self._ended = True
                return Ended(end.status, end.signal, reason, open=end.open)
            if reason is None:
                reason = Reason.STOPPED if self._stop.is_set() else Reason.TIMEOUT
        self._ended = True  # no further signal
        return Ended(None, "", reason, may_run=True)

    async def _end_until(
        self,
        outputs: tuple[_Output, _Output],
        pumps: list[asyncio.Task[None]],
        ends: float | None,
        *,
        heed_stop: bool,
    ) -> Ended | None:
        """Return the end of the script; None at the time ``ends``, or when it is to stop."""
        loop = asyncio.get_running_loop()
        stopped = asyncio.create_task(self._stop.wait())
        waited = {*pumps, stopped} if heed_stop else set(pumps)
        try:
            while True:
                left = _LOOK_SECONDS if ends is None else max(0.0, min(_LOOK_SECONDS, ends - loop.time()))
                done, _ = await asyncio.wait(waited, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                waited -= {task for task in done if task is not stopped}
                for task in done - {stopped}:
                    task.result()
                if all(pump.done() for pump in pumps):
                    return await self._reported(ends)
                if self._connection.closed:
                    raise self._lost()
                ended = self._process.returncode is not None
                # One that was ended by force may be the login shell alone: the script has the output open as well.
                if ended and heed_stop:
                    if loop.time() - max(output.moved for output in outputs) > _LINGER_SECONDS:
                        return self._end(open_=True)
                elif (heed_stop and self._stop.is_set()) or (ends is not None and loop.time() >= ends):
                    return None
        finally:
            stopped.cancel()

    async def _reported(self, ends: float | None) -> Ended | None:
        """Return the end after the last output: its status comes behind that."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(ends):
                await self._process.wait_closed()
        if self._process.returncode is None:
            if self._connection.closed:
                raise self._lost()
            if not self._process.channel.is_closing():
                return None
        return self._end()

    def _end(self, *, open_: bool = False) -> Ended:
        signal = self._process.exit_signal
        if signal is not None:
            return Ended(None, clean(signal[0]), open=open_)
        return Ended(self._process.exit_status, open=open_)

    def _lost(self) -> UnknownOutcomeError:
        where = self._connection.endpoint.where
        return UnknownOutcomeError(
            f"The connection to {where} was lost while the command ran.",
            hint="It may have ended, and it may still run: look there before you run it again.",
        )

    async def _signal(self, name: str) -> None:
        """Signal the script's process group by a second command, as sshd signals nothing as root.

        Where others may be in the group: the script's shell and what that started itself.
        """
        if self._shell is None or self._connection.closed:
            return
        pid, group = self._shell
        if group > 1:
            kill = f"kill -s {name} -- -{group} 2>/dev/null || kill -s {name} {pid} 2>/dev/null"
        else:
            kill = f"kill -s {name} {pid} $(cat /proc/{pid}/task/{pid}/children 2>/dev/null) 2>/dev/null"
        sent = False
        with suppress(GputuiError):
            command = await commands.start(self._connection, command_in(self._target, f"sh -c '{kill}'"))
            try:
                sent = await command.read(_SIGNAL_SECONDS) and command.status == 0
            finally:
                command.end()
        if not sent:
            with suppress(OSError):
                self._process.send_signal(name)
