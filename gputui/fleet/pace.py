"""How often each list of an account is requested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gputui.models import Instance, Phase, Ref, Resource, Row

if TYPE_CHECKING:
    from gputui.config.sections import Polling
    from gputui.fleet.account_runtime import AccountRuntime
    from gputui.fleet.clock import Clock
    from gputui.fleet.feed_health import FeedLog
    from gputui.fleet.fleet import Fleet

SETTINGS: Mapping[Resource, str] = {
    Resource.STOCK: "stock",
    Resource.EVENTS: "events",
    Resource.PROCESSES: "processes",
    Resource.GPUS: "processes",
}
"""The setting of the interval of each list; all others have ``lists``."""
_BACKGROUND = 30.0
_TRANSITION = 1.0
_SPENDING = 60.0
"""Balances and prepaid time change by the hour."""
_TRANSITION_SECONDS = 60.0
_TRANSITION_REST = 40.0
"""The interval of fast requests, times the cost of one: among many instances one is always in transition."""
_REST_SHARE = 4.0  # the parsing of a long list takes a quarter of the time at most: keys are handled in between
_IN_TRANSITION = frozenset({Phase.PENDING, Phase.STOPPING})


class Pace:
    """The intervals of the lists of one account, in seconds; ``logs`` have the cost of the last answer of each.

    Without ``polling`` nothing is requested by itself.
    """

    def __init__(
        self,
        runtime: AccountRuntime,
        fleet: Fleet,
        polling: Polling | None,
        clock: Clock,
        logs: Mapping[Resource, FeedLog],
    ) -> None:
        self._runtime = runtime
        self._fleet = fleet
        self._polling = polling
        self._clock = clock
        self._logs = logs
        self._moving: frozenset[tuple[Ref, str]] = frozenset()
        self._fast_until = 0.0

    def _cost(self, resource: Resource) -> float:
        """Return the processing time of the last answer of a list in seconds; 0 before the first."""
        log = self._logs.get(resource)
        return log.cost if log else 0.0

    def of(self, resource: Resource) -> float | None:
        """Return the present interval between two requests of a list, None for no requests."""
        runtime, polling, lists = self._runtime, self._polling, self._fleet.polled_lists
        if polling is None or not self._may_request(resource):
            return None
        polled = lists.in_account(runtime.name)
        paces = [self._usual(resource, polling)] if resource in polled else []
        if runtime.uses_probes(resource) and Resource.GPUS not in polled:
            # Processes are shown next to another list: not worth a query over SSH every other second.
            paces = [max(_BACKGROUND, pace) for pace in paces]
        paces += [max(pace, self._usual(resource, polling)) for pace in lists.paces(runtime.name, resource)]
        if resource in lists.slowly:
            paces.append(self._slow())
        if resource is Resource.INSTANCES:
            paces.append(self._slow())
            if Resource.EVENTS in polled and runtime.observes_some:
                paces.append(max(polling.events, self._least(0)))
            if self._fleet.mutations.has_pending(runtime.name) or self._is_in_transition():
                paces.append(max(_TRANSITION, _TRANSITION_REST * self._cost(resource)))
        elif runtime.costs(resource):
            paces.append(_SPENDING)
        return max(min(paces), _REST_SHARE * self._cost(resource)) if paces else None

    def follow(self, instances: Sequence[Row]) -> None:
        """Request faster for a while after a transition begins, not for ever when one is stuck."""
        moving = frozenset(
            (row.ref, row.status) for row in instances if isinstance(row, Instance) and row.phase in _IN_TRANSITION
        )
        if moving - self._moving:
            self._fast_until = self._clock.monotonic() + _TRANSITION_SECONDS
        self._moving = moving

    def _may_request(self, resource: Resource) -> bool:
        runtime, fleet = self._runtime, self._fleet
        if fleet.server_filters.exclusion(runtime.name, resource) or runtime.denial(resource) is not None:
            return False
        if runtime.uses_probes(resource) and not runtime.is_probing:
            return False
        hosts = runtime.opened is not None and runtime.opened.named_instances is not None
        return not (fleet.leaves_hosts and hosts)

    def _is_in_transition(self) -> bool:
        return bool(self._moving) and self._clock.monotonic() < self._fast_until

    def _usual(self, resource: Resource, polling: Polling) -> float:
        """Return the interval of a list on the screen."""
        pace: float = getattr(polling, SETTINGS.get(resource, "lists"))
        if resource in (Resource.PACKAGES, Resource.BALANCES):
            pace = max(pace, _SPENDING)
        return max(pace, self._least(0))

    def _slow(self) -> float:
        """Return the interval of a list in the background."""
        return max(_BACKGROUND, self._least(1))

    def _least(self, place: int) -> float:
        opened = self._runtime.opened
        return opened.paces[place] if opened is not None else 0.0
