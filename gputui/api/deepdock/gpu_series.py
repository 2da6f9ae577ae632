"""The series of GPU samples that DeepDock gives (``GET /metrics/gpus``), placed on our clock.

Its timestamps are times of day where the host is, without an offset and by the host's clock. Also known are how far
that clock is ahead of ours (:mod:`gputui.api.http.server_clock`), that offsets are whole quarters of an hour, and
that the newest sample of a host that collects is seconds old. MB of the document are 2**20 bytes, as NVIDIA's library
counts them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from gputui.late_dataclasses import dataclass
from gputui.models import GpuSample

QUARTER = 900.0
HOUR = 3600.0
"""How far clocks are put back in autumn, in seconds."""
WEST, EAST = -12 * 3600.0, 14 * 3600.0
"""The offsets that there are, in seconds."""
NEAR = 5.0
"""How far the newest sample may lie in the future before the offset must be another one, in seconds."""
NEAR_UNKNOWN = 300.0
"""The same where the server does not report its time, so that its clock may be wrong by more."""
SOON = 120.0
"""A sample is new that appears within so many seconds after an answer without it."""
OLDEST, LATEST = timedelta(days=7), timedelta(seconds=NEAR_UNKNOWN)
"""Samples from longer ago are stale: their collector has stopped. Those from further ahead are of a wrong clock."""

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class GpuSeries:
    """The answer about one GPU: samples, oldest first, each time once, and how many could not be read.

    ``stale`` is the newest of those that are too old to count, ``ahead`` how many are dated in the future.
    """

    samples: tuple[GpuSample, ...] = ()
    unreadable: int = 0
    stale: GpuSample | None = None
    ahead: int = 0


class _Placed(NamedTuple):
    row: Mapping[str, object]
    time: datetime
    sample: GpuSample


class _Found(NamedTuple):
    """A sample that is seen for the first time; ``time`` is naive where the host's offset from UTC is not reported.

    ``back`` is how far the host's clocks were put back after it, in seconds.
    """

    gpu: int
    stamp: str
    row: Mapping[str, object]
    time: datetime
    back: float = 0.0


class _Read(NamedTuple):
    """An answer's samples of one GPU.

    ``turned``: the host's clocks were put back among them; ``put_back``: they were after all that was placed before.
    ``latest`` is the host's latest time of day, of those after that where they were.
    """

    placed: dict[str, _Placed]
    found: Sequence[_Found] = ()
    unreadable: int = 0
    turned: bool = False
    put_back: bool = False
    latest: datetime | None = None


class SeriesPlacer:
    """Places the samples of one host. What was placed once keeps its time for as long as it comes again.

    So nothing that was drawn moves when the host's clocks are put back, or when our idea of them changes.
    """

    def __init__(self) -> None:
        self._placed: dict[int, dict[str, _Placed]] = {}
        self._offset: float | None = None
        self._skew = 0.0
        self._ahead: float | None = None
        self._seen_at: datetime | None = None

    def seen(self, now: datetime) -> None:
        """Note an answer that is the same as the last one."""
        self._seen_at = now

    def place(
        self, answer: Mapping[int, object], *, now: datetime, ahead: float | None = None
    ) -> dict[int, GpuSeries]:
        """Return the series of each GPU in an answer that came at ``now``, by our clock, in UTC.

        ``ahead`` is how far the host's clock is ahead of ours, in seconds, None when unknown.
        """
        read = {gpu: self._read(gpu, rows) for gpu, rows in answer.items()}
        found = _all_found(read.values())
        placed = {gpu: one.placed for gpu, one in read.items()}
        unreadable = {gpu: one.unreadable for gpu, one in read.items()}
        self._set_clock(found, now, ahead, put_back=any(one.put_back for one in read.values()))
        host = timedelta(seconds=ahead or 0.0)
        place = host + timedelta(seconds=(self._offset or 0.0) + self._skew)
        earliest, latest = now - OLDEST, now + LATEST
        stale: dict[int, GpuSample] = {}
        early: Counter[int] = Counter()
        for sample in found:
            span = host if sample.time.tzinfo is not None else place + timedelta(seconds=sample.back)
            at = _earlier(sample.time, span)
            if at is None:
                unreadable[sample.gpu] += 1
            elif at > latest:
                early[sample.gpu] += 1
            elif at < earliest:
                # The host's offset at that time is unknown: its own date is the nearest.
                reported = _earlier(sample.time, host) or at
                known = stale.get(sample.gpu)
                if known is None or known.at < reported:
                    stale[sample.gpu] = read_sample(sample.row, reported)
            else:
                placed[sample.gpu][sample.stamp] = _Placed(sample.row, sample.time, read_sample(sample.row, at))
        self._placed, self._seen_at = placed, now
        return {
            gpu: GpuSeries(_in_order(rows.values()), unreadable[gpu], stale.get(gpu), early[gpu])
            for gpu, rows in placed.items()
        }

    def _read(self, gpu: int, rows: object) -> _Read:
        """Separate the samples of a GPU that are placed already from new ones and from what is no sample."""
        if not isinstance(rows, Sequence) or isinstance(rows, str):
            return _Read({}, unreadable=1)
        known = self._placed.get(gpu, {})
        placed: dict[str, _Placed] = {}
        fresh: dict[str, _Found] = {}
        times: dict[str, datetime] = {}
        unreadable = 0
        for row in rows:
            stamp = row.get("timestamp") if isinstance(row, Mapping) else None
            if not isinstance(stamp, str):
                unreadable += 1
            elif (before := known.get(stamp)) is not None:
                again = read_sample(row, before.sample.at) if before.row != row else before.sample
                placed[stamp] = before if again is before.sample else _Placed(row, before.time, again)
                times.setdefault(stamp, before.time)
            elif (time := _read_time(stamp)) is None:
                unreadable += 1
            else:
                fresh[stamp] = _Found(gpu, stamp, row, time)
                times.setdefault(stamp, time)
        if not fresh:
            return _Read(placed, unreadable=unreadable)
        earlier = _before_put_back(times)
        found = [sample._replace(back=HOUR) if sample.stamp in earlier else sample for sample in fresh.values()]
        put_back = bool(earlier) and bool(known) and placed.keys() <= earlier
        since = (time for stamp, time in times.items() if time.tzinfo is None and stamp not in earlier)
        return _Read(placed, found, unreadable, bool(earlier), put_back, max(since, default=None))

    def _set_clock(self, found: Iterable[_Found], now: datetime, ahead: float | None, *, put_back: bool) -> None:
        """Find out the host's offset, or keep it while the new samples agree with it.

        It is another one when they would lie in the future, or when what is new lies a quarter of an hour and more in
        the past, or their order shows it (``put_back``): then clocks were changed. That the newest sample is old does
        not show it: the collector may have stopped.
        """
        if ahead != self._ahead:
            self._ahead, self._skew = ahead, 0.0
        near = NEAR_UNKNOWN if ahead is None else NEAR
        host_now = (now + timedelta(seconds=ahead or 0.0)).replace(tzinfo=None)
        soon = self._seen_at is not None and (now - self._seen_at).total_seconds() <= SOON
        all_found: list[float] = []
        new: list[float] = []
        for sample in found:
            if sample.time.tzinfo is not None:
                continue
            seconds = (sample.time - host_now).total_seconds() - sample.back
            if seconds <= EAST + near:
                all_found.append(seconds)
                if soon and sample.gpu in self._placed:
                    new.append(seconds)
        if not all_found:
            return
        offset = self._offset
        if put_back and offset is not None and max(all_found) <= offset - HOUR + near:
            offset -= HOUR
        if offset is None or max(all_found) > offset + near:
            offset = utc_offset(max(all_found), near)
        elif new:
            offset = utc_offset(max(new), near)
        if offset != self._offset:
            self._offset, self._skew = offset, 0.0
        # No sample is from the future: what seems so shows how much we are wrong about the host's clock.
        self._skew = max(self._skew, *(seconds - offset for seconds in all_found if seconds - offset <= near), 0.0)


def utc_offset(difference: float, near: float) -> float:
    """Return the offset of a host's time of day from UTC, in seconds.

    ``difference`` is its newest sample's time of day less its time in UTC: the offset less the age of that sample.
    """
    return min(max(math.ceil((difference - near) / QUARTER) * QUARTER, WEST), EAST)


def _all_found(read: Iterable[_Read]) -> list[_Found]:
    """Return what is new of all GPUs. One that has stopped before clocks were put back shows next to the others."""
    read = list(read)
    now = max((one.latest for one in read if one.turned and one.latest is not None), default=None)
    found: list[_Found] = []
    for one in read:
        ahead = (one.latest - now).total_seconds() if now is not None and one.latest is not None else 0.0
        has_stopped = not one.turned and NEAR < ahead <= HOUR
        found += [sample._replace(back=HOUR) for sample in one.found] if has_stopped else one.found
    return found


def _before_put_back(times: Mapping[str, datetime]) -> frozenset[str]:
    """Return the stamps of before the host's clocks were put back; none where they were not.

    ``times`` come in their order. Clocks were put back where they go back once, by an hour less what lies between two
    samples, and continue from there. What came out of its order goes back elsewhere too, or leaps ahead again.
    """
    naive = [(stamp, time) for stamp, time in times.items() if time.tzinfo is None]
    steps = [(later - earlier).total_seconds() for (_, earlier), (_, later) in pairwise(naive)]
    back = [place for place, step in enumerate(steps) if step < -QUARTER]
    if len(back) != 1 or not -HOUR - NEAR <= steps[back[0]] <= QUARTER - HOUR:
        return frozenset()
    if any(step >= HOUR - QUARTER for step in steps[back[0] + 1 :]):
        return frozenset()
    return frozenset(stamp for stamp, _ in naive[: back[0] + 1])


def read_sample(row: Mapping[str, object], at: datetime) -> GpuSample:
    """Make a sample of its JSON. A figure that no GPU can have is none."""
    memory = _figure(row.get("memory_used"), 0, 2**24)
    return GpuSample(
        at,
        utilization=_figure(row.get("utilization"), 0, 100),
        memory_used=None if memory is None else round(memory * _MIB),
        power=_figure(row.get("power_usage"), 0, 10_000),
        temperature=_figure(row.get("temperature"), -50, 200),
        fan=_figure(row.get("fan_speed"), 0, 200),
    )


def _figure(value: object, least: float, most: float) -> float | None:
    """Return a number within its bounds, which NaN is in none of."""
    if type(value) is float or type(value) is int:  # and not bool, which JSON has apart
        return float(value) if least <= value <= most else None
    return None


def _earlier(time: datetime, span: timedelta) -> datetime | None:
    """Return a time less a span, in UTC; None where no calendar goes so far."""
    try:
        return time.replace(tzinfo=UTC) - span
    except OverflowError:
        return None


def _read_time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
        # A time that cannot be expressed in UTC is none.
        return time if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _in_order(placed: Iterable[_Placed]) -> tuple[GpuSample, ...]:
    """Return samples by their time, each time once."""
    return tuple(sorted({entry.sample.at: entry.sample for entry in placed}.values(), key=attrgetter("at")))
