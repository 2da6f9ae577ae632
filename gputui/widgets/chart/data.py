"""The data of a chart: readings, their measure, and the window of time to show."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Literal, overload

from gputui.late_dataclasses import dataclass
from gputui.models import GpuSample
from gputui.widgets.chart.scale import Measure, span_of

Reading = Literal["utilization", "memory_used", "power", "temperature", "fan"]
_AT = attrgetter("at")
Point = tuple[datetime, float | None]
"""When, in UTC, and what was read then; None where that reading did not report it."""

WINDOWS: tuple[float | None, ...] = (300, 900, 3600, 21600, 86400, None)
"""Seconds that a chart can show; None is all there is."""
_FITTED = (120, 300, 600, 900, 1800, 3600)
"""Seconds of the automatic choice: it grows with the readings, up to an hour."""


def fitted(series: Iterable[Sequence[GpuSample]], now: datetime) -> float:
    """Return the shortest automatic window that has all readings of the last hour of these GPUs in it.

    Readings that are all older are in it by the newest one.
    """
    hour_ago = now - timedelta(seconds=_FITTED[-1])
    spans = []
    for samples in series:
        if samples:
            place = min(bisect_left(samples, hour_ago, key=_AT), len(samples) - 1)
            spans.append((now - samples[place].at).total_seconds())
    longest = max(spans, default=0.0)
    return next((span for span in _FITTED if span >= longest), span_of(longest))


class Window:
    """The time that charts show: fitted to the readings (``fitted``), else the one in seconds, None for all there is.

    Choosing the time that fits is the automatic choice again.
    """

    def __init__(self) -> None:
        self.fitted = True
        self.chosen: float | None = None

    def seconds(self, fits: Callable[[], float]) -> float | None:
        """Return the time in seconds, None for all there is; ``fits`` returns that of the automatic choice."""
        return fits() if self.fitted else self.chosen

    def choose(self, time: float | None) -> None:
        """Show this time, one of :data:`WINDOWS`, whatever fits. Raises ValueError."""
        if time not in WINDOWS:
            raise ValueError(f"there is no time range of {time} s")
        self.fitted, self.chosen = False, time

    def change(self, steps: int, fits: float) -> None:
        """Choose a longer time, or with less than 0 a shorter one, as far as there are others."""
        times = [*sorted({fits, *(time for time in WINDOWS if time is not None)}), None]
        place = times.index(self.seconds(lambda: fits)) + steps
        self.chosen = times[min(max(place, 0), len(times) - 1)]
        self.fitted = self.chosen == fits


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
    readings are apart while all is well: what is further apart is a gap. Times of day are local, or UTC. ``place`` is
    the host, before the title and cut before it.
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
    place: str = ""
