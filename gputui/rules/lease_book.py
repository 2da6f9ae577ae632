"""The leases by what they are of: read with their journals, set, extended, removed. Blocks for the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from pathlib import Path

from gputui.errors import ConflictError, InvalidError, JournalError
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, Instance, Ref
from gputui.models.leases import Lease, LeaseAction, LeaseEntry
from gputui.rules.files import RuleFiles
from gputui.rules.journal import Journal
from gputui.rules.lease_log import LeaseLog, fold
from gputui.rules.leases import generation_of

SHORTEST_IDLE = 5
"""Minutes of the shortest idle rule: several readings of the GPUs."""
KEPT = timedelta(days=7)
"""How long a lease that is over is listed."""


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """When a lease ends and how, as a user gives it; see :class:`.Lease`."""

    until: datetime | None = None
    idle: int | None = None
    not_before: datetime | None = None
    action: LeaseAction = LeaseAction.STOP
    warn: int = 15
    armed: bool = False
    note: str = ""

    def check(self, now: datetime) -> None:
        """Raise InvalidError, with the reason by field, for terms that make no lease."""
        problems = {}
        if self.until is None and self.idle is None:
            problems["until"] = "is needed, or a time without load"
        if self.until is not None and self.until <= now:
            problems["until"] = "must be in the future"
        if self.idle is not None and self.idle < SHORTEST_IDLE:
            problems["idle"] = f"must be {SHORTEST_IDLE}m at least: the load is read once a minute"
        if self.not_before is not None and self.until is not None and self.not_before >= self.until:
            problems["not_before"] = "must be before the end"
        if self.armed and self.until is None:
            problems["armed"] = "needs a time: an idle rule cannot be armed inside"
        if problems:
            name, problem = next(iter(problems.items()))
            raise InvalidError(f"The lease: {name.replace('_', ' ')} {problem}.", fields=problems)


@dataclass(frozen=True, slots=True)
class LeaseView:
    """A lease with what its journal says. ``problem`` is why that cannot be read; then it is not enforced."""

    lease: Lease
    log: LeaseLog
    problem: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more is done."""
        return self.log.over is not None


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases there are: ``of`` has those that are not over, by what they are of; ``over`` ended lately.

    ``problems`` are files that cannot be used.
    """

    of: Mapping[Ref, LeaseView] = field(default_factory=dict)
    over: Sequence[LeaseView] = ()
    problems: Sequence[str] = ()


class LeaseBook:
    """Reads and edits the leases in the agent's directory. Methods raise GputuiError.

    ``scope`` is the configuration file of the accounts: leases of another one are left out.
    """

    def __init__(self, folder: Path, scope: str = "") -> None:
        self.folder = folder
        self.scope = scope
        self._files = RuleFiles(folder)
        self._journal: Journal[LeaseEntry] = Journal(folder, LeaseEntry)

    def read(self) -> Leases:
        """Read all leases."""
        found = self._files.read()
        views = [
            self._view(rule)
            for rule in found.rules.values()
            if isinstance(rule, Lease) and rule.scope in ("", self.scope) and not rule.removed
        ]
        views.sort(key=lambda view: view.lease.created)
        return Leases(
            {view.lease.ref: view for view in views if not view.over},
            [view for view in views if view.over],
            [problem.why for problem in found.problems],
        )

    def set(
        self, row: Instance | Deployment, terms: LeaseTerms, *, now: datetime, user: str, known: Lease | None
    ) -> Lease:
        """Set the lease of a row in place of the one that is ``known``.

        Raises ConflictError where another session has set or edited one since.
        """
        return self.set_of(row.ref, row.name, generation_of(row), terms, now=now, user=user, known=known)

    def set_of(
        self,
        ref: Ref,
        name: str,
        generation: str,
        terms: LeaseTerms,
        *,
        now: datetime,
        user: str,
        known: Lease | None = None,
    ) -> Lease:
        """Set the lease of what was created, and may not be listed yet; see :meth:`set`."""
        terms.check(now)
        lease = Lease(
            known.id if known is not None else self._files.new_id(),
            ref,
            name,
            now,
            terms.action,
            terms.until,
            terms.idle,
            terms.not_before,
            terms.warn,
            terms.armed,
            generation,
            user,
            self.scope,
            terms.note,
        )
        if known is None and (other := self.read().of.get(ref)) is not None:
            raise ConflictError(
                f"{other.lease.ref} has a lease already, which another session has set.",
                hint="Nothing was changed: look at it, then edit it.",
            )
        saved = self._files.save(lease, None if known is None else known.revision)
        self._forget_old(now)
        return saved

    def set_once(self, ref: Ref, name: str, generation: str, terms: LeaseTerms, *, now: datetime, user: str) -> Lease:
        """Set the lease of what was created, unless it has one; returns the lease that it has then.

        One with the same note that was set at the same time counts where it is over, too: a repeated call sets none.
        """
        known = self.read()
        if (there := known.of.get(ref)) is not None:
            return there.lease
        for view in known.over:
            if (view.lease.ref, view.lease.note, view.lease.created) == (ref, terms.note, now):
                return view.lease
        return self.set_of(ref, name, generation, terms, now=now, user=user)

    def extend(self, lease: Lease, by: timedelta, now: datetime) -> Lease:
        """Let a lease end later: its time is later by that, or begins now where it is over; an idle rule waits."""
        if lease.until is not None:
            later = replace(lease, until=max(lease.until, now) + by)
        else:
            later = replace(lease, not_before=max(lease.not_before or now, now) + by)
        return self._files.save(later, lease.revision)

    def remove(self, lease: Lease) -> None:
        """Remove a lease: nothing is done any more. The agent deletes one that is armed when that has ended."""
        if self._view(lease).log.armed is not None:
            self._files.save(replace(lease, removed=True), lease.revision)
        else:
            self._files.delete(lease.id, lease.revision)

    def _view(self, lease: Lease) -> LeaseView:
        try:
            return LeaseView(lease, fold(lease, self._journal.entries(lease.id)))
        except JournalError as error:
            return LeaseView(lease, LeaseLog(), error.message)

    def _forget_old(self, now: datetime) -> None:
        """Delete the files of leases that were over long ago."""
        for view in self.read().over:
            if view.log.over is not None and now - view.log.over.at > KEPT:
                self._files.delete(view.lease.id, view.lease.revision)
