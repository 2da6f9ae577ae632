"""The data of a chart: readings, their measure, and the window of time to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, overload

from gputui.models import GpuSample
from gputui.widgets.chart.scale import Measure

Reading = Literal["utilization", "memory_used", "power", "temperature", "fan"]
Point = tuple[datetime, float | None]
"""When, in UTC, and what was read then; None where that reading did not report it."""

WINDOWS: tuple[float | None, ...] = (300, 900, 3600, 21600, 86400, None)
"""Seconds that a chart can show; None is all there is."""


class Readings(Sequence[Point]):
    """One figure of each sample, read when it is asked for: nothing is copied however long the series is."""

    def __init__(self, samples: Sequence[GpuSample], reading: Reading) -> None:
        self._samples = samples
        self._reading = reading

    def __len__(self) -> int:
        return len(self._samples)

    @overload
    def __getitem__(self, index: int) -> Point: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Point]: ...
    def __getitem__(self, index: int | slice) -> Point | Sequence[Point]:
        if isinstance(index, slice):
            return Readings(self._samples[index], self._reading)
        sample = self._samples[index]
        return sample.at, getattr(sample, self._reading)


@dataclass(frozen=True, slots=True)
class ChartData:
    """All that a chart shows.

    ``points`` are oldest first; points may be added and dropped between two looks at them. ``window`` in seconds,
    None for all there is; ``now`` is its right end. ``reported`` is False for a figure that is never reported. The
    newest reading is stale after ``stale_after`` seconds. ``interval`` is the longest time in seconds that
    readings are apart while all is well: what is further apart is a gap. Times of day are local, or UTC.
    """

    key: str
    title: str
    measure: Measure
    points: Sequence[Point]
    window: float | None
    now: datetime
    reported: bool = True
    stale_after: float = 60.0
    interval: float = 10.0
    utc: bool = False
