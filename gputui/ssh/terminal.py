"""The local terminal during a remote session: raw, read and written without blocking, restored afterwards."""

from __future__ import annotations

import asyncio
import os
import select
import termios
import tty
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from gputui.errors import SshError, reason_of
from gputui.ssh.terminal_modes import TerminalModes

_HIGH_WATER = 64 * 1024
_LOW_WATER = 16 * 1024
_LAST_WORDS_SECONDS = 1.0
_NOT_A_TERMINAL = "An SSH shell needs a terminal, and this is not one."


class LocalTerminal:
    """A context: inside it the terminal is raw and input goes to a callback.

    Descriptors 0-2 are shared with every other program on this terminal, so they stay blocking: the terminal is
    opened again for the session. ``slow`` is True while the terminal accepts output more slowly than it arrives;
    ``on_slow`` is called on a change.
    """

    def __init__(self, stdin_fd: int, stdout_fd: int, on_slow: Callable[[bool], None]) -> None:
        if not (os.isatty(stdin_fd) and os.isatty(stdout_fd)):
            raise SshError(_NOT_A_TERMINAL, hint="For scripts and pipes: gputui exec REF -- COMMAND.")
        self._stdin_fd = stdin_fd
        self._stdout_fd = stdout_fd
        self._on_slow = on_slow
        self._on_input: Callable[[bytes], None] | None = None
        self._reading = False
        self._writing = False
        self.slow = False
        self._pending: deque[bytes] = deque()
        self._pending_size = 0
        self._drained = asyncio.Event()
        self._drained.set()
        self._modes = TerminalModes()

    def __enter__(self) -> LocalTerminal:
        self._loop = asyncio.get_running_loop()
        self._saved = termios.tcgetattr(self._stdin_fd)
        self._input = _open_again(self._stdin_fd, os.O_RDONLY)
        try:
            self._output = _open_again(self._stdout_fd, os.O_WRONLY)
        except BaseException:
            os.close(self._input)
            raise
        # TCSANOW: the other options wait for the output to drain, or discard the input typed ahead.
        tty.setraw(self._stdin_fd, termios.TCSANOW)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.pause_input()
        self._stop_writing()
        try:
            self._say_last(self._modes.undo())
        finally:
            try:
                termios.tcsetattr(self._stdin_fd, termios.TCSANOW, self._saved)
            except termios.error:
                # The terminal is closed: there is nothing to restore.
                pass
            finally:
                os.close(self._input)
                os.close(self._output)

    @property
    def size(self) -> tuple[int, int, int, int]:
        """Columns, rows, width and height in pixels (0 where the terminal does not report them)."""
        try:
            rows, columns = termios.tcgetwinsize(self._stdout_fd)
        except termios.error:
            rows, columns = 0, 0
        return (columns or 80, rows or 24, 0, 0)

    def start_input(self, on_input: Callable[[bytes], None]) -> None:
        """Call ``on_input`` with input; with ``b""`` once when the terminal is closed."""
        self._on_input = on_input
        self.resume_input()

    def pause_input(self) -> None:
        """Stop reading input for now."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._input)

    def resume_input(self) -> None:
        """Read on."""
        if not self._reading and self._on_input is not None:
            self._reading = True
            self._loop.add_reader(self._input, self._read)

    def write(self, data: bytes) -> None:
        """Show ``data``, immediately or as soon as the terminal accepts it."""
        self._modes.feed(data)
        if not self._pending:
            data = data[self._put(data) :]
            if not data:
                return
        self._pending.append(data)
        self._pending_size += len(data)
        self._drained.clear()
        if not self._writing:
            self._writing = True
            self._loop.add_writer(self._output, self._flush)
        if not self.slow and self._pending_size >= _HIGH_WATER:
            self.slow = True
            self._on_slow(True)

    def suspend(self) -> None:
        """Restore the terminal temporarily: the program is about to be stopped."""
        self._say_last(self._modes.undo())
        with suppress(termios.error):
            termios.tcsetattr(self._stdin_fd, termios.TCSANOW, self._saved)

    def resume(self) -> None:
        """Take it again, as it is found now."""
        with suppress(termios.error):
            self._saved = termios.tcgetattr(self._stdin_fd)
            tty.setraw(self._stdin_fd, termios.TCSANOW)
        self._say_last(self._modes.redo())

    async def drain(self) -> None:
        """Wait until everything is shown."""
        await self._drained.wait()

    def _read(self) -> None:
        try:
            data = os.read(self._input, 65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.pause_input()
        if self._on_input is not None:
            self._on_input(data)

    def _put(self, data: bytes) -> int:
        """Write as much as the terminal accepts; a closed one accepts everything, since its input reports the end."""
        try:
            return os.write(self._output, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            return len(data)

    def _flush(self) -> None:
        while self._pending:
            data = self._pending[0]
            written = self._put(data)
            self._pending_size -= written
            if written < len(data):
                self._pending[0] = data[written:]
                break
            self._pending.popleft()
        if self.slow and self._pending_size <= _LOW_WATER:
            self.slow = False
            self._on_slow(False)
        if not self._pending:
            self._stop_writing()

    def _stop_writing(self) -> None:
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._output)
        self._pending.clear()
        self._pending_size = 0
        self._drained.set()

    def _say_last(self, data: bytes) -> None:
        """Write the closing sequences, with a short wait for a slow terminal."""
        while data:
            written = self._put(data)
            data = data[written:]
            if not written and not select.select([], [self._output], [], _LAST_WORDS_SECONDS)[1]:
                return


def _open_again(descriptor: int, flags: int) -> int:
    """Open the terminal of ``descriptor`` again, non-blocking. Raises SshError."""
    flags |= os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        return os.open(os.ttyname(descriptor), flags)
    except OSError:
        # In a container entered from outside the terminal's name does not exist; use the controlling terminal.
        try:
            return os.open("/dev/tty", flags)
        except OSError as error:
            raise SshError(f"The terminal cannot be opened: {reason_of(error)}.") from error
