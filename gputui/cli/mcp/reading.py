"""Lists of the fleet for tools: read again where they are old, filtered, with what is unknown said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from gputui.cli import session
from gputui.cli.layout import ListContext, needed_by
from gputui.cli.mcp.answers import bounded
from gputui.cli.mcp.tool import Answer
from gputui.cli.refs import accounts_for, full_ref, resolve
from gputui.errors import AccountDeniedError, ConfigError, GputuiError, UnavailableError
from gputui.fleet.clock import within
from gputui.models import NAMED, FeedState, Resource, Row
from gputui.models.serialize import rows_to_plain
from gputui.presentation.columns.lists import columns_of
from gputui.query import line_of, parse

if TYPE_CHECKING:
    from gputui.config.loader import Config
    from gputui.fleet import Fleet
    from gputui.history.history import History

MAX_AGE = timedelta(seconds=10)
"""Lists that are younger are not requested again: a model may ask for the same many times."""
READ_SECONDS = 15.0
"""How long a reading waits for the slowest account: clients wait about a minute for an answer."""


class Reader:
    """Reads lists of a fleet that does not poll."""

    def __init__(self, fleet: Fleet, config: Config, history: History) -> None:
        self.fleet = fleet
        self.config = config
        self.history = history
        self._changed_at: datetime | None = None

    def note_change(self) -> None:
        """Read every list again before it is used: what was read so far is from before a change."""
        self._changed_at = self.fleet.now()

    def chosen(self, names: Sequence[str]) -> list[str]:
        """Return the accounts named, or all of the fleet; raises ConfigError for a name that is not there."""
        known = list(self.fleet.accounts)
        if missing := [name for name in names if name not in known]:
            raise ConfigError(f"There is no account {missing[0]!r} here.", hint=f"There are: {', '.join(known)}.")
        return list(names) or known

    async def read(
        self, resources: Iterable[Resource], accounts: Iterable[str] | None = None, *, now: bool = False
    ) -> session.Listing:
        """Return lists that are at most :data:`MAX_AGE` old, with ``now`` of this moment.

        What has not answered within :data:`READ_SECONDS` is a failure of its account.
        """
        wanted, names = list(resources), list(self.fleet.accounts if accounts is None else accounts)
        again = {
            (name, resource): poller.refresh_after_now()
            for name in names
            for resource in wanted
            if (poller := self.fleet.runtime(name).pollers.get(resource)) is not None
            and self.fleet.runtime(name).lists(resource)
            and self._is_old(name, resource, now=now)
        }
        closed = [name for name in names if self.fleet.runtime(name).may_open_again]
        if closed:
            self.fleet.refresh(accounts=closed)

        async def requested() -> None:
            await asyncio.gather(self.fleet.read(wanted, names), *again.values())

        late: list[str] = []
        if not await within(self.fleet.clock, READ_SECONDS, requested()):
            late = [name for name in names if name not in self.answered(wanted, names)]
            late += [name for (name, _), done in again.items() if done.cancelled() and name not in late]
        listing = session.listed(self.fleet, wanted, names)
        listing.failures += [(name, _late(name)) for name in late]
        # An account that may not use a list has no such rows: nothing is unknown.
        denied = [account for account, error in listing.failures if isinstance(error, AccountDeniedError)]
        listing.failures = [each for each in listing.failures if not isinstance(each[1], AccountDeniedError)]
        listing.unsupported += [name for name in dict.fromkeys(denied) if name not in listing.unsupported]
        return listing

    def answered(self, resources: Iterable[Resource], names: Iterable[str]) -> list[str]:
        """Return the accounts of which none of these lists is still awaited for the first time."""
        wanted = list(resources)
        return [
            name
            for name in names
            if not any(
                self.fleet.runtime(name).lists(resource)
                and self.fleet.feed(name, resource).state is FeedState.LOADING
                for resource in wanted
            )
        ]

    def _is_old(self, account: str, resource: Resource, *, now: bool) -> bool:
        feed = self.fleet.feed(account, resource)
        if feed.state is FeedState.LOADING:
            return False  # it is requested by the first reading
        at = feed.fetched_at
        # From the future: the clock was set back, and the age is not known.
        young = at is not None and timedelta() <= self.fleet.now() - at < MAX_AGE
        if at is not None and self._changed_at is not None and at <= self._changed_at:
            return True
        return now or feed.state is not FeedState.FRESH or not young

    async def find(
        self,
        texts: Sequence[str],
        searched: Sequence[Resource] = NAMED,
        *,
        certain: bool = False,
        whole: bool = False,
    ) -> list[Row]:
        """Return the rows that these names or Refs name, read now. Raises GputuiError for none and for several.

        ``certain`` refuses a name that an account which does not answer may have too, ``whole`` a part of a name.
        """
        names = accounts_for(texts, list(self.fleet.accounts))
        listing = await self.read(searched, names, now=True)
        matches = resolve(texts, listing, certain=certain)
        if whole and (parts := tuple(f"{match.text} is {match.ref}" for match in matches if not match.whole)):
            raise ConfigError("A change needs full names.", problems=parts)
        return [match.row for match in matches]

    async def detail(self, text: str) -> Row:
        """Return one row as its server has it now. Raises GputuiError."""
        if (ref := full_ref(self.fleet, text)) is not None:
            with suppress(GputuiError):  # a row that is in a list nevertheless
                return await self.fleet.detail(ref)
        (row,) = await self.find([text])
        with suppress(GputuiError):
            return await self.fleet.detail(row.ref)
        return row

    async def matching(self, listing: session.Listing, resource: Resource, text: str) -> list[Row]:
        """Return the rows of a list that a filter of the full-screen program shows; raises QueryError."""
        context = ListContext()
        columns = columns_of(resource, context)
        query = parse(text, {column.key: column.title for column in columns})
        if not query:
            return listing.rows
        if needs := needed_by(resource):
            others = await self.read(needs, {row.ref.account for row in listing.rows})
            context.add(others.rows)
            listing.failures += others.failures
        numbers = {column.key: column.number for column in columns if column.number is not None}
        matches = query.over([column.key for column in columns], numbers=numbers)
        compares = query.compared(numbers) or (lambda row: True)
        return [
            row
            for row in listing.rows
            if compares(row) and matches(line_of([column.text(row) for column in columns]))
        ]

    def answer(
        self,
        listing: session.Listing,
        rows: Sequence[Any],
        limit: int,
        *,
        plain: Callable[[Any], Any] | None = None,
        newest_last: bool = False,
    ) -> dict[str, Any]:
        """Return rows as an answer: how many there are, how many are left out, and which accounts lack theirs."""
        made = [plain(row) for row in rows] if plain is not None else rows_to_plain(rows)
        kept, omitted = bounded(made, limit, newest_last=newest_last)
        return {
            "rows": kept,
            "count": len(rows),
            **({"omitted": omitted} if omitted else {}),
            **self.gaps(listing),
        }

    def gaps(self, listing: session.Listing) -> Answer:
        """Return what an answer lacks: rows of these accounts are unknown, not none."""
        once = {(account, str(error)) for account, error in listing.failures}
        gaps: dict[str, Any] = {"complete": not once}
        if once:
            old = {account: {"rows_as_of": at.isoformat()} for account, at in listing.old.items()}
            gaps["unknown"] = [
                {"account": account, "problem": problem, **old.get(account, {})} for account, problem in sorted(once)
            ]
        if listing.unsupported:
            gaps["no_such_list_in"] = listing.unsupported
        return gaps


def _late(account: str) -> UnavailableError:
    return UnavailableError(f"{account}: no answer within {READ_SECONDS:g} s. Its rows are missing or old.")
