"""Why a deployment does not start: its back end is asked, and what the fleet knows is added."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gputui.errors import InvalidError
from gputui.fleet.clock import within
from gputui.late_dataclasses import dataclass
from gputui.models import Balance, Block, Deployment, FeedState, Image, Resource, Row
from gputui.models.explanations import Explanation

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet


_LISTS = (Resource.BLACKLIST, Resource.IMAGES, Resource.BALANCES)
_READ_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Other reasons why a deployment may not start.

    ``blocks`` are the blocked hosts where it may run, None where they are not known. ``image`` is the row of its
    image, ``balance`` that of its account, None where they are not known.
    """

    blocks: tuple[Block, ...] | None = None
    image: Image | None = None
    balance: Balance | None = None


def can_explain(fleet: Fleet, row: Row) -> bool:
    """Return whether the stock can be compared with the limits of a row."""
    opened = fleet.runtime(row.ref.account).opened
    return isinstance(row, Deployment) and opened is not None and opened.explainer is not None


async def explain(fleet: Fleet, row: Row) -> Explanation:
    """Ask why a deployment runs fewer instances than it should; raises GputuiError."""
    explainer = fleet.runtime(row.ref.account).backend.explainer
    if not isinstance(row, Deployment):
        raise InvalidError(f"{row.ref} is no deployment: only the starts of deployments are explained.")
    if explainer is None:
        raise InvalidError(f"{row.ref.account}: its API does not compare the limits of a deployment with the stock.")
    return await explainer.explain(row)


async def read_circumstances(fleet: Fleet, account: str) -> None:
    """Read the lists of :func:`circumstances` that were not read in this session; those that fail stay unknown."""
    await fleet.read(_LISTS, [account])
    runtime = fleet.runtime(account)
    old = [
        poller.refresh_after_now()
        for resource, poller in runtime.pollers.items()
        if resource in _LISTS and runtime.feed(resource).state is FeedState.STALE
    ]
    if old:
        await within(fleet.clock, _READ_SECONDS, asyncio.gather(*old))


def circumstances(fleet: Fleet, row: Deployment) -> Circumstances:
    """Return what the lists that were read say about it. Sends no request."""
    account = row.ref.account
    blocks = None
    if fleet.feed(account, Resource.BLACKLIST).state is FeedState.FRESH:
        rows = fleet.rows(Resource.BLACKLIST, account).values()
        blocks = tuple(
            one for one in rows if isinstance(one, Block) and (not row.regions or one.region in row.regions)
        )
    images = [one for one in fleet.rows(Resource.IMAGES, account).values() if isinstance(one, Image)]
    balances = [one for one in fleet.rows(Resource.BALANCES, account).values() if isinstance(one, Balance)]
    return Circumstances(
        blocks,
        next((one for one in images if row.image in (one.ref.id, one.name)), None),
        next(iter(balances), None),
    )
