"""A person at a pseudo-terminal: types, sees, changes the window's size."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import termios
from collections.abc import Callable
from pathlib import Path

import pyte

from tests.tui.starting import start_on


class Terminal:
    """Both ends of a pseudo-terminal in this process; ``slave`` is what the program under test is given."""

    def __init__(self, *, reading: bool = True) -> None:
        self.master, self.slave = os.openpty()
        os.set_blocking(self.master, False)
        self.seen = bytearray()
        self.read_total = 0
        self._more = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.resize(80, 24, notify=False)
        self.before = self.settings()
        if reading:
            self.read_on()

    def settings(self) -> tuple[object, bool]:
        return termios.tcgetattr(self.slave), os.get_blocking(self.slave)

    def resize(self, columns: int, rows: int, *, notify: bool = True) -> None:
        termios.tcsetwinsize(self.slave, (rows, columns))
        if notify:
            os.kill(os.getpid(), signal.SIGWINCH)

    def type(self, text: bytes) -> None:
        assert os.write(self.master, text) == len(text)

    def read_on(self) -> None:
        self._loop.add_reader(self.master, self._read)

    def read_once(self) -> None:
        """Take a little, if there is any."""
        with contextlib.suppress(BlockingIOError):
            self._take(os.read(self.master, 4096))

    def stop_reading(self) -> None:
        self._loop.remove_reader(self.master)

    def close(self) -> None:
        self.stop_reading()
        os.close(self.master)
        os.close(self.slave)

    async def until(self, text: bytes) -> None:
        """Wait until ``text`` has been shown, and forget what was shown up to there."""
        async with asyncio.timeout(20):
            while (at := self.seen.find(text)) < 0:
                self._more.clear()
                await self._more.wait()
        del self.seen[: at + len(text)]

    def _read(self) -> None:
        try:
            data = os.read(self.master, 65536)
        except OSError:
            self.stop_reading()
            return
        self._take(data)

    def _take(self, data: bytes) -> None:
        self.read_total += len(data)
        self.seen += data
        del self.seen[: -(1 << 16)]
        self._more.set()


class Program:
    """A real program on a pseudo-terminal of its own, its controlling terminal; its screen is followed with pyte."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.terminal = Terminal(reading=False)
        termios.tcsetwinsize(self.terminal.slave, (rows, columns))
        self.before = self.terminal.settings()
        self.screen = pyte.Screen(columns, rows)
        self.output = bytearray()
        self._stream = pyte.ByteStream(self.screen)
        self._more = asyncio.Event()

    def start(self, *argv: str) -> None:
        """Run ``argv`` with this terminal as its own."""
        self.process = start_on(self.terminal.slave, argv, warm=True)
        asyncio.get_running_loop().add_reader(self.terminal.master, self._read)

    def type(self, text: bytes) -> None:
        self.terminal.type(text)

    def resize(self, columns: int, rows: int) -> None:
        """The kernel notifies the program, as with a real terminal."""
        self.screen.resize(rows, columns)
        termios.tcsetwinsize(self.terminal.master, (rows, columns))

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    async def until(self, text: str) -> None:
        """Wait until ``text`` is on the screen."""
        await self._becomes(lambda: text in self.text, text)

    async def until_output(self, data: bytes, start: int = 0) -> None:
        """Wait until ``data`` has been written, at or after byte ``start``."""
        await self._becomes(lambda: data in self.output[start:], repr(data))

    async def stopped(self) -> None:
        """Wait until a signal has stopped the program."""
        async with asyncio.timeout(20):
            while not self._is_stopped():  # noqa: ASYNC110  (it is no child of this process, which would be notified)
                await asyncio.sleep(0.01)

    def _is_stopped(self) -> bool:
        stat = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8")
        return stat.rpartition(")")[2].split()[0] == "T"

    async def ended(self) -> int:
        """Wait for the program's end; its exit status."""
        return await asyncio.to_thread(self.process.wait, 20)

    async def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            await self.ended()
        self.terminal.close()

    async def _becomes(self, condition: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(20):
                while not condition():
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"{what} never came; the screen:\n{self.text}") from None

    def _read(self) -> None:
        try:
            data = os.read(self.terminal.master, 65536)
        except OSError:
            self.terminal.stop_reading()
            return
        self.output += data
        # pyte has no alternate screen: entering it starts an empty one, so that only a whole redraw fills it.
        *parts, last = data.split(b"\x1b[?1049h")
        for part in parts:
            self._stream.feed(part)
            self.screen.reset()
        self._stream.feed(last)
        self._more.set()
