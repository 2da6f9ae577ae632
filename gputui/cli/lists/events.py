"""``gputui get events``: what back ends report of their instances, and what was observed of those of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from gputui.cli import refs, session
from gputui.cli.mutate import note_shortened
from gputui.cli.output import say
from gputui.errors import ExitCode, GputuiError, NotFoundError
from gputui.models import Event, Ref, Resource, Row

if TYPE_CHECKING:
    from gputui.api.capabilities import Backend
    from gputui.config.loader import Account

_NAMED = (Resource.INSTANCES, Resource.DEPLOYMENTS)


def list_events(
    accounts: dict[str, Account], of: Ref | None, named: Collection[str] | None = None
) -> tuple[list[Row], ExitCode]:
    """Return the events of these accounts, or of one thing, in the order of time, and how well that went."""
    listing = asyncio.run(_reported(accounts, of))
    observed, status = _observed(listing.unsupported, of)
    # Events of servers that report none are those that gputui observed: they are an answer too.
    listing.answered.update(listing.unsupported)
    rows = sorted([*listing.rows, *observed], key=_time)
    return rows, max(status, listing.report(named))


def concerns(event: Event, of: Ref | None) -> bool:
    """Whether an event is one of this instance, or of an instance of this deployment."""
    return of is None or of in (event.instance, event.parent)


def find(accounts: dict[str, Account], text: str) -> Ref:
    """Return the instance or deployment that a REF means; a full one may be of something that is gone."""
    return asyncio.run(_find({name: accounts[name] for name in refs.accounts_for([text], list(accounts))}, text))


async def _find(accounts: dict[str, Account], text: str) -> Ref:
    async with session.backends(accounts) as opened:
        listing = await session.list_several(opened, _NAMED)
        try:
            matches = await refs.resolve_among(
                [text],
                listing,
                _NAMED,
                lambda resources: session.list_several(opened, resources),
                only="only instances and deployments have events",
            )
        except NotFoundError:
            gone = _full_ref(opened, text)
            if gone is None:
                raise
            return gone
        listing.report()
        note_shortened(matches)
        return matches[0].ref


def _full_ref(opened: Mapping[str, Backend | GputuiError], text: str) -> Ref | None:
    """Read a full Ref of a kind that has events."""
    try:
        ref = Ref.parse(text)
    except ValueError:
        return None
    backend = opened.get(ref.account)
    known = None if backend is None or isinstance(backend, GputuiError) else backend.kinds.get(ref.kind)
    return ref if known in _NAMED else None


async def _reported(accounts: dict[str, Account], of: Ref | None) -> session.Listing:
    async with session.backends(accounts) as opened:
        if of is None:
            return await session.list_rows(opened, Resource.EVENTS)
        backend = opened[of.account]
        listing = session.Listing()
        if isinstance(backend, GputuiError):
            listing.failures.append((of.account, backend))
        elif backend.events_of is not None:
            try:
                listing.rows.extend(await backend.events_of(of))
            except Exception as error:  # noqa: BLE001  (what others observed is printed all the same)
                listing.failures.append((of.account, session.failure_of(error, f"{of.account}: reading its events")))
        else:
            listing.unsupported.append(of.account)
        return listing


def _observed(accounts: Sequence[str], of: Ref | None) -> tuple[Iterable[Event], ExitCode]:
    """Return what earlier sessions and watches observed in accounts that report nothing."""
    if not accounts:
        return [], ExitCode.OK
    with session.open_history() as history:
        events = [event for event in history.events(accounts=accounts) if concerns(event, of)]
        if history.problem:
            say(f"gputui: {history.problem}")
            return events, ExitCode.REFUSED
    return events, ExitCode.OK


def _time(row: Row) -> float:
    return row.at.timestamp() if isinstance(row, Event) else 0.0
