"""The fleet as its consumers see it: rows, feeds, health, actions. asyncio only, on one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from gputui.actions import ACTIONS
from gputui.api.capabilities import Backend, PreparedChange
from gputui.errors import (
    NotFoundError,
    RateLimitedError,
    UnavailableError,
    UnknownOutcomeError,
)
from gputui.fleet.account_runtime import AccountRuntime
from gputui.fleet.clock import Clock, within
from gputui.fleet.identification import Identification
from gputui.fleet.logins import Logins
from gputui.fleet.mutations import Mutations
from gputui.fleet.notifications.settings import Settings
from gputui.fleet.polled_lists import PolledLists
from gputui.fleet.rows import Rows
from gputui.fleet.session_work import SessionWork
from gputui.models import (
    AccountInfo,
    Action,
    ActionResult,
    Event,
    FeedState,
    Instance,
    LogPage,
    LogPosition,
    LogQuery,
    Ref,
    Resource,
    Row,
    SSHTarget,
)

if TYPE_CHECKING:
    from gputui.config.loader import Account
    from gputui.config.sections import Polling
    from gputui.fleet.account_costs import AccountCosts
    from gputui.fleet.connections import Connections
    from gputui.fleet.remote_logs import RemoteLogs
    from gputui.fleet.spend_reports import SpendReports
    from gputui.fleet.waste import FleetWaste
    from gputui.history.history import History
    from gputui.models.budgets import Budget
    from gputui.models.questions import Share

_CLOSE_SECONDS = 2.0
_NEXT_SECONDS = 0.2
"""How long a back end that hangs while it is opened delays the next one."""
_REREAD_SECONDS = 15.0


class Fleet(Rows):
    """Several accounts' rows, kept current.

    ``history`` None records nothing, not even the audit log. With ``polling`` None only the lists of :meth:`read` are
    requested. Listeners are called on the event loop, after the rows were stored; an exception of one goes to
    ``on_failure``, as those of background tasks do, and the others are called nevertheless. Methods raise GputuiError
    alone. ``state_dir`` has the known host keys; by default the user's.
    """

    def __init__(
        self,
        accounts: Mapping[str, Account],
        *,
        open_backend: Callable[[Account], Backend],
        history: History | None,
        polling: Polling | None,
        clock: Clock | None = None,
        random: Random | None = None,
        on_failure: Callable[[BaseException], None] | None = None,
        state_dir: Path | None = None,
    ) -> None:
        super().__init__(accounts, history, clock or Clock(), on_failure)
        self._state_dir = state_dir
        self.login_hint = "Log in once with gputui ssh, which asks."
        """The hint where an SSH login would need an answer of the user."""
        self.idle_minutes: float | None = None
        """How long something does nothing before it is waste; None for the default."""
        self.notify = Settings()
        """The notifications as configured."""
        self.share: Share | None = None
        """How requests of lists are shared with other processes of the user; None where they are not."""
        self.answers_others = False
        """Whether other processes take their answers from this one, and leave it to record what is in them."""
        self.leaves_hosts = False
        """Whether hosts that are looked at over SSH are not polled: this process has no use for them now."""
        self.polled_lists = PolledLists(self._reconsider, on_failure)
        """The lists that are polled, apart from those of the background."""
        self.budgets: Sequence[Budget] = ()
        """The budgets as configured."""
        self._open_backend = open_backend
        self._on_failure = on_failure
        self.polls = polling is not None
        if self.polls and history is not None:
            from gputui.fleet.spending import SpendRecorder

            self.spending = SpendRecorder(self, history, on_failure)
        self.work = SessionWork(self, on_failure)
        """The copies, commands, forwards and series of attempts of this session."""
        self._samples_read = history is None
        self.logins = Logins(history)
        self.mutations = Mutations(self, history, self.clock, on_failure)
        chance = random or Random()  # noqa: S311  (jitter, no secret)
        self.runtimes |= {
            name: AccountRuntime(account, polling, self, self.clock, chance) for name, account in accounts.items()
        }
        self._announced = self._feed_states()
        self._tasks: set[asyncio.Task[None]] = set()
        self._identification = Identification(self, self._spawn, self._keep_info)

    async def start(self) -> None:
        """Open all back ends and start to poll. Returns when each is open or has failed to open."""
        if (recorder := self._begin_recording()) is not None:
            self._spawn(recorder.run())
        if self.spending is not None:
            self._spawn(self.spending.run())
        # One after another, those that cost money first: the first answers come while the libraries of others are
        # imported, which would otherwise delay all.
        opening: list[asyncio.Task[None]] = []
        try:
            for runtime in sorted(self.runtimes.values(), key=lambda runtime: not runtime.config.is_billed):
                opening.append(asyncio.create_task(self._open(runtime)))
                await within(self.clock, _NEXT_SECONDS, asyncio.shield(opening[-1]))
                await asyncio.sleep(0)  # its requests are sent
            await asyncio.gather(*opening)
        except asyncio.CancelledError:
            for one in opening:
                one.cancel()
            raise

    @property
    def state_dir(self) -> Path:
        """The state directory, with the known host keys and the rules."""
        from gputui.config.paths import state_dir

        return self._state_dir or state_dir()

    @cached_property
    def connections(self) -> Connections:
        """The SSH connections to its instances. The libraries of SSH are imported at the first use."""
        from gputui.config.paths import known_hosts_path
        from gputui.fleet.connections import Connections
        from gputui.ssh.known_hosts import KnownHosts

        return Connections(self, KnownHosts(known_hosts_path(self.state_dir)))

    @cached_property
    def remote_logs(self) -> RemoteLogs:
        """The logs of its instances over SSH. The libraries of SSH are imported at the first use."""
        from gputui.fleet.remote_logs import RemoteLogs

        return RemoteLogs(self, self._history)

    @cached_property
    def waste(self) -> FleetWaste:
        """The resources that cost money and do nothing."""
        from gputui.fleet.waste import FleetWaste

        return FleetWaste(self, self._history, self._on_failure, idle_minutes=self.idle_minutes)

    @cached_property
    def costs(self) -> AccountCosts:
        """The cost of an hour of each account."""
        from gputui.fleet.account_costs import AccountCosts

        return AccountCosts(self)

    @cached_property
    def spend(self) -> SpendReports:
        """The spending of today, this week and this month, and the budgets."""
        from gputui.fleet.spend_reports import SpendReports

        return SpendReports(self, self._history, self._spawn, self._on_failure)

    async def aclose(self) -> None:
        """Stop polling, write the pending records, close the back ends; bounded in time."""
        limit = _CLOSE_SECONDS
        await self.work.aclose(limit)
        for task in self._tasks:
            task.cancel()
        stops = [within(self.clock, limit, runtime.stop()) for runtime in self.runtimes.values()]
        tasks = [within(self.clock, limit, asyncio.wait(self._tasks))] if self._tasks else []
        await asyncio.gather(*stops, *tasks, within(self.clock, limit, self.mutations.finish()))
        if "connections" in self.__dict__:
            await within(self.clock, limit, self.connections.aclose())
        await asyncio.gather(within(self.clock, limit, self._save()), *map(self._close, self.runtimes.values()))

    async def _open(self, runtime: AccountRuntime) -> None:
        await runtime.open(self._open_backend)
        if runtime.opened is not None:
            self.server_filters.reapply(runtime.name)
            self._identification.begin_when_due(runtime)

    async def _close(self, runtime: AccountRuntime) -> None:
        if runtime.opened is not None:
            await within(self.clock, _CLOSE_SECONDS, runtime.opened.aclose())

    # Lists that are requested.

    def poll(self, resources: Iterable[Resource], slowly: Iterable[Resource] = ()) -> None:
        """Set the resources on the screen: they are polled at their interval, the others slowly or not at all.

        ``slowly`` are those that are polled at the interval of the background, though it is not theirs.
        """
        self.polled_lists.show(resources, slowly)
        if Resource.GPUS in self.polled_lists.shown | self.polled_lists.shown_slowly and not self._samples_read:
            self._samples_read = True
            self._spawn(self.read_samples())
        self.announce()

    def _reconsider(self) -> None:
        for runtime in self.runtimes.values():
            runtime.reconsider()

    def refresh(self, resources: Iterable[Resource] | None = None, accounts: Iterable[str] | None = None) -> None:
        """Request now, despite earlier failures: these resources or all polled ones, of these accounts or of all.

        An account that could not be opened is opened again. A rate limit of the server is respected.
        """
        wanted = None if resources is None else frozenset(resources)
        for name in self.runtimes if accounts is None else accounts:
            runtime = self.runtime(name)
            if runtime.opened is not None:
                runtime.opened.forget()
                runtime.refresh(wanted)
            elif runtime.may_open_again:
                self._spawn(self._open(runtime))

    async def read(self, resources: Iterable[Resource], accounts: Iterable[str] | None = None) -> None:
        """Wait until these lists of these accounts, or of all, have been read or have failed in this session.

        Each list that the server of an account has is requested once, unless it was read or is being read, or a
        filter excludes all its rows.
        """
        names = list(self.runtimes if accounts is None else accounts)
        wanted = [
            (runtime, resource)
            for resource in resources
            for runtime in map(self.runtime, names)
            if runtime.lists(resource) and not self.server_filters.exclusion(runtime.name, resource)
        ]
        answered = asyncio.Event()
        unsubscribe = self.subscribe_feeds(answered.set)
        for runtime, resource in wanted:
            poller = runtime.pollers.get(resource)
            if poller is not None and runtime.feed(resource).state is FeedState.LOADING:
                poller.refresh()
        try:
            while any(runtime.feed(resource).state is FeedState.LOADING for runtime, resource in wanted):
                answered.clear()
                await answered.wait()
        finally:
            unsubscribe()

    async def reread(self, rows: Iterable[Row]) -> None:
        """Read the lists of these rows again; where that fails, the rows stay as they are.

        Raises UnavailableError where that takes too long: a rate limit of the server may delay it by minutes.
        """
        lists = {(row.ref.account, self.resource_of(row.ref)) for row in rows}
        pollers = [self.runtime(account).pollers.get(resource) for account, resource in lists]
        read = asyncio.gather(*(poller.refresh_after_now() for poller in pollers if poller is not None))
        if not await within(self.clock, _REREAD_SECONDS, read):
            accounts = ", ".join(sorted({account for account, _ in lists}))
            raise UnavailableError(
                f"{accounts}: the list was not read again within {_REREAD_SECONDS:g} s of your confirmation.",
                hint="Nothing was sent. The server may limit requests: try again in a few minutes.",
            )

    # Changes.

    async def act(
        self,
        ref: Ref,
        action: Action,
        *,
        arguments: Mapping[str, str] | None = None,
        expected: Row | None = None,
        change: PreparedChange | None = None,
    ) -> ActionResult:
        """Perform an action: audit entry, request, audit entry; the refresh after it is not awaited.

        ``arguments``: ``command`` and ``timeout`` (seconds) for exec, ``tag`` and ``message`` for commit,
        ``replicas`` for scale, ``minutes`` and ``comment`` for block; those of :meth:`options` for delete and stop.
        ``change`` is what an editor has prepared (:meth:`editor`), for the actions with a form. ``expected`` is the
        row that the user confirmed: where another object has its name now, or it no longer permits the action,
        nothing is sent and ConflictError is raised, NotFoundError where it is gone. Raises ForbiddenError when
        read-only, ConflictError while another change of the same object is in flight (a running exec does not
        count), UnknownOutcomeError when no answer came, and GputuiError before anything is sent when the audit log
        cannot be written.
        """
        result = await self.mutations.act(ref, action, arguments or {}, expected, change)
        if action is Action.DELETE:
            await self.logins.forget(ref)
        return result

    async def create(self, change: PreparedChange) -> ActionResult:
        """Create what a creator has prepared (:meth:`creator`), sent once. Raises as :meth:`act` does.

        When the answer is lost, the list is read again: an object that has appeared in it counts as created, else
        UnknownOutcomeError is raised.
        """
        try:
            result = await self.mutations.create(change)
        except UnknownOutcomeError:
            if self.get(change.ref) is None:
                self.logins.expect(change)
            raise
        if not result.generation and result.created and isinstance(row := self.get(result.created), Instance):
            result = replace(result, generation=row.container_id or "")
        return await self.logins.created(change, result)

    # Single requests.

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        """Fetch the address of an instance's sshd; ``user`` is '' where it is unknown. Raises SshError for none."""
        return await self.logins.complete(ref, await self.runtime(ref.account).backend.ssh_target(ref))

    async def account_info(self, account: str) -> AccountInfo:
        """Fetch all data of an account itself."""
        runtime = self.runtime(account)
        info = await runtime.backend.account_info()
        self._keep_info(runtime, info)
        return info

    async def detail(self, ref: Ref) -> Row:
        """Fetch one row with its raw JSON, and update it in the store; where it is gone, poll its list now."""
        backend = self.runtime(ref.account).backend
        try:
            fresh = await backend.fetch(ref)
        except NotFoundError:
            if self.polls:
                self.refresh([found[0]] if (found := self._store.find(ref)) else None, [ref.account])
            raise
        found = self._store.find(ref)
        self._notify(found[0] if found else Resource.INSTANCES, self._store.update(fresh))
        return fresh

    async def events_of(self, ref: Ref) -> Sequence[Event]:
        """Return the known events of an instance, or of the instances of a deployment, oldest first."""
        opened = self.runtime(ref.account).opened
        if opened is not None and opened.events_of is not None and ref.kind not in opened.without_events:
            return await opened.events_of(ref)
        known = (event for event in self.rows(Resource.EVENTS).values() if isinstance(event, Event))
        return sorted((event for event in known if ref in (event.instance, event.parent)), key=lambda event: event.at)

    async def read_log(
        self, ref: Ref, query: LogQuery, *, after: LogPosition | None = None, backward: bool = False, size: int = 1000
    ) -> LogPage:
        """Read a page of a log; see :meth:`.Logs.read`. A rate limit of the server applies to its lists as well."""
        runtime = self.runtime(ref.account)
        if (logs := runtime.backend.logs) is None:
            raise NotFoundError(f"{ref}: its account has no logs to read.")
        try:
            return await logs.read(ref, query, after=after, backward=backward, size=size)
        except RateLimitedError as error:
            runtime.limit(error)
            raise

    # For the fleet's own parts.

    def take(self, runtime: AccountRuntime, resource: Resource, rows: Sequence[Row]) -> None:
        """Store a whole list, and identify its account where that has not been done."""
        super().take(runtime, resource, rows)
        if runtime.info is None:
            self._identification.begin_when_due(runtime)

    def filtered(self, resource: Resource) -> None:
        """Drop the rows that other filters of a list exclude, and request it again if it is polled."""
        super().filtered(resource)
        if self.polls:
            self.refresh([resource])

    def refresh_after(self, ref: Ref, action: Action) -> asyncio.Future[None] | None:
        """Request the lists that an action may have changed; done when the one that contains ``ref`` is read."""
        runtime, home = self.runtime(ref.account), self.resource_of(ref)
        others = {shows_in} if (shows_in := ACTIONS[action].shows_in) is not None else set(self.polled_lists.now)
        if home is Resource.DEPLOYMENTS:
            others.add(Resource.INSTANCES)
        for resource in others - {home}:
            if (poller := runtime.pollers.get(resource)) is not None:
                poller.refresh_after_now()
        poller = runtime.pollers.get(home)
        return poller.refresh_after_now() if poller is not None else None

    def _keep_info(self, runtime: AccountRuntime, info: AccountInfo) -> None:
        runtime.set_info(info)
        self._notify(Resource.ACCOUNTS, self._store.replace(runtime.name, Resource.ACCOUNTS, [info]))
        self.announce()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and self._on_failure is not None:
            self._on_failure(error)
