"""The raw shell: connects the local terminal to a remote program and always restores it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import asyncssh

from gputui.errors import SshError
from gputui.late_dataclasses import dataclass
from gputui.ssh.client import Connection
from gputui.ssh.failures import explain
from gputui.ssh.job_control import Handler, JobControl
from gputui.ssh.terminal import LocalTerminal
from gputui.text import clean

# Output in transit when ctrl+c is typed is still shown: a small window limits it.
_WINDOW = 256 * 1024
_DRAIN_SECONDS = 5.0
_DEFAULT_TERM = "xterm-256color"
_LINE_ENDS = b"\r\n"


@dataclass(frozen=True, slots=True)
class ShellEnd:
    """The end of a session. ``message`` is empty after an ordinary exit, else safe to display.

    ``exit_status`` is None when the remote side did not report one; ``signal`` (``KILL``) when a signal ended it;
    ``dropped`` when the connection was lost.
    """

    exit_status: int | None
    signal: str | None = None
    dropped: bool = False
    message: str = ""


class EscapeFilter:
    """Finds ``~.`` typed at the start of a line, as in OpenSSH; ``~~`` there sends one ``~``."""

    def __init__(self) -> None:
        self._line_start = True
        self._tilde = False

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """Return the part of ``data`` to send, and whether to hang up."""
        if not self._tilde and b"~" not in data:
            self._line_start = data[-1:] in (b"\r", b"\n") if data else self._line_start
            return data, False
        out = bytearray()
        for byte in data:
            if self._tilde:
                self._tilde = False
                if byte == ord("."):
                    return bytes(out), True
                if byte != ord("~"):
                    out += b"~"
            elif byte == ord("~") and self._line_start:
                self._tilde = True
                self._line_start = False
                continue
            out.append(byte)
            self._line_start = byte in _LINE_ENDS
        return bytes(out), False


async def interactive(
    connection: Connection,
    *,
    term: str | None = None,
    command: str | None = None,
    stdin_fd: int = 0,
    stdout_fd: int = 1,
) -> ShellEnd:
    """Connect the terminal to a login shell or to ``command`` until it ends; ``~.`` at a line's start hangs up.

    The terminal's settings and modes are restored afterwards, also on cancellation and errors. SIGTERM and SIGHUP
    without a handler restore the terminal first and then end the program. Raises SshError when there is no terminal
    or the session cannot be opened.
    """
    session = _Session(connection)
    # One terminal at a time has the size signal, so the handlers are taken and given back around everything.
    with LocalTerminal(stdin_fd, stdout_fd, session.output_slow) as terminal:
        session.terminal = terminal
        try:
            with _signals(session), JobControl(stdin_fd, terminal.suspend, session.resume):
                await session.open(command, term or os.environ.get("TERM") or _DEFAULT_TERM)
                end = await session.ended
                await session.show_rest()
        finally:
            session.close()
    if session.killed_by is not None:
        os.kill(os.getpid(), session.killed_by)
    return end


class _Session(asyncssh.SSHClientSession[bytes]):
    """Moves bytes between one channel and the terminal, each side pausing the other."""

    terminal: LocalTerminal

    def __init__(self, connection: Connection) -> None:
        self.ended: asyncio.Future[ShellEnd] = asyncio.get_running_loop().create_future()
        self.killed_by: signal.Signals | None = None
        self._connection = connection
        self._escapes = EscapeFilter()
        self._taking_all = False
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None

    async def open(self, command: str | None, term: str) -> None:
        """Start the remote program with a terminal of this size. Raises SshError."""
        try:
            self._channel, _ = await self._connection.ssh.create_session(
                lambda: self,
                command,
                env=_locale(),
                term_type=term,
                term_size=self.terminal.size,
                encoding=None,
                window=_WINDOW,
            )
        except (OSError, asyncssh.Error) as error:
            if self._connection.closed:
                raise SshError(f"The connection to {self._connection.endpoint.where} was lost.") from error
            raise explain(error, self._connection.endpoint.where) from error
        self.terminal.start_input(self._typed)

    def close(self) -> None:
        """Close the channel immediately."""
        if self._channel is not None:
            self._channel.abort()

    async def show_rest(self) -> None:
        """Show the output received before the end; the wait for a blocked terminal is short."""
        if not self.ended.result().message:
            with suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN_SECONDS):
                    await self.terminal.drain()

    def resize(self) -> None:
        """Send the terminal's size to the remote side."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.change_terminal_size(*self.terminal.size)

    def resume(self) -> None:
        """Take the terminal again after the program was stopped, and have the remote program draw: as on a resize."""
        self.terminal.resume()
        if self._channel is not None and not self._channel.is_closing():
            columns, rows, *pixels = self.terminal.size
            self._channel.change_terminal_size(columns, max(1, rows - 1), *pixels)
            self._channel.change_terminal_size(columns, rows, *pixels)

    def end_by(self, number: signal.Signals) -> None:
        """A signal that ends this program: end the session first."""
        self.killed_by = number
        self._end(ShellEnd(None, message=f"Ended by {number.name}."))

    def output_slow(self, slow: bool) -> None:
        """The terminal is behind, or has caught up."""
        if self._channel is None or self._taking_all:
            return
        if not slow:
            # asyncssh reopens the whole window with the first packet it delivers, whatever it has buffered:
            # pausing before its buffer is empty would add a window each time.
            self._taking_all = True
            self._channel.resume_reading()
            self._taking_all = False
        if self.terminal.slow:
            self._channel.pause_reading()

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Show it; with a terminal, output and errors are one stream."""
        if not self.ended.done():
            self.terminal.write(data)

    def pause_writing(self) -> None:
        """The network is slower than the input."""
        self.terminal.pause_input()

    def resume_writing(self) -> None:
        """It has caught up."""
        self.terminal.resume_input()

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed: by the remote program's end, or with the connection."""
        where = self._connection.endpoint.where
        status = None if self._channel is None else self._channel.get_exit_status()
        killed = None if self._channel is None else self._channel.get_exit_signal()
        if killed is not None:
            name = clean(killed[0])
            self._end(ShellEnd(None, signal=name, message=f"The shell on {where} was ended by SIG{name}."))
        elif exc is not None and status is None:
            self._end(ShellEnd(None, dropped=True, message=f"The connection to {where} was lost."))
        else:
            self._end(ShellEnd(status))

    def _typed(self, data: bytes) -> None:
        if not data:
            self._end(ShellEnd(None, message="The terminal was closed."))
            return
        data, hang_up = self._escapes.feed(data)
        if data and self._channel is not None and not self._channel.is_closing():
            self._channel.write(data)
        if hang_up:
            self._end(ShellEnd(None, message=f"Hung up on {self._connection.endpoint.where}."))

    def _end(self, end: ShellEnd) -> None:
        if not self.ended.done():
            self.ended.set_result(end)


@contextmanager
def _signals(session: _Session) -> Iterator[None]:
    """Follow the window's size, and end cleanly on signals without another handler."""
    loop = asyncio.get_running_loop()
    taken: list[tuple[signal.Signals, Handler]] = [(signal.SIGWINCH, signal.getsignal(signal.SIGWINCH))]
    loop.add_signal_handler(signal.SIGWINCH, session.resize)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            taken.append((number, signal.SIG_DFL))
            loop.add_signal_handler(number, session.end_by, number)
    try:
        yield
    finally:
        for number, before in taken:
            loop.remove_signal_handler(number)
            if before is not None:
                signal.signal(number, before)


def _locale() -> dict[str | bytes, str | bytes]:
    """The variables for the language and colours of remote programs; servers may ignore them."""
    return {
        name: value for name, value in os.environ.items() if name in ("LANG", "COLORTERM") or name.startswith("LC_")
    }
