"""From a GPU and its readings to what its charts show. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import get_args

from gputui.models import GpuDevice, GpuSample, Ref
from gputui.widgets.chart.data import ChartData, Reading, Readings
from gputui.widgets.chart.scale import FAN, POWER, TEMPERATURE, UTILIZATION, Measure, memory, span_words

READINGS: tuple[Reading, ...] = get_args(Reading)
"""The readings of a GPU that can be drawn, the most important first."""
WORDS: Mapping[Reading, str] = {
    "utilization": "utilisation",
    "memory_used": "memory",
    "power": "power",
    "temperature": "temperature",
    "fan": "fan",
}
_MEASURES: Mapping[Reading, Measure] = {
    "utilization": UTILIZATION,
    "power": POWER,
    "temperature": TEMPERATURE,
    "fan": FAN,
}
_FINE_WINDOW, _FINE_SECONDS, _COARSE_SECONDS = 3600, 15.0, 75.0
"""Readings of the last hour are there as they came, about every 10 s; of earlier ones one a minute is kept."""
_STALE_SECONDS = 45.0
_LOOKED_BACK = 50
_GOOD_WIDTH, _GOOD_HEIGHT = 38, 8
"""Cells of a chart that is worth a place next to others."""


def reported(samples: Sequence[GpuSample]) -> list[Reading]:
    """Return the readings that the newest samples report."""
    newest = samples[-_LOOKED_BACK:]
    return [reading for reading in READINGS if any(getattr(sample, reading) is not None for sample in newest)]


def key_of(ref: Ref, reading: Reading) -> str:
    """Return the key of the chart of one figure of a GPU."""
    return f"{ref} {reading}"


def chart_of(
    device: GpuDevice,
    reading: Reading,
    samples: Sequence[GpuSample],
    *,
    window: float | None,
    now: datetime,
    utc: bool,
    place: str = "",
) -> ChartData:
    """Return the chart of one figure of a GPU over the last ``window`` seconds, None for all that is kept.

    ``place`` is its host, where the title is to name it.
    """
    fine = window is not None and window <= _FINE_WINDOW
    part = f" {device.mig}" if device.mig else ""
    return ChartData(
        key_of(device.ref, reading),
        f"GPU {device.index}{part} {WORDS[reading]}",
        memory(device.memory_total) if reading == "memory_used" else _MEASURES[reading],
        Readings(samples, reading),
        window,
        now,
        reported=not samples or reading in reported(samples),
        stale_after=_STALE_SECONDS,
        interval=_FINE_SECONDS if fine else _COARSE_SECONDS,
        utc=utc,
        place=place,
    )


def window_words(window: float | None) -> str:
    """Return the time that is drawn: ``last 15 min``, ``last 6 h``, ``all that is kept``."""
    return "all that is kept" if window is None else f"last {span_words(window)}"


def how_many(width: int, height: int) -> int:
    """Return how many charts of one GPU fit into a room of so many cells and can be read."""
    return max(1, min(len(READINGS), width // _GOOD_WIDTH * max(1, height // _GOOD_HEIGHT)))
