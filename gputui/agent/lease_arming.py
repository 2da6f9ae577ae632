"""Leases that are armed inside their instances: armed, replaced and ended over SSH, and every step confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gputui.errors import GputuiError
from gputui.fleet.connections import check_generation
from gputui.models import Action, Instance
from gputui.models.leases import Lease, LeaseEntry, LeaseEvent
from gputui.redaction import as_failure
from gputui.rules.leases import LeaseLog

if TYPE_CHECKING:
    from gputui.fleet import Fleet

LATER = timedelta(minutes=3)
"""So much later than the agent the process inside acts: it is the last resort."""
_SAME = timedelta(seconds=60)
_AGAIN = 60.0
"""Seconds between two attempts."""

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
        if self._task is not None or (self._tried is not None and self._up() - self._tried < _AGAIN):
            return
        if Action.SSH not in self._fleet.actions(row):
            self.problem = "it permits no login now"
            return
        self._tried = self._up()
        self._task = asyncio.create_task(self._change(lease, row, end, now, write))

    async def _change(self, lease: Lease, row: Instance, end: datetime | None, now: datetime, write: Write) -> None:
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
