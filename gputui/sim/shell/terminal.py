"""The pseudo-terminal of a simulated shell: keys, line editing with echo and history, window size, ctrl+c."""

from __future__ import annotations

import asyncio
import codecs
import re
import unicodedata
from collections.abc import Callable

import asyncssh

_KEY = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1bO.|\x1b[^\x1b]|.", re.DOTALL)
_QUEUED_KEYS = 65_536
Process = asyncssh.SSHServerProcess[bytes]


class Terminal:
    """Reads keys from an SSH session and draws on it. Lines are edited here, as a real pty and bash would do."""

    def __init__(self, process: Process, interrupt: Callable[[], None]) -> None:
        columns, rows = process.term_size[:2]
        self.size = (columns or 80, rows or 24)
        self.raw = False
        """Whether keys, ctrl+c among them, go to a full-screen program."""
        self._process = process
        self._interrupt = interrupt
        self._keys: asyncio.Queue[str | None] = asyncio.Queue(_QUEUED_KEYS)
        self._history: list[str] = []

    async def pump(self) -> None:
        """Take in what the client sends until it ends. Runs beside the shell."""
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
                self._interrupt()
                continue
            if not data:
                await self._keys.put(None)
                return
            for key in _KEY.findall(decoder.decode(data)):
                if key == "\x03" and not self.raw:
                    self._interrupt()
                await self._keys.put(key)

    async def write(self, text: str) -> None:
        """Send text as it is."""
        self._process.stdout.write(text.encode("utf-8", "replace"))
        await self._process.stdout.drain()

    async def key(self, timeout: float) -> str | None:
        """The next key for a full-screen program, "" after a new window size, None when none came in time."""
        self.raw = True
        try:
            key = await asyncio.wait_for(self._keys.get(), timeout)
        except TimeoutError:
            return None
        return "\x03" if key is None else key

    def forget_keys(self) -> None:
        """Drop what was typed ahead, as a terminal does on ctrl+c."""
        while not self._keys.empty():
            if self._keys.get_nowait() is None:
                self._keys.put_nowait(None)
                return

    async def line(self, prompt: str) -> str | None:
        """One edited line; "" after ctrl+c, None after ctrl+d or when the client is gone."""
        self.raw = False
        await self.write(prompt)
        text, place, recalled = "", 0, len(self._history)
        while True:
            key = await self._keys.get()
            if key == "":  # a window size that came too late for the program that left
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
            if key.isprintable() and key and place == len(text):
                text += key
                place += len(key)
                await self.write(key)
                continue
            if key in ("\x1b[A", "\x1bOA", "\x1b[B", "\x1bOB"):
                recalled = max(0, min(len(self._history), recalled + (-1 if key[-1] == "A" else 1)))
                text = self._history[recalled] if recalled < len(self._history) else ""
                place = len(text)
            else:
                text, place = edited(text, place, key)
            clear = "\x1b[H\x1b[2J" if key == "\x0c" else ""
            back = _width(text[place:])
            await self.write(f"{clear}\r{prompt}{text}\x1b[K" + (f"\x1b[{back}D" if back else ""))


def edited(text: str, place: int, key: str) -> tuple[str, int]:
    """A line and its cursor after an editing key; unknown keys change nothing."""
    match key:
        case "\x7f" | "\x08":
            return (text[: place - 1] + text[place:], place - 1) if place else (text, place)
        case "\x04" | "\x1b[3~":
            return text[:place] + text[place + 1 :], place
        case "\x1b[D" | "\x1bOD" | "\x02":
            return text, max(0, place - 1)
        case "\x1b[C" | "\x1bOC" | "\x06":
            return text, min(len(text), place + 1)
        case "\x01" | "\x1b[H" | "\x1bOH" | "\x1b[1~":
            return text, 0
        case "\x05" | "\x1b[F" | "\x1bOF" | "\x1b[4~":
            return text, len(text)
        case "\x15":
            return text[place:], 0
        case "\x0b":
            return text[:place], place
        case "\x17":
            kept = text[:place].rstrip()
            kept = kept[: kept.rfind(" ") + 1]
            return kept + text[place:], len(kept)
        case _ if key and key.isprintable():
            return text[:place] + key + text[place:], place + len(key)
        case _:
            return text, place


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
