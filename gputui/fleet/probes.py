"""Probes instances for GPUs and processes, in an account whose back end does not report them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field, replace
from functools import partial

from gputui.api.capabilities import Lister
from gputui.errors import GputuiError
from gputui.fleet.clock import Clock, within
from gputui.late_dataclasses import dataclass
from gputui.models import GpuDevice, GpuProcess, GpuReading, Instance, Phase, Ref, Resource, Row
from gputui.redaction import inner_failure

Read = Callable[[Instance], Awaitable[GpuReading]]
"""Probes an instance once. Raises GputuiError."""

ROUND_SECONDS = 3.0
"""Seconds after which the results are shown without a slow instance; its answer is added on arrival."""
_SHARED_SECONDS = 1.0
_FIRST_WAIT = 4.0
_LONGEST_WAIT = 60.0


@dataclass(slots=True)
class _Probe:
    """A probed instance. ``name`` is its last known name."""

    read: Read
    name: str
    task: asyncio.Task[None] | None = None
    reading: GpuReading = field(default_factory=GpuReading)
    problem: str = ""
    failures: int = 0
    not_before: float = 0.0


class Probes:
    """The probed instances of an account, and the last results.

    The lists of GPUs and processes share one round of probes. Probes of one instance never overlap; one that fails
    keeps its last rows, marked, with increasing intervals between attempts. In an account that lists its GPUs itself
    (``own_gpus``) only the processes are used. ``find`` returns the present row of a Ref.
    """

    def __init__(self, *, own_gpus: bool, find: Callable[[Ref], Row | None], clock: Clock) -> None:
        self._own_gpus = own_gpus
        self._find = find
        self._clock = clock
        self._probes: dict[Ref, _Probe] = {}
        self._round: asyncio.Task[None] | None = None
        self._rounds = 0
        self._ended = 0.0
        self._given: dict[Resource, int] = {}

    @property
    def listers(self) -> Mapping[Resource, Lister]:
        """The lists that it gives."""
        given = (Resource.PROCESSES,) if self._own_gpus else (Resource.PROCESSES, Resource.GPUS)
        return {resource: partial(self._list, resource) for resource in given}

    @property
    def probed(self) -> frozenset[Ref]:
        """The probed instances."""
        return frozenset(self._probes)

    def problem(self, ref: Ref) -> str:
        """Return why the last probe of an instance failed; '' when it did not."""
        probe = self._probes.get(ref)
        return probe.problem if probe is not None else ""

    def probe(self, instance: Instance, read: Read) -> None:
        """Start to probe an instance with ``read``; one that failed is probed again immediately."""
        before = self._probes.get(instance.ref)
        if before is None:
            self._probes[instance.ref] = _Probe(read, instance.name)
        else:
            before.read, before.failures, before.not_before = read, 0, 0.0

    def drop_ended(self) -> bool:
        """Stop probing instances that do not run any more, discard their results; returns whether there were any."""
        ended = [ref for ref in self._probes if self._running(ref) is None]
        for ref in ended:
            if (task := self._probes.pop(ref).task) is not None:
                task.cancel()
        return bool(ended)

    def _running(self, ref: Ref) -> Instance | None:
        row = self._find(ref)
        return row if isinstance(row, Instance) and row.phase is Phase.RUNNING else None

    def forget_failures(self) -> None:
        """Probe failed instances again in the next round, at the user's request."""
        for probe in self._probes.values():
            probe.not_before = 0.0

    async def aclose(self) -> None:
        """Cancel the running probes."""
        running = [probe.task for probe in self._probes.values() if probe.task is not None]
        running += [self._round] if self._round is not None else []
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    def rows(self, resource: Resource) -> Sequence[Row]:
        """Return the last results of all probed instances."""
        if resource is Resource.PROCESSES:
            return [row for ref in self._probes for row in self._processes_of(ref)]
        return [row for ref, probe in self._probes.items() for row in _devices(ref, probe)]

    def _processes_of(self, ref: Ref) -> Sequence[GpuProcess]:
        instance = self._find(ref)
        seen = _processes(ref, self._probes[ref])
        return on_host(seen, instance) if self._own_gpus and isinstance(instance, Instance) else seen

    async def _list(self, resource: Resource) -> Sequence[Row]:
        """Run a round of probes, or join the present or last one for the other list."""
        new = self._given.get(resource, 0) < self._rounds
        if self._round is None and not (new and self._clock.monotonic() - self._ended < _SHARED_SECONDS):
            self._round = asyncio.create_task(self._run_round())
        if self._round is not None:
            await asyncio.wait({self._round})
        self._given[resource] = self._rounds
        return self.rows(resource)

    async def _run_round(self) -> None:
        try:
            for ref, probe in self._probes.items():
                instance = self._running(ref)
                if instance is not None and probe.task is None and probe.not_before <= self._clock.monotonic():
                    probe.name = instance.name
                    probe.task = asyncio.create_task(self._ask(probe, instance))
            tasks = [probe.task for probe in self._probes.values() if probe.task is not None]
            if tasks:
                await within(self._clock, ROUND_SECONDS, asyncio.wait(tasks))
        finally:
            self._rounds += 1
            self._ended = self._clock.monotonic()
            self._round = None

    async def _ask(self, probe: _Probe, instance: Instance) -> None:
        try:
            probe.reading = await probe.read(instance)
        except GputuiError as error:
            self._fail(probe, str(error))
        except Exception as error:  # noqa: BLE001  (the fault of one instance must not end the probes of the others)
            self._fail(probe, str(inner_failure(f"Probing {instance.name}", error)))
        else:
            probe.problem, probe.failures = "", 0
        finally:
            probe.task = None

    def _fail(self, probe: _Probe, problem: str) -> None:
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(probe.failures, 10))
        probe.problem, probe.failures = problem, probe.failures + 1
        probe.not_before = self._clock.monotonic() + wait


def _devices(ref: Ref, probe: _Probe) -> Sequence[GpuDevice]:
    """Return an instance's GPUs; after a failed probe each has the problem, or one row in their place."""
    if probe.problem and not probe.reading.devices:
        return [GpuDevice(Ref(ref.account, "gpu", ref.id), probe.name, 0, through=ref, problem=probe.problem)]
    return [replace(device, problem=device.problem or probe.problem or None) for device in probe.reading.devices]


def _processes(ref: Ref, probe: _Probe) -> Sequence[GpuProcess]:
    """Return an instance's processes; after a failed probe each has the problem, or one row in their place."""
    if probe.problem and not probe.reading.devices:
        return [GpuProcess.unknown(ref, probe.name, probe.problem)]
    return [replace(process, problem=process.problem or probe.problem or None) for process in probe.reading.processes]


def on_host(processes: Sequence[GpuProcess], instance: Instance) -> Sequence[GpuProcess]:
    """Return processes seen inside an instance, with the host's numbers of its GPUs, which are in the same order."""
    given = [] if instance.gpu_all else sorted(instance.gpu_indices or ())
    numbers: dict[int | None, int] = dict(enumerate(given))
    return [
        replace(
            process,
            host=instance.host or process.host,
            gpu_index=numbers.get(process.gpu_index, process.gpu_index),
        )
        for process in processes
    ]
