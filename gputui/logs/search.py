"""The next line of a log that matches, in either direction: through the lines that are read, then older pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gputui.errors import GputuiError
from gputui.late_dataclasses import dataclass
from gputui.logs.reader import LogReader
from gputui.logs.store import LogStore, StoredLine

MOST_PAGES = 200
"""Older pages that one search reads: 200,000 lines."""
_STEP = 2_000
"""Lines that are looked at between two turns for keys."""

_REPORTED = 20_000
"""Lines after which progress is reported."""


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search: the number of a line, None for no match.

    ``wrapped``: the end was passed, and the match is on the other side. ``whole``: the oldest line of the log is
    read, so that no match means that there is none. ``error`` is why older lines could not be read.
    """

    number: int | None
    wrapped: bool = False
    whole: bool = True
    error: GputuiError | None = None


class LogSearch:
    """Searches a store, and what ``reader`` adds to it.

    ``searched`` counts the lines that were looked at; ``progress`` is called before each page and after many lines.
    """

    def __init__(
        self,
        store: LogStore,
        reader: LogReader,
        matches: Callable[[StoredLine], bool],
        *,
        progress: Callable[[], None] = lambda: None,
        most_pages: int = MOST_PAGES,
    ) -> None:
        self._store = store
        self._reader = reader
        self._matches = matches
        self._progress = progress
        self._most_pages = most_pages
        self.searched = 0

    async def newer(self, start: int) -> Found:
        """Find the first match behind line ``start``, else the oldest one that is read, else one that is not yet."""
        if (number := await self._forward(start + 1, None)) is not None:
            return Found(number, whole=self._reader.complete)
        if (number := await self._forward(None, start)) is not None:
            return Found(number, wrapped=True, whole=self._reader.complete)
        number, error = await self._unread()
        if number is None:
            number = await self._forward(start, start + 1)
        return Found(number, wrapped=True, whole=self._reader.complete, error=error)

    async def older(self, start: int) -> Found:
        """Find the last match before line ``start``, in pages that are not read yet as well, else the newest one.

        Where older lines remain unread, the newest one is not looked for.
        """
        if (number := await self._backward(None, start)) is not None:
            return Found(number, whole=self._reader.complete)
        number, error = await self._unread()
        if number is not None or not self._reader.complete:
            return Found(number, whole=self._reader.complete, error=error)
        return Found(await self._backward(start, None), wrapped=True)

    async def _unread(self) -> tuple[int | None, GputuiError | None]:
        """Read older pages until one has a match."""
        for _ in range(self._most_pages):
            if self._reader.complete:
                break
            first = self._store.first
            self._progress()
            more = await self._reader.older()
            if (error := self._reader.past_error) is not None:
                return None, error
            if (number := await self._backward(None, first)) is not None:
                return number, None
            if not more and self._store.first == first:
                break
        return None, None

    async def _forward(self, first: int | None, last: int | None) -> int | None:
        """Return the first match from ``first`` to before ``last``; None for the ends, those of now."""
        at = self._store.first if first is None else first
        while at < (end := self._store.last if last is None else last):
            lines = self._store.read(at, min(at + _STEP, end))
            at += _STEP
            number = next((line.number for line in lines if self._matches(line)), None)
            if number is not None:
                return number
            await self._turn(len(lines))
        return None

    async def _backward(self, first: int | None, last: int | None) -> int | None:
        """Return the last match from ``first`` to before ``last``; None for the ends, those of now."""
        at, begin = self._store.last if last is None else last, self._store.first if first is None else first
        while at > begin:
            lines = self._store.read(max(at - _STEP, begin), at)
            at -= _STEP
            number = next((line.number for line in reversed(lines) if self._matches(line)), None)
            if number is not None:
                return number
            await self._turn(len(lines))
        return None

    async def _turn(self, lines: int) -> None:
        self.searched += lines
        if self.searched % _REPORTED < lines:
            self._progress()
        await asyncio.sleep(0)
