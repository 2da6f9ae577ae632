"""Readings put into buckets of time that stay as they are once they are over: a picture of them only shifts."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from gputui.late_dataclasses import dataclass
from gputui.widgets.chart.data import Point

GAP = 3.0
"""Readings further apart than so many intervals, or buckets, are not joined by a line."""
PEAK_COUNT = 3
"""A bucket of fewer readings than this has no peak next to its mean: the line goes through nearly all of them."""


@dataclass(slots=True)
class Bucket:
    """The readings of one bucket: how many, their sum, lowest, highest, and the POSIX times of first and last."""

    count: int
    total: float
    lowest: float
    highest: float
    first: float
    last: float

    @property
    def mean(self) -> float:
        """The mean, which the line goes through."""
        return self.total / self.count

    @property
    def interval(self) -> float | None:
        """Seconds from one reading to the next; None where there is one only."""
        return (self.last - self.first) / (self.count - 1) if self.count > 1 else None

    @property
    def peak(self) -> float | None:
        """The highest reading where the bucket holds so many that the mean hides it."""
        return self.highest if self.count >= PEAK_COUNT else None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The columns of a chart: buckets of ``length`` seconds, the first one shown, and how many.

    Bucket 0 begins at the POSIX time ``offset``.
    """

    length: float
    offset: float
    first: int
    columns: int

    @property
    def begin(self) -> float:
        """The POSIX time of the left edge."""
        return self.first * self.length + self.offset

    @property
    def end(self) -> float:
        """The POSIX time of the right edge."""
        return (self.first + self.columns) * self.length + self.offset

    def column(self, at: float) -> int:
        """Return the column of a POSIX time; outside of the range when it is out of view."""
        return math.floor((at - self.offset) / self.length) - self.first


def timeline(window: float, now: datetime, cells: int, per_cell: int, phase: float = 0.0) -> Timeline:
    """Lay a window of seconds on ``cells`` cells of ``per_cell`` buckets each.

    It moves by whole cells, when the last one is full: characters of a picture then move, none changes.
    ``phase`` (0 to 1) is when within a cell's time that is.
    """
    length = window / (cells * per_cell)
    offset = phase * length * per_cell
    last = math.floor((now.timestamp() - offset) / (length * per_cell))
    return Timeline(length, offset, (last - cells + 1) * per_cell, cells * per_cell)


class Buckets:
    """The buckets of one series. Every look at the points reads only those that are new since the last."""

    def __init__(self, length: float, offset: float = 0.0) -> None:
        self.length = length
        self.offset = offset
        self.latest: tuple[float, float] | None = None
        """The newest reading: POSIX time and value."""
        self._buckets: dict[int, Bucket] = {}
        self._begin = math.inf
        self._seen = 0
        self._seen_to: datetime | None = None

    def take(self, points: Sequence[Point], begin: float) -> None:
        """Add the readings since ``begin`` (POSIX time); older ones are ignored.

        When earlier readings have come, all are read again. Readings that were dropped stay in their buckets.
        """
        known = 0 if self._seen_to is None else bisect_right(points, self._seen_to, key=_at)
        if known > self._seen or begin < self._begin or (self._seen_to is not None and not known):
            self._buckets.clear()
            self.latest = None
            known = bisect_left(points, datetime.fromtimestamp(begin, UTC), key=_at)
            # The newest reading is kept even when it is out of view.
            known = max(0, min(known, len(points) - 1))
            self._begin = begin
        for index in range(known, len(points)):
            at, value = points[index]
            if value is not None and math.isfinite(value):
                self._add(at.timestamp(), value)
        self._seen = len(points)
        self._seen_to = points[-1][0] if points else None

    def visible(self, line: Timeline) -> list[tuple[int, Bucket]]:
        """Return columns and their buckets from left to right, with the one before them, and forget older ones."""
        if len(self._buckets) > 2 * line.columns:
            oldest = line.first - line.columns // 2
            self._buckets = {index: bucket for index, bucket in self._buckets.items() if index >= oldest}
            self._begin = max(self._begin, oldest * self.length + self.offset)
        end = line.first + line.columns
        before = max((index for index in self._buckets if index < line.first), default=None)
        shown = sorted(index for index in self._buckets if line.first <= index < end)
        if before is not None:
            shown.insert(0, before)
        return [(index - line.first, self._buckets[index]) for index in shown]

    def _add(self, at: float, value: float) -> None:
        index = math.floor((at - self.offset) / self.length)
        bucket = self._buckets.get(index)
        if bucket is None:
            self._buckets[index] = Bucket(1, value, value, value, at, at)
        else:
            bucket.count += 1
            bucket.total += value
            bucket.lowest = min(bucket.lowest, value)
            bucket.highest = max(bucket.highest, value)
            bucket.first = min(bucket.first, at)
            bucket.last = max(bucket.last, at)
        if self.latest is None or at >= self.latest[0]:
            self.latest = (at, value)


def runs(shown: Sequence[tuple[int, Bucket]], length: float, interval: float) -> list[list[tuple[int, Bucket]]]:
    """Split buckets at gaps: where no reading came for much longer than readings are apart around it.

    ``length`` of a bucket and ``interval`` in seconds are what readings may be apart at least.
    """
    apart = [after.first - before.last for (_, before), (_, after) in pairwise(shown)]
    found: list[list[tuple[int, Bucket]]] = []
    for place, item in enumerate(shown):
        if place == 0 or apart[place - 1] > GAP * max(length, interval, _usual(shown, apart, place)):
            found.append([])
        found[-1].append(item)
    return found


def _usual(shown: Sequence[tuple[int, Bucket]], apart: Sequence[float], place: int) -> float:
    """Return how far readings are apart on the denser side of the pause before a bucket; 0 where it is unknown."""
    before, after = shown[place - 1][1], shown[place][1]
    left = before.interval if before.count > 1 or place < 2 else apart[place - 2]
    right = after.interval if after.count > 1 or place == len(apart) else apart[place]
    return min((seconds for seconds in (left, right) if seconds is not None), default=0.0)


def _at(point: Point) -> datetime:
    return point[0]
