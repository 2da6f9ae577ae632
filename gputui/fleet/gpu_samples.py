"""The readings of every GPU over time, whatever back end or connection they come from."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gputui.fleet.signals import Listeners
from gputui.history.gpu_samples import FINE_SECONDS, KEPT_SECONDS, SPACING
from gputui.models import GpuDevice, GpuSample, Ref, Row

SAME_SECONDS = 1.0
"""Two readings of a GPU closer than this are one, which a back end told twice and placed a little differently."""
_THIN_AFTER = 600
"""So many new readings of a GPU are taken between two rounds of thinning out."""


@dataclass(slots=True)
class _Gpu:
    """What is known of a GPU.

    ``told`` is when it was listed last, ``through`` the instance in which it was seen, ``seen`` what it told the last
    time, ``kept_at`` the newest reading that was handed on, ``new`` how many came since they were thinned out.
    """

    told: datetime
    series: list[GpuSample] = field(default_factory=list)
    through: Ref | None = None
    seen: tuple[GpuSample | None, tuple[GpuSample, ...]] | None = None
    kept_at: datetime | None = None
    new: int = 0


class SampleLog:
    """Readings by GPU, oldest first. ``keep`` is given what is new and worth keeping over a restart.

    ``followed`` is set once somebody follows them.
    """

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
        """Return a GPU's readings, oldest first: a live view."""
        gpu = self._gpus.get(ref)
        return gpu.series if gpu is not None else ()

    def subscribe(self, listener: Callable[[frozenset[Ref]], None]) -> Callable[[], None]:
        """Call ``listener`` with the GPUs that have new readings; returns the function that ends this."""
        self.followed.set()
        return self._listeners.add(listener)

    def take(self, devices: Iterable[Row], at: datetime, *, probed: Collection[Ref] = ()) -> None:
        """Add what these GPUs tell. Where no sensor tells, what their processes hold is read at ``at``.

        ``probed`` are all instances that are looked into: what was seen in others is forgotten, and so are GPUs
        that were not listed for as long as readings are kept.
        """
        changed = set()
        for device in devices:
            if not isinstance(device, GpuDevice):
                continue
            gpu = self._gpus.setdefault(device.ref, _Gpu(at))
            gpu.told, gpu.through = at, device.through
            if added := _merge(gpu, _news_of(gpu, device, at)):
                self._hand_on(device.ref, gpu, added)
                changed.add(device.ref)
        self._forget(at - timedelta(seconds=KEPT_SECONDS), probed)
        if changed:
            self._listeners.tell(frozenset(changed))

    def restore(self, found: Mapping[Ref, Sequence[GpuSample]]) -> None:
        """Add what was kept over a restart."""
        changed = set()
        for ref, samples in found.items():
            gpu = self._gpus.get(ref) or (_Gpu(samples[-1].at) if samples else None)
            if gpu is not None and _merge(gpu, samples):
                self._gpus[ref] = gpu
                _thin(gpu)
                changed.add(ref)
        if changed:
            self._listeners.tell(frozenset(changed))

    def _forget(self, told_before: datetime, probed: Collection[Ref]) -> None:
        for ref, gpu in list(self._gpus.items()):
            if gpu.told < told_before or (gpu.through is not None and gpu.through not in probed):
                del self._gpus[ref]

    def _hand_on(self, ref: Ref, gpu: _Gpu, added: Iterable[GpuSample]) -> None:
        """Give what is new to be kept, not closer together than what is drawn from it later."""
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


def _news_of(gpu: _Gpu, device: GpuDevice, at: datetime) -> Iterable[GpuSample]:
    """Return what a GPU tells that it did not tell before.

    What was in the last series is not looked at again: of that, what was thinned out must not come back.
    """
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
    """Put readings in their places and return those that were not there."""
    series = gpu.series
    before = len(series)
    added, late = list[GpuSample](), list[GpuSample]()
    for sample in given:
        if not series or (sample.at - series[-1].at).total_seconds() >= SAME_SECONDS:
            series.append(sample)
            added.append(sample)
        else:
            late.append(sample)
    if new := _apart_from(series, sorted(late, key=_at)):
        series += new
        series.sort(key=_at)
        added += new
    gpu.new += len(series) - before
    if gpu.new >= _THIN_AFTER:
        _thin(gpu)
    return added


def _thin(gpu: _Gpu) -> None:
    gpu.new = 0
    series = gpu.series
    newest = series[-1].at
    fine = bisect_left(series, newest - timedelta(seconds=FINE_SECONDS), key=_at)
    first = bisect_left(series, newest - timedelta(seconds=KEPT_SECONDS), key=_at)
    by_minute = {int(sample.at.timestamp() // 60): sample for sample in reversed(series[first:fine])}
    series[:fine] = reversed(by_minute.values())


def _at(sample: GpuSample) -> datetime:
    return sample.at


def _apart_from(series: Sequence[GpuSample], late: Sequence[GpuSample]) -> list[GpuSample]:
    """Return those of the late readings, oldest first, that are no reading of the series told once more."""
    place = bisect_left(series, late[0].at, key=_at) if late else 0
    apart: list[GpuSample] = []
    for sample in late:
        while place < len(series) and series[place].at < sample.at:
            place += 1
        if not any(_close(sample, near) for near in (*series[max(0, place - 1) : place + 1], *apart[-1:])):
            apart.append(sample)
    return apart


def _close(one: GpuSample, other: GpuSample) -> bool:
    return abs((one.at - other.at).total_seconds()) < SAME_SECONDS
