"""The samples of every GPU over time, from any back end or connection."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from operator import attrgetter

from gputui.fleet.signals import Listeners
from gputui.history.gpu_samples import FINE_SECONDS, KEPT_SECONDS, SPACING
from gputui.late_dataclasses import dataclass
from gputui.models import GpuDevice, GpuSample, Ref, Row

SAME_SECONDS = 1.0
"""Two samples of a GPU closer than this are one, which a back end reported twice with different times."""
_AT = attrgetter("at")
_THIN_AFTER = 600
"""New samples of a GPU between two rounds of thinning."""


@dataclass(slots=True)
class _Gpu:
    """A GPU with its samples.

    ``listed_at`` is when it was listed last, ``through`` the instance in which it was seen, ``seen`` its last sample
    and series, ``kept_at`` the newest recorded sample, ``new`` the number of samples since the last thinning.
    """

    listed_at: datetime
    series: list[GpuSample] = field(default_factory=list)
    through: Ref | None = None
    seen: tuple[GpuSample | None, tuple[GpuSample, ...]] | None = None
    kept_at: datetime | None = None
    new: int = 0


class SampleLog:
    """Samples by GPU, oldest first. ``keep`` gets new ones to record; ``followed`` is set by the first listener."""

    def __init__(
        self,
        *,
        keep: Callable[[Iterable[tuple[Ref, GpuSample]]], None] | None = None,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._keep = keep
        self._gpus: dict[Ref, _Gpu] = {}
        self.followed = asyncio.Event()
        self._listeners: Listeners[frozenset[Ref]] = Listeners(on_failure)

    def of(self, ref: Ref) -> Sequence[GpuSample]:
        """Return the samples of a GPU, oldest first: a live view."""
        gpu = self._gpus.get(ref)
        return gpu.series if gpu is not None else ()

    def subscribe(self, listener: Callable[[frozenset[Ref]], None]) -> Callable[[], None]:
        """Call ``listener`` with the GPUs that have new samples; returns the function that removes it."""
        self.followed.set()
        return self._listeners.add(listener)

    def take(self, devices: Iterable[Row], at: datetime, *, probed: Collection[Ref] = ()) -> None:
        """Add the samples of these GPUs; without a sensor, the memory of their processes is one, taken at ``at``.

        ``probed`` are all probed instances: GPUs seen in others are dropped, and so are those that were not listed
        for as long as samples are kept.
        """
        changed = set()
        for device in devices:
            if not isinstance(device, GpuDevice):
                continue
            gpu = self._gpus.setdefault(device.ref, _Gpu(at))
            gpu.listed_at, gpu.through = at, device.through
            if added := _merge(gpu, _new_samples(gpu, device, at)):
                self._record(device.ref, gpu, added)
                changed.add(device.ref)
        self._drop_old(at - timedelta(seconds=KEPT_SECONDS), probed)
        if changed:
            self._listeners.notify(frozenset(changed))

    def restore(self, found: Mapping[Ref, Sequence[GpuSample]]) -> None:
        """Add the samples of earlier sessions."""
        changed = set()
        for ref, samples in found.items():
            gpu = self._gpus.get(ref) or (_Gpu(samples[-1].at) if samples else None)
            if gpu is not None and _merge(gpu, samples):
                self._gpus[ref] = gpu
                _thin(gpu)
                changed.add(ref)
        if changed:
            self._listeners.notify(frozenset(changed))

    def _drop_old(self, listed_before: datetime, probed: Collection[Ref]) -> None:
        for ref, gpu in list(self._gpus.items()):
            if gpu.listed_at < listed_before or (gpu.through is not None and gpu.through not in probed):
                del self._gpus[ref]

    def _record(self, ref: Ref, gpu: _Gpu, added: Iterable[GpuSample]) -> None:
        """Record new samples, at the intervals of the charts that are drawn from them later."""
        if self._keep is None:
            return
        kept = []
        last = gpu.kept_at
        for sample in added:
            if last is not None and 0 <= (sample.at - last).total_seconds() < SPACING:
                continue
            kept.append((ref, sample))
            last = sample.at if last is None else max(last, sample.at)
        gpu.kept_at = last
        self._keep(kept)


def _new_samples(gpu: _Gpu, device: GpuDevice, at: datetime) -> Iterable[GpuSample]:
    """Return the new samples of a GPU, without those of its last series, which may have been thinned."""
    if device.sample is None and not device.series:
        nothing = device.memory_used is None or device.problem is not None
        return () if nothing else (GpuSample(at, memory_used=device.memory_used),)
    before = gpu.seen
    if before is not None and before[0] == device.sample and before[1] is device.series:
        return ()
    gpu.seen = (device.sample, device.series)
    known = frozenset(map(id, before[1])) if before is not None else frozenset[int]()
    new = [sample for sample in device.series if id(sample) not in known]
    return [*new, device.sample] if device.sample is not None and device.sample not in new[-1:] else new


def _merge(gpu: _Gpu, given: Iterable[GpuSample]) -> list[GpuSample]:
    """Insert samples by time and return those that are new."""
    series = gpu.series
    added = list[GpuSample]()
    for sample in given:
        is_latest = not series or sample.at > series[-1].at
        place = len(series) if is_latest else bisect_left(series, sample.at, key=_AT)
        if not any(_close(sample, near) for near in series[max(0, place - 1) : place + 1]):
            series.insert(place, sample)
            added.append(sample)
    gpu.new += len(added)
    if gpu.new >= _THIN_AFTER:
        _thin(gpu)
    return added


def _thin(gpu: _Gpu) -> None:
    gpu.new = 0
    series = gpu.series
    newest = series[-1].at
    fine = bisect_left(series, newest - timedelta(seconds=FINE_SECONDS), key=_AT)
    first = bisect_left(series, newest - timedelta(seconds=KEPT_SECONDS), key=_AT)
    by_minute = {int(sample.at.timestamp() // 60): sample for sample in reversed(series[first:fine])}
    series[:fine] = reversed(by_minute.values())


def _close(one: GpuSample, other: GpuSample) -> bool:
    return abs((one.at - other.at).total_seconds()) < SAME_SECONDS
