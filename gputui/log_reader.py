"""Reading one log in both directions: the newest page first, then what comes, and the past when it is asked for."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from gputui.errors import GputuiError, NotFoundError, RateLimitedError
from gputui.log_store import LogStore
from gputui.models import LogPage, LogPosition, LogQuery

_SIZE = 1000
_PACE = 1.0
_MOST_PATIENCE = 30.0


class ReadLog(Protocol):
    """A call that reads a page of one log; see :meth:`gputui.api.base.HasLogs.read_log`."""

    def __call__(
        self, query: LogQuery, *, after: LogPosition | None, backward: bool, size: int
    ) -> Awaitable[LogPage]:
        """Read a page."""


class LogReader:
    """Fills a store. ``changed`` is called after everything that a user can see.

    ``wait`` sleeps for some seconds and ``clock`` counts them; tests give others.
    """

    def __init__(
        self,
        read: ReadLog,
        store: LogStore,
        query: LogQuery | None = None,
        *,
        changed: Callable[[], None] = lambda: None,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._store = store
        self.query = query or LogQuery()
        self._changed = changed
        self._wait = wait
        self._clock = clock
        self._past = asyncio.Lock()
        self._failures = 0
        self._older_from: LogPosition | None = None
        self._newer_from: LogPosition | None = None
        self.answered = False
        """Whether a page was read at all."""
        self.complete = False
        """Whether the oldest line is there."""
        self.gone = False
        """Whether the server does not know any more what wrote it: it is not asked again."""
        self.error: GputuiError | None = None
        """Why the last page was not read; None when it was."""
        self.resumes: float | None = None
        """When it is asked again after an error, by ``clock``."""
        self.reading_past = False

    async def follow(self) -> None:
        """Read the newest page, once, and then what comes, until cancelled or the log's writer is gone.

        Where only lines up to a time are asked for nothing comes any more: it ends with the newest of them.
        """
        self.gone = False
        while (more := await self._guarded(self._step)) is not None:
            if not more:
                if self.query.until is not None and self.error is None:
                    return  # what is written later is not asked for
                pause = self._pause()
                self.resumes = self._clock() + pause if self.error is not None else None
                if self.error is not None:
                    self._changed()
                await self._wait(pause)

    async def older(self) -> bool:
        """Read one page of the past; returns whether there is more of it. A second call waits for the first."""
        async with self._past:
            if self.complete or self._older_from is None:
                return False
            self.reading_past = True
            try:
                return bool(await self._guarded(self._step_back))
            finally:
                self.reading_past = False
                self._changed()

    async def all_older(self) -> None:
        """Read all of the past, until there is none, it fails, or the task is cancelled."""
        while await self.older():
            pass

    async def _step(self) -> bool:
        """Read forward, or backward where nothing is there yet; returns whether to ask again at once."""
        if not self.answered:
            page = await self._read(self.query, after=None, backward=True, size=_SIZE)
            self._store.add_newer(page.lines)
            self.answered = True
            if page.lines:
                self.complete = not page.more
                self._older_from, self._newer_from = page.next, page.lines[-1].position
            self._changed()
            return False
        after = self._newer_from
        page = await self._read(self.query, after=after, backward=False, size=_SIZE)
        added = self._store.add_newer(page.lines)
        self._newer_from = page.next
        if after is None and page.lines:
            # The log was empty: what comes is read from its beginning.
            self.complete = True
        if added:
            self._changed()
        # A page that leads nowhere is not asked for again at once: that would go on for ever.
        return page.more and page.next != after

    async def _step_back(self) -> bool:
        after = self._older_from
        page = await self._read(self.query, after=after, backward=True, size=_SIZE)
        self._store.add_older(page.lines)
        self._older_from = page.next
        self.complete = not page.more or page.next == after
        return not self.complete

    async def _guarded(self, step: Callable[[], Awaitable[bool]]) -> bool | None:
        failed = self.error is not None
        try:
            more = await step()
        except NotFoundError as error:
            self.error, self.gone = error, True
            self._changed()
            return None
        except GputuiError as error:
            self.error = error
            self._failures += 1
            self._changed()
            return False
        self.error, self.resumes, self._failures = None, None, 0
        if failed:
            self._changed()
        return more

    def _pause(self) -> float:
        if isinstance(self.error, RateLimitedError):
            return max(self.error.retry_after, _PACE)
        if self.error is None:
            return _PACE
        return min(_PACE * 2.0 ** min(self._failures, 5), _MOST_PATIENCE) * random.uniform(0.75, 1.25)  # noqa: S311
