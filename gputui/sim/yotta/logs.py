"""The logs of simulated Yotta workers: they grow with time and are read in pages in both directions."""

from __future__ import annotations

import itertools
import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

KEPT = 20_000
"""Lines of a worker that are kept."""
_PAST = 2 * 3600.0
"""Seconds of log before the simulator's start, for workers that are older."""
_GAP = (0.4, 6.0)


class Line(NamedTuple):
    """A line of a log. ``at`` in epoch milliseconds; ``offset`` is where it begins, in bytes."""

    at: int
    offset: int
    text: str


@dataclass(frozen=True)
class LogQuery:
    """Which lines: at most ``size`` past the position ``after``, with ``keyword``; times in epoch milliseconds."""

    size: int
    keyword: str = ""
    since: int | None = None
    until: int | None = None
    after: tuple[int, int] | None = None
    backward: bool = False


class LogBook:
    """The log of one worker. It is generated on request, always the same for the same worker."""

    def __init__(self, identity: str, image: str, began: float) -> None:
        self._rng = random.Random(identity)  # noqa: S311  a pretend log has no secrets
        self._lines: list[Line] = []
        self._offset = 0
        self._next: float | None = None
        self.write(began, [f"Pulling {image}", f"Container starts from {image}"])

    def begin(self, at: float, now: float) -> None:
        """The worker runs since ``at``."""
        self.write(at, ["INFO:     Started server process [7]", "INFO:     Uvicorn running on http://0.0.0.0:8000"])
        self._next = max(at, now - _PAST) + self._rng.uniform(*_GAP)

    def end(self, at: float, last: str = "INFO:     Shutting down") -> None:
        """The worker has ended."""
        self.grow(at)
        self._next = None
        self.write(at, [last])

    def write(self, at: float, texts: Iterable[str]) -> None:
        """Add lines at one time."""
        self.grow(at)
        for text in texts:
            self._lines.append(Line(round(at * 1000), self._offset, text))
            self._offset += len(text.encode()) + 1
        del self._lines[:-KEPT]

    def grow(self, now: float) -> None:
        """Catch up with the time."""
        while self._next is not None and self._next <= now:
            at, self._next = self._next, self._next + self._rng.uniform(*_GAP)
            for text in self._chatter():
                self._lines.append(Line(round(at * 1000), self._offset, text))
                self._offset += len(text.encode()) + 1
        del self._lines[:-KEPT]

    def read(self, now: float, query: LogQuery) -> tuple[list[Line], bool]:
        """Return the requested lines, newest first when backward, and whether there are more."""
        self.grow(now)
        # Lines are ordered by time and position: only those between the times and past the position are read.
        begin = 0 if query.since is None else bisect_left(self._lines, (query.since,))
        end = len(self._lines) if query.until is None else bisect_left(self._lines, (query.until + 1,))
        if query.after is not None and query.backward:
            end = min(end, bisect_left(self._lines, query.after))
        elif query.after is not None:
            begin = max(begin, bisect_right(self._lines, (*query.after, chr(0x10FFFF))))
        numbers = range(end - 1, begin - 1, -1) if query.backward else range(begin, end)
        lines = (self._lines[number] for number in numbers)
        found = list(itertools.islice((line for line in lines if query.keyword in line.text), query.size + 1))
        return found[: query.size], len(found) > query.size

    def clear(self) -> None:
        """Forget all lines."""
        self._lines.clear()

    def silence(self) -> None:
        """Write no more lines by itself."""
        self._next = None

    def _chatter(self) -> list[str]:
        rng = self._rng
        match rng.randrange(24):
            case 0:
                return ["WARNING:  request queue is 80% full, slowing down"]
            case 1:
                return [
                    "ERROR:    Exception in ASGI application",
                    "Traceback (most recent call last):",
                    '  File "/app/handler.py", line 88, in generate',
                    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 512.00 MiB",
                ]
            case 2:
                return [f"\x1b[32mINFO\x1b[0m:     batch {rng.randrange(9999)} done in {rng.uniform(0.1, 4):.2f} s"]
            case 3 | 4 | 5:
                return [f"INFO:     {rng.uniform(20, 900):.1f} tokens/s, KV cache {rng.uniform(2, 97):.1f}%"]
            case _:
                address = f"10.0.{rng.randrange(256)}.{rng.randrange(256)}:{rng.randrange(30000, 60000)}"
                return [f'INFO:     {address} - "POST /v1/chat/completions HTTP/1.1" 200 OK']
