"""Polls one list of one account, at an interval that may change."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Protocol

from gputui.errors import GputuiError, RateLimitedError, UnavailableError
from gputui.fleet.clock import Clock
from gputui.models import Resource, Row
from gputui.redaction import inner_failure

SLOW_SECONDS = 3.0
"""An answer outstanding for longer is reported."""
_BACKOFF_CAP = 60.0
_TICK = 1e-6
_NEW_ENOUGH = 5.0
"""How old the first answer may be where another process has it, in seconds."""

Reader = Callable[[float], Awaitable[Sequence[Row]]]
"""Reads the list, by requests that began after a monotonic time."""


class Sink(Protocol):
    """Receives the answers. ``seconds`` is how long the answer took."""

    def answered(self, resource: Resource, rows: Sequence[Row], seconds: float) -> None:
        """Store a whole list."""

    def failed(self, resource: Resource, error: GputuiError, seconds: float) -> None:
        """Record a failure."""

    def outstanding(self, resource: Resource) -> None:
        """Record that an answer takes long."""


class RateLimit:
    """The time until which no list of an account is requested, as its server limits the rate of requests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.not_before = 0.0
        """The monotonic time of its end; it may have passed."""
        self.until: datetime | None = None
        """The end of the last one in UTC; None before the first."""

    @property
    def is_in_force(self) -> bool:
        """Whether it has not ended."""
        return self.not_before > self._clock.monotonic()

    def note(self, error: RateLimitedError) -> None:
        """Respect the limit that a server has reported; an earlier one that ends later stays."""
        now = self._clock.monotonic()
        self.not_before = max(self.not_before, now + error.retry_after)
        self.until = self._clock.now() + timedelta(seconds=self.not_before - now)


class Poller:
    """Sends one request at a time; a tick that passes while an answer is outstanding is skipped.

    ``pace`` returns the present interval in seconds, None for no requests except explicit ones; ``not_before`` the
    monotonic time of the end of a rate limit. The intervals after failures increase, with jitter.
    """

    def __init__(
        self,
        account: str,
        resource: Resource,
        lister: Reader,
        sink: Sink,
        *,
        pace: Callable[[], float | None],
        not_before: Callable[[], float],
        clock: Clock,
        random: Random,
    ) -> None:
        self._account = account
        self._resource = resource
        self._lister = lister
        self._sink = sink
        self._pace = pace
        self._not_before = not_before
        self._clock = clock
        self._random = random
        self._wake = asyncio.Event()
        self._asked = False
        self._running = False
        self._failures = 0
        self._retry_at: float | None = None
        self._started: float | None = None
        self._finished = 0.0
        self._next: list[asyncio.Future[None]] = []

    @property
    def active(self) -> bool:
        """Whether requests are sent at intervals."""
        return self._pace() is not None

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await self._until_due()
            await self._poll()

    def refresh(self) -> None:
        """Request now, despite earlier failures; does nothing while an answer is outstanding."""
        if not self._running:
            self._ask_now()

    def refresh_after_now(self) -> asyncio.Future[None]:
        """Request again, even while an answer is outstanding; done when a request from now on has ended."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._next.append(done)
        self._ask_now()
        return done

    def reconsider(self) -> None:
        """Recompute the time of the next request, because the interval may have changed."""
        self._wake.set()

    def _ask_now(self) -> None:
        self._asked = True
        self._failures = 0
        self._retry_at = None
        self._wake.set()

    async def _until_due(self) -> None:
        while True:
            self._wake.clear()
            due = self._due()
            now = self._clock.monotonic()
            if due is not None and due - now < _TICK:
                return
            waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._wake.wait())]
            if due is not None:
                waits.append(asyncio.ensure_future(self._clock.sleep(due - now)))
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    def _due(self) -> float | None:
        if self._asked:
            return self._not_before()
        pace = self._pace()
        if pace is None:
            return None
        if self._retry_at is not None:
            due = self._retry_at
        elif self._started is None:
            due = 0.0
        else:
            ticks = max(1, math.ceil((self._finished - self._started) / pace))
            due = self._started + ticks * pace
        return max(due, self._not_before())

    async def _poll(self) -> None:
        asked, self._asked = self._asked, False
        self._retry_at = None
        waiting, self._next = self._next, []
        before = self._started
        started = self._started = self._clock.monotonic()
        # What was answered after the last reading is news, whoever asked for it.
        since = started if asked else started - _NEW_ENOUGH if before is None else self._finished
        self._running = True
        try:
            rows = await self._ask(since)
            self._failures = 0
            self._sink.answered(self._resource, rows, self._clock.monotonic() - started)
        except GputuiError as error:
            self._fail(error, started)
        except Exception as error:  # noqa: BLE001  (a fault in one back end must not end its polling silently)
            self._fail(inner_failure(f"{self._account}: reading {self._resource.words}", error), started)
        finally:
            self._running = False
            self._finished = self._clock.monotonic()
            for done in waiting:
                if not done.done():
                    done.set_result(None)

    async def _ask(self, since: float) -> Sequence[Row]:
        question = asyncio.ensure_future(self._lister(since))
        limit = asyncio.ensure_future(self._clock.sleep(SLOW_SECONDS))
        try:
            await asyncio.wait({question, limit}, return_when=asyncio.FIRST_COMPLETED)
            if not question.done():
                self._sink.outstanding(self._resource)
                await asyncio.wait({question})
        finally:
            limit.cancel()
            if not question.done():
                question.cancel()
                await asyncio.wait({question})
        if question.cancelled():
            raise UnavailableError(f"{self._account}: reading {self._resource.words} was interrupted.")
        return question.result()

    def _fail(self, error: GputuiError, started: float) -> None:
        now = self._clock.monotonic()
        self._failures += 1
        first = max(self._pace() or 1.0, 1.0)
        wait = min(_BACKOFF_CAP, first * 2 ** min(self._failures - 1, 10)) * self._random.uniform(0.75, 1.0)
        self._retry_at = now + wait
        self._sink.failed(self._resource, error, now - started)
