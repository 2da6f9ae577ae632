"""The facts about the rows of leases: how far their lists can be believed, load, users, and the time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from statistics import median_low
from typing import TYPE_CHECKING

from gputui.agent.uptime import uptime
from gputui.analytics.cost import gpus_of, host_gpus
from gputui.analytics.gpu_idle import LONGEST_GAP, IdlePeriods, SeenGpus, load_of
from gputui.errors import GputuiError
from gputui.formatting import format_duration
from gputui.late_dataclasses import dataclass
from gputui.models import (
    Action,
    Deployment,
    FeedState,
    GpuDevice,
    GpuSample,
    HostInfo,
    Instance,
    Phase,
    Ref,
    Resource,
)
from gputui.redaction import as_failure
from gputui.rules.leases import Load, Users

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.ssh.nvidia.reader import GpuReader

_AGREE = 60.0
"""Seconds by which clocks may differ."""
_JUMP = 120.0
"""Seconds by which the clock differs from the uptime after a look only where it was set."""
_OLDEST = 120.0
"""Seconds up to which a list is up to date, or three of its intervals where that is more."""
_USERS_OFTEN, _USERS_SELDOM = 60.0, 600.0
"""Seconds between two looks at who is logged in: shortly before the end of an idle rule, and before that."""
_USERS_VALID = 3
"""So many of these intervals an answer is valid."""
_USERS_AT_END, _USERS_VALID_AT_END = 20.0, 30.0
"""Seconds between two looks, and for which an answer is valid, once the time of an idle rule is over."""
_KEPT = 1500
"""Samples of a GPU that are kept: of a day."""
GPU_SECONDS = 60.0
"""The interval of the readings of GPUs: several within :data:`LONGEST_GAP`."""


@dataclass(slots=True)
class _Login:
    """The looks into an instance: who is logged in, and its GPUs where no server reports their load."""

    users: Users = field(default_factory=lambda: Users(None, "nothing is read over SSH yet"))
    at: float | None = None
    task: asyncio.Task[None] | None = None
    reader: GpuReader | None = None
    gpus: Sequence[GpuDevice] = ()
    samples: dict[Ref, list[GpuSample]] = field(default_factory=dict)
    problem: str = ""
    """Why its GPUs could not be read."""


class LeaseFacts:
    """Reads a fleet. ``up`` returns :func:`uptime`."""

    def __init__(self, fleet: Fleet, up: Callable[[], float] = uptime) -> None:
        self._fleet = fleet
        self._up = up
        self._periods = IdlePeriods()
        self._read: dict[tuple[str, Resource], tuple[datetime | None, float]] = {}
        """When a list was answered last by its clock, and when that was seen first."""
        self._logins: dict[Ref, _Login] = {}
        self._last: tuple[datetime, float] | None = None
        self._jump, self._jumped_at = "", 0.0
        self._asked: dict[tuple[str, Resource], float] = {}
        """When a list was requested last."""

    # --- time ------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Note the time, and which lists were answered: to be called before each look."""
        fleet, up, now = self._fleet, self._up(), self._fleet.now()
        if self._last is not None:
            jump = (now - self._last[0]).total_seconds() - (up - self._last[1])
            if abs(jump) > _JUMP:
                way = "forward" if jump > 0 else "back"
                self._jump = f"the clock of this machine was set {way} by {format_duration(abs(jump))}"
                self._jumped_at = up
        self._last = (now, up)
        for name in fleet.accounts:
            for resource in (Resource.INSTANCES, Resource.DEPLOYMENTS):
                at = fleet.feed(name, resource).fetched_at
                known = self._read.get((name, resource))
                if known is None or known[0] != at:
                    self._read[name, resource] = (at, up)

    def now(self, account: str) -> tuple[datetime, str]:
        """Return the time, by the servers' clocks where they agree that this machine's is wrong.

        With it, why that is doubtful; '' where it is not. Of one server's clock and this machine's the earlier one
        applies: what has ended has ended by both.
        """
        fleet, local = self._fleet, self._fleet.now()
        opened = [runtime.opened for runtime in fleet.runtimes.values()]
        ahead = sorted(each.clock_ahead for each in opened if each is not None and each.clock_ahead is not None)
        if self._jump:
            read = max(self._read[account, each][1] for each in (Resource.INSTANCES, Resource.DEPLOYMENTS))
            if not ahead or read <= self._jumped_at or self._up() - self._jumped_at < _OLDEST:
                return local, f"{self._jump}: it is compared with the servers' clocks first"
        middle = median_low(ahead) if ahead else 0.0
        if abs(middle) <= _AGREE:
            return local, ""
        agreeing = sum(abs(seconds - middle) <= _AGREE for seconds in ahead)
        trusted = len(ahead) > 1 and 2 * agreeing > len(ahead)
        return local + timedelta(seconds=middle if trusted else min(0.0, middle)), ""

    # --- lists -----------------------------------------------------------------------------------------------

    def stale(self, account: str, resource: Resource) -> str:
        """Return why a list is not up to date; '' where it is."""
        fleet = self._fleet
        runtime = fleet.runtime(account)
        if runtime.open_error is not None:
            return runtime.open_error.message
        feed = fleet.feed(account, resource)
        if feed.state is not FeedState.FRESH:
            return feed.error.message if feed.error is not None else "it is not read yet"
        age = self._up() - self._read.get((account, resource), (None, 0.0))[1]
        if age > max(_OLDEST, 3 * (runtime.pace(resource) or 0.0)):
            return f"its list is {format_duration(age)} old"
        return ""

    def whole(self, account: str, resource: Resource) -> bool:
        """Return whether a list lacks no row by a filter, or by an error of its server."""
        return self._fleet.coverage(account, (resource,)).names_all

    def keep_reading(self, account: str, resources: Iterable[Resource], *, every: float) -> None:
        """Request lists of an account again where they are older than ``every`` seconds."""
        runtime = self._fleet.runtime(account)
        for resource in resources:
            at = self._asked.get((account, resource), self._read.get((account, resource), (None, 0.0))[1])
            if self._up() - at >= every:
                self._asked[account, resource] = self._up()
                runtime.refresh({resource})

    # --- load and users --------------------------------------------------------------------------------------

    def instances_of(self, row: Instance | Deployment) -> list[Instance]:
        """Return the instances of a deployment that run, or the instance."""
        if isinstance(row, Instance):
            return [row]
        found = self._fleet.all(Instance)
        return [one for one in found if one.parent == row.ref and one.phase is Phase.RUNNING]

    def load(self, row: Instance | Deployment) -> Load:
        """Return whether the GPUs of a row work: of a deployment those of all its instances."""
        if isinstance(row, Deployment) and (problem := self._unlisted(row)):
            return Load(problem=problem)
        loads = [self._load_of(one) for one in self.instances_of(row)]
        if any(load.busy for load in loads):
            return Load(busy=True)
        if not loads:
            return Load(problem="none of its instances runs")
        for load in loads:
            if load.idle is None:
                return load
        idle = min(load.idle for load in loads if load.idle is not None)
        return Load(idle=idle, memory=sum(load.memory for load in loads))

    def _unlisted(self, row: Deployment) -> str:
        """Return why not all instances of a deployment are known to be listed; '' where they are."""
        account = row.ref.account
        if stale := self.stale(account, Resource.INSTANCES):
            return f"its instances: {stale}"
        if not self.whole(account, Resource.INSTANCES):
            return "the list of its instances is incomplete"
        if row.starting or any(
            one.parent == row.ref and one.phase is Phase.PENDING for one in self._fleet.all(Instance)
        ):
            return "an instance of it is starting"
        listed = len(self.instances_of(row))
        if row.running is not None and row.running != listed:
            return f"{listed} of its {row.running} running instances are listed"
        return ""

    def _load_of(self, row: Instance) -> Load:
        fleet, account = self._fleet, row.ref.account
        known = fleet.feed(account, Resource.GPUS).state is FeedState.FRESH
        devices = [one for one in fleet.rows(Resource.GPUS, account).values() if isinstance(one, GpuDevice)]
        hosts = [one for one in fleet.rows(Resource.HOSTS, account).values() if isinstance(one, HostInfo)]
        count = gpus_of(row, host_gpus([*hosts, *devices]))
        if count == 0:
            return Load(problem=f"{row.name} has no GPU")
        found = self._load_on(SeenGpus(devices).of(row) if known else (), count, fleet.samples.of)
        if found is not None:
            return found
        login = self._logins.get(row.ref)
        if login is None:
            login = self._logins[row.ref] = _Login()
        if login.reader is None and Action.SSH in fleet.actions(row):
            from gputui.ssh.nvidia.reader import GpuReader

            login.reader = GpuReader(fleet.connections.lease, fleet.now)
        inside = self._load_on(login.gpus, count or len(login.gpus), lambda ref: login.samples.get(ref, ()))
        if inside is not None:
            return inside
        reason = "no server reports it"
        if login.reader is not None:
            reason = login.problem or ("" if login.gpus else login.users.problem)
        return Load(problem=f"the load of its GPUs is unknown{f': {reason}' if reason else ''}")

    def _load_on(
        self, gpus: Sequence[GpuDevice], count: int | None, samples_of: Callable[[Ref], Sequence[GpuSample]]
    ) -> Load | None:
        """Return the load of GPUs by their samples; None where that is unknown."""
        for gpu in gpus:
            self._periods.update(gpu.ref, samples_of(gpu.ref))
        newest = {gpu.ref: samples[-1] for gpu in gpus if (samples := samples_of(gpu.ref))}
        found = load_of(gpus, count, self._periods.of, newest.get, self._fleet.now())
        if found.idle is not None:
            return Load(idle=found.idle.seen, memory=found.idle.memory_in_use or 0)
        return Load(busy=True) if found.busy else None

    def users(self, row: Instance | Deployment, *, soon: bool, now: bool = False) -> Users:
        """Return who is logged in; of a deployment, into all its instances.

        ``soon``: it is needed to the minute, ``now``: the row may be stopped by it.
        """
        names: list[str] = []
        for one in self.instances_of(row):
            found = self._users_of(one, soon=soon, now=now)
            if found.names is None:
                return found
            names += found.names
        return Users(tuple(dict.fromkeys(names)))

    def _users_of(self, row: Instance, *, soon: bool, now: bool) -> Users:
        if row.machine is not None:
            return Users(row.machine.users, "" if row.machine.users is not None else f"{row.name} does not show that")
        if Action.SSH not in self._fleet.actions(row):
            return Users(None, f"{row.name} permits no login, so that it is unknown who is logged in")
        if (login := self._logins.get(row.ref)) is None:
            login = self._logins[row.ref] = _Login()
        every = _USERS_OFTEN if soon or login.reader is not None else _USERS_SELDOM
        valid = _USERS_VALID * every
        if now:
            every, valid = _USERS_AT_END, _USERS_VALID_AT_END
        age = None if login.at is None else self._up() - login.at
        if login.task is None and (age is None or age >= every):
            login.task = asyncio.create_task(self._look_inside(row, login))
        if age is not None and age > valid:
            return Users(None, "it is read again who is logged in")
        return login.users

    async def _look_inside(self, row: Instance, login: _Login) -> None:
        """Log in without questions, and read the users and, where nothing else reports their load, the GPUs."""
        from gputui.ssh.users import users_of

        try:
            async with self._fleet.connections.lease(row) as connection:
                await self._read_gpus(row, login)
                login.users = Users(await users_of(connection, row.name))
        except GputuiError as error:
            login.users = Users(None, str(error).rstrip("."))
        except Exception as error:  # noqa: BLE001  (a fault with one instance must not end the others' leases)
            login.users = Users(None, as_failure(error, f"the login to {row.name}").message)
        finally:
            login.at, login.task = self._up(), None

    async def _read_gpus(self, row: Instance, login: _Login) -> None:
        if login.reader is None:
            return
        try:
            login.gpus = (await login.reader(row)).devices
        except GputuiError as error:
            login.problem = str(error).rstrip(".")
            return
        login.problem = ""
        for gpu in login.gpus:
            if gpu.sample is not None:
                kept = login.samples.setdefault(gpu.ref, [])
                kept.append(gpu.sample)
                del kept[:-_KEPT]

    async def aclose(self) -> None:
        """End the looks that are under way."""
        tasks = [login.task for login in self._logins.values() if login.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


SOON = LONGEST_GAP + timedelta(minutes=2)
"""So long before the end of an idle rule it is read each minute who is logged in."""
