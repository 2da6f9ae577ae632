"""The default lease: what a plan creates or starts ends by itself, unless a person extends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from gputui.completion import write_in_thread
from gputui.errors import ConflictError, ForbiddenError
from gputui.fleet.leases import check_lease
from gputui.formatting import format_minutes
from gputui.late_dataclasses import dataclass
from gputui.models import Action, Deployment, Instance, Ref
from gputui.models.leases import Lease, LeaseAction
from gputui.presentation.leases import effects
from gputui.rules.lease_book import LeaseBook, LeaseTerms

if TYPE_CHECKING:
    from gputui.fleet import Fleet

NOTE = "set by gputui mcp"


@dataclass(frozen=True, slots=True)
class Leasing:
    """Sets leases of ``minutes``. ``ensure_agent`` starts the agent, which enforces them; it blocks."""

    book: LeaseBook
    minutes: int
    user: str
    ensure_agent: Callable[[], None]

    @property
    def hours(self) -> Decimal:
        """The length in hours."""
        return Decimal(self.minutes) / 60

    @property
    def text(self) -> str:
        """The length in words."""
        return format_minutes(self.minutes)

    def terms(self, fleet: Fleet, row: Instance | Deployment, now: datetime) -> LeaseTerms:
        """Return the terms for a row: it is stopped, or released where its server cannot stop it. Raises."""
        action = LeaseAction.STOP if fleet.never(row, Action.STOP) is None else LeaseAction.RELEASE
        terms = LeaseTerms(until=now + timedelta(minutes=self.minutes), action=action, note=NOTE)
        check_lease(fleet, row, terms, lambda command: f"gputui {command}")
        return terms

    def lines(self, fleet: Fleet, row: Instance | Deployment, now: datetime) -> list[str]:
        """Say what the lease of a row will do."""
        what = effects(row, self.terms(fleet, row, now), now)
        return [f"A lease of {self.text} is set, from its start on:", *(f"  {line}" for line in what)]

    async def known(self, ref: Ref) -> Lease | None:
        """Return the lease that a row has; None where it has none, or one that is over."""
        view = (await asyncio.to_thread(self.book.read)).of.get(ref)
        return None if view is None else view.lease

    async def check(self, lease: Lease) -> None:
        """Raise ConflictError where a lease does not end its row as it did when a plan was made."""
        now = await self.known(lease.ref)
        if now is None or (now.id, now.until, now.action) != (lease.id, lease.until, lease.action):
            raise ConflictError(
                f"The lease of {lease.ref} has changed. Nothing was sent.", hint="Prepare another plan."
            )

    async def ready(self) -> None:
        """Make sure that an agent runs, before anything is sent. Raises AgentError."""
        await asyncio.to_thread(self.ensure_agent)

    async def set(self, fleet: Fleet, row: Instance | Deployment) -> Lease:
        """Set the lease of a row; raises GputuiError.

        An agent that had nothing to do while the request was under way may have ended: it is started again.
        """
        now = fleet.now()
        terms = self.terms(fleet, row, now)
        lease = await write_in_thread(lambda: self.book.set(row, terms, now=now, user=self.user, known=None))
        await self.ready()
        return lease


def hours_left(lease: Lease, now: datetime) -> Decimal:
    """Return for how many hours a lease still runs. Raises ConflictError where it has no end that is certain."""
    if lease.until is None:
        raise ConflictError(
            f"{lease.ref} has a lease without a fixed end: what it would cost is not known.",
            hint=f"A person can give it one: gputui lease {lease.ref} --after 8h",
        )
    seconds = (lease.until - now).total_seconds()
    if seconds <= 0:
        raise ForbiddenError(f"The lease of {lease.ref} ends now.", hint="Try again when it is over.")
    return Decimal(seconds) / 3600
