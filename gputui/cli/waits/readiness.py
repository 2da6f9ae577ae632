"""Whether an instance that runs can be logged into, and whether its GPUs are idle. No question is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from gputui.analytics.cost import gpus_of, host_gpus
from gputui.analytics.gpu_idle import SeenGpus, idle_period, load_of
from gputui.cli.waits.goals import Look, Outcome, is_final, state_of
from gputui.errors import ConflictError, GputuiError, HostKeyError, LoginError, SshError
from gputui.fleet.gpu_samples import SampleLog
from gputui.formatting import format_bytes, format_duration, format_minutes
from gputui.models import Action, FeedState, GpuDevice, GpuSample, Instance, Ref, Resource
from gputui.presentation.refusals import never_text

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.ssh.nvidia.reader import GpuReader

_PAUSE = 5.0
"""Seconds between two attempts to log in."""
_COMMAND_SECONDS = 15.0
_READ_EVERY = 30.0
"""Seconds between two looks at the GPUs of an instance over SSH."""
_UNKNOWN = "the load of its GPUs is unknown"


async def _ignore(_: bytes) -> None:
    pass


class Logins:
    """Logs into instances until it works; an unknown or changed host key, or a secret to type, is a refusal."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._done: set[Ref] = set()
        self._failed: dict[Ref, tuple[float, SshError]] = {}

    async def look(self, row: Instance) -> Look:
        """Return whether a login works, by one that is made now unless one has worked or failed just before."""
        ref, clock = row.ref, self._fleet.clock
        if (never := self._fleet.never(row, Action.SSH)) is not None:
            refusal = ConflictError(never_text(Action.SSH, never, ref.account, lambda command: f"gputui {command}"))
            return Look(str(ref), Outcome.NEVER, "no SSH", (row,), refusal)
        failed = self._failed.get(ref)
        if ref not in self._done and (failed is None or clock.monotonic() >= failed[0]):
            self._failed.pop(ref, None)
            try:
                await self._log_in(row)
                self._done.add(ref)
            except SshError as error:
                self._failed[ref] = (clock.monotonic() + _PAUSE, error)
            except (HostKeyError, ConflictError) as error:
                return Look(str(ref), Outcome.NEVER, error.message, (row,), error)
            except GputuiError as error:
                outcome = Outcome.NEVER if is_final(error) else Outcome.UNREADABLE
                return Look(str(ref), outcome, error.message, (row,), error)
        if ref in self._done:
            return Look(str(ref), Outcome.REACHED, "accepts an SSH login", (row,))
        failure = self._failed[ref][1]
        outcome = Outcome.NEVER if isinstance(failure, LoginError) else Outcome.NOT_YET
        return Look(str(ref), outcome, f"{state_of(row)}; {failure.message}", (row,), failure)

    async def _log_in(self, row: Instance) -> None:
        """Log in; into a container that is entered through its host, to the end of a command in it."""
        async with self._fleet.connections.lease(row) as connection:
            if row.ssh is None or not row.ssh.enter:
                return
            from gputui.ssh import scripts

            target = row.ssh
            ended = await scripts.run(
                connection, "exit 0\n", stdout=_ignore, stderr=_ignore, target=target, timeout=_COMMAND_SECONDS
            )
            if ended.status != 0:
                raise SshError(f"{row.name} could not be entered from its host.")


class GpuLoads:
    """Reads the GPUs of instances, over SSH where no server reports their load, until they are idle for long enough.

    ``known`` are samples of earlier sessions.
    """

    def __init__(
        self, fleet: Fleet, idle_for: timedelta, known: Mapping[Ref, Sequence[GpuSample]] = MappingProxyType({})
    ) -> None:
        self._fleet = fleet
        self._idle_for = idle_for
        self._logins = Logins(fleet)
        self._over_ssh = SampleLog()
        self._readers: dict[Ref, GpuReader] = {}
        self._read: dict[Ref, tuple[float, Sequence[GpuDevice] | GputuiError]] = {}
        self._over_ssh.restore(known)
        fleet.samples.restore(known)

    async def look(self, row: Instance) -> Look:
        """Return whether all its GPUs are known to be idle, and have been for as long as is wanted."""
        fleet, ref = self._fleet, row.ref
        if row.gpu_count == 0:
            return Look(str(ref), Outcome.NEVER, "no GPU", (row,), ConflictError("it has no GPU that could be idle."))
        if fleet.runtime(ref.account).lists(Resource.GPUS):
            await fleet.read([Resource.GPUS], [ref.account])
            feed = fleet.feed(ref.account, Resource.GPUS)
            if feed.state is not FeedState.FRESH:
                return _unknown(row, feed.error)
            listed = fleet.all(GpuDevice)
            gpus = SeenGpus(listed).of(row)
            if gpus and all(gpu.sample is not None for gpu in gpus):
                return self._judge(row, gpus, gpus_of(row, host_gpus(listed)), fleet.samples)
        login = await self._logins.look(row)
        if login.outcome is not Outcome.REACHED:
            return _unknown(row, login.error, final=login.outcome is Outcome.NEVER)
        answer = await self._inside(row)
        if isinstance(answer, GputuiError):
            return _unknown(row, answer)
        return self._judge(row, answer, row.gpu_count or len(answer) or None, self._over_ssh)

    async def _inside(self, row: Instance) -> Sequence[GpuDevice] | GputuiError:
        """Return the GPUs that an instance itself sees, read twice a minute."""
        now = self._fleet.clock.monotonic()
        due, answer = self._read.get(row.ref, (0.0, ()))
        if now < due:
            return answer
        from gputui.ssh.nvidia import reader as ssh_reader

        reader = self._readers.setdefault(
            row.ref, ssh_reader.GpuReader(self._fleet.connections.lease, self._fleet.now)
        )
        try:
            answer = (await reader(row)).devices
        except GputuiError as error:
            answer = error
        else:
            self._over_ssh.take(answer, self._fleet.now(), probed=self._readers)
        self._read[row.ref] = (now + _READ_EVERY, answer)
        return answer

    def _judge(self, row: Instance, gpus: Sequence[GpuDevice], count: int | None, samples: SampleLog) -> Look:
        if problem := next((gpu.problem for gpu in gpus if gpu.problem), None):
            return Look(str(row.ref), Outcome.UNREADABLE, f"{_UNKNOWN}: {problem}", (row,))

        def newest(gpu: Ref) -> GpuSample | None:
            return known[-1] if (known := samples.of(gpu)) else None

        load = load_of(gpus, count, lambda gpu: idle_period(samples.of(gpu)), newest, self._fleet.now())
        if load.busy:
            return Look(str(row.ref), Outcome.NOT_YET, "its GPUs work", (row,))
        if load.idle is None:
            return Look(str(row.ref), Outcome.UNREADABLE, _UNKNOWN, (row,))
        memory = load.idle.memory_in_use
        kept = f", {format_bytes(memory)} of GPU memory in use" if memory else ""
        if load.idle.seen < self._idle_for:
            # No figure that changes with each look: each new state is reported.
            wanted = format_minutes(int(self._idle_for.total_seconds() // 60))
            return Look(str(row.ref), Outcome.NOT_YET, f"its GPUs are idle, not yet for {wanted}{kept}", (row,))
        seen = format_duration(load.idle.seen.total_seconds())
        return Look(str(row.ref), Outcome.REACHED, f"its GPUs are idle for {seen}{kept}", (row,))


def _unknown(row: Instance, error: GputuiError | None, *, final: bool = False) -> Look:
    """Return the look at an instance whose GPUs cannot be read."""
    never = final or (error is not None and is_final(error)) or isinstance(error, LoginError | HostKeyError)
    why = f": {error.message}" if error is not None else ""
    return Look(str(row.ref), Outcome.NEVER if never else Outcome.UNREADABLE, f"{_UNKNOWN}{why}", (row,), error)
