"""The rows of the agent's fleet for the first frame of a session, which then needs no back end of its own yet."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from gputui.agent.protocol import Data, error_from_plain, error_to_plain
from gputui.models import RESOURCES, FeedState, HealthState, Resource
from gputui.models.serialize import rows_from_plain, rows_to_plain

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.fleet.account_runtime import AccountRuntime


async def rows_as_read(fleet: Fleet, resources: Iterable[Resource]) -> AsyncIterator[Data]:
    """Yield each of these lists of every account as soon as it was read in this process.

    A list that is not polled is requested once the account has answered a request of one that is: those matter most.
    Those that fail are left out: the session shows why when it reads them itself.
    """
    wanted = [(name, resource) for name in fleet.accounts for resource in resources]
    asked: set[tuple[str, Resource]] = set()
    changed = asyncio.Event()
    unsubscribe = fleet.subscribe_feeds(changed.set)
    try:
        while wanted:
            changed.clear()
            for name, resource in tuple(wanted):
                runtime = fleet.runtime(name)
                feed = fleet.feed(name, resource)
                if feed.state is FeedState.FRESH and resource is not Resource.ACCOUNTS:
                    yield _list(fleet, name, resource)
                elif runtime.opened is not None and fleet.leaves_hosts and runtime.opened.named_instances is not None:
                    pass  # the session looks at its hosts by itself
                elif not runtime.was_opened or (feed.error is None and runtime.lists(resource)):
                    poller = runtime.pollers.get(resource)
                    waits = runtime.health.state is HealthState.UNKNOWN and is_polled(runtime)
                    if not waits and poller is not None and not poller.active and (name, resource) not in asked:
                        asked.add((name, resource))
                        poller.refresh()
                    continue
                wanted.remove((name, resource))
            if wanted:
                await changed.wait()
    finally:
        unsubscribe()


def is_polled(runtime: AccountRuntime) -> bool:
    """Return whether a list of the account is requested at intervals."""
    return any(poller.active for poller in runtime.pollers.values())


def _list(fleet: Fleet, account: str, resource: Resource) -> Data:
    feed = fleet.feed(account, resource)
    age = (fleet.now() - feed.fetched_at).total_seconds() if feed.fetched_at else 0.0
    facts = {
        "account": account,
        "list": resource.value,
        "age": max(0.0, age),
        "lacking": error_to_plain(feed.lacking) if feed.lacking else None,
    }
    rows = rows_to_plain(fleet.rows(resource, account).values())
    return Data(facts, json.dumps(rows, separators=(",", ":")).encode("ascii"))


def take_rows(fleet: Fleet, found: object) -> None:
    """Store a list of :func:`rows_as_read` in the fleet of a session; one that cannot be read is left out."""
    if not isinstance(found, Data):
        return
    try:
        runtime = fleet.runtimes[str(found.facts["account"])]
        resource = Resource(str(found.facts["list"]))
        rows = rows_from_plain(RESOURCES[resource].model, json.loads(found.body))
        age = float(found.facts["age"])
    except (KeyError, ValueError, TypeError):
        return
    lacking = found.facts.get("lacking")
    runtime.take_read(resource, rows, age, error_from_plain(lacking) if lacking else None)
