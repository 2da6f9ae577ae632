"""A pseudo-terminal that runs the real program, shows its screen, presses keys and counts what it writes.

Everything is driven by the caller's own waiting: no thread, no fixed sleep, every wait with a deadline.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import pyte

from tests.tui.starting import session, start_on

DEADLINE = 20.0
"""Seconds that anything may take on a slow machine."""

ALTERNATE_SCREEN = 1049
CURSOR_SHOWN = 25
SYNCHRONISED = 2026
MOUSE_MODES = frozenset({1000, 1002, 1003, 1006, 1015, 1016})

_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x1b\\|\x07)|[ -/]+[0-~]|[0-OQ-WYZ\\`-~])", re.DOTALL
)
_PRIVATE_MODE = re.compile(r"\x1b\[\?([\d;]+)([hl])")
_NOT_FOR_PYTE = re.compile(r"\x1b(?:\[[<>=?]|\[[0-?]*[ -/]|[\]PX^_])")

_QUERY = re.compile(rb"\x1b\[(?:0?c|6n|\?\d+\$p)")

_KEYS: Mapping[str, str] = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "space": " ",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "delete": "\x1b[3~",
    "shift+tab": "\x1b[Z",
    "ctrl+\\": "\x1c",
}


def key(name: str) -> str:
    """Return what a terminal sends for a key: a character, a name such as ``enter``, or ``ctrl+x``."""
    if name in _KEYS:
        return _KEYS[name]
    if len(name) == 1:
        return name
    prefix, _, letter = name.partition("+")
    if prefix == "ctrl" and len(letter) == 1 and letter.isalpha():
        return chr(ord(letter.upper()) - 64)
    raise ValueError(f"no such key: {name!r}")


@dataclass(frozen=True)
class Burst:
    """What was written from a moment until the terminal was quiet. Times in seconds since that moment."""

    written: int
    first_at: float | None
    last_at: float | None


class Terminal:
    """A program in a pseudo-terminal of its own.

    ``argv`` is started in a session of its own, with a small environment that names a true-colour xterm plus
    ``env``; a value None takes a name out. With ``warm`` it need not start cold (warm.py). Use it as a context
    manager: leaving kills the whole session.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        warm: bool = False,
    ) -> None:
        self.columns = columns
        self.rows = rows
        self.bytes_written = 0
        self.raw = bytearray()
        self._modes: set[int] = {CURSOR_SHOWN}
        self._undrawn: list[str] = []
        self._main = pyte.Screen(columns, rows)
        self._alternate = pyte.Screen(columns, rows)
        self._streams = {screen: pyte.Stream(screen) for screen in (self._main, self._alternate)}
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = ""
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        self.attributes_before = termios.tcgetattr(self._slave)
        self._set_size()
        self.started = self.last_read_at = time.perf_counter()
        self.process = start_on(self._slave, argv, env=env, cwd=cwd, warm=warm)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- what it shows ---------------------------------------------------------------------------------------------

    @property
    def screen(self) -> Any:
        """The pyte screen that is shown: the alternate one while a full-screen program runs."""
        self._draw()
        return self._current

    @property
    def modes(self) -> set[int]:
        """The private modes that are set (DECSET), by number."""
        self._draw()
        return self._modes

    @property
    def _current(self) -> Any:
        return self._alternate if ALTERNATE_SCREEN in self._modes else self._main

    @property
    def lines(self) -> list[str]:
        """The lines of the screen without trailing blanks."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines)

    def lines_end_with(self, text: str) -> bool:
        """Whether the last line with anything on it, where a shell shows its prompt, is ``text``."""
        return next((line for line in reversed(self.lines) if line), "") == text

    def find(self, text: str) -> tuple[int, int] | None:
        """Return line and column (from 0) of the first place that shows ``text``."""
        for y, line in enumerate(self.screen.display):
            x = line.find(text)
            if x >= 0:
                return y, x
        return None

    def cell(self, y: int, x: int) -> Any:
        """Return pyte's character at a place: ``data fg bg bold italics underscore reverse``."""
        return self.screen.buffer[y][x]

    @property
    def attributes(self) -> list[Any]:
        """The terminal's settings (termios) as they are now, also after the program's end."""
        return termios.tcgetattr(self._slave)

    # -- what one does to it ---------------------------------------------------------------------------------------

    def send(self, *keys: str) -> None:
        """Press keys, one after another: characters, names, ``ctrl+x``."""
        for name in keys:
            self.write(key(name))

    def write(self, text: str) -> None:
        """Send these characters as they are, reading meanwhile so that neither side waits for the other."""
        data = text.encode()
        deadline = time.perf_counter() + DEADLINE
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                if time.perf_counter() > deadline:
                    raise TimeoutError("the program does not read its input") from None
                self.pump(0.05)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size; the program is notified as a terminal does (SIGWINCH)."""
        self._draw()
        self.columns, self.rows = columns, rows
        for screen in self._streams:
            screen.resize(rows, columns)
        self._set_size()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program alone."""
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """Take the terminal away, as a dropped connection or a closed window does."""
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1

    # -- waiting ---------------------------------------------------------------------------------------------------

    def pump(self, timeout: float = 0.0) -> int:
        """Take in what the program has written, waiting up to ``timeout`` seconds for the first of it."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, timeout))
        if not ready:
            return 0
        try:
            data = os.read(self._master, 1 << 16)
        except BlockingIOError:
            return 0
        self.bytes_written += len(data)
        self.raw += data
        # Drawing takes longer than reading, so it waits until the screen is looked at: timings stay the program's.
        self.last_read_at = time.perf_counter()
        self._undrawn.append(self._decoder.decode(data))
        if _QUERY.search(data):
            self._draw()
        return len(data)

    def wait_for(self, what: str | re.Pattern[str] | Callable[[], bool], timeout: float = DEADLINE) -> None:
        """Wait until the screen shows a text or pattern, or a condition holds; a TimeoutError shows the screen."""
        holds = self._condition(what)
        deadline = time.perf_counter() + timeout
        while not holds():
            left = deadline - time.perf_counter()
            if left <= 0:
                raise TimeoutError(f"waited {timeout} s for {what!r}; {self._state()}\n{self.text}")
            if not self.pump(min(left, 0.1)) and self.process.poll() is not None and not self.pump(0.05):
                if holds():
                    return
                raise TimeoutError(f"the program ended while waiting for {what!r}; {self._state()}\n{self.text}")

    def settle(self, quiet: float = 0.3, timeout: float = DEADLINE) -> None:
        """Wait until nothing has been written for ``quiet`` seconds; raises TimeoutError when it never is."""
        deadline = time.perf_counter() + timeout
        while self.pump(quiet):
            if time.perf_counter() > deadline:
                raise TimeoutError(f"still writing after {timeout} s")

    def burst(self, quiet: float = 0.15, first: float = DEADLINE, *, since: float | None = None) -> Burst:
        """Measure until ``quiet`` seconds without a byte; ``first`` is how long to wait for the first.

        ``since`` is the ``time.perf_counter()`` that times count from, now by default. Take it before the key is
        sent: the program may well answer before ``send`` returns.
        """
        start = time.perf_counter() if since is None else since
        written, first_at, last_at = 0, None, None
        while count := self.pump(first if first_at is None else quiet):
            last_at = self.last_read_at - start
            first_at = last_at if first_at is None else first_at
            written += count
        return Burst(written, first_at, last_at)

    def count(self, seconds: float) -> int:
        """Return how many bytes it writes in the next ``seconds``."""
        before, end = self.bytes_written, time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.pump(left)
        return self.bytes_written - before

    def wait_exit(self, timeout: float = DEADLINE) -> int:
        """Wait for the program's end and all it wrote; returns its exit status, negative for a signal."""
        deadline = time.perf_counter() + timeout
        while self.process.poll() is None:
            if time.perf_counter() > deadline:
                raise TimeoutError(f"still running after {timeout} s\n{self.text}")
            self.pump(0.05)
        while self.pump(0.05):
            pass
        return self.process.wait()

    def close(self) -> None:
        """Kill the program with everything it started in this terminal, and close the terminal."""
        if self._master < 0:
            return
        for pid in {self.process.pid, *session(self.process.pid)}:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(DEADLINE)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1

    # -- inside ----------------------------------------------------------------------------------------------------

    def _condition(self, what: str | re.Pattern[str] | Callable[[], bool]) -> Callable[[], bool]:
        def shown() -> bool:
            if isinstance(what, str):
                return what in self.text
            return what.search(self.text) is not None if isinstance(what, re.Pattern) else what()

        # Between the marks of a synchronised update the screen is half drawn and no terminal shows it.
        return lambda: SYNCHRONISED not in self.modes and shown()

    def _state(self) -> str:
        status = self.process.poll()
        return "it runs" if status is None else f"it ended with {status}"

    def _set_size(self) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))

    def _draw(self) -> None:
        """Draw what was read: plain text and whole control sequences; what has no end yet waits for it."""
        text = self._tail + "".join(self._undrawn)
        self._undrawn.clear()
        self._tail = ""
        position = 0
        while (start := text.find("\x1b", position)) >= 0:
            self._show(text[position:start])
            sequence = _SEQUENCE.match(text, start)
            if sequence is None:
                self._tail = text[start:]
                return
            self._obey(sequence[0])
            position = sequence.end()
        self._show(text[position:])

    def _show(self, text: str) -> None:
        if text:
            self._streams[self._current].feed(text)

    def _obey(self, sequence: str) -> None:
        answer = self._answer(sequence)
        if answer:
            self.write(answer)
        modes = _PRIVATE_MODE.fullmatch(sequence)
        if modes is not None:
            self._set_modes({int(mode) for mode in modes[1].split(";") if mode}, on=modes[2] == "h")
        elif not _NOT_FOR_PYTE.match(sequence):
            self._show(sequence)

    def _set_modes(self, modes: set[int], *, on: bool) -> None:
        if on and ALTERNATE_SCREEN in modes - self._modes:
            self._alternate.reset()
        self._modes = self._modes | modes if on else self._modes - modes

    def _answer(self, sequence: str) -> str:
        if sequence == "\x1b[6n":
            return f"\x1b[{self._current.cursor.y + 1};{self._current.cursor.x + 1}R"
        return {
            "\x1b[c": "\x1b[?62;22c",
            "\x1b[0c": "\x1b[?62;22c",
            f"\x1b[?{SYNCHRONISED}$p": f"\x1b[?{SYNCHRONISED};2$y",
        }.get(sequence, "")
