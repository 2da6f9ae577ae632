"""Reading one log in both directions: the newest page first, then new lines, and older ones on request."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from gputui.errors import GputuiError, HostKeyError, InvalidError, LoginError, NotFoundError, RateLimitedError
from gputui.logs.store import LogStore
from gputui.models import LogPage, LogPosition, LogQuery

_SIZE = 1000
PACE = 1.0
"""Seconds between two requests for new lines."""
_MOST_PATIENCE = 30.0
FINAL = (NotFoundError, LoginError, HostKeyError, InvalidError)
"""Failures that the same request would meet again: the next one is the user's."""


def retry_delay(error: GputuiError, failures: int) -> float:
    """Return the delay in seconds after a number of consecutive failures, or the one required by the server."""
    if isinstance(error, RateLimitedError):
        return max(error.retry_after, PACE)
    return min(PACE * 2.0 ** min(failures, 5), _MOST_PATIENCE) * random.uniform(0.75, 1.25)  # noqa: S311


class ReadLog(Protocol):
    """A call that reads a page of one log; see :meth:`gputui.fleet.Fleet.read_log`."""

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
        self._older_from: LogPosition | None = None
        self._newer_from: LogPosition | None = None
        self.answered = False
        """Whether a page was read at all."""
        self.complete = False
        """Whether the oldest line is there."""
        self.gone = False
        """Whether the server no longer knows the writer of the log: there are no more requests."""
        self.error: GputuiError | None = None
        """The error of the last request for new lines; None when it succeeded."""
        self.past_error: GputuiError | None = None
        """Why the last page of the past was not read; None when it was, or is read again."""
        self.resumes: float | None = None
        """The time of the next request after an error, by ``clock``."""
        self.reading_past = False

    async def follow(self) -> None:
        """Read the newest page, then new lines, until cancelled, the writer is gone, or the end time is reached."""
        self.gone = False
        failures = 0
        while True:
            try:
                more = await self._step()
            except FINAL as error:
                self.resumes = None
                self._failed(error, gone=isinstance(error, NotFoundError))
                return
            except GputuiError as error:
                failures += 1
                pause = retry_delay(error, failures)
                self.resumes = self._clock() + pause
                self._failed(error)
                await self._wait(pause)
                continue
            failures = 0
            if self.error is not None:
                self.error, self.resumes = None, None
                self._changed()
            if more:
                continue
            if self.query.until is not None:
                return  # later lines are not requested
            await self._wait(PACE)

    async def older(self) -> bool:
        """Read one page of older lines; returns whether there are more. A second call waits for the first."""
        async with self._past:
            if self.complete or self._older_from is None:
                return False
            self.reading_past, self.past_error = True, None
            try:
                return await self._step_back()
            except GputuiError as error:
                self.past_error = error
                return False
            finally:
                self.reading_past = False
                self._changed()

    async def all_older(self) -> None:
        """Read all older lines, until there are none, an error occurs, or the task is cancelled."""
        while await self.older():
            pass

    async def _step(self) -> bool:
        """Read forward, or backward where there are no lines yet; returns whether to request again immediately."""
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
            # The log was empty: new lines are read from its beginning.
            self.complete = True
        if added:
            self._changed()
        # A page without progress is not requested again immediately: that would be an endless loop.
        return page.more and page.next != after

    async def _step_back(self) -> bool:
        after = self._older_from
        page = await self._read(self.query, after=after, backward=True, size=_SIZE)
        self._store.add_older(page.lines)
        self._older_from = page.next
        self.complete = not page.more or page.next == after
        return not self.complete

    def _failed(self, error: GputuiError, *, gone: bool = False) -> None:
        self.error, self.gone = error, gone
        self._changed()
