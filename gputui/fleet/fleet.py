"""The fleet as its consumers see it: rows, feeds, health, actions. asyncio only, on one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from gputui.actions import ACTIONS
from gputui.api.capabilities import Backend, PreparedChange
from gputui.errors import GputuiError, NotFoundError, RateLimitedError, UnknownOutcomeError
from gputui.fleet.account_runtime import AccountRuntime
from gputui.fleet.clock import Clock, SystemClock, within
from gputui.fleet.logins import Logins
from gputui.fleet.mutations import Mutations, Pending
from gputui.fleet.rows import Rows
from gputui.models import (
    AccountInfo,
    Action,
    ActionResult,
    Event,
    Instance,
    LogPage,
    LogPosition,
    LogQuery,
    Ref,
    Resource,
    Row,
    Secret,
    SSHTarget,
)

if TYPE_CHECKING:
    from gputui.config.loader import Account, Polling
    from gputui.history.history import History

_CLOSE_SECONDS = 2.0
_PROBE_AGAIN_SECONDS = 60.0


class Fleet(Rows):
    """Several accounts' rows, kept current.

    ``history`` None keeps nothing, the audit log included. Listeners are called on the event loop, with the rows
    already in place; what one of them raises goes to ``on_failure``, as
    faults of the fleet's own background work do, and the others are called all the same. Where a method raises, it
    raises GputuiError.
    """

    def __init__(
        self,
        accounts: Mapping[str, Account],
        *,
        open_backend: Callable[[Account], Backend],
        history: History | None,
        polling: Polling,
        clock: Clock | None = None,
        random: Random | None = None,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        super().__init__(accounts, history, clock or SystemClock(), on_failure)
        self._open_backend = open_backend
        self._on_failure = on_failure
        self._watched: frozenset[Resource] = frozenset()
        self._kept_watched: frozenset[Resource] = frozenset()
        self._samples_read = history is None
        self._logins = Logins(history)
        self._mutations = Mutations(self, history, self._clock, on_failure)
        chance = random or Random()  # noqa: S311  (jitter, no secret)
        self.runtimes = {
            name: AccountRuntime(account, polling, self, self._clock, chance) for name, account in accounts.items()
        }
        self._announced = self._feed_states()
        self._tasks: set[asyncio.Task[None]] = set()
        self._probed: dict[str, float] = {}

    # Life.

    async def start(self) -> None:
        """Open all back ends and begin to poll. Returns when each is open or known not to open."""
        if self._recorder is not None:
            self._spawn(self._recorder.run())
        await asyncio.gather(*(self._open(runtime) for runtime in self.runtimes.values()))

    async def aclose(self) -> None:
        """Stop polling, write what is not written yet, close the back ends; bounded in time."""
        limit = _CLOSE_SECONDS
        for task in self._tasks:
            task.cancel()
        stops = [within(self._clock, limit, runtime.stop()) for runtime in self.runtimes.values()]
        tasks = [within(self._clock, limit, asyncio.wait(self._tasks))] if self._tasks else []
        await asyncio.gather(*stops, *tasks, within(self._clock, limit, self._mutations.finish()))
        await asyncio.gather(within(self._clock, limit, self._save()), *map(self._close, self.runtimes.values()))

    async def _open(self, runtime: AccountRuntime) -> None:
        await runtime.open(self._open_backend)
        if runtime.opened is not None:
            self.filter_anew(runtime.name)
            self._probe(runtime)

    async def _close(self, runtime: AccountRuntime) -> None:
        if runtime.opened is not None:
            await within(self._clock, _CLOSE_SECONDS, runtime.opened.aclose())

    # What is looked at.

    @property
    def watched(self) -> frozenset[Resource]:
        """The resources the user looks at, or waits for news of."""
        return self._watched | self._kept_watched

    def watch(self, resources: Iterable[Resource]) -> None:
        """Say what the user looks at now: these are polled at their pace, the others slowly or not at all."""
        self._watched = frozenset(resources)
        for runtime in self.runtimes.values():
            runtime.reconsider()
        if Resource.GPUS in self._watched and not self._samples_read:
            self._samples_read = True
            self._spawn(self.read_samples())
        self.announce()

    def keep_watching(self, resources: Iterable[Resource]) -> None:
        """Say what is to be polled at its pace whatever the user looks at."""
        self._kept_watched = frozenset(resources)
        for runtime in self.runtimes.values():
            runtime.reconsider()

    def refresh(self, resources: Iterable[Resource] | None = None, accounts: Iterable[str] | None = None) -> None:
        """Ask now, whatever failed before: for these resources or all that are polled, of these accounts or all.

        An account that could not be opened is opened again. A back end that asked to be left alone is.
        """
        wanted = None if resources is None else frozenset(resources)
        for name in self.runtimes if accounts is None else accounts:
            runtime = self.runtime(name)
            if runtime.opened is not None:
                runtime.opened.forget()
                runtime.refresh(wanted)
            elif runtime.may_open_again:
                self._spawn(self._open(runtime))

    # Acting.

    def set_filter(self, resource: Resource, values: Mapping[str, str]) -> None:
        """Ask every account that can be asked for it for these only, from now on; raises InvalidError."""
        self.use_filter(resource, values)
        for account in self.runtimes:
            if self.left_out(account, resource):
                self._tell(resource, self._store.replace(account, resource, ()))
        self.refresh([resource])

    def pending(self, ref: Ref) -> Pending | None:
        """Return what is under way with a thing: from before the call until a later list shows its effect."""
        return self._mutations.pending(ref)

    def subscribe_pending(self, listener: Callable[[Ref], None]) -> Callable[[], None]:
        """Call ``listener`` with the Ref of a thing whose pending mark came or went."""
        return self._mutations.listeners.add(listener)

    def cut_off(self) -> Sequence[tuple[Ref, Action]]:
        """Return the changes that were cancelled after they were sent: their outcome is unknown."""
        return self._mutations.cut_off

    def under_way(self) -> Mapping[str, int]:
        """Return how many calls that change something are in flight, by account: running commands as well."""
        return self._mutations.under_way()

    async def act(
        self,
        ref: Ref,
        action: Action,
        *,
        arguments: Mapping[str, str] | None = None,
        expected: Row | None = None,
    ) -> ActionResult:
        """Do something to a thing: audit entry, call, audit entry, and a refresh that is not waited for.

        ``arguments``: ``command`` and ``timeout`` (seconds) for exec, ``tag`` and ``message`` for commit,
        ``replicas`` for scale, ``minutes`` and ``comment`` for block; ``force`` (``true``) for delete, where
        :meth:`options` has it; ``decrease_replicas``, ``no_cache`` (``true``) and ``command`` for stop, where
        :meth:`options` has them; the values of their form for the actions that have one.
        ``expected`` is the row the user was asked about: when the one there now is another thing of that name, or
        does not offer the action any more, nothing is sent and ConflictError says so, NotFoundError when it is gone.
        Raises
        ForbiddenError when read-only, ConflictError while something else is under way with the same thing (a
        running exec does not count), UnknownOutcomeError when the answer never came, and GputuiError before
        anything is sent when the audit log cannot be written.
        """
        result = await self._mutations.act(ref, action, arguments or {}, expected)
        if action is Action.DELETE:
            await self._logins.forget(ref)
        return result

    async def create(self, change: PreparedChange) -> ActionResult:
        """Create what a creator has prepared (:meth:`creator`), sent once. Raises as :meth:`act` does.

        When the answer is lost, the list is read again: what appeared in it counts as created. Otherwise
        UnknownOutcomeError tells to look before trying again.
        """
        try:
            result = await self._mutations.create(change)
        except UnknownOutcomeError:
            if self.get(change.ref) is None:
                self._logins.expect(change)
            raise
        if not result.made and result.created and isinstance(row := self.get(result.created), Instance):
            result = replace(result, made=row.container_id or "")
        return await self._logins.created(change, result)

    def creating(self) -> Mapping[Ref, Pending]:
        """Return what is being created now, by the Ref it will have: no list holds it yet."""
        return self._mutations.creating()

    def give_up(self, ref: Ref) -> bool:
        """Stop waiting for what is under way with a thing; whoever waits for it gets UnknownOutcomeError.

        Returns False where nothing is under way. What the server does with it is not known.
        """
        return self._mutations.give_up(ref)

    async def change_password(self, account: str, password: Secret) -> ActionResult:
        """Change an account's password; the audit log tells that it was, not to what."""
        return await self._mutations.change_password(account, password)

    # Asking for one thing.

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        """Fetch where an instance's sshd listens now; ``user`` is '' where neither back end nor memory knows it."""
        return await self._logins.complete(ref, await super().ssh_target(ref))

    async def remember_login(self, ref: Ref, made: str, user: str) -> None:
        """Remember who logged into an instance (``made``: :attr:`SSHTarget.made`)."""
        await self._logins.remember(ref, made, user)

    async def account_info(self, account: str) -> AccountInfo:
        """Fetch all that an account says of itself."""
        runtime = self.runtime(account)
        info = await runtime.backend.account_info()
        self._keep_info(runtime, info)
        return info

    async def detail(self, ref: Ref) -> Row:
        """Fetch one row anew, with its raw JSON, and put it into its place in the store."""
        backend = self.runtime(ref.account).backend
        try:
            fresh = await backend.fetch(ref)
        except NotFoundError:
            self.refresh([found[0]] if (found := self._store.find(ref)) else None, [ref.account])
            raise
        found = self._store.find(ref)
        self._tell(found[0] if found else Resource.INSTANCES, self._store.update(fresh))
        return fresh

    async def events_of(self, ref: Ref) -> Sequence[Event]:
        """Return all that is known to have happened to an instance, or to those of a deployment, oldest first."""
        opened = self.runtime(ref.account).opened
        if opened is not None and opened.events_of is not None:
            return await opened.events_of(ref)
        known = (event for event in self.rows(Resource.EVENTS).values() if isinstance(event, Event))
        return sorted((event for event in known if ref in (event.instance, event.parent)), key=lambda event: event.at)

    async def read_log(
        self, ref: Ref, query: LogQuery, *, after: LogPosition | None = None, backward: bool = False, size: int = 1000
    ) -> LogPage:
        """Read a page of what an instance wrote; see :meth:`gputui.api.capabilities.Logs.read`.

        An account that asks to be left alone is: RateLimitedError tells for how long.
        """
        runtime = self.runtime(ref.account)
        if (logs := runtime.backend.logs) is None:
            raise NotFoundError(f"{ref}: its account has no logs to read.")
        try:
            return await logs.read(ref, query, after=after, backward=backward, size=size)
        except RateLimitedError as error:
            runtime.limit(error)
            raise

    # For the fleet's own parts.

    def has_pending(self, account: str) -> bool:
        """Return whether something the user did there is still under way."""
        return self._mutations.has_pending(account)

    def take(self, runtime: AccountRuntime, resource: Resource, rows: Sequence[Row]) -> None:
        """Store a whole list, and ask an account that answers who it is, where that is not known yet."""
        super().take(runtime, resource, rows)
        if runtime.info is None:
            self._probe(runtime)

    def refresh_after(self, ref: Ref, action: Action) -> asyncio.Future[None] | None:
        """Ask anew for what an action may have changed; done when the list that holds ``ref`` is there."""
        runtime = self.runtime(ref.account)
        found = self._store.find(ref)
        home = found[0] if found else self.resource_of(ref)
        others = {shows_in} if (shows_in := ACTIONS[action].shows_in) is not None else set(self.watched)
        if home is Resource.DEPLOYMENTS:
            others.add(Resource.INSTANCES)
        for resource in others - {home}:
            if (poller := runtime.poller(resource)) is not None:
                poller.refresh_after_now()
        poller = runtime.poller(home)
        return poller.refresh_after_now() if poller is not None else None

    def _probe(self, runtime: AccountRuntime) -> None:
        """Ask an account who it is; after a failure again, not too often, once it answers other questions."""
        now = self._clock.monotonic()
        last = self._probed.get(runtime.name)
        if last is None or now - last >= _PROBE_AGAIN_SECONDS:
            self._probed[runtime.name] = now
            self._spawn(self._ask_who(runtime))

    async def _ask_who(self, runtime: AccountRuntime) -> None:
        with suppress(GputuiError):  # the lists' own failures tell what is wrong
            self._keep_info(runtime, await runtime.backend.probe())

    def _keep_info(self, runtime: AccountRuntime, info: AccountInfo) -> None:
        runtime.know(info)
        self._tell(Resource.ACCOUNTS, self._store.replace(runtime.name, Resource.ACCOUNTS, [info]))
        self.announce()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and self._on_failure is not None:
            self._on_failure(error)
