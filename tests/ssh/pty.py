"""A person at a pseudo-terminal: types, sees, changes the window's size."""

from __future__ import annotations

import asyncio
import os
import signal
import termios


class Terminal:
    """Both ends of a pseudo-terminal in this process; ``slave`` is what the program under test is given."""

    def __init__(self, *, reading: bool = True) -> None:
        self.master, self.slave = os.openpty()
        os.set_blocking(self.master, False)
        self.seen = bytearray()
        self.read_total = 0
        self._more = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.resize(80, 24, tell=False)
        self.before = self.settings()
        if reading:
            self.read_on()

    def settings(self) -> tuple[object, bool]:
        return termios.tcgetattr(self.slave), os.get_blocking(self.slave)

    def resize(self, columns: int, rows: int, *, tell: bool = True) -> None:
        termios.tcsetwinsize(self.slave, (rows, columns))
        if tell:
            os.kill(os.getpid(), signal.SIGWINCH)

    def type(self, text: bytes) -> None:
        assert os.write(self.master, text) == len(text)

    def read_on(self) -> None:
        self._loop.add_reader(self.master, self._read)

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
        self.read_total += len(data)
        self.seen += data
        if len(self.seen) > 1 << 20:
            del self.seen[: 1 << 19]
        self._more.set()
