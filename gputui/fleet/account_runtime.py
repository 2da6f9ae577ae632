"""One account at run time: its back end, its pollers, its feeds, its health."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from gputui.api.capabilities import Backend, Lister
from gputui.errors import GputuiError, RateLimitedError, UnavailableError
from gputui.fleet.clock import Clock
from gputui.fleet.feed_health import SAME_OUTAGE, Feed, FeedLog, assess, incomplete
from gputui.fleet.pace import Pace
from gputui.fleet.poller import Poller, RateLimit
from gputui.fleet.probes import Probes, Read
from gputui.fleet.remote import FleetRemote
from gputui.models import AccountInfo, FeedState, Health, HealthState, Instance, Ref, Resource, Row
from gputui.models.questions import Sharing, sharing
from gputui.redaction import as_failure

if TYPE_CHECKING:
    from gputui.config.loader import Account
    from gputui.config.sections import Polling
    from gputui.fleet.fleet import Fleet


class AccountRuntime:
    """Keeps one account's lists current while it runs."""

    def __init__(self, config: Account, polling: Polling | None, fleet: Fleet, clock: Clock, random: Random) -> None:
        self.config = config
        self.name = config.name
        self.read_only = config.read_only
        self.info: AccountInfo | None = None
        self._info_at: datetime | None = None
        self._opening = False
        self._stopped = False
        self.opened: Backend | None = None
        self.health = Health(config.name, HealthState.UNKNOWN, read_only=config.read_only)
        self._fleet = fleet
        self._clock = clock
        self._random = random
        self._logs: dict[Resource, FeedLog] = {}
        self._pace = Pace(self, fleet, polling, clock, self._logs)
        self.open_error: GputuiError | None = None
        """Why it could not be opened."""
        self.pollers: dict[Resource, Poller] = {}
        self.probes: Probes | None = None
        """The probes of its instances, where its back end does not report their processes."""
        self._tasks: list[asyncio.Task[None]] = []
        self._rate_limit = RateLimit(clock)
        self._ages: dict[Resource, float] = {}
        self._read_elsewhere: set[Resource] = set()
        """The lists whose last answer came from another process of the user altogether."""

    @property
    def backend(self) -> Backend:
        """The back end; raises the error of its opening."""
        if self.opened is None:
            raise self.open_error or UnavailableError(f"{self.name}: not opened yet.", hint="Try again in a moment.")
        return self.opened

    def is_recorded_elsewhere(self, resource: Resource) -> bool:
        """Return whether another process of the user, which made the requests, records what is in this list."""
        return resource in self._read_elsewhere and not self._fleet.answers_others

    def lists(self, resource: Resource) -> bool:
        """Return whether its server has such a list; False while its back end is not open."""
        return self.opened is not None and resource in self.opened.listers

    @property
    def observes(self) -> bool:
        """Whether its events are derived from its instances, because it reports none."""
        return Resource.EVENTS not in self.pollers

    @property
    def observes_some(self) -> bool:
        """Whether the events of some of its instances, or all, are derived from the list."""
        return self.observes or (self.opened is not None and bool(self.opened.without_events))

    def observes_kind(self, kind: str) -> bool:
        """Whether the events of a kind of instances are derived from the list, because the server reports none."""
        return self.observes or (self.opened is not None and kind in self.opened.without_events)

    def _source(self, resource: Resource) -> Resource:
        """Return the list from which a list comes: its instances for events that it observes."""
        return Resource.INSTANCES if resource is Resource.EVENTS and self.observes else resource

    def supports(self, resource: Resource) -> bool:
        """Return whether it has such a list, as far as is known. Before its opening: whether rows were restored."""
        if resource is Resource.ACCOUNTS:
            return self.opened is not None
        resource = self._source(resource)
        if self.denial(resource) is not None:
            return False
        if self.uses_probes(resource):
            return self.is_probing
        return resource in (self.pollers if self.opened is not None else self._logs)

    def denial(self, resource: Resource) -> GputuiError | None:
        """Return why the account may not use a list or create in it, as known since the last refresh."""
        return self.opened.denial(resource) if self.opened is not None else None

    def uses_probes(self, resource: Resource) -> bool:
        """Return whether a list comes from probes of chosen instances."""
        return self.probes is not None and resource in self.probes.listers

    @property
    def is_probing(self) -> bool:
        """Whether instances are probed now."""
        return self.probes is not None and bool(self.probes.probed)

    def costs(self, resource: Resource) -> bool:
        """Return whether the rows of a list have a price."""
        own = self.opened is not None and resource in self.opened.spending
        return own or (resource is Resource.INSTANCES and self.supports(resource))

    @property
    def config_problems(self) -> Sequence[str]:
        """Probable mistakes in its configuration, as far as its last list shows."""
        return () if self.opened is None else self.opened.config_problems

    @property
    def bills(self) -> bool:
        """Whether its instances are billed, so that one without a price is missing from a sum."""
        return self.opened is not None and self.opened.bills

    def feed(self, resource: Resource) -> Feed:
        """Return the state of a list."""
        resource = self._source(resource)
        if self._info_at is not None and resource is Resource.ACCOUNTS:
            return Feed(FeedState.FRESH, self._info_at)
        log = self._logs.get(resource)
        if self.open_error is not None:
            at = log.fetched_at if log else None
            return Feed(FeedState.STALE if at else FeedState.FAILED, at, self.open_error)
        return log.feed() if log else Feed(FeedState.LOADING)

    @property
    def may_open_again(self) -> bool:
        """Whether opening failed and may be tried again."""
        return self.open_error is not None and not self._opening

    # Opening and closing.

    def restore(self, resource: Resource, at: datetime) -> None:
        """Record the time of a list that was restored from an earlier session."""
        self._logs[resource] = FeedLog(fetched_at=at)

    def set_info(self, info: AccountInfo) -> None:
        """Store the data of the account itself."""
        self.info, self._info_at = info, self._clock.now()
        self.update_health()

    @property
    def was_opened(self) -> bool:
        """Whether it is open, or has failed to open."""
        return self.opened is not None or self.open_error is not None

    async def open(self, open_backend: Callable[[Account], Backend]) -> None:
        """Open the back end and start to poll; a failure is stored and reported."""
        self._opening = True
        try:
            # The first back end of a kind loads the HTTP library: not on the loop that draws the screen.
            self.opened = await asyncio.to_thread(open_backend, self.config)
        except Exception as error:  # noqa: BLE001  (the fault of one account must not affect the others)
            self.open_error = as_failure(error, f"{self.name}: opening it")
        else:
            self.open_error = None
            if not self._stopped:
                self._begin(self.opened)
        finally:
            self._opening = False
        self._report()

    def _begin(self, backend: Backend) -> None:
        backend.remote = FleetRemote(self._fleet)
        backend.on_step = self._fleet.mutations.note_step
        listers = dict(backend.listers)
        if Resource.PROCESSES not in listers:
            own_gpus = Resource.GPUS in listers
            self.probes = Probes(own_gpus=own_gpus, find=self._fleet.get, clock=self._clock)
            listers |= self.probes.listers
        for resource, lister in listers.items():
            poller = Poller(
                self.name,
                resource,
                partial(self._read, resource, lister),
                self,
                pace=lambda resource=resource: self.pace(resource),  # type: ignore[misc]  # mypy cannot infer it
                not_before=lambda: self._rate_limit.not_before,
                clock=self._clock,
                random=self._random,
            )
            self.pollers[resource] = poller
            self._logs.setdefault(resource, FeedLog())
            self._tasks.append(asyncio.create_task(poller.run(), name=f"poll {self.name} {resource}"))

    async def _read(self, resource: Resource, lister: Lister, since: float) -> Sequence[Row]:
        """Read a list; requests of other processes of the user that began ``since`` then serve as well."""
        self._ages.pop(resource, None)
        self._read_elsewhere.discard(resource)
        if (share := self._fleet.share) is None:
            return await lister()
        shared = Sharing(share, since, self._clock.monotonic)
        sharing.set(shared)  # for this task, which reads the list and ends
        rows = await lister()
        self._ages[resource] = shared.age
        if shared.answered and not shared.asked_here:
            self._read_elsewhere.add(resource)
        return rows

    async def stop(self) -> None:
        """Stop polling."""
        self._stopped = True
        if self.probes is not None:
            await self.probes.aclose()
        # A cancelled task refers to the frames of its work, and so to this runtime: it would only go as garbage.
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # Requests.

    def pace(self, resource: Resource) -> float | None:
        """Return the present interval between two requests of a list in seconds, None for no requests."""
        return self._pace.of(resource)

    def reconsider(self) -> None:
        """Adapt to a change of the polled lists or pending changes."""
        for poller in self.pollers.values():
            poller.reconsider()
        self.update_health()

    def refresh(self, resources: Iterable[Resource] | None) -> None:
        """Request these lists now, or those that are polled."""
        wanted = None if resources is None else set(map(self._source, resources))
        for resource, poller in self.pollers.items():
            if self.uses_probes(resource) and not self.is_probing:
                continue
            if resource in wanted if wanted is not None else poller.active:
                if self.probes is not None and self.uses_probes(resource):
                    self.probes.forget_failures()
                poller.refresh()

    def logged_in(self, ref: Ref) -> None:
        """Request what is polled where a login of the user to an instance makes it readable."""
        if self.backend.logged_in(ref) or (self.probes is not None and self.probes.problem(ref)):
            self.refresh(None)

    # Probes.

    def probe(self, instance: Instance, read: Read) -> None:
        """Start to probe an instance with ``read``."""
        if self.probes is not None:
            self.probes.probe(instance, read)
            self._probes_changed(self.probes)
            self.refresh(self.probes.listers)

    def _probes_changed(self, probes: Probes) -> None:
        for resource in probes.listers:
            self._fleet.take(self, resource, probes.rows(resource))
            self.pollers[resource].reconsider()
        self._fleet.announce()

    # Answers.

    def answered(self, resource: Resource, rows: Sequence[Row], seconds: float) -> None:
        """Store a whole list."""
        if resource is Resource.INSTANCES:
            self._pace.follow(rows)
        if self._logs[resource].error is not None:
            self._retry_failed(resource)
        lacking = incomplete(self.name, resource, rows)
        at = self._clock.now() - timedelta(seconds=self._ages.get(resource, 0.0))
        latency = None if self.opened is None else self.opened.latency
        self._logs[resource].succeed(at, self._clock.monotonic(), seconds, len(rows), lacking, latency=latency)
        self._fleet.take(self, resource, rows)
        if resource is Resource.INSTANCES and self.probes is not None and self.probes.drop_ended():
            self._probes_changed(self.probes)
        self._report()

    def _retry_failed(self, recovered: Resource) -> None:
        """Request the other failed lists immediately, as the server answers again."""
        for resource, poller in self.pollers.items():
            if resource is not recovered and poller.active and self._logs[resource].error is not None:
                poller.refresh()

    def take_read(
        self, resource: Resource, rows: Sequence[Row], age: float, lacking: GputuiError | None = None
    ) -> None:
        """Store a whole list that another process of the user has read ``age`` seconds ago; not open here yet."""
        log = self._logs.setdefault(resource, FeedLog())
        at = self._clock.now() - timedelta(seconds=age)
        log.succeed(at, self._clock.monotonic() - age, 0.0, len(rows), lacking)
        self._fleet.take(self, resource, rows)
        self._report()

    def adopt(self, other: AccountRuntime) -> Iterable[Resource]:
        """Take over how far the lists of the same account in another fleet can be believed; returns them."""
        self._logs |= other._logs
        return other._logs

    def failed(self, resource: Resource, error: GputuiError, seconds: float) -> None:
        """Record a failure; the rows stay, except those of lists that the account may not use."""
        now = self._clock.monotonic()
        if isinstance(error, RateLimitedError):
            self._rate_limit.note(error)
        self._logs[resource].fail(error, now, seconds)
        for denied in [resource for resource in self._logs if self.denial(resource) is not None]:
            self._fleet.drop(self, denied)
        if isinstance(error, UnavailableError):
            self._ask_slow_lists(self._logs[resource].failing_since or now)
        self._report()

    def _ask_slow_lists(self, since: float) -> None:
        """Request the lists that were not asked since then and are not due soon: do they still get an answer?"""
        for resource, poller in self.pollers.items():
            log = self._logs[resource]
            old = log.error is None and log.answered is not None and log.answered < since
            if old and poller.active and not self.uses_probes(resource) and (self.pace(resource) or 0) > SAME_OUTAGE:
                poller.refresh()

    def limit(self, error: RateLimitedError) -> None:
        """Respect a rate limit that was reported for a request other than of a list."""
        self._rate_limit.note(error)
        self._report()

    def outstanding(self, resource: Resource) -> None:
        """Record that an answer takes long."""
        self._logs[resource].outstanding = True
        self._report()

    def _report(self) -> None:
        self.update_health()
        self._fleet.announce()

    def update_health(self) -> None:
        """Derive the health from the polled lists."""
        limited = False
        if self.open_error is not None:
            state, message = HealthState.DOWN, self.open_error.title.lower()
        else:
            logs = {
                resource: self._logs[resource]
                for resource, poller in self.pollers.items()
                if poller.active and not self.uses_probes(resource)
            }
            limited = self._rate_limit.is_in_force
            state, message = assess(logs, limited=limited)
            if not logs and self.info is not None and any(map(self.denial, self.pollers)):
                state = HealthState.OK  # the account is known, and may not use the polled lists
        until = self._rate_limit.until if state is HealthState.LIMITED else None
        since = self.health.since if self.health.state is state else self._clock.now()
        self.health = replace(self.health, state=state, message=message, until=until, since=since)
