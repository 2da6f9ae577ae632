"""Records what is being spent: each reading of a list that may cost, as spans of time in the history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from gputui.analytics.cost import COSTING, Costing, costing, price_of
from gputui.analytics.run_out import covered
from gputui.completion import complete, write_in_thread
from gputui.fleet.signals import Listeners
from gputui.fleet.spend_book import Reading, SpendBook
from gputui.models import (
    Change,
    Deployment,
    FeedState,
    Instance,
    Package,
    PartialRows,
    Ref,
    Resource,
    Row,
    Volume,
)
from gputui.models.spend import Charge

if TYPE_CHECKING:
    from gputui.fleet.account_runtime import AccountRuntime
    from gputui.fleet.rows import Rows
    from gputui.history.history import History

WRITE_SECONDS = 60.0
"""Spending is written at this interval at most."""
_FIRST_SECONDS = 10.0
"""The first writing of a session."""
_PACKAGES_SECONDS = 600.0
"""Prepaid time is read again at this interval, where there is some."""
_LISTS = {Instance: Resource.INSTANCES, Deployment: Resource.DEPLOYMENTS, Volume: Resource.VOLUMES}


class SpendRecorder:
    """Records the spending of a fleet. ``listeners`` are called after each writing."""

    def __init__(
        self, fleet: Rows, history: History, on_failure: Callable[[BaseException], None] | None = None
    ) -> None:
        self.listeners: Listeners[None] = Listeners(on_failure)
        self._fleet = fleet
        self._history = history
        self._book = SpendBook()
        self._made: dict[tuple[str, Resource], dict[Ref, tuple[Row, Charge]]] = {}
        """The charges of rows as they were last, so that they are made again only for a changed row."""
        self._changed: set[tuple[str, Resource]] = set()
        """The lists of which rows have changed since their last reading was taken in full."""
        self._outdated: set[tuple[str, Resource]] = set()
        """The lists of which unchanged rows may have other charges."""
        self._waiting: dict[str, Sequence[Row]] = {}
        """The readings of instances of accounts that wait for another list, on which depends what they cost."""
        self._asked: dict[str, float] = {}
        self._written_at: float | None = None
        self._writing = asyncio.Lock()
        for resource in (*COSTING, Resource.PACKAGES):
            fleet.subscribe(resource, partial(self._note, resource))

    def _note(self, resource: Resource, change: Change) -> None:
        rows = (row.ref for row in (*change.added, *change.updated))
        accounts = {ref.account for ref in (*rows, *change.removed)}
        self._changed |= {(account, resource) for account in accounts}
        if resource in (Resource.DEPLOYMENTS, Resource.PACKAGES):
            # Whether an instance costs by itself, and whether it is paid for, depends on them.
            self._outdated |= {(account, Resource.INSTANCES) for account in accounts}

    def take(self, runtime: AccountRuntime, resource: Resource, rows: Sequence[Row]) -> None:
        """Take a reading of a list, as it is stored; those that cost nothing are passed over."""
        waited = self._waiting.pop(runtime.name, None)
        self._take(runtime, resource, rows)
        if waited is not None and resource is not Resource.INSTANCES:
            self._take(runtime, Resource.INSTANCES, waited)

    def _take(self, runtime: AccountRuntime, resource: Resource, rows: Sequence[Row]) -> None:
        pace = runtime.pace(resource)
        if resource not in COSTING or pace is None or not runtime.costs(resource):
            return
        if resource is Resource.INSTANCES:
            self._reread_packages(runtime)
        place, (at, monotonic) = (runtime.name, resource), self._read_at(runtime, resource)
        same = place not in self._changed and place not in self._outdated and not isinstance(rows, PartialRows)
        if same and self._book.again(runtime.name, resource, at, monotonic, pace):
            return
        charges = self._charges(runtime, resource)
        if charges is None:
            self._waiting[runtime.name] = rows
            return
        if not charges and place not in self._made and not runtime.config.is_billed:
            return  # a server of the user's own, without a price or free
        self._changed.discard(place)
        self._outdated.discard(place)
        unread = frozenset(row.ref for row in rows if getattr(row, "problem", None) is not None)
        reading = Reading(
            at,
            monotonic,
            pace,
            {ref: (charge, _begin(row)) for ref, (row, charge) in charges.items() if ref not in unread},
            unread,
            rows.missing if isinstance(rows, PartialRows) else (),
            part=self._fleet.is_part(runtime.name, resource),
            ended={row.ref: end for row in rows if (end := getattr(row, "stopped_at", None)) is not None},
        )
        self._made[place] = charges
        self._book.take(runtime.name, resource, reading)

    def _read_at(self, runtime: AccountRuntime, resource: Resource) -> tuple[datetime, float]:
        """Return when a list was read, by both clocks: its answer may be one that another process got earlier."""
        clock = self._fleet.clock
        now = clock.now()
        at = min(now, runtime.feed(resource).fetched_at or now)
        return at, clock.monotonic() - (now - at).total_seconds()

    def _charges(self, runtime: AccountRuntime, resource: Resource) -> dict[Ref, tuple[Row, Charge]] | None:
        """Return what a list costs now, with its rows; None while something on which that depends is not read."""
        fleet, name = self._fleet, runtime.name
        instances = resource is Resource.INSTANCES
        if instances and self._awaits(runtime, Resource.DEPLOYMENTS) and runtime.costs(Resource.DEPLOYMENTS):
            return None
        deployments = fleet.rows(Resource.DEPLOYMENTS, name)
        own = fleet.rows(resource, name).values()
        found = costing([*own, *deployments.values()] if instances else own)
        wanted = [row for row in found if _LISTS[type(row)] is resource]
        if instances and wanted and self._packages_missing(runtime):
            return None
        prepaid, unsure = self._prepaid(name, own) if instances else (frozenset[Ref](), frozenset[Ref]())
        place = (name, resource)
        known = {} if place in self._outdated else self._made.get(place, {})
        charges: dict[Ref, tuple[Row, Charge]] = {}
        bills = runtime.bills
        for row in wanted:
            made = known.get(row.ref)
            if made is not None and made[0] is row:
                charges[row.ref] = made
            elif (charge := _charge(row, deployments, prepaid, unsure, bills=bills)) is not None:
                charges[row.ref] = row, made[1] if made is not None and made[1] == charge else charge
        return charges

    def _awaits(self, runtime: AccountRuntime, resource: Resource) -> bool:
        """Whether a list that the account has was not read yet."""
        if not runtime.lists(resource) or runtime.denial(resource) is not None:
            return False
        return runtime.feed(resource).state is FeedState.LOADING

    def _packages_missing(self, runtime: AccountRuntime) -> bool:
        """Request prepaid time where it was not read in this session; returns whether it has to be awaited."""
        if not runtime.lists(Resource.PACKAGES) or runtime.denial(Resource.PACKAGES) is not None:
            return False
        if runtime.name not in self._asked:
            self._asked[runtime.name] = self._fleet.clock.monotonic()
            if runtime.feed(Resource.PACKAGES).state is not FeedState.FRESH:
                runtime.refresh([Resource.PACKAGES])
        return self._awaits(runtime, Resource.PACKAGES)

    def _reread_packages(self, runtime: AccountRuntime) -> None:
        """Request prepaid time again from time to time, where there is some: it is used up."""
        asked, now = self._asked.get(runtime.name), self._fleet.clock.monotonic()
        if asked is not None and now - asked >= _PACKAGES_SECONDS:
            self._asked[runtime.name] = now
            if self._fleet.rows(Resource.PACKAGES, runtime.name):
                runtime.refresh([Resource.PACKAGES])

    def _prepaid(self, account: str, rows: Collection[Row]) -> tuple[frozenset[Ref], frozenset[Ref]]:
        """Return the instances that a package pays for, and those that one with an unknown rest may pay for."""
        prepaid, unsure = set[Ref](), set[Ref]()
        for package in self._fleet.rows(Resource.PACKAGES, account).values():
            if isinstance(package, Package) and (package.balance is None or package.balance > 0):
                found = prepaid if package.balance is not None and package.problem is None else unsure
                found.update(row.ref for row in covered(package, rows))
        return frozenset(prepaid), frozenset(unsure)

    async def run(self) -> None:
        """Write at intervals until cancelled, soon for the first time."""
        await self._fleet.clock.sleep(_FIRST_SECONDS)
        while True:
            await self.flush()
            await self._fleet.clock.sleep(WRITE_SECONDS)

    async def flush(self, *, now: bool = False) -> None:
        """Write what was spent, unless that was done within a minute; ``now``: in any case."""
        monotonic = self._fleet.clock.monotonic()
        due_in = 0.0 if self._written_at is None or now else self._written_at + WRITE_SECONDS - monotonic
        if due_in <= 0:
            await complete(self._write(monotonic))

    async def _write(self, monotonic: float) -> None:
        async with self._writing:
            self._written_at = monotonic
            due = self._book.due()
            if due.looks:
                record = self._history.spend.record
                if await write_in_thread(record, due.spans, due.looks, self._fleet.now()):
                    self._book.written(due)
                else:
                    self._book.not_written()
        self.listeners.notify(None)  # another process may have written as well


def _begin(row: Row) -> datetime | None:
    """Return when a thing began to cost, where its server says so."""
    return row.started_at or row.created_at if isinstance(row, Instance) else getattr(row, "created_at", None)


def _charge(
    row: Costing, deployments: Mapping[Ref, Row], prepaid: Collection[Ref], unsure: Iterable[Ref], *, bills: bool
) -> Charge | None:
    """Return the charge of a billed row; None where it is free, or of a server that states no prices."""
    price = price_of(row)
    if (price is None and not bills) or (price is not None and not price.amount):
        return None
    parent = row.ref if isinstance(row, Deployment) else row.parent if isinstance(row, Instance) else None
    deployment = deployments.get(parent) if parent is not None else None
    of = deployment if isinstance(deployment, Deployment) else None
    made = row.container_id or "" if isinstance(row, Instance) else ""
    begun = _begin(row)
    return Charge(
        ref=row.ref,
        resource=_LISTS[type(row)],
        generation=f"{made} {begun.isoformat() if begun else ''}".strip(),
        name=row.name,
        deployment="" if parent is None else str(parent),
        parent="" if parent is None else of.name if of is not None else parent.id,
        owner=of.owner if of is not None else "",
        currency=price.currency if price is not None else "",
        price=f"{price.amount:f}" if price is not None else "",
        estimated=price is not None and (price.estimated or row.ref in unsure),
        prepaid=row.ref in prepaid,
    )
