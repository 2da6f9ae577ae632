"""``gputui get events``: events that back ends report, and those observed in accounts that report none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from gputui.cli import refs, session
from gputui.cli.layout import Layout
from gputui.cli.output import notify
from gputui.errors import ExitCode, NotFoundError
from gputui.models import Event, Ref, Resource
from gputui.redaction import as_failure

if TYPE_CHECKING:
    from gputui.config.loader import Account
    from gputui.fleet import Fleet

_NAMED = (Resource.INSTANCES, Resource.DEPLOYMENTS)


def run(accounts: Mapping[str, Account], layout: Layout, *, named: Sequence[str], of: str = "") -> int:
    """Print the events of these accounts, or of the row that ``of`` names, in the order of time."""
    listing, ref = session.with_fleet(accounts, lambda fleet: _read(fleet, of))
    observed, status = _observed(listing.unsupported, ref)
    # Observed events are an answer, too.
    listing.answered.update(listing.unsupported)
    events = [*(row for row in listing.rows if isinstance(row, Event)), *observed]
    events.sort(key=lambda event: event.at)
    layout.print(events)
    return max(status, listing.report(named))


def concerns(event: Event, of: Ref | None) -> bool:
    """Whether an event is one of this instance, or of an instance of this deployment."""
    return of is None or of in (event.instance, event.parent)


def observed_of(fleet: Fleet, of: Ref) -> Sequence[Event]:
    """Return the events of a row that were observed earlier, where its account does not report all."""
    if not fleet.runtime(of.account).observes_some:
        return []
    return list(_observed([of.account], of)[0])


def find(accounts: Mapping[str, Account], text: str) -> Ref:
    """Return the instance or deployment that a REF names; a full one may be of a deleted row."""
    return session.with_fleet(accounts, lambda fleet: _find(fleet, text))


async def _find(fleet: Fleet, text: str) -> Ref:
    try:
        matches, _ = await refs.find(fleet, [text], _NAMED, only="only instances and deployments have events")
    except NotFoundError:
        gone = refs.full_ref(fleet, text)
        if gone is None or fleet.resource_of(gone) not in _NAMED:
            raise
        return gone
    refs.report_shortened(matches)
    return matches[0].ref


async def _read(fleet: Fleet, text: str) -> tuple[session.Listing, Ref | None]:
    if not text:
        listing = await session.read(fleet, [Resource.EVENTS])
        partly = [name for name in fleet.accounts if fleet.runtime(name).observes_some]
        listing.unsupported += [name for name in partly if name not in listing.unsupported]
        return listing, None
    of = await _find(fleet, text)
    listing = session.Listing()
    if fleet.runtime(of.account).observes_kind(of.kind):
        listing.unsupported.append(of.account)
        return listing, of
    try:
        listing.rows.extend(await fleet.events_of(of))
    except Exception as error:  # noqa: BLE001  (observed events are printed nevertheless)
        listing.failures.append((of.account, as_failure(error, f"{of.account}: reading its events")))
    return listing, of


def _observed(accounts: Sequence[str], of: Ref | None) -> tuple[Iterable[Event], ExitCode]:
    """Return the events that were observed earlier in accounts that report none, or not all."""
    if not accounts:
        return [], ExitCode.OK
    with session.open_history() as history:
        events = [event for event in history.events(accounts=accounts) if concerns(event, of)]
        if history.problem:
            notify(f"gputui: {history.problem}")
            return events, ExitCode.REFUSED
    return events, ExitCode.OK
