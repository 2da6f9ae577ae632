"""Creates and starts that found no stock, tried again until they succeed, expire or are stopped.

An attempt is sent at most every 30 s, each with its own audit entry. Only an answer that says that there is no stock,
or that the request did not reach the server, is followed by another attempt: everything else ends the series, an
unknown outcome above all, since the same thing could be paid for twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gputui.errors import ConflictError, GputuiError, NoStockError, NotFoundError, RateLimitedError, UnavailableError
from gputui.fleet.signals import Listeners
from gputui.formatting import format_money, status_text
from gputui.models import Action, ActionResult, Instance, Money, Phase, Ref
from gputui.models.attempts import AttemptRow, AttemptState

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet

PACE = 30.0
"""The least number of seconds between two attempts of a series."""
LONGEST = timedelta(days=7)
_PRICE_PAUSE, _PRICE_LOOKS = 10.0, 60
"""How often the price of what was created or started is read, and how many times at most."""
_OVER = frozenset({AttemptState.DONE, AttemptState.EXPIRED, AttemptState.FAILED, AttemptState.STOPPED})

Send = Callable[[], Awaitable[ActionResult]]


class Attempt:
    """One series. ``limit`` is the highest price of an hour that is accepted."""

    def __init__(
        self, ref: Ref, name: str, action: Action, send: Send, since: datetime, until: datetime, limit: Money | None
    ) -> None:
        self.ref = ref
        self.name = name
        self.action = action
        self.send = send
        self.since = since
        self.until = until
        self.limit = limit
        self.state = AttemptState.WAITING
        self.tries = 0
        self.next_at: datetime | None = since
        self.answer = ""
        self.made: Ref | None = None
        self.error: GputuiError | None = None
        """The answer that ended it."""
        self.stopping = False
        """Whether it ends with the answer to the request that is under way."""

    @property
    def over(self) -> bool:
        """Whether nothing more is sent."""
        return self.state in _OVER

    def row(self) -> AttemptRow:
        """Return the series as it is now."""
        return AttemptRow(
            self.ref,
            self.name,
            self.action,
            self.state,
            self.tries,
            self.since,
            self.until,
            None if self.over else self.next_at,
            self.limit,
            self.answer,
            self.made,
        )


class Attempts:
    """The series of this session. ``on_failure`` gets what fails inside gputui."""

    def __init__(self, fleet: Fleet, on_failure: Callable[[BaseException], None] | None = None) -> None:
        self.listeners: Listeners[Attempt] = Listeners(on_failure)
        self._fleet = fleet
        self._clock = fleet.clock
        self._on_failure = on_failure
        self._attempts: dict[Ref, Attempt] = {}
        self._tasks: dict[Ref, asyncio.Task[None]] = {}

    @property
    def all(self) -> Sequence[Attempt]:
        """All series, the newest last."""
        return list(self._attempts.values())

    def get(self, ref: Ref | None) -> Attempt | None:
        """Return a series; None where there is none."""
        return None if ref is None else self._attempts.get(ref)

    @property
    def under_way(self) -> Sequence[Attempt]:
        """The series that may still send something."""
        return [attempt for attempt in self._attempts.values() if not attempt.over]

    def create(
        self,
        account: str,
        kind: str,
        name: str,
        values: Mapping[str, str],
        *,
        until: datetime,
        limit: Money | None = None,
    ) -> Attempt:
        """Try again and again to create something from these values of its form.

        Raises ConflictError while another series creates one of this name: after a lost answer it could not be known
        which of them was created.
        """
        creator = self._fleet.creator(account, kind)

        async def send() -> ActionResult:
            return await self._fleet.create(creator.prepare(values))

        return self._begin(account, name, Action.CREATE, send, until, limit)

    def start(self, instance: Instance, *, until: datetime, limit: Money | None = None) -> Attempt:
        """Try again and again to start an instance; the series ends where it runs or is gone.

        Raises ConflictError while another series starts it.
        """

        async def send() -> ActionResult:
            row = self._fleet.find(Instance, instance.ref)
            if row is None or row.container_id != instance.container_id:
                raise NotFoundError(f"{instance.ref} no longer exists.", hint="Nothing more is sent.")
            return await self._fleet.act(instance.ref, Action.START, expected=row)

        return self._begin(instance.ref.account, instance.name, Action.START, send, until, limit, instance.ref)

    def stop(self, attempt: Attempt) -> None:
        """Send nothing more. A request that was sent is still answered, and its outcome recorded."""
        if attempt.state is AttemptState.WAITING:
            self._tasks.pop(attempt.ref).cancel()
            self._end(attempt, AttemptState.STOPPED)
        elif not attempt.over:
            attempt.stopping = True

    async def aclose(self) -> None:
        """End all of them; a request under way is not awaited."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _begin(
        self,
        account: str,
        name: str,
        action: Action,
        send: Send,
        until: datetime,
        limit: Money | None,
        instance: Ref | None = None,
    ) -> Attempt:
        for one in self.under_way:
            same = one.made == instance if instance is not None else one.name == name
            if one.action is action and one.ref.account == account and same:
                raise ConflictError(f"{account}: to {action} {name} is being tried already.", hint="See :attempts.")
        now = self._clock.now()
        ref = Ref(account, "attempt", str(len(self._attempts) + 1))
        attempt = Attempt(ref, name, action, send, now, min(until, now + LONGEST), limit)
        attempt.made = instance
        # The answer that there is no stock has just come.
        attempt.next_at = now + timedelta(seconds=PACE)
        self._attempts[ref] = attempt
        task = self._tasks[ref] = asyncio.create_task(self._run(attempt), name=f"attempts of {name}")
        task.add_done_callback(lambda ended: self._ended(attempt, ended))
        self.listeners.notify(attempt)
        return attempt

    def _ended(self, attempt: Attempt, task: asyncio.Task[None]) -> None:
        self._tasks.pop(attempt.ref, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            attempt.answer = "failed inside gputui"
            self._end(attempt, AttemptState.FAILED)
            if self._on_failure is not None:
                self._on_failure(error)

    def _end(self, attempt: Attempt, state: AttemptState) -> None:
        attempt.state = state
        self.listeners.notify(attempt)

    async def _run(self, attempt: Attempt) -> None:
        wait = PACE
        while True:
            attempt.next_at = self._clock.now() + timedelta(seconds=wait)
            if attempt.next_at > attempt.until:
                # The last one is at the end of the time, not after it.
                left = (attempt.until - self._clock.now()).total_seconds()
                await self._clock.sleep(max(0.0, left))
                self._end(attempt, AttemptState.EXPIRED)
                return
            await self._clock.sleep(wait)
            attempt.state = AttemptState.TRYING
            self.listeners.notify(attempt)
            attempt.tries += 1
            try:
                result = await attempt.send()
            except (NoStockError, UnavailableError, RateLimitedError) as error:
                attempt.answer = error.message
                if attempt.stopping:
                    self._end(attempt, AttemptState.STOPPED)
                    return
                wait = max(PACE, error.retry_after) if isinstance(error, RateLimitedError) else PACE
                attempt.state = AttemptState.WAITING
                self.listeners.notify(attempt)
            except GputuiError as error:
                attempt.answer, attempt.error = str(error), error
                self._end(attempt, AttemptState.FAILED)
                return
            else:
                attempt.made = result.created or attempt.made
                attempt.answer = result.message
                self._end(attempt, await self._check_price(attempt))
                return

    async def _check_price(self, attempt: Attempt) -> AttemptState:
        """Read the price of what runs now, and stop it where that is more than the limit: then it has failed."""
        if attempt.limit is None:
            return AttemptState.DONE
        unknown = f"The price is not known, and may be more than {format_money(attempt.limit)}/h: check it."
        if attempt.made is None:
            attempt.answer = f"{attempt.answer} {unknown}"
            return AttemptState.DONE
        attempt.state = AttemptState.CHECKING
        self.listeners.notify(attempt)
        backend = self._fleet.runtime(attempt.made.account).backend
        for _ in range(_PRICE_LOOKS):
            await self._clock.sleep(_PRICE_PAUSE)
            try:
                row = await backend.fetch(attempt.made)
            except GputuiError as error:
                attempt.answer = error.message
                continue
            if isinstance(row, Instance) and row.phase is Phase.RUNNING and row.price is not None:
                return await self._compare(attempt, row, row.price, attempt.limit)
        attempt.answer = unknown
        return AttemptState.DONE

    async def _compare(self, attempt: Attempt, row: Instance, price: Money, limit: Money) -> AttemptState:
        if price.currency != limit.currency:
            attempt.answer = f"It runs for {format_money(price)}/h, which cannot be compared with the limit."
            return AttemptState.DONE
        if price.amount <= limit.amount:
            attempt.answer = f"It runs for {format_money(price)}/h."
            return AttemptState.DONE
        more = f"{row.ref}: {format_money(price)}/h is more than {format_money(limit)}/h"
        try:
            await self._fleet.act(row.ref, Action.STOP)
        except GputuiError as error:
            attempt.error = error
            attempt.answer = f"{more}, and it could not be stopped ({status_text(row.status)}): {error.message}"
        else:
            attempt.answer = f"{more}: it was stopped again."
        return AttemptState.FAILED
