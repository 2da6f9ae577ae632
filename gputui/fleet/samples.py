"""The readings of every GPU over time, whatever back end or connection they come from."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from gputui.fleet.listeners import Listeners
from gputui.kept_samples import KEPT_SECONDS, SPACING
from gputui.models import GpuDevice, GpuSample, Ref, Row

SAME_SECONDS = 1.0
"""Two readings of a GPU closer than this are one, which a back end told twice and placed a little differently."""
FINE_SECONDS = 3600.0
"""Readings are kept in memory as they came for so long, then one a minute."""
_THIN_AFTER = 600
"""So many new readings of a GPU are taken between two rounds of thinning out."""


class SampleLog:
    """Readings by GPU, oldest first. ``keep`` is given what is new and worth keeping over a restart."""

    def __init__(
        self,
        *,
        keep: Callable[[Iterable[tuple[Ref, GpuSample]]], None] | None = None,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._keep = keep
        self._series: dict[Ref, list[GpuSample]] = {}
        self._seen: dict[Ref, tuple[GpuSample | None, tuple[GpuSample, ...]]] = {}
        self._kept_at: dict[Ref, datetime] = {}
        self._new: dict[Ref, int] = {}
        self._listeners: Listeners[frozenset[Ref]] = Listeners(on_failure)

    def of(self, ref: Ref) -> Sequence[GpuSample]:
        """Return a GPU's readings, oldest first: a live view."""
        return self._series.get(ref, ())

    def subscribe(self, listener: Callable[[frozenset[Ref]], None]) -> Callable[[], None]:
        """Call ``listener`` with the GPUs that have new readings; returns the function that ends this."""
        return self._listeners.add(listener)

    def take(self, devices: Iterable[Row], at: datetime) -> None:
        """Add what these GPUs tell. Where no sensor tells, what their processes hold is read at ``at``."""
        changed = set()
        for device in devices:
            if isinstance(device, GpuDevice) and (added := self._merge(device.ref, self._news_of(device, at))):
                self._hand_on(device.ref, added)
                changed.add(device.ref)
        if changed:
            self._listeners.tell(frozenset(changed))

    def restore(self, found: Mapping[Ref, Sequence[GpuSample]]) -> None:
        """Add what was kept over a restart."""
        changed = {ref for ref, samples in found.items() if self._merge(ref, samples)}
        for ref in changed:
            self._thin(ref)
        if changed:
            self._listeners.tell(frozenset(changed))

    def _news_of(self, device: GpuDevice, at: datetime) -> Iterable[GpuSample]:
        """Return what a GPU tells that it did not tell before.

        What was in the last series is not looked at again: of that, what was thinned out must not come back.
        """
        if device.sample is None and not device.series:
            nothing = device.memory_used is None or device.problem is not None
            return () if nothing else (GpuSample(at, memory_used=device.memory_used),)
        before = self._seen.get(device.ref)
        if before is not None and before[0] == device.sample and before[1] is device.series:
            return ()
        self._seen[device.ref] = (device.sample, device.series)
        known = frozenset(map(id, before[1])) if before is not None else frozenset[int]()
        new = [sample for sample in device.series if id(sample) not in known]
        return [*new, device.sample] if device.sample is not None and device.sample not in new[-1:] else new

    def _merge(self, ref: Ref, given: Iterable[GpuSample]) -> list[GpuSample]:
        """Put readings in their places and return those that were not there."""
        series = self._series.setdefault(ref, [])
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
        self._new[ref] = self._new.get(ref, 0) + len(series) - before
        if self._new[ref] >= _THIN_AFTER:
            self._thin(ref)
        return added

    def _thin(self, ref: Ref) -> None:
        self._new[ref] = 0
        series = self._series[ref]
        newest = series[-1].at
        fine = bisect_left(series, newest - timedelta(seconds=FINE_SECONDS), key=_at)
        first = bisect_left(series, newest - timedelta(seconds=KEPT_SECONDS), key=_at)
        by_minute = {int(sample.at.timestamp() // 60): sample for sample in reversed(series[first:fine])}
        series[:fine] = reversed(by_minute.values())

    def _hand_on(self, ref: Ref, added: Iterable[GpuSample]) -> None:
        """Give what is new to be kept, not closer together than what is drawn from it later."""
        if self._keep is None:
            return
        kept = []
        last = self._kept_at.get(ref)
        for sample in added:
            if last is not None and 0 <= (sample.at - last).total_seconds() < SPACING:
                continue
            kept.append((ref, sample))
            last = sample.at if last is None else max(last, sample.at)
        if last is not None:
            self._kept_at[ref] = last
        self._keep(kept)


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
