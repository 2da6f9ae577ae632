"""Lines typed into the command bar: kept in memory, and written by a thread so that the app never waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from gputui.history.background import BackgroundWriter

KEPT = 500


class TypedLines:
    """Unique lines, the last typed at the end. ``write`` writes lines in their order, and returns whether it
    succeeded.

    It is called in a thread, one call at a time. Lines that could not be written are retried with the next one.
    ``report`` is that of :class:`.BackgroundWriter`.
    """

    def __init__(
        self, write: Callable[[list[str]], bool], report: Callable[[Exception | None], None] | None = None
    ) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._lines: dict[str, None] = {}
        self._unwritten: dict[str, None] = {}
        self._writer = BackgroundWriter("gputui-commands", self._write_waiting, report)

    def read(self, lines: Iterable[str]) -> None:
        """Add lines of earlier sessions, before those typed since."""
        with self._lock:
            typed = self._lines
            self._lines = dict.fromkeys(lines)
            for line in typed:
                _move_to_end(self._lines, line)

    def last(self, limit: int) -> list[str]:
        """Return the newest lines, oldest first."""
        with self._lock:
            return list(self._lines)[-limit:]

    def add(self, line: str) -> None:
        """Add a line and schedule its writing; returns immediately."""
        with self._lock:
            _move_to_end(self._lines, line)
            _move_to_end(self._unwritten, line)
        self._writer.schedule()

    def close(self) -> None:
        """Write the remaining lines; waits for two calls of ``write`` at most."""
        self._writer.close()

    def _write_waiting(self) -> None:
        with self._lock:
            lines = list(self._unwritten)
        if not lines or not self._write(lines):
            return
        with self._lock:
            # A line typed again meanwhile has another place now: then all are written again, in their order.
            if list(self._unwritten)[: len(lines)] == lines:
                for line in lines:
                    del self._unwritten[line]


def _move_to_end(lines: dict[str, None], line: str) -> None:
    lines.pop(line, None)
    lines[line] = None
    while len(lines) > KEPT:
        del lines[next(iter(lines))]
