"""Leases that are armed inside their instances: armed, replaced and ended over SSH, and every step confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from gputui.errors import GputuiError, JournalError
from gputui.formatting import format_minutes, thing_in_account
from gputui.late_dataclasses import dataclass
from gputui.models import Action, Instance, Phase, Resource
from gputui.models.leases import Lease, LeaseEntry, LeaseEvent, LeaseState
from gputui.redaction import as_failure
from gputui.rules.lease_log import LeaseLog
from gputui.rules.leases import Decision, Notice, generation_of

if TYPE_CHECKING:
    from gputui.agent.lease_facts import LeaseFacts
    from gputui.fleet import Fleet

LATER = timedelta(minutes=3)
"""So much later than the agent the process inside acts: it is the last resort."""
_SAME = timedelta(seconds=60)
_AGAIN = 60.0
"""Seconds between two attempts."""

_OLD_TIME = timedelta(minutes=15)
"""So long before an armed time that is not replaced that is announced."""

Write = Callable[[LeaseEntry], Awaitable[None]]


def wanted(lease: Lease, log: LeaseLog) -> datetime | None:
    """Return the time that is to be armed inside; None for none."""
    if not lease.armed or lease.removed or lease.until is None or log.over is not None:
        return None
    return lease.until + LATER


class Arming:
    """The arming of one lease. ``problem`` is why the last attempt has failed, '' where it has not."""

    def __init__(self, fleet: Fleet, up: Callable[[], float]) -> None:
        self.problem = ""
        self._fleet = fleet
        self._up = up
        self._tried: float | None = None
        self._task: asyncio.Task[None] | None = None

    def look(self, lease: Lease, log: LeaseLog, row: Instance, now: datetime, write: Write) -> None:
        """Begin what is missing: to arm it, to replace its time, or to end it. ``write`` writes to the journal."""
        end = wanted(lease, log)
        if end is None and log.armed is None:
            return
        if end is not None and log.armed is not None and abs(end - log.armed) <= _SAME:
            return
        if end is not None and end - now < LATER and (log.armed is None or end < log.armed):
            self.problem = "its time is over: the agent ends it, after a warning"
            return
        if self._task is not None or (self._tried is not None and self._up() - self._tried < _AGAIN):
            return
        if Action.SSH not in self._fleet.actions(row):
            self.problem = "it permits no login now"
            return
        self._tried = self._up()
        self._task = asyncio.create_task(self._change(lease, row, end, now, write))

    async def _change(self, lease: Lease, row: Instance, end: datetime | None, now: datetime, write: Write) -> None:
        from gputui.fleet.connections import check_generation
        from gputui.ssh import watchdog

        try:
            async with self._fleet.connections.lease(row) as connection:
                check_generation(row, connection)
                if end is None:
                    await watchdog.disarm(connection, row.name, lease.id, row.ssh)
                    await write(LeaseEntry(now, LeaseEvent.DISARMED, lease.revision))
                else:
                    seconds = int((end - now).total_seconds())
                    await watchdog.arm(connection, row.name, lease.id, seconds, row.ssh)
                    await write(LeaseEntry(now, LeaseEvent.ARMED, lease.revision, until=end))
        except GputuiError as error:
            self.problem = str(error).rstrip(".")
        except Exception as error:  # noqa: BLE001  (a fault with one instance must not end the others' leases)
            self.problem = as_failure(error, f"arming {row.name}").message
        else:
            self.problem = ""
        finally:
            self._task = None

    async def aclose(self) -> None:
        """End an attempt that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


@dataclass(slots=True)
class Followed:
    """A lease that is enforced. Times are of :func:`uptime`.

    ``sending`` is the request under way, ``read`` the list that is requested after it.
    """

    lease: Lease
    log: LeaseLog
    since: float
    absent_since: float | None = None
    blind_since: float | None = None
    sending: asyncio.Task[None] | None = None
    read: asyncio.Future[None] | None = None
    decision: Decision = field(default_factory=lambda: Decision(LeaseState.WAITING))
    readable: bool = True
    """Whether its journal can be read."""
    arming: Arming | None = None
    """Whatever is done inside its instance."""
    arming_said: bool = False
    """Whether it was said that an armed time is not replaced yet."""
    journal_said: float | None = None
    """When it was said that the journal cannot be written."""


class Inside:
    """All that is armed inside instances. ``write`` writes an entry for all revisions, ``announce`` a notice."""

    def __init__(
        self,
        fleet: Fleet,
        facts: LeaseFacts,
        write: Callable[[Followed, LeaseEntry], Awaitable[None]],
        announce: Callable[[Lease, Notice], None],
        up: Callable[[], float],
    ) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self._fleet = fleet
        self._facts = facts
        self._write = write
        self._announce = announce
        self._up = up
        self._armings: list[Arming] = []

    def look(self, followed: Followed) -> None:
        """Arm the lease inside, replace its time or end it, as far as the instance is reached."""
        lease, fleet = followed.lease, self._fleet
        if not (lease.armed or followed.log.armed is not None) or not followed.readable:
            return
        account = lease.ref.account
        row = fleet.find(Instance, lease.ref) if account in fleet.accounts else None
        now, doubt = self._facts.now(account) if account in fleet.accounts else (fleet.now(), "")
        over = wanted(lease, followed.log) is None
        armed = followed.log.armed
        if over and armed is not None and (row is None or row.phase is Phase.STOPPED or now - armed > LATER):
            # With the instance its processes have ended, or they have done their work.
            self._spawn(self._disarmed(followed, now))
        elif row is not None and row.phase is Phase.RUNNING and not self._facts.stale(account, Resource.INSTANCES):
            if generation_of(row) != (lease.generation or followed.log.generation):
                return
            if doubt and not over:
                return  # what is armed by a wrong clock shuts down too early
            if followed.arming is None:
                followed.arming = Arming(fleet, self._up)
                self._armings.append(followed.arming)
            followed.arming.look(lease, followed.log, row, now, partial(self._write, followed))
        self._warn_of_old_time(followed, now)

    async def _disarmed(self, followed: Followed, now: datetime) -> None:
        with suppress(JournalError):  # it is tried again
            await self._write(followed, LeaseEntry(now, LeaseEvent.DISARMED, followed.lease.revision))

    def _warn_of_old_time(self, followed: Followed, now: datetime) -> None:
        """Say that an instance is about to shut itself down at a time that could not be replaced."""
        lease, armed, arming = followed.lease, followed.log.armed, followed.arming
        end = wanted(lease, followed.log)
        if armed is None or followed.arming_said or armed - now > _OLD_TIME or (end is not None and end <= armed):
            return
        if now > armed or (end is None and followed.log.over is not None):
            return
        followed.arming_said = True
        why = arming.problem if arming is not None and arming.problem else "it is not reached"
        left = format_minutes(max(1, round((armed - now).total_seconds() / 60)))
        thing = thing_in_account(lease.ref)
        text = f"{thing}: it is armed inside for a time in {left} that could not be replaced: {why}."
        self._announce(lease, Notice(f"{lease.name} shuts itself down in {left}", text))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def aclose(self) -> None:
        """End the attempts that are under way."""
        for arming in self._armings:
            await arming.aclose()
