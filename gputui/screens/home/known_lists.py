"""How far the lists of the home view are known of the accounts shown: what was not read is not said to be none."""

from __future__ import annotations

from collections.abc import Collection

from gputui.errors import GputuiError
from gputui.models import FeedState, HealthState, Instance, PartialRows, Phase, Resource, Row
from gputui.presentation.home.problems import AccountState
from gputui.screens.base.session import Session

READ = frozenset(
    {
        Resource.INSTANCES,
        Resource.DEPLOYMENTS,
        Resource.PROCESSES,
        Resource.VOLUMES,
        Resource.BALANCES,
        Resource.PACKAGES,
    }
)
"""The lists that the view reads at their own pace."""
ALSO_READ = frozenset({Resource.EVENTS, Resource.HOSTS, Resource.GPUS, Resource.QUEUES, Resource.TASKS})
"""Other lists of news and waste, for which the pace of the background is enough."""


_OF_HOSTS = frozenset({Resource.GPUS, Resource.PROCESSES})
"""Lists that an account of hosts puts together from what each of them answers: they lack nothing else.

A host that did not answer when one was read may have answered since: the list of instances is read more often.
"""


class KnownLists:
    """The lists of the accounts shown: read, old, whole."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def state(self, name: str) -> AccountState:
        """Return how far an account answers, apart from hosts of it that do not."""
        fleet = self._session.fleet
        runtime = fleet.runtime(name)
        health = fleet.health()[name]
        if runtime.open_error is not None:
            return AccountState(health, runtime.open_error)
        feeds = {
            resource: fleet.feed(name, resource)
            for resource in sorted(READ | ALSO_READ)
            if runtime.denial(resource) is None
        }
        errors = [feed.error for feed in feeds.values() if feed.error is not None]
        lacking = {resource: feed.lacking for resource, feed in feeds.items() if feed.lacking is not None}
        others = [error for resource, error in lacking.items() if not self._is_of_hosts(name, resource, error)]
        error = next(iter((*errors, *others)), None)
        return AccountState(health, error, by_hosts=error is None and bool(lacking))

    def _is_of_hosts(self, name: str, resource: Resource, lacking: GputuiError) -> bool:
        """Whether a list lacks only what hosts that do not answer have: each of them has a line of its own."""
        rows = [row for row in self._session.fleet.all(Instance) if row.ref.account == name]
        if all(row.machine is None for row in rows):
            return False
        if resource in _OF_HOSTS:
            return True
        unread = [row for row in rows if row.machine is not None and row.phase is Phase.UNKNOWN]
        # A configured name that matches no host has no row: then the reasons are not only these.
        said: PartialRows[Row] = PartialRows(
            blank=[row.problem or "" for row in unread if row.machine and row.machine.reachable is None]
        )
        return bool(said.blank) and str(lacking).rstrip(".").endswith(f"is incomplete: {said.problem.rstrip('.')}")

    def unread(self) -> list[str]:
        """Return the accounts shown of which the instances, or some hosts, were not read in this session."""
        fleet = self._session.fleet
        return [
            name
            for name in self._session.accounts_shown()
            if fleet.health()[name].state is HealthState.UNKNOWN
            or (
                fleet.supports(name, Resource.INSTANCES)
                and (fleet.feed(name, Resource.INSTANCES).state is FeedState.LOADING or self._looks_first(name))
            )
        ]

    def _looks_first(self, name: str) -> bool:
        """Whether the first look at a host of an account has not ended."""
        fleet = self._session.fleet
        return fleet.feed(name, Resource.INSTANCES).lacking is not None and any(
            isinstance(row, Instance) and row.machine is not None and row.machine.first_look
            for row in fleet.rows(Resource.INSTANCES, name).values()
        )

    def old(self, lists: Collection[Resource]) -> set[str]:
        """Return the accounts shown of which some of these lists are old or were not read."""
        return {
            name for name in self._session.accounts_shown() if any(self._is_old(name, resource) for resource in lists)
        }

    def _is_old(self, account: str, resource: Resource) -> bool:
        fleet = self._session.fleet
        if fleet.health()[account].state is HealthState.UNKNOWN:
            return True
        return fleet.supports(account, resource) and fleet.feed(account, resource).state is not FeedState.FRESH

    def are_whole(self, lists: Collection[Resource]) -> bool:
        """Whether all rows of these lists are known of the accounts shown: then one that is not listed is none."""
        return all(self.is_whole(name, each) for name in self._session.accounts_shown() for each in lists)

    def is_whole(self, account: str, resource: Resource) -> bool:
        """Whether all rows of a list of an account are known. Of a list that it may not use it has none."""
        fleet = self._session.fleet
        runtime = fleet.runtime(account)
        if runtime.denial(resource) is not None:
            return True
        if self._is_old(account, resource):
            return False
        if runtime.uses_probes(resource):
            return True  # the instances that are not probed are counted
        lacks = fleet.supports(account, resource) and fleet.feed(account, resource).lacking is not None
        return not lacks and not fleet.is_part(account, resource)
