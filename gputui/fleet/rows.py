"""The rows, events and GPU samples of all accounts: stored, compared, recorded, reported to listeners."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from gputui.fleet.account_runtime import AccountRuntime
from gputui.fleet.capabilities import Capabilities
from gputui.fleet.clock import Clock
from gputui.fleet.event_observer import Observer
from gputui.fleet.feed_health import Feed
from gputui.fleet.gpu_samples import SampleLog
from gputui.fleet.server_filters import ServerFilters
from gputui.fleet.signals import Listeners
from gputui.fleet.store import Store
from gputui.models import (
    Change,
    Coverage,
    Event,
    FeedState,
    GpuDevice,
    GpuSample,
    Health,
    Instance,
    PartialRows,
    Ref,
    Resource,
    Row,
)
from gputui.models.resources import BY_MODEL

if TYPE_CHECKING:
    from gputui.config.loader import Account
    from gputui.fleet.recorder import Recorder
    from gputui.fleet.spending import SpendRecorder
    from gputui.history.history import History
    from gputui.models.timeline import TimeSpan

RowT = TypeVar("RowT", bound=Row)

_EVENTS_IN_MEMORY = 100_000
_EVENTS_RESTORED = 1_000


class Rows(Capabilities):
    """Rows as they were last listed, and ``samples`` of GPUs. Without a history nothing outlives the program."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        history: History | None,
        clock: Clock,
        on_failure: Callable[[BaseException], None] | None,
    ) -> None:
        super().__init__()
        self.accounts: Mapping[str, Account] = dict(accounts)
        self._history = history
        self.clock = clock
        self._store = Store()
        self.server_filters = ServerFilters(self.runtimes, self.filtered)
        """The filters that servers apply to lists."""
        self._observer = Observer()
        self._recorder: Recorder | None = None
        self.samples = SampleLog(keep=None if history is None else self._keep_samples, on_failure=on_failure)
        self._changes: dict[Resource, Listeners[Change]] = {resource: Listeners(on_failure) for resource in Resource}
        self._feeds: Listeners[None] = Listeners(on_failure)
        self.spending: SpendRecorder | None = None
        """Records what is spent, in a fleet that polls."""
        self._announced: object = None

    def _begin_recording(self) -> Recorder | None:
        """Record from now on, where there is a history: a fleet of the last session's rows alone does not."""
        if self._history is not None:
            from gputui.fleet.recorder import Recorder

            self._recorder = Recorder(self._history, self.clock)
        return self._recorder

    def restore(self) -> None:
        """Fill the store with the last session's rows, as stale ones. Blocks briefly; sends no requests."""
        if self._history is None:
            return
        for snapshot in self._history.snapshots(self.accounts):
            self._notify(snapshot.resource, self._store.replace(snapshot.account, snapshot.resource, snapshot.rows))
            self.runtimes[snapshot.account].restore(snapshot.resource, snapshot.at)
            if snapshot.resource is Resource.INSTANCES:
                instances = [row for row in snapshot.rows if isinstance(row, Instance)]
                self._observer.start_from(snapshot.account, instances)
        events = self._history.events(limit=_EVENTS_RESTORED, accounts=self.accounts)
        self._notify(Resource.EVENTS, self._store.append(Resource.EVENTS, events, limit=_EVENTS_IN_MEMORY))
        self.announce()

    def adopt(self, other: Rows) -> None:
        """Take over the rows of another fleet for the same accounts, as far as they can be believed there."""
        for name, runtime in self.runtimes.items():
            if (before := other.runtimes.get(name)) is None:
                continue
            for resource in runtime.adopt(before):
                rows = tuple(other.rows(resource, name).values())
                self._notify(resource, self._store.replace(name, resource, rows))
                if resource is Resource.INSTANCES:
                    self._observer.start_from(name, [row for row in rows if isinstance(row, Instance)])
        events = tuple(row for row in other.rows(Resource.EVENTS).values() if isinstance(row, Event))
        self._notify(Resource.EVENTS, self._store.append(Resource.EVENTS, events, limit=_EVENTS_IN_MEMORY))
        self.announce()

    def now(self) -> datetime:
        """Return the time by the clock of the fleet, in UTC."""
        return self.clock.now()

    # Rows.

    def rows(self, resource: Resource, account: str | None = None) -> Mapping[Ref, Row]:
        """Return the rows of a resource, of all accounts or of one: a live view, not to be iterated over across an
        await.
        """
        return self._store.rows(resource) if account is None else self._store.part(account, resource)

    def version(self, resource: Resource, account: str) -> int:
        """Return a number that is another one after each change of the rows of an account."""
        return self._store.version(account, resource)

    def all(self, kind: type[RowT]) -> list[RowT]:
        """Return the rows of one type, of all accounts."""
        return [row for row in self._store.rows(BY_MODEL[kind]).values() if isinstance(row, kind)]

    def find(self, kind: type[RowT], ref: Ref | None) -> RowT | None:
        """Return the row of a Ref; None where there is none, or one of another type."""
        row = None if ref is None else self.get(ref)
        return row if isinstance(row, kind) else None

    def get(self, ref: Ref) -> Row | None:
        """Return a row of any resource."""
        found = self._store.find(ref)
        return found[1] if found else None

    def resource_of(self, ref: Ref) -> Resource:
        """Return the list that contains a Ref, or would contain it."""
        found = self._store.find(ref)
        return found[0] if found else self.kinds(ref.account).get(ref.kind, Resource.INSTANCES)

    def is_stale(self, row: Row | Ref) -> bool:
        """Return whether a row may no longer be true: its list could not be read, or not yet in this session."""
        ref = row if isinstance(row, Ref) else row.ref
        found = self._store.find(ref)
        return found is None or self.feed(ref.account, found[0]).state is not FeedState.FRESH

    def would_list(self, ref: Ref) -> bool:
        """Return whether the list that would contain a Ref was read in this session."""
        return self.feed(ref.account, self.resource_of(ref)).state is FeedState.FRESH

    def subscribe(self, resource: Resource, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``listener`` with each change of a resource's rows; returns the function that removes it."""
        return self._changes[resource].add(listener)

    # Feeds, health, capabilities.

    def feed(self, account: str, resource: Resource) -> Feed:
        """Return the state of one list of one account."""
        return self.runtime(account).feed(resource)

    def coverage(self, account: str, resources: Iterable[Resource]) -> Coverage:
        """Return how far the rows of lists of an account are those that its server has now.

        Before its back end is open it is not known which lists it has: it may have each of them.
        """
        runtime, found = self.runtime(account), Coverage.COMPLETE
        for resource in resources:
            # An account that is open does not support what it may not use.
            if runtime.opened is not None and not runtime.supports(resource):
                found |= Coverage.ABSENT
                continue
            found |= runtime.feed(resource).coverage
            if self.server_filters.is_filtered(account, resource):
                found |= Coverage.FILTERED
        return found

    def known_at(self, account: str, resource: Resource) -> datetime:
        """Return when the rows of a list were current: at its last answer in UTC, now where there was none."""
        at, now = self.feed(account, resource).fetched_at, self.now()
        return now if at is None else min(at, now)

    def supports(self, account: str, resource: Resource) -> bool:
        """Return whether an account has such a list. Before its back end is open: whether rows were restored."""
        return self.runtime(account).supports(resource)

    def is_part(self, account: str, resource: Resource) -> bool:
        """Return whether only a part of a list is read: it is filtered, or comes from probes of some instances."""
        return self.runtime(account).uses_probes(resource) or self.server_filters.is_filtered(account, resource)

    def health(self) -> Mapping[str, Health]:
        """Return the accounts' health, in the configuration's order."""
        return {name: runtime.health for name, runtime in self.runtimes.items()}

    def subscribe_feeds(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` when a feed's state or error, or an account's health, has changed."""
        return self._feeds.add(lambda _: listener())

    def observed_now(self) -> Mapping[str, Sequence[TimeSpan]]:
        """Return the times in which accounts were observed here, as far as the history may not have them yet."""
        from gputui.models.timeline import TimeSpan

        found: dict[str, list[TimeSpan]] = {}
        for account, begin, end in self._recorder.observed_now if self._recorder else ():
            span = TimeSpan(datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC))
            found.setdefault(account, []).append(span)
        return found

    # New lists.

    def take(self, runtime: AccountRuntime, resource: Resource, rows: Sequence[Row]) -> None:
        """Store a whole list, or new events; derive and record events, notify the listeners."""
        at = self.clock.now()
        if resource is Resource.EVENTS:
            self._append([row for row in rows if isinstance(row, Event)])
            return
        change = self._store.replace(
            runtime.name, resource, () if self.server_filters.exclusion(runtime.name, resource) else rows
        )
        if resource is Resource.GPUS:
            self.samples.take(rows, at, probed=self.probed_instances())
        recorder = None if runtime.is_recorded_elsewhere(resource) else self._recorder
        if recorder is not None and change and not self.is_part(runtime.name, resource):
            recorder.snapshot(runtime.name, resource, rows, at)
            if resource is Resource.STOCK:
                recorder.stock((*change.added, *change.updated), at)
        if recorder is not None and resource is Resource.INSTANCES:
            some = rows if recorder.hosts.is_new_day(at) else (*change.added, *change.updated)
            recorder.hosts.rows((row for row in some if isinstance(row, Instance)), at)
        if recorder is not None and resource is Resource.GPUS:
            recorder.hosts.gpus((row for row in rows if isinstance(row, GpuDevice)), at)
        if recorder is not None and resource is Resource.STOCK:
            whole = not self.is_part(runtime.name, resource)
            recorder.stock_read(runtime.name, self.rows(resource, runtime.name) if whole else {}, at)
        if recorder is not None and resource is Resource.INSTANCES:
            recorder.observed(runtime.name, at, runtime.pace(resource))
        self._notify(resource, change)
        if self.spending is not None:
            self.spending.take(runtime, resource, rows)
        if resource is Resource.INSTANCES and runtime.observes_some:
            self._observe(runtime, rows)

    async def named_instance(self, ref: Ref) -> Instance | None:
        """Return the row of a listed instance, or of one that the configuration names, unread; None for another.

        The unread ones are stored until their list is read, and recorded nowhere: their state is not known.
        """
        if (row := self.find(Instance, ref)) is not None:
            return row
        opened = self.runtime(ref.account).opened
        if opened is None or opened.named_instances is None:
            return None
        rows = await opened.named_instances()
        self._notify(Resource.INSTANCES, self._store.replace(ref.account, Resource.INSTANCES, rows))
        return self.find(Instance, ref)

    def filtered(self, resource: Resource) -> None:
        """Drop the rows of accounts of which none can match the filters of a list."""
        for account in self.runtimes:
            if self.server_filters.exclusion(account, resource):
                self._notify(resource, self._store.replace(account, resource, ()))

    def drop(self, runtime: AccountRuntime, resource: Resource) -> None:
        """Drop the rows of a list that the account may not use, here and for the next session, without events."""
        if resource is Resource.EVENTS:
            return
        change = self._store.replace(runtime.name, resource, ())
        if self._recorder is not None and change:
            self._recorder.snapshot(runtime.name, resource, (), self.clock.now())
        self._notify(resource, change)

    def announce(self) -> None:
        """Notify the listeners of feeds and health, if these have changed."""
        states = self._feed_states()
        if states != self._announced:
            self._announced = states
            self._feeds.notify(None)

    async def read_samples(self) -> None:
        """Restore the samples of earlier sessions once there is a listener.

        A week of them takes a while: a thread reads them, and they are inserted one GPU at a time, so that the app
        stays responsive.
        """
        if self._history is None:
            return
        await self.samples.followed.wait()
        found = await asyncio.to_thread(self._history.gpu_samples, tuple(self.accounts), self.clock.now())
        for ref, samples in found.items():
            self.samples.restore({ref: samples})
            await asyncio.sleep(0)

    def _keep_samples(self, samples: Iterable[tuple[Ref, GpuSample]]) -> None:
        if self._recorder is not None:
            here = [one for one in samples if not self.runtime(one[0].account).is_recorded_elsewhere(Resource.GPUS)]
            self._recorder.gpus(here)

    def _observe(self, runtime: AccountRuntime, rows: Sequence[Row]) -> None:
        instances = [row for row in rows if isinstance(row, Instance)]
        missing = rows.missing if isinstance(rows, PartialRows) else ()
        events = self._observer.observe(
            runtime.name, instances, self.clock.now(), missing=missing, observes=runtime.observes_kind
        )
        if not events:
            return
        if self._recorder is not None and not runtime.is_recorded_elsewhere(Resource.INSTANCES):
            self._recorder.events(events)
        self._append(events)

    def _append(self, events: Sequence[Event]) -> None:
        known = self.rows(Resource.EVENTS)
        new = sorted((event for event in events if event.ref not in known), key=lambda event: event.at)
        if self._recorder is not None:
            self._recorder.hosts.events(new)
        # A late event corrects the time before its successor.
        corrected = [self._store.update(event).updated for event in events if event.ref in known]
        added = self._store.append(Resource.EVENTS, new, limit=_EVENTS_IN_MEMORY)
        self._notify(Resource.EVENTS, Change(added.added, tuple(chain.from_iterable(corrected)), added.removed))

    def _notify(self, resource: Resource, change: Change) -> None:
        if change:
            self._changes[resource].notify(change)

    def _feed_states(self) -> object:
        feeds = ((name, r, runtime.feed(r)) for name, runtime in self.runtimes.items() for r in Resource)
        states = [
            (name, r, feed.state, type(feed.error), str(feed.error), str(feed.lacking)) for name, r, feed in feeds
        ]
        return states, [runtime.health for runtime in self.runtimes.values()]

    async def _save(self) -> None:
        if self._recorder is None:
            return
        for name, runtime in self.runtimes.items():
            for resource in Resource:
                feed = runtime.feed(resource)
                whole = feed.state is FeedState.FRESH and not self.is_part(name, resource)
                if whole and feed.fetched_at is not None:
                    rows = tuple(self._store.part(name, resource).values())
                    self._recorder.snapshot(name, resource, rows, feed.fetched_at)
        await self._recorder.close()
        if self.spending is not None:
            await self.spending.flush(now=True)
