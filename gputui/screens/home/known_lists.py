"""The lists that the home view reads, and how far an account answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputui.errors import GputuiError, IncompleteError
from gputui.models import Instance, Resource
from gputui.presentation.home.problems import AccountState

if TYPE_CHECKING:
    from gputui.fleet import Fleet

READ = frozenset({Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.BALANCES, Resource.PACKAGES})
"""The lists that the view reads at their own pace."""
ALSO_READ = frozenset(
    {
        Resource.EVENTS,
        Resource.HOSTS,
        Resource.GPUS,
        Resource.PROCESSES,
        Resource.VOLUMES,
        Resource.QUEUES,
        Resource.TASKS,
    }
)
"""Other lists of news, cost and waste, for which the pace of the background is enough: waste grows by the minute."""


_OF_HOSTS = frozenset({Resource.GPUS, Resource.PROCESSES})
"""Lists that an account of hosts puts together from what each of them answers: they lack nothing else.

A host that did not answer when one was read may have answered since: the list of instances is read more often.
"""


def account_state(fleet: Fleet, name: str) -> AccountState:
    """Return how far an account answers, apart from hosts of it that do not."""
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
    others = [error for resource, error in lacking.items() if not _is_of_hosts(fleet, name, resource, error)]
    error = next(iter((*errors, *others)), None)
    by_hosts = error is None and bool(lacking)
    return AccountState(health, error, by_hosts=by_hosts, config_problems=runtime.config_problems)


def _is_of_hosts(fleet: Fleet, name: str, resource: Resource, lacking: GputuiError) -> bool:
    """Whether a list lacks only what hosts that do not answer have: each of them has a line of its own."""
    rows = fleet.rows(Resource.INSTANCES, name).values()
    if not any(isinstance(row, Instance) and row.machine is not None for row in rows):
        return False
    if not isinstance(lacking, IncompleteError):
        return False
    return lacking.all_named or (resource in _OF_HOSTS and lacking.of_parts)
