"""The evidence against hosts, as the reason of a block."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gputui.analytics.bad_hosts import host_records
from gputui.analytics.startup_times import slow_start
from gputui.errors import GputuiError
from gputui.history.host_facts import KEPT_DAYS
from gputui.models import Event, Instance, Ref
from gputui.presentation.bad_hosts import evidence
from gputui.presentation.blocks import Place, place_of

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.history.history import History


class HostEvidence:
    """The evidence against the hosts of instances: that of weeks, else how slowly the instance started.

    ``failed`` is called with each thing whose events could not be read: without them there is no evidence.
    """

    def __init__(self, fleet: Fleet, failed: Callable[[Ref, GputuiError], object] = lambda _, error: None) -> None:
        self._fleet = fleet
        self._failed = failed
        self._events: dict[Ref, Sequence[Event]] = {}
        self._reading: defaultdict[Ref, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def recorded(self, history: History, instances: Iterable[Instance], now: datetime) -> dict[Ref, str]:
        """Return what was recorded against the hosts of instances; those without any are left out."""
        places = {one.ref: place_of(one) for one in instances}
        found = await asyncio.to_thread(_recorded, history, places.values(), now)
        return {ref: found[place] for ref, place in places.items() if place in found}

    async def slow_start(self, instance: Instance) -> str:
        """Return how slowly an instance started, compared with the others of its kind; '' where it did not."""
        about = instance.parent or instance.ref
        async with self._reading[about]:  # several instances of a deployment may be asked about at once
            if about not in self._events:
                self._events[about] = await self._read_events(about)
        return slow_start(instance.ref, self._events[about])

    async def _read_events(self, ref: Ref) -> Sequence[Event]:
        try:
            return await self._fleet.events_of(ref)
        except GputuiError as error:
            self._failed(ref, error)
            return ()


def _recorded(history: History, places: Iterable[Place], now: datetime) -> Mapping[Place, str]:
    """Return what speaks against each of these hosts; hosts without any are left out. Blocks for the disk."""
    wanted = frozenset(places)
    facts = history.host_facts.read({account for account, _, _ in wanted}, now - timedelta(days=KEPT_DAYS))
    found = {(one.ref.account, one.region, one.host): evidence(one) for one in host_records(facts)}
    return {place: found[place] for place in wanted if found.get(place)}
