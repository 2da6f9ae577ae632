"""When GPUs are idle, by their samples: the one rule for 0 % and for memory in use at 0 %. Pure.

A GPU of unknown utilisation is not idle. Between two samples that are further apart than :data:`LONGEST_GAP` anything
may have happened: the time that a GPU has been idle begins after such a gap.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from gputui.late_dataclasses import dataclass
from gputui.models import GpuDevice, GpuSample, Instance, Ref

IDLE_BELOW = 1.0
"""A GPU below this utilisation, in percent, is idle."""
IN_USE_FROM = 512 * 2**20
"""Bytes from which a process uses memory: the driver itself needs up to some hundred MiB."""
LONGEST_GAP = timedelta(minutes=3)
"""The longest time between two samples of one idle period, and the greatest age of the newest one."""

_AT = attrgetter("at")


def is_idle(sample: GpuSample) -> bool | None:
    """Return whether the GPU was idle; None where its utilisation is unknown."""
    return None if sample.utilization is None else sample.utilization < IDLE_BELOW


def memory_in_use(sample: GpuSample) -> int | None:
    """Return the memory in bytes that processes use on an idle GPU, 0 for none.

    None where that is unknown, and for a GPU that is not idle.
    """
    if not is_idle(sample) or sample.memory_used is None:
        return None
    return sample.memory_used if sample.memory_used >= IN_USE_FROM else 0


@dataclass(frozen=True, slots=True)
class IdlePeriod:
    """An idle time without a gap, from its first sample to the newest one.

    ``at_least``: it may have begun before ``since``, as no sample shows when. ``memory_in_use`` is that of the newest
    sample, see :func:`memory_in_use`.
    """

    since: datetime
    until: datetime
    at_least: bool = True
    memory_in_use: int | None = None

    @property
    def seen(self) -> timedelta:
        """How long it was seen."""
        return self.until - self.since


def idle_period(samples: Sequence[GpuSample], known: IdlePeriod | None = None) -> IdlePeriod | None:
    """Return the idle period that the newest of these samples, oldest first, ends; None where that is not idle.

    ``known`` is an earlier result for the same GPU: only the samples after it, and those before it, are looked at.
    """
    if not samples or not is_idle(newest := samples[-1]):
        return None
    last, since = len(samples) - 1, None
    if known is not None and known.until <= newest.at:
        place = bisect_left(samples, known.until, key=_AT)
        begin, at_least = _begin_of(samples, last, place)
        if begin == place and samples[place].at - known.until <= LONGEST_GAP:
            since, at_least = known.since, known.at_least
            if at_least:  # older samples may have been restored
                begin, at_least = _begin_of(samples, bisect_left(samples, since, key=_AT), 0)
    else:
        begin, at_least = _begin_of(samples, last, 0)
    first = samples[begin].at if since is None else min(since, samples[begin].at)
    return IdlePeriod(first, newest.at, at_least, memory_in_use(newest))


def _begin_of(samples: Sequence[GpuSample], index: int, lowest: int) -> tuple[int, bool]:
    """Return the first index, ``lowest`` or higher, of the idle samples up to ``index`` without a gap between them.

    With it, whether they may have been idle before that: no sample shortly before shows a load.
    """
    while index > lowest:
        before = samples[index - 1]
        if samples[index].at - before.at > LONGEST_GAP or (idle := is_idle(before)) is None:
            return index, True
        if not idle:
            return index, False
        index -= 1
    return index, True


_RESTORED = 10
"""More new samples of a GPU than this at once are not only the newest ones."""


class IdlePeriods:
    """The idle periods of many GPUs: a new sample costs a look at that sample alone."""

    def __init__(self) -> None:
        self._periods: dict[Ref, IdlePeriod | None] = {}
        self._sizes: dict[Ref, int] = {}

    def update(self, ref: Ref, samples: Sequence[GpuSample]) -> None:
        """Take the samples of a GPU as they are now."""
        grown = len(samples) - self._sizes.get(ref, 0)
        known = self._periods.get(ref) if grown <= _RESTORED else None
        self._sizes[ref] = len(samples)
        self._periods[ref] = idle_period(samples, known)

    def keep(self, refs: Iterable[Ref]) -> None:
        """Forget all GPUs but these."""
        kept = set(refs)
        for ref in self._periods.keys() - kept:
            del self._periods[ref], self._sizes[ref]

    def of(self, ref: Ref) -> IdlePeriod | None:
        """Return the idle period of a GPU up to its newest sample; None where it is not idle, or unknown."""
        return self._periods.get(ref)


@dataclass(frozen=True, slots=True)
class InstanceLoad:
    """Whether the GPUs of an instance work: they are all ``idle``, or some do (``busy``), or that is unknown."""

    busy: bool = False
    idle: IdlePeriod | None = None


UNKNOWN_LOAD = InstanceLoad()


def load_of(
    gpus: Sequence[GpuDevice],
    count: int | None,
    period_of: Callable[[Ref], IdlePeriod | None],
    newest_of: Callable[[Ref], GpuSample | None],
    now: datetime,
) -> InstanceLoad:
    """Return the load of an instance with ``count`` GPUs, of which these are seen.

    It is idle where all of them are seen, and each is idle by a sample of the last minutes.
    """
    periods: list[IdlePeriod] = []
    for gpu in gpus:
        newest = newest_of(gpu.ref)
        if newest is None or now - newest.at > LONGEST_GAP or (idle := is_idle(newest)) is None:
            continue
        if not idle:
            return InstanceLoad(busy=True)
        if (period := period_of(gpu.ref)) is not None:
            periods.append(period)
    if not periods or count is None or len(periods) < max(count, len(gpus)):
        return UNKNOWN_LOAD
    if len(periods) == 1:
        return InstanceLoad(idle=periods[0])
    last = max(periods, key=lambda period: (period.since, not period.at_least))
    sizes = [period.memory_in_use for period in periods]
    memory = None if None in sizes else sum(size or 0 for size in sizes)
    return InstanceLoad(idle=IdlePeriod(last.since, min(map(_until, periods)), last.at_least, memory))


_until = attrgetter("until")


class SeenGpus:
    """The GPUs that are listed, found by the instance that may use them."""

    def __init__(self, devices: Iterable[GpuDevice]) -> None:
        self._of_host: dict[tuple[str, str], dict[int, GpuDevice]] = {}
        self._of_account: dict[str, dict[str, dict[int, GpuDevice]]] = {}
        self._inside: dict[Ref, list[GpuDevice]] = {}
        for device in devices:
            if device.mig:
                continue  # the utilisation of a part is not reported, and that of the whole one is unknown
            if device.through is not None:
                self._inside.setdefault(device.through, []).append(device)
            else:
                host = self._of_account.setdefault(device.ref.account, {}).setdefault(device.host, {})
                host[device.index] = device

    def of(self, instance: Instance) -> Sequence[GpuDevice]:
        """Return those that an instance may use; none where it is unknown which."""
        if (inside := self._inside.get(instance.ref)) is not None:
            return inside
        hosts: Mapping[str, Mapping[int, GpuDevice]] = self._of_account.get(instance.ref.account, {})
        gpus = hosts.get(instance.host, {}) if instance.host else next(iter(hosts.values()), {})
        if not instance.host and len(hosts) > 1:
            return ()
        if instance.machine is not None or instance.gpu_all:
            return list(gpus.values())
        if instance.gpu_indices is None:
            return ()
        return [gpus[index] for index in instance.gpu_indices if index in gpus]
