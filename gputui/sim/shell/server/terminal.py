"""The pseudo-terminal of a simulated shell: keys, echo, a history of lines, window size, ctrl+c."""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import asyncssh

from gputui.sim.shell.language.errors import AbandonedError, IncompleteError, ShellSyntaxError
from gputui.sim.shell.language.parser import parse
from gputui.sim.shell.streams import Output, Stream

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_KEY = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1bO.|\x1b[^\x1b]|.", re.DOTALL)
_QUEUED_KEYS = 65_536
_INTERRUPTED = 130
Process = asyncssh.SSHServerProcess[bytes]


class Terminal:
    """Reads keys from an SSH session and draws on it. Lines are edited at their end alone."""

    def __init__(self, process: Process) -> None:
        columns, rows = process.term_size[:2]
        self.size = (columns or 80, rows or 24)
        """Columns and rows, as last reported by the client."""
        self.raw = False
        """Whether keys, ctrl+c among them, go to a full-screen program."""
        self.stream: Stream = _TerminalStream(self)
        """The input of programs, a line at a time, and their output."""
        self._process = process
        self._foreground: list[asyncio.Task[int]] = []
        self._keys: asyncio.Queue[str | None] = asyncio.Queue(_QUEUED_KEYS)
        self._history: list[str] = []

    async def pump(self) -> None:
        """Read the keys of the client until it ends. Runs concurrently with the shell."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while True:
            try:
                data = await self._process.stdin.read(4096)
            except asyncssh.TerminalSizeChanged as change:
                self.size = (change.width or 80, change.height or 24)
                if self.raw:
                    await self._keys.put("")
                continue
            except (asyncssh.BreakReceived, asyncssh.SignalReceived):
                self.interrupt()
                continue
            if not data:
                await self._keys.put(None)
                return
            for key in _KEY.findall(decoder.decode(data)):
                if key == "\x03" and not self.raw:
                    self.interrupt()
                await self._keys.put(key)

    def interrupt(self) -> None:
        """End what runs in the foreground, as ctrl+c does."""
        if self._foreground:
            self._foreground[-1].cancel()

    async def in_foreground(self, work: Coroutine[Any, Any, int]) -> int:
        """Run a command that ctrl+c ends, and return its status."""
        task = asyncio.create_task(work)
        self._foreground.append(task)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelled():
                task.cancel()  # the session itself is ending
                raise
            self.forget_keys()
            await self.write("^C\r\n")
            return _INTERRUPTED
        finally:
            self._foreground.remove(task)
            self.raw = False

    async def interact(self, shell: Shell) -> int:
        """Read commands until the end of the input and run them; return the status of the last one.

        Raises ShellExitError where one ends the shell.
        """
        text = ""
        while True:
            line = await self.line("> " if text else shell.prompt)
            if line is None:
                await self.write("logout\r\n")
                return shell.status
            text = f"{text}\n{line}" if text else line
            try:
                parse(text)
            except IncompleteError:
                continue
            except ShellSyntaxError:
                pass  # the shell says what is wrong with it
            if text.strip():
                try:
                    shell.status = await self.in_foreground(shell.run(text))
                except AbandonedError as problem:
                    shell.status = problem.status
            text = ""

    async def write(self, text: str) -> None:
        """Send text unchanged."""
        self._process.stdout.write(text.encode("utf-8", "replace"))
        await self._process.stdout.drain()

    async def key(self, timeout: float) -> str | None:
        """Return the next key for a full-screen program.

        "" after a change of the window's size, None after ``timeout`` real seconds.
        """
        self.raw = True
        try:
            key = await asyncio.wait_for(self._keys.get(), timeout)
        except TimeoutError:
            return None
        return "\x03" if key is None else key

    def forget_keys(self) -> None:
        """Discard the keys typed ahead, as a terminal does on ctrl+c."""
        while not self._keys.empty():
            if self._keys.get_nowait() is None:
                self._keys.put_nowait(None)
                return

    async def line(self, prompt: str) -> str | None:
        """Return a line as typed; "" after ctrl+c, None after ctrl+d or when the client has disconnected."""
        self.raw = False
        await self.write(prompt)
        text, recalled = "", len(self._history)
        while True:
            key = await self._keys.get()
            if key == "":  # a new window size that arrived after the full-screen program had ended
                continue
            if key is None or (key == "\x04" and not text):
                return None
            if key in ("\r", "\n"):
                await self.write("\r\n")
                if text.strip():
                    self._history.append(text)
                return text
            if key == "\x03":
                await self.write("^C\r\n")
                return ""
            if key.isprintable():
                text += key
                await self.write(key)
                continue
            if key in ("\x1b[A", "\x1bOA", "\x1b[B", "\x1bOB"):
                recalled = max(0, min(len(self._history), recalled + (-1 if key[-1] == "A" else 1)))
                text = self._history[recalled] if recalled < len(self._history) else ""
            else:
                text = edited(text, key)
            clear = "\x1b[H\x1b[2J" if key == "\x0c" else ""
            await self.write(f"{clear}\r{prompt}{text}\x1b[K")


class _TerminalStream(Output):
    """The terminal as the input and output of programs."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(lambda data: terminal.write(data.decode("utf-8", "replace").replace("\n", "\r\n")))
        self._terminal = terminal
        self._rest = b""

    async def read(self, size: int) -> bytes:
        if not self._rest:
            line = await self._terminal.line("")
            self._rest = b"" if line is None else f"{line}\n".encode()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def edited(text: str, key: str) -> str:
    """Return a line after backspace, ctrl+w (deletes a word) or ctrl+u (deletes all); other keys change nothing."""
    match key:
        case "\x7f" | "\x08":
            return text[:-1]
        case "\x17":
            return text.rstrip()[: text.rstrip().rfind(" ") + 1]
        case "\x15":
            return ""
        case _:
            return text
