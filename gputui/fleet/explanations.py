"""Why a deployment does not start: its back end is asked, and what the fleet knows is added."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gputui.errors import GputuiError
from gputui.fleet.clock import within
from gputui.models import Balance, Block, Deployment, Event, FeedState, Image, Instance, Phase, Resource, Row
from gputui.models.explanations import Explanation, Reasons

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet


_LISTS = (Resource.BLACKLIST, Resource.IMAGES, Resource.BALANCES, Resource.INSTANCES)
_READ_SECONDS = 10.0
_NOT_RUNNING = (Phase.PENDING, Phase.FAILED, Phase.UNKNOWN)


def deployment_of(fleet: Fleet, row: Row | None) -> Deployment | None:
    """Return the deployment that a row is, or belongs to; None where it belongs to none that is known."""
    if row is None or isinstance(row, Deployment):
        return row
    ref = getattr(row, "parent", None) or getattr(row, "queue", None)
    return fleet.find(Deployment, ref)


async def explain(fleet: Fleet, row: Deployment, observed: Sequence[Event] = ()) -> Reasons:
    """Find out why a deployment runs fewer instances than it should, as far as that can be known.

    ``observed`` are events of it that the fleet does not have. What cannot be asked is unknown, with the reason.
    """
    (stock, events), _ = await asyncio.gather(
        asyncio.gather(_stock(fleet, row), _events(fleet, row)), _read(fleet, row.ref.account)
    )
    known = {event.ref: event for event in (*events, *observed)}
    return _reasons(fleet, row, stock, sorted(known.values(), key=lambda event: event.at, reverse=True))


async def _stock(fleet: Fleet, row: Deployment) -> Explanation:
    account = row.ref.account
    try:
        explainer = fleet.runtime(account).backend.explainer
        if explainer is None:
            note = f"The API of {account} does not compare the limits of a deployment with the stock."
            return Explanation(row.ref, None, note=note)
        return await explainer.explain(row)
    except GputuiError as error:
        return Explanation(row.ref, None, unread=(str(error),))


async def _events(fleet: Fleet, row: Deployment) -> Sequence[Event]:
    try:
        return await fleet.events_of(row.ref)
    except GputuiError:
        return [event for event in fleet.all(Event) if row.ref in (event.instance, event.parent)]


async def _read(fleet: Fleet, account: str) -> None:
    """Read the lists that were not read in this session; those that fail stay unknown."""
    await fleet.read(_LISTS, [account])
    runtime = fleet.runtime(account)
    old = [
        poller.refresh_after_now()
        for resource, poller in runtime.pollers.items()
        if resource in _LISTS and runtime.feed(resource).state is FeedState.STALE
    ]
    if old:
        await within(fleet.clock, _READ_SECONDS, asyncio.gather(*old))


def _reasons(fleet: Fleet, row: Deployment, stock: Explanation, events: Sequence[Event]) -> Reasons:
    """Add what the lists that were read say about it."""
    account = row.ref.account
    blocks = None
    if fleet.feed(account, Resource.BLACKLIST).state is FeedState.FRESH:
        rows = fleet.rows(Resource.BLACKLIST, account).values()
        blocks = tuple(
            one for one in rows if isinstance(one, Block) and (not row.regions or one.region in row.regions)
        )
    images = [one for one in fleet.rows(Resource.IMAGES, account).values() if isinstance(one, Image)]
    balances = [one for one in fleet.rows(Resource.BALANCES, account).values() if isinstance(one, Balance)]
    instances = [
        one
        for one in fleet.rows(Resource.INSTANCES, account).values()
        if isinstance(one, Instance) and one.parent == row.ref
    ]
    return Reasons(
        row,
        stock,
        blocks,
        fleet.supports(account, Resource.BLACKLIST),
        next((one for one in images if row.image in (one.ref.id, one.name)), None),
        next(iter(balances), None),
        tuple(one for one in instances if one.phase in _NOT_RUNNING),
        tuple(events),
        any(fleet.has_log(one) or fleet.has_remote_logs(one) for one in instances),
        fleet.actions(row),
    )
