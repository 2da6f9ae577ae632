"""A clock that a test advances, back ends that answer from a script, and what makes a fleet of them.

clock = FakeClock()
lab = FakeBackend("lab")
lab.rows[Resource.INSTANCES] = [pod("lab", "main")]
async with running(clock, lab) as fleet: ...
await clock.advance(5)
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, Self

from gputui.api.capabilities import (
    Backend,
    Creator,
    Filters,
    Lister,
    Operation,
    PreparedChange,
    Values,
)
from gputui.api.common.form_values import refuse
from gputui.config.loader import Account
from gputui.config.sections import Polling
from gputui.errors import NotFoundError
from gputui.fleet import Clock, Fleet
from gputui.history.history import History
from gputui.models import (
    AccountInfo,
    Action,
    ActionResult,
    ExecResult,
    Form,
    FormField,
    Instance,
    Never,
    Phase,
    PreparedRequest,
    Ref,
    Resource,
    Row,
    Secret,
    SSHTarget,
)
from tests import threads

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_MOST_TURNS = 2000
_LONGEST_WORK = 2.0
"""How long a thread is waited for, in seconds."""


class FakeClock(Clock):
    """Time that passes in :meth:`advance` alone."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self.waits_for_threads = True
        self.elapsed = 0.0
        self._count = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed

    async def sleep(self, seconds: float) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.elapsed + seconds, next(self._count), done))
        await done

    @property
    def sleeping(self) -> int:
        """How many tasks wait for time to pass."""
        return sum(not done.done() for _, _, done in self._sleepers)

    async def advance(self, seconds: float = 0.0) -> None:
        """Let time pass, waking sleepers in their order, each to go as far as it can before the next.

        A machine that is busy with something else gives threads none of this time: they are waited for,
        unless ``waits_for_threads`` is off.
        """
        await settle(with_threads=self.waits_for_threads)
        end = self.elapsed + seconds
        while self._sleepers and self._sleepers[0][0] <= end + 1e-6:
            at, _, done = heapq.heappop(self._sleepers)
            if not done.done():
                self.elapsed = max(self.elapsed, at)
                done.set_result(None)
                await settle(with_threads=self.waits_for_threads)
        self.elapsed = max(self.elapsed, end)
        await settle(with_threads=self.waits_for_threads)


async def settle(*, with_threads: bool = False) -> None:
    """Let every task continue until all of them wait for time, a thread or a file.

    ``with_threads``: until threads have done what they were given, too. One that has not ended after some seconds is
    one that the test holds (:func:`tests.threads.held_threads`).
    """
    loop: Any = asyncio.get_running_loop()
    end, turns = loop.time() + _LONGEST_WORK, 0
    while turns < _MOST_TURNS:
        await asyncio.sleep(0)
        # CPython's loop has no public count of the callbacks that are due.
        if loop._ready or (loop._scheduled and loop._scheduled[0]._when <= loop.time()):
            turns += 1
        elif with_threads and threads.at_work() and loop.time() < end:
            await asyncio.sleep(0.0002)
        else:
            return


class FakeCreator(Creator):
    """Creates one kind by the fake's own methods: ``create_form``, ``check_create``, ``created_ref``, ``create``."""

    def __init__(self, backend: FakeBackend, kind: str) -> None:
        self._backend = backend
        self._kind = kind
        self.previews = backend.previews

    async def form(self) -> Form:
        return await self._backend.create_form(self._kind)

    def prepare(self, values: Values) -> PreparedChange:
        backend, kind = self._backend, self._kind
        refuse(backend.account, backend.check_create(kind, values))
        return PreparedChange(
            backend.created_ref(kind, values),
            values,
            lambda: backend.create(kind, values),
            (lambda: backend.prepare_create(kind, values)) if self.previews else None,
            (lambda: backend.find_created(kind, values)) if backend.finds else None,
            backend.login_of(kind, values),
        )


class FakeFilters(Filters):
    """Filters from functions: the form of a list, what applies values, and the problems of values by field."""

    def __init__(
        self,
        account: str,
        form: Callable[[Resource], Form | None],
        use: Callable[[Resource, Values], None],
        check: Callable[[Resource, Values], dict[str, str]] = lambda resource, values: {},
    ) -> None:
        self._account = account
        self._form = form
        self._use = use
        self._check = check

    def form(self, resource: Resource) -> Form | None:
        return self._form(resource)

    def prepare(self, resource: Resource, values: Values) -> Callable[[], None]:
        refuse(self._account, self._check(resource, values))
        return lambda: self._use(resource, values)


class FakeBackend(Backend):
    """A back end that answers from ``rows``, fails from ``errors``, hangs on ``holds`` and counts in ``calls``.

    Keys of ``errors``, ``holds`` and ``calls`` are a Resource, an Action, or "identify", "fetch", "close".
    ``sent`` is set by any action's call; ``effects`` are the instances there are after an action, answered or not.
    """

    creatable: tuple[str, ...] = ("pod",)
    previews = False
    """Whether :meth:`prepare_create` shows the request of a create."""
    finds = False
    """Whether :meth:`find_created` lists what a create may have made."""
    clock_ahead: float | None = None
    kinds: Mapping[str, Resource] = MappingProxyType(
        {
            "pod": Resource.INSTANCES,
            "container": Resource.INSTANCES,
            "deployment": Resource.DEPLOYMENTS,
            "gpu": Resource.GPUS,
            "process": Resource.PROCESSES,
            "offer": Resource.STOCK,
            "image": Resource.IMAGES,
            "block": Resource.BLACKLIST,
            "package": Resource.PACKAGES,
            "balance": Resource.BALANCES,
            "event": Resource.EVENTS,
            "account": Resource.ACCOUNTS,
        }
    )

    def __init__(self, account: str, resources: Iterable[Resource] = (Resource.INSTANCES,)) -> None:
        super().__init__(account)
        self.creators = {kind: FakeCreator(self, kind) for kind in self.creatable}
        self.operations: dict[Action, Operation] = {
            Action.START: self.start,
            Action.STOP: self.stop,
            Action.RESTART: self.restart,
            Action.DELETE: self.delete,
            Action.COMMIT: self.commit,
            Action.EXEC: self.exec,
            Action.CHANGE_PASSWORD: lambda _, password: self.change_password(password),
        }
        self.rows: dict[Resource, Sequence[Row]] = {resource: [] for resource in resources}
        self.errors: dict[object, BaseException] = {}
        self.holds: dict[object, asyncio.Event] = {}
        self.calls: Counter[object] = Counter()
        self.sent = asyncio.Event()
        self.effects: dict[Action, Sequence[Row]] = {}
        self.offered = frozenset({Action.STOP, Action.DELETE, Action.EXEC, Action.SSH})
        self.limits: dict[Action, Never] = {}

    @property
    def listers(self) -> Mapping[Resource, Lister]:  # type: ignore[override]  # tests add rows later
        return {resource: self._lister(resource) for resource in self.rows}

    def never(self, row: Row, action: Action) -> Never | None:
        return self.limits.get(action)

    def without_ssh(self) -> Self:
        """Offer no logins, so that commands go through this back end."""
        self.offered -= {Action.SSH}
        return self

    def hold(self, key: object) -> asyncio.Event:
        """Make a call hang until the event that is returned is set; later ones pass."""
        return self.holds.setdefault(key, asyncio.Event())

    def _lister(self, resource: Resource) -> Lister:
        async def ask() -> Sequence[Row]:
            await self._enter(resource)
            return self.rows[resource]

        return ask

    async def _enter(self, key: object) -> None:
        self.calls[key] += 1
        if key in self.holds:
            await self.holds[key].wait()
            self.holds.pop(key, None)
        if key in self.errors:
            raise self.errors[key]

    async def _do(self, action: Action, message: str) -> ActionResult:
        self.calls[action] += 1
        self.sent.set()
        if action in self.holds:
            await self.holds[action].wait()
            self.holds.pop(action, None)
        if action in self.effects:
            self.rows[Resource.INSTANCES] = self.effects[action]
        if action in self.errors:
            raise self.errors[action]
        return ActionResult(message)

    async def identify(self) -> AccountInfo:
        await self._enter("identify")
        return AccountInfo(
            Ref(self.account, "account", self.account), "fake", "http://127.0.0.1", "0.4.1", user="alice"
        )

    async def account_info(self) -> AccountInfo:
        return await self.identify()

    def actions(self, row: Row) -> frozenset[Action]:
        return self.offered

    async def fetch(self, ref: Ref) -> Row:
        await self._enter("fetch")
        for rows in self.rows.values():
            for row in rows:
                if row.ref == ref:
                    return row
        raise NotFoundError(f"{ref} is gone.")

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        await self._enter(Action.SSH)
        return SSHTarget("127.0.0.1", 23000 + self.calls[Action.SSH], "root")

    async def create_form(self, kind: str) -> Form:
        return Form(self.account, kind, "New pod", (FormField("name", "Name"), FormField("image", "Image")))

    def check_create(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
        return {} if values.get("name") else {"name": "is missing"}

    def prepare_create(self, kind: str, values: Mapping[str, str]) -> PreparedRequest:
        raise NotImplementedError

    async def find_created(self, kind: str, values: Mapping[str, str]) -> Collection[Ref]:
        raise NotImplementedError

    def login_of(self, kind: str, values: Mapping[str, str]) -> tuple[str, Secret | None] | None:
        return None

    def created_ref(self, kind: str, values: Mapping[str, str]) -> Ref:
        return Ref(self.account, kind, values["name"])

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        result = await self._do(Action.CREATE, "created")
        return ActionResult(result.message, created=self.created_ref(kind, values))

    async def start(self, ref: Ref) -> ActionResult:
        return await self._do(Action.START, "started")

    async def stop(self, ref: Ref) -> ActionResult:
        return await self._do(Action.STOP, "stopped")

    async def restart(self, ref: Ref) -> ActionResult:
        return await self._do(Action.RESTART, "restarted")

    async def delete(self, ref: Ref) -> ActionResult:
        return await self._do(Action.DELETE, "deleted")

    async def commit(self, ref: Ref, *, tag: str = "", message: str = "") -> ActionResult:
        return await self._do(Action.COMMIT, f"saved as {tag}")

    async def exec(self, ref: Ref, command: str, *, timeout: float | None = None) -> ExecResult:
        await self._do(Action.EXEC, "")
        return ExecResult(0, f"ran {command}")

    async def change_password(self, password: str) -> ActionResult:
        return await self._do(Action.CHANGE_PASSWORD, "changed")

    async def aclose(self) -> None:
        await self._enter("close")


def pod(
    account: str, name: str, status: str = "running", *, problem: str | None = None, container_id: str | None = None
) -> Instance:
    """Return an instance as pody's client would."""
    phases = {"running": Phase.RUNNING, "exited": Phase.STOPPED, "created": Phase.PENDING}
    return Instance(
        Ref(account, "pod", name),
        name,
        phases.get(status, Phase.UNKNOWN),
        status,
        problem=problem,
        container_id=container_id,
    )


def make_fleet(
    clock: FakeClock,
    *backends: FakeBackend,
    history: History | None = None,
    read_only: bool = False,
    unopenable: Mapping[str, BaseException] | None = None,
    on_failure: Callable[[BaseException], None] | None = None,
    polls: bool = True,
    state_dir: Path | None = None,
) -> Fleet:
    """Return a fleet over these back ends, not started, with jitter from a fixed seed."""
    broken = unopenable or {}
    by_name: dict[str, Backend] = {backend.account: backend for backend in backends}
    accounts = {
        name: Account(name=name, kind="pody", base_url="http://127.0.0.1", read_only=read_only)
        for name in (*by_name, *(name for name in broken if name not in by_name))
    }

    def open_backend(account: Account) -> Backend:
        if account.name in broken:
            raise broken[account.name]
        return by_name[account.name]

    return Fleet(
        accounts,
        open_backend=open_backend,
        history=history,
        polling=Polling() if polls else None,
        clock=clock,
        random=Random(1),
        on_failure=on_failure,
        state_dir=state_dir,
    )


@asynccontextmanager
async def running(
    clock: FakeClock,
    *backends: FakeBackend,
    watch: Iterable[Resource] = (Resource.INSTANCES,),
    history: History | None = None,
    read_only: bool = False,
    unopenable: Mapping[str, BaseException] | None = None,
    on_failure: Callable[[BaseException], None] | None = None,
) -> AsyncIterator[Fleet]:
    """Run a fleet whose first lists are there, unless a back end delays them."""
    fleet = make_fleet(
        clock, *backends, history=history, read_only=read_only, unopenable=unopenable, on_failure=on_failure
    )
    fleet.poll(watch)
    fleet.restore()
    await fleet.start()
    await settle()
    try:
        yield fleet
    finally:
        await fleet.aclose()
