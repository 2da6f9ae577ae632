"""The leases as a session shows them: read from their files at intervals, edited there, enforced by the agent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from gputui.completion import write_in_thread
from gputui.errors import ConfigError, GputuiError
from gputui.fleet.signals import Listeners
from gputui.formatting import format_minutes, thing_in_account
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, Instance, Ref
from gputui.models.leases import LeaseState
from gputui.own_name import own_name

if TYPE_CHECKING:
    from pathlib import Path

    from gputui.models.leases import Lease
    from gputui.rules.lease_book import LeaseBook, LeaseTerms, LeaseView

_AGAIN = 60.0
"""Seconds between two attempts to start the agent."""
SECONDS = 5.0
"""The time between two looks at the files."""
_FOLDERS = ("rules", "journal")


@dataclass(frozen=True, slots=True)
class LeaseNews:
    """News of a lease for the screen. ``bad``: it needs a look; ``soon``: it is about to end, and can be extended."""

    title: str
    text: str
    bad: bool = False
    soon: bool = False


@dataclass(slots=True)
class SessionLeases:
    """The leases of the accounts. ``folder`` is the agent's, None where a session has no leases.

    ``ensure`` starts the agent where none runs, which ``runs`` returns; both block, and the first raises GputuiError.
    ``changed`` is called with what leases have changed of, ``news`` with what happened since the session began.
    """

    folder: Path | None = None
    scope: str = ""
    ensure: Callable[[], None] = lambda: None
    runs: Callable[[], bool] = lambda: True
    problem: str = ""
    """Why no agent enforces the leases there are; '' where one does."""
    changed: Listeners[frozenset[Ref]] = field(default_factory=Listeners)
    news: Listeners[LeaseNews] = field(default_factory=Listeners)
    _of: Mapping[Ref, LeaseView] = field(default_factory=dict)
    _known: Mapping[str, LeaseView] | None = None
    _fingerprint: object = None
    _tried: float | None = None

    def of(self, ref: Ref) -> LeaseView | None:
        """Return the lease of a row that is not over."""
        return self._of.get(ref)

    @property
    def all(self) -> Sequence[LeaseView]:
        """The leases that are not over."""
        return tuple(self._of.values())

    async def follow(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Read the leases until cancelled; ``sleep`` waits."""
        while self.folder is not None:
            await self.read()
            await self._keep_enforced()
            await sleep(SECONDS)

    async def _keep_enforced(self) -> None:
        """Start the agent where there are leases and none runs; where that fails, the reason is a problem."""
        if not self._of or await asyncio.to_thread(self.runs):
            problem = ""
        elif self._tried is not None and monotonic() - self._tried < _AGAIN:
            return
        else:
            self._tried = monotonic()
            try:
                await asyncio.to_thread(self.ensure)
                problem = ""
            except GputuiError as error:
                problem = str(error)
        if problem != self.problem:
            self.problem = problem
            self.changed.notify(frozenset(self._of))

    async def read(self) -> None:
        """Read the leases again where a file has changed. What cannot be read stays as it was."""
        if self.folder is None:
            return
        fingerprint = await asyncio.to_thread(_fingerprint, self.folder)
        if fingerprint == self._fingerprint:
            return
        try:
            found = await asyncio.to_thread(self._book().read)
        except GputuiError as error:
            self._fingerprint = fingerprint
            self.news.notify(LeaseNews("Leases cannot be read", str(error), bad=True))
            return
        before, self._of, self._fingerprint = self._of, found.of, fingerprint
        views = {view.lease.id: view for view in (*found.of.values(), *found.over)}
        self._announce(views)
        refs = before.keys() | found.of.keys()
        if different := frozenset(ref for ref in refs if before.get(ref) != found.of.get(ref)):
            self.changed.notify(different)

    def _announce(self, views: Mapping[str, LeaseView]) -> None:
        """Announce what happened to leases that were known before."""
        before, self._known = self._known, views
        for id_, view in views.items():
            known = (before or {}).get(id_)
            if known is not None and (news := _news(known, view)) is not None:
                self.news.notify(news)

    def _book(self) -> LeaseBook:
        from gputui.rules.lease_book import LeaseBook

        if self.folder is None:
            raise ConfigError("This session has no state directory for leases.")
        return LeaseBook(self.folder, self.scope)

    # --- edits -----------------------------------------------------------------------------------------------

    async def set(
        self, row: Instance | Deployment, terms: LeaseTerms, now: datetime, *, seen: LeaseView | None
    ) -> Lease:
        """Set the lease of a row in place of the one that the user has seen.

        Raises GputuiError: where no agent can be started, or another session has edited it since, nothing is set.
        """
        book, known = self._book(), None if seen is None else seen.lease

        def save() -> Lease:
            self.ensure()
            return book.set(row, terms, now=now, user=own_name(), known=known)

        return await self._edit(save)

    async def set_created(self, ref: Ref, name: str, generation: str, terms: LeaseTerms, now: datetime) -> Lease:
        """Set the lease of what was created, and may not be listed yet. Raises GputuiError."""
        book = self._book()
        return await self._edit(lambda: book.set_of(ref, name, generation, terms, now=now, user=own_name()))

    async def extend(self, lease: Lease, by: timedelta, now: datetime) -> Lease:
        """Let a lease end later. Raises GputuiError."""
        book = self._book()

        def save() -> Lease:
            later = book.extend(lease, by, now)
            self.ensure()
            return later

        return await self._edit(save)

    async def remove(self, lease: Lease) -> None:
        """Remove a lease. Raises GputuiError."""
        book = self._book()

        def delete() -> Lease:
            book.remove(lease)
            return lease

        await self._edit(delete)

    async def _edit(self, work: Callable[[], Lease]) -> Lease:
        """Edit, and read the leases again: also where another session has changed them, which is raised."""
        try:
            return await write_in_thread(work)
        finally:
            await self.read()


def _news(before: LeaseView, now: LeaseView) -> LeaseNews | None:
    """Return what happened to a lease since; None for nothing to announce."""
    lease, log = now.lease, now.log
    thing = thing_in_account(lease.ref)
    if now.over and not before.over:
        reason = log.over.text if log.over is not None else ""
        return LeaseNews(f"{lease.name}: lease over", f"{thing}: {reason}")
    if log.alarmed is not None and log.alarmed != before.log.alarmed:
        return LeaseNews(
            f"{lease.name} has not ended",
            f"{thing}: its lease is over, and {log.alarm}.",
            bad=True,
        )
    if now.problem and not before.problem:
        return LeaseNews(f"{lease.name}: lease not enforced", now.problem, bad=True)
    if log.state is LeaseState.ENDS_SOON and before.log.warned != log.warned:
        verb = "is released" if lease.action.value == "release" else "stops"
        left = None if lease.until is None else (lease.until - datetime.now(UTC)).total_seconds() / 60
        when = "soon" if left is None or left > lease.warn else f"in {format_minutes(max(1, round(left)))}"
        return LeaseNews(f"{lease.name} {verb} {when}", f"{log.warning}.", bad=True, soon=True)
    if log.blind and not before.log.blind:
        return LeaseNews(f"{lease.name}: the idle rule does nothing", f"{thing}: {log.blind}.", bad=True)
    return None


def _fingerprint(folder: Path) -> object:
    """Return what changes with each of the files."""
    found = []
    for name in _FOLDERS:
        try:
            with os.scandir(folder / name) as entries:
                for entry in entries:
                    stat = entry.stat()
                    found.append((name, entry.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
        except OSError:
            continue
    return sorted(found)
