"""The live events of the containers of an account's deployments on GPUhub.

Uses call 7 of the elastic deployment API: one list a deployment, in time order, continued from where the last
reading ended. Each event is returned once: first all events, then only new ones.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gputui.api.gpuhub.event_log import EventLog, EventRow, Key, row_key
from gputui.api.gpuhub.mapping import fingerprint
from gputui.api.http.pagination import Page
from gputui.errors import GputuiError, NotFoundError, RateLimitedError
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, Event, Phase, Ref

PAGE_SIZE = 100
PAGES_A_TICK = 1000
UNREAD = 1000
"""How many pages of one list, and how many lists, are read in a tick: the next tick continues with the rest.

Most accounts are read completely by the first request.
"""
AT_A_TIME = 8
"""Concurrent requests."""

FEW = 12
"""Up to this many active deployments are all requested in each tick."""
SWEEP = 10
"""Of more, this many at rest are requested in a tick, the oldest requests first."""
MOVING = 100
"""Those in motion are requested every time, up to this many, the oldest requests first."""
SETTLING_SECONDS = 10.0
"""How long a deployment counts as in motion after its last news: its counts may be ahead of its events."""
TRANSITION_SECONDS = 900.0
"""How long a container that starts or stops keeps its deployment in motion, also one that hangs."""
FORGET_SECONDS = 600.0
"""How long a deployment that is no longer listed is remembered: a list that shifts may omit one."""
TRUST_SECONDS = 60.0
"""How often, at most, a list is read again from its beginning while its server repeats an inconsistent answer."""
_BACKOFF_CAP = 60.0
_ALL_PAGES = 10_000
_ATTEMPTS = 3

_Answer = tuple[int, Key | None, int | None, tuple[Key, ...]]
"""The outcome of a request: how many rows were known and which was the last, the reported total, the rows."""


class FetchPage(Protocol):
    """Requests call 7; raises GputuiError."""

    async def __call__(
        self, deployment_uuid: str, *, container_uuid: str = "", page_index: int, page_size: int, offset: int
    ) -> Page[EventRow]:
        """Return one page. ``offset`` rows come before its first one; 0 may be omitted from the request."""


class _Reading:
    """How far a list has been read.

    Every page is requested from the last row that is known already. Where another row is there, the list has
    shifted, was restarted, or the page is not the requested one: then the list is read again from its
    beginning, which costs requests and neither loses nor doubles anything.
    """

    def __init__(self, log: EventLog, ask: Callable[[int], Awaitable[Page[EventRow]]], *, page_size: int) -> None:
        self._log = log
        self._ask = ask
        self._page_size = page_size
        self._read = 0
        self._last: Key | None = None
        self._explained: _Answer | None = None
        self._trusted_until = float("-inf")

    async def read_on(self, now: float, pages: int, take: Callable[[list[Event]], None]) -> bool:
        """Read what has been added since, ``take`` the events of each page, and return whether the end was reached.

        ``now`` is the monotonic time. Raises GputuiError; what was taken before that stays taken.
        """
        explained = self._explained if now < self._trusted_until else None
        odd: _Answer | None = None
        suspect = missed = False
        for _ in range(pages):
            page = await self._ask(max(0, self._read - 1))
            answer = (self._read, self._last, page.total, tuple(row_key(row) for row in page.rows))
            rows, fits = self._following(page, answer)
            suspect |= not fits
            if rows is None:
                if answer == explained:
                    return True
                if not missed:
                    missed = True  # one page may have been answered in place of another: once more
                    continue
            else:
                missed = False
                self._advance(rows, take)
                if rows and (len(page.rows) >= self._page_size or self._read < (page.total or 0)):
                    continue
                if odd is not None:
                    self._explained, self._trusted_until = odd, now + TRUST_SECONDS
                if not suspect or odd is not None or answer == explained:
                    return True
            if odd is not None:
                return False
            # Once from the beginning. When the same answer comes again, it is accepted for a while.
            odd, suspect, missed = answer, False, False
            self._read, self._last = 0, None
        return False

    def _following(self, page: Page[EventRow], answer: _Answer) -> tuple[Sequence[EventRow] | None, bool]:
        """Return the rows after the last known one, None where that is not there, and whether the page fits."""
        if self._last is None:
            return page.rows, True
        keys = answer[-1]
        if self._last not in keys:
            return None, False
        rows = page.rows[keys.index(self._last) + 1 :]
        return rows, keys[0] == self._last

    def _advance(self, rows: Sequence[EventRow], take: Callable[[list[Event]], None]) -> None:
        if rows:
            take(self._log.add(rows))
            self._read += len(rows)
            self._last = row_key(rows[-1])


@dataclass(slots=True)
class _Watch:
    """A deployment whose events are followed. Times are the monotonic clock's."""

    deployment: Deployment
    log: EventLog
    reading: _Reading
    fingerprint: tuple[object, ...]
    requested: float = float("-inf")
    moved: float = float("-inf")
    complete: bool = False
    changed: bool = False
    gone: float | None = None
    failures: int = 0
    retry_at: float = float("-inf")
    error: GputuiError | None = field(default=None)

    @property
    def is_active(self) -> bool:
        return self.gone is None and self.deployment.phase is not Phase.STOPPED

    def is_moving(self, now: float, since: datetime) -> bool:
        """Whether more is to come soon. ``since`` is when what starts or stops may have begun to."""
        return bool(self.deployment.starting) or now - self.moved < SETTLING_SECONDS or self.log.in_transition(since)


class EventReader:
    """The events of an account. Call :meth:`tick` at the pace of the events, one call at a time.

    ``now`` is the wall clock, for events without a time; ``monotonic`` counts seconds for the pacing.
    """

    def __init__(
        self,
        fetch_page: FetchPage,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        page_size: int = PAGE_SIZE,
    ) -> None:
        self._fetch_page = fetch_page
        self._page_size = page_size
        self._now = now
        self._monotonic = monotonic
        self._watches: dict[Ref, _Watch] = {}
        self._ready: list[Event] = []
        self._limited = False

    @property
    def problem(self) -> GputuiError | None:
        """Why the events of some deployments are missing since the last tick; None where all could be read."""
        errors = [watch.error for watch in self._watches.values() if watch.error is not None]
        if not errors:
            return None
        first = errors[0]
        present = sum(watch.gone is None for watch in self._watches.values())
        count = f"{len(errors)} of {present} deployments"
        return GputuiError(
            f"The events of {count} could not be read: {first.message}", hint=first.hint, request_id=first.request_id
        )

    def forget(self) -> None:
        """Request every deployment at the next tick."""
        for watch in self._watches.values():
            watch.changed = True
            watch.retry_at = float("-inf")

    async def tick(self, deployments: Sequence[Deployment]) -> list[Event]:
        """Return the events since the last call, at first all of them, in time order.

        ``deployments`` are all present ones, without any filter. An event that is returned again, because its
        predecessor became known only now, has the same Ref. Raises GputuiError where all requests failed, and at a
        rate limit: what was read is kept for the next call.
        """
        self._notice(deployments)
        self._limited = False
        due = self._due()
        async with asyncio.TaskGroup() as group:
            queue = iter(due)
            for _ in range(min(AT_A_TIME, len(due))):
                group.create_task(self._work(queue))
        errors = [watch.error for watch in due if watch.error is not None]
        if errors and len(errors) == len(due):
            for watch in due:  # not theirs alone: the account's poller waits for all of them
                watch.retry_at = float("-inf")
        limited = next((error for error in errors if isinstance(error, RateLimitedError)), None)
        if not self._ready and errors and (limited or len(errors) == len(due)):
            raise limited or errors[0]
        ready, self._ready = {event.ref: event for event in self._ready}, []
        return sorted(ready.values(), key=lambda event: event.at)

    async def read_all(self, deployment: Ref, name: str, *, container_uuid: str = "") -> list[Event]:
        """Return all events of a deployment's containers, or of one of them, oldest first.

        ``name`` is the deployment's. Raises GputuiError.
        """
        log = EventLog(deployment, name, self._now)
        reading = self._reading(log, deployment.id, container_uuid)
        for _ in range(_ATTEMPTS):
            if await reading.read_on(self._monotonic(), _ALL_PAGES, lambda _: None):
                break
        return log.events()

    def _reading(self, log: EventLog, deployment: str, container: str = "") -> _Reading:
        async def ask(offset: int) -> Page[EventRow]:
            return await self._fetch_page(
                deployment, container_uuid=container, page_index=1, page_size=self._page_size, offset=offset
            )

        return _Reading(log, ask, page_size=self._page_size)

    def _notice(self, deployments: Sequence[Deployment]) -> None:
        """Note the present deployments, and which of them have changed or gone."""
        now = self._monotonic()
        for deployment in deployments:
            watch = self._watches.get(deployment.ref)
            current = fingerprint(deployment)
            if watch is None:
                log = EventLog(deployment.ref, deployment.name, self._now)
                reading = self._reading(log, deployment.ref.id)
                self._watches[deployment.ref] = _Watch(deployment, log, reading, current)
                continue
            watch.deployment = deployment
            watch.gone = None
            if watch.fingerprint != current:
                watch.fingerprint = current
                watch.changed = True
                watch.moved = now
        listed = {deployment.ref for deployment in deployments}
        for ref in self._watches.keys() - listed:
            watch = self._watches[ref]
            if watch.gone is None:
                watch.gone = now
                watch.changed = True  # requested once more: its end may be reported
            elif now - watch.gone >= FORGET_SECONDS:
                del self._watches[ref]

    def _due(self) -> list[_Watch]:
        """Return the deployments to request now, those with news first."""
        now = self._monotonic()
        since = self._now() - timedelta(seconds=TRANSITION_SECONDS)
        waiting = sorted(
            (watch for watch in self._watches.values() if watch.retry_at <= now), key=lambda watch: watch.requested
        )
        present = [watch for watch in waiting if watch.gone is None]
        few = sum(watch.is_active for watch in present) <= FEW
        unread = sorted((watch for watch in present if not watch.complete), key=_newest_first)
        active = [watch for watch in present if watch.is_active]
        at_rest = [watch for watch in present if not watch.is_active]
        chosen: dict[Ref, _Watch] = {}
        _choose(chosen, [watch for watch in waiting if watch.changed], None)
        _choose(chosen, unread, UNREAD)
        _choose(chosen, [watch for watch in present if watch.complete and watch.is_moving(now, since)], MOVING)
        _choose(chosen, [watch for watch in active if watch.complete], None if few else SWEEP)
        _choose(chosen, [watch for watch in at_rest if watch.complete], None if len(present) <= FEW else 1)
        return list(chosen.values())

    async def _work(self, queue: Iterator[_Watch]) -> None:
        for watch in queue:
            if not self._limited:
                await self._read(watch)

    async def _read(self, watch: _Watch) -> None:
        changed, watch.changed = watch.changed, False
        watch.requested = self._monotonic()
        try:
            watch.complete = await watch.reading.read_on(
                watch.requested, PAGES_A_TICK, lambda events: self._take(watch, events)
            )
        except GputuiError as error:
            if watch.gone is not None or isinstance(error, NotFoundError):
                watch.error = None  # deleted, if only since it was listed
                return
            self._limited |= isinstance(error, RateLimitedError)
            watch.changed = changed
            watch.error = error
            watch.failures += 1
            watch.retry_at = self._monotonic() + min(_BACKOFF_CAP, 2.0**watch.failures)
        else:
            watch.error = None
            watch.failures = 0

    def _take(self, watch: _Watch, events: list[Event]) -> None:
        """Keep the events of one page: a tick that is cancelled, or fails later, loses none of them."""
        self._ready += events
        if events and watch.complete:
            watch.moved = self._monotonic()


def _newest_first(watch: _Watch) -> tuple[bool, float]:
    created = watch.deployment.created_at
    return not watch.is_active, -created.timestamp() if created else 0.0


def _choose(chosen: dict[Ref, _Watch], watches: Sequence[_Watch], limit: int | None) -> None:
    """Add watches that are not chosen yet, up to a limit."""
    left = [watch for watch in watches if watch.deployment.ref not in chosen]
    chosen.update({watch.deployment.ref: watch for watch in left[:limit]})
