"""The lines of one log: texts in unnamed files; in memory only the position, time and severity of each.

The number of a line is constant: the first page's end is 0, newer lines count up from there, older ones down from -1.
So nothing has to move when an older page is added.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from gputui.errors import GputuiError, reason_of
from gputui.late_dataclasses import dataclass
from gputui.models import LogLine, LogPosition, LogSeverity

_BORDER = 4000
"""Positions stored at each end, to recognise repeated lines: four pages."""


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A line. ``at`` is in seconds since 1970, UTC, None where it is unknown."""

    number: int
    at: float | None
    text: str
    severity: LogSeverity | None = None

    @property
    def time(self) -> datetime | None:
        """When it was written, in UTC."""
        return None if self.at is None else datetime.fromtimestamp(self.at, UTC)


class _Spool:
    """Concatenated texts in a file that only grows; it is deleted with the program's end."""

    def __init__(self) -> None:
        try:
            self._file = tempfile.TemporaryFile(prefix="gputui-log-", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise _full(error) from error
        self._ends = array("Q", [0])
        self._times = array("d")
        self._severities = array("b")
        self.timed = False
        """Whether the time of some line is known."""

    def __len__(self) -> int:
        return len(self._times)

    def add(self, lines: Sequence[LogLine]) -> None:
        texts = [line.text.encode("utf-8", "replace") for line in lines]
        start = self._ends[-1]
        block = memoryview(b"".join(texts))
        written = 0
        try:
            while written < len(block):
                written += os.pwrite(self._file.fileno(), block[written:], start + written)
        except OSError as error:
            raise _full(error) from error
        # Only complete writes count: after a full disk the next lines overwrite an incomplete one.
        for line, text in zip(lines, texts, strict=True):
            start += len(text)
            self._ends.append(start)
            self._times.append(float("nan") if line.at is None else line.at.timestamp())
            self._severities.append(line.severity or 0)
            self.timed |= line.at is not None

    def read(self, first: int, last: int) -> list[tuple[float | None, str, LogSeverity | None]]:
        start, end = self._ends[first], self._ends[last]
        block = os.pread(self._file.fileno(), end - start, start) if end > start else b""
        return [
            (
                None if (at := self._times[index]) != at else at,
                block[self._ends[index] - start : self._ends[index + 1] - start].decode("utf-8", "replace"),
                LogSeverity(level) if (level := self._severities[index]) else None,
            )
            for index in range(first, last)
        ]

    def close(self) -> None:
        self._file.close()


def _full(error: OSError) -> GputuiError:
    return GputuiError(
        f"The lines of the log cannot be kept in {tempfile.gettempdir()}: {reason_of(error)}.",
        hint="Make room there, or name another folder in TMPDIR.",
    )


class LogStore:
    """All lines read of a log, from ``first`` to before ``last``."""

    def __init__(self) -> None:
        self._newer = _Spool()
        self._older = _Spool()
        self._known: tuple[deque[LogPosition], deque[LogPosition]] = (deque(maxlen=_BORDER), deque(maxlen=_BORDER))

    def __len__(self) -> int:
        return len(self._older) + len(self._newer)

    @property
    def first(self) -> int:
        """The number of the oldest line."""
        return -len(self._older)

    @property
    def last(self) -> int:
        """The number behind that of the newest line."""
        return len(self._newer)

    @property
    def timed(self) -> bool:
        """Whether the time of some line is known."""
        return self._newer.timed or self._older.timed

    def add_newer(self, lines: Iterable[LogLine]) -> int:
        """Append lines, oldest first; returns how many are new. Raises GputuiError."""
        return self._add(self._newer, 1, self._fresh(lines))

    def add_older(self, lines: Iterable[LogLine]) -> int:
        """Prepend lines, oldest first; returns how many are new. Raises GputuiError."""
        return self._add(self._older, 0, self._fresh(lines)[::-1])

    def _fresh(self, lines: Iterable[LogLine]) -> list[LogLine]:
        known = {*self._known[0], *self._known[1]}
        # A page may contain a line twice.
        return list({line.position: line for line in lines if line.position not in known}.values())

    def _add(self, spool: _Spool, end: int, fresh: Sequence[LogLine]) -> int:
        if not fresh:
            return 0
        spool.add(fresh)
        positions = [line.position for line in fresh]
        if not self._known[1 - end]:
            # The first page is the border at both ends.
            self._known[1 - end].extend(positions[::-1])
        self._known[end].extend(positions)
        return len(fresh)

    def read(self, first: int, last: int) -> list[StoredLine]:
        """Return the existing lines from ``first`` to before ``last``, with one read for each half."""
        first, last = max(first, self.first), min(last, self.last)
        found: list[StoredLine] = []
        if first < min(last, 0):
            older = self._older.read(-min(last, 0), -first)[::-1]
            found += [StoredLine(first + index, *line) for index, line in enumerate(older)]
        if max(first, 0) < last:
            newer = self._newer.read(max(first, 0), last)
            found += [StoredLine(max(first, 0) + index, *line) for index, line in enumerate(newer)]
        return found

    def close(self) -> None:
        """Give the files up."""
        self._newer.close()
        self._older.close()


class LogFilter:
    """The numbers of the matching lines of a filter, found in steps and updated as lines are added at both ends."""

    def __init__(self, store: LogStore, matches: Callable[[str], bool]) -> None:
        self._store = store
        self._matches = matches
        self._newer = array("q")
        self._older = array("q")
        self._to = 0
        self._from = 0

    def __len__(self) -> int:
        return len(self._older) + len(self._newer)

    def __getitem__(self, index: int) -> int:
        older = len(self._older)
        return self._older[older - 1 - index] if index < older else self._newer[index - older]

    @property
    def behind(self) -> int:
        """The number of lines that are not scanned yet."""
        return (self._store.last - self._to) + (self._from - self._store.first)

    def step(self, most: int = 5000) -> bool:
        """Scan some more lines, the newer ones first; returns whether there are more."""
        if self._to < self._store.last:
            lines = self._store.read(self._to, min(self._to + most, self._store.last))
            self._newer.extend(line.number for line in lines if self._matches(line.text))
            self._to += len(lines)
        elif self._from > self._store.first:
            lines = self._store.read(max(self._from - most, self._store.first), self._from)
            self._older.extend(line.number for line in reversed(lines) if self._matches(line.text))
            self._from -= len(lines)
        return self.behind > 0

    def index_of(self, number: int) -> int:
        """Return the place of the first match at or behind a line."""
        return bisect_left(self, number)
