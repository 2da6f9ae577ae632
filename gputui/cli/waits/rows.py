"""Waits for a state of rows: found by name, read at the configured interval, believed only while they are fresh."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from gputui.cli import refs, session
from gputui.cli.output import notify
from gputui.cli.waits.goals import Goal, Look, Outcome, is_final, reaches, state_of
from gputui.cli.waits.readiness import GpuLoads, Logins
from gputui.errors import ConflictError, GputuiError, NotFoundError
from gputui.models import FeedState, Instance, Phase, Ref, Resource, Row

if TYPE_CHECKING:
    from gputui.fleet import Fleet

_ENDED = (Phase.STOPPED, Phase.FAILED)
SEARCHED = {
    Goal.RUNNING: (Resource.INSTANCES, Resource.DEPLOYMENTS),
    Goal.STOPPED: (Resource.INSTANCES, Resource.DEPLOYMENTS),
    Goal.GONE: (Resource.INSTANCES, Resource.DEPLOYMENTS),
    Goal.SSH: (Resource.INSTANCES,),
    Goal.IDLE: (Resource.INSTANCES,),
}
"""The lists whose rows can have each state."""


class RowWait:
    """Looks at the rows that ``texts`` name. ``appear``: one that does not exist yet is waited for.

    ``loads`` says whether GPUs are idle. The fleet polls.
    """

    def __init__(self, fleet: Fleet, texts: Sequence[str], goal: Goal, *, appear: bool, loads: GpuLoads) -> None:
        self._fleet = fleet
        self._texts = list(dict.fromkeys(texts))
        self._goal = goal
        self._appear = appear
        self._found: dict[str, Ref] = {}
        self._first: dict[Ref, Row] = {}
        self._gone: set[Ref] = set()
        self._fetched: dict[Ref, tuple[datetime | None, Row | GputuiError | None]] = {}
        self._logins = Logins(fleet)
        self._loads = loads

    async def look(self) -> list[Look]:
        """Look at all of them, in their order. Raises ConfigError for an ambiguous name, NotFoundError for none."""
        searched = SEARCHED[self._goal]
        listing = await session.read(self._fleet, searched)
        looks = {text: self._find(text, listing) for text in self._texts}
        found = {self._found[text] for text, problem in looks.items() if problem is None}
        answers = dict(zip(found, await asyncio.gather(*map(self._look_at, found)), strict=True))
        each = [problem or answers[self._found[text]] for text, problem in looks.items()]
        return list({look.subject: look for look in each}.values())

    # --- which row is meant ----------------------------------------------------------------------------------

    def _find(self, text: str, listing: session.Listing) -> Look | None:
        """Find the row that a text names, once; returns a look where that is not known now."""
        if text in self._found:
            return None
        full = refs.full_ref(self._fleet, text)
        if full is not None and self._fleet.resource_of(full) not in SEARCHED[self._goal]:
            nouns = " and ".join(SEARCHED[self._goal])
            raise ConflictError(f"{text}: only {nouns} can be waited for to be {self._goal}.")
        known = full is not None and (self._fleet.get(full) is not None or not self._fleet.would_list(full))
        if full is not None and (known or self._goal is Goal.GONE):
            self._found[text] = full
            return None
        if self._appear:
            listing = replace(listing, rows=[row for row in listing.rows if text in refs.names_of(row)])
        try:
            match = refs.resolve([text], listing, certain=True)[0]
        except NotFoundError as error:
            if not self._appear:
                raise NotFoundError(error.message, hint=f"{error.hint} --appear waits for it to appear.") from error
            return Look(text, Outcome.NOT_YET, "does not exist yet")
        except GputuiError as error:
            failures, account = dict(listing.failures), text.partition("/")[0]
            silent = account in failures and account not in listing.answered
            cause = session.about_account(account, failures[account]) if silent else error
            if not failures or is_final(cause):
                raise cause from None
            return Look(text, Outcome.UNREADABLE, cause.message, error=cause)
        refs.report_shortened([match])
        self._found[text] = match.ref
        return None

    # --- its state -------------------------------------------------------------------------------------------

    async def _look_at(self, ref: Ref) -> Look:
        if ref in self._gone:
            return self._judge(ref, None)
        fleet, resource = self._fleet, self._fleet.resource_of(ref)
        feed = fleet.feed(ref.account, resource)
        if feed.state is not FeedState.FRESH:
            error = feed.error
            final = error is not None and is_final(error)
            state = error.message if error is not None else "not read yet"
            return Look(str(ref), Outcome.NEVER if final else Outcome.UNREADABLE, state, error=error)
        row = fleet.get(ref)
        lacking = feed.coverage.lacks_rows
        if row is None or lacking:
            answer = await self._fetch(ref, feed.fetched_at)
            if isinstance(answer, GputuiError):
                final = is_final(answer)
                return Look(str(ref), Outcome.NEVER if final else Outcome.UNREADABLE, answer.message, error=answer)
            # Some servers still describe what is deleted, though no list has it.
            is_deleted = row is None and not lacking and getattr(answer, "phase", None) in _ENDED
            row = None if is_deleted and self._goal is Goal.GONE else answer
        if row is not None and not self._is_same(row):
            notify(f"{ref}: another one has its name now.")
            row = None
        if row is None:
            self._gone.add(ref)
        judged = self._judge(ref, row)
        if judged.outcome is not Outcome.REACHED or not isinstance(row, Instance):
            return judged
        if self._goal is Goal.SSH:
            return await self._logins.look(row)
        return await self._loads.look(row) if self._goal is Goal.IDLE else judged

    async def _fetch(self, ref: Ref, listed_at: datetime | None) -> Row | GputuiError | None:
        """Ask for one row that its list lacks, once after each answer of the list; None where it is gone."""
        known = self._fetched.get(ref)
        if known is None or known[0] != listed_at:
            answer: Row | GputuiError | None
            try:
                answer = await self._fleet.runtime(ref.account).backend.fetch(ref)
            except NotFoundError:
                answer = None
            except GputuiError as error:
                answer = error
            known = self._fetched[ref] = (listed_at, answer)
        return known[1]

    def _is_same(self, row: Row) -> bool:
        """Return whether it is the row of the first look, and not a later one of its name."""
        if self._goal is not Goal.GONE:
            return True  # a restart may give another generation
        first = self._first.setdefault(row.ref, row)
        if not (isinstance(first, Instance) and isinstance(row, Instance)):
            return True
        return not (first.container_id and row.container_id) or first.container_id == row.container_id

    def _judge(self, ref: Ref, row: Row | None) -> Look:
        reached = reaches(self._goal, row)
        outcome = {True: Outcome.REACHED, False: Outcome.NEVER, None: Outcome.NOT_YET}[reached]
        return Look(str(ref), outcome, state_of(row), () if row is None else (row,))
