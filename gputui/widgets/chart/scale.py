"""The scales of a chart: what is measured, round numbers for its axis, round times of day, spans in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gputui.formatting import format_bytes
from gputui.late_dataclasses import dataclass
from gputui.presentation.heat import load_style, temperature_area_style

DEGREES = "°C"

_ROUND = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Tops of an axis, times a power of ten; half of each is a number of at most two digits too."""
_SPANS = (300, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 259200)
_DAY = 86400
_CLOCK_STEPS = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 28800, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity: its unit, and what its axis reaches at least. An axis without ``high`` ends at a round number.

    The unit ``B`` is of bytes, written in binary units (``22.2G``).
    """

    unit: str
    low: float = 0.0
    high: float | None = None

    def style(self, value: float, share: float) -> str:
        """Return the style of a figure: by its ``share`` (0 to 1) of the axis; for a temperature by its degrees."""
        return temperature_area_style(value) if self.unit == DEGREES else load_style(share)

    def value(self, value: float) -> str:
        """Write a figure with its unit: ``93 %``, ``4.5 W``, ``22.2G``."""
        if self.unit == "B":
            return format_bytes(round(value))
        return f"{value:.1f} {self.unit}" if abs(value) < 10 and value % 1 else f"{value:.0f} {self.unit}"

    def mark(self, value: float) -> str:
        """Write a figure of the axis in at most four characters: ``100``, ``0.5``, ``24G``, ``12k``."""
        if self.unit == "B":
            return _short(value, 1024, "BKMGTP") if value else "0"
        if abs(value) >= 9999.5:
            return _short(value / 1000, 1000, "kMGTP")
        if abs(value) >= 1:
            return f"{value:.0f}" if abs(value) >= 999.5 else f"{value:.3g}"
        return f"{value:.2f}".rstrip("0").rstrip(".")


def _short(value: float, base: int, units: str) -> str:
    place = 0
    while abs(value) >= 999.5 and place < len(units) - 1:
        value, place = value / base, place + 1
    digits = 0 if abs(value) >= 9.95 or units[place] == "B" else 1
    return f"{value:.{digits}f}".removesuffix(".0") + units[place]


UTILIZATION = Measure("%", 0, 100)
FAN = Measure("%", 0, 100)
TEMPERATURE = Measure(DEGREES, 20, 100)
POWER = Measure("W")


def memory(total: int | None) -> Measure:
    """Return the measure of a memory of so many bytes, None where it is unknown."""
    return Measure("B", 0, total)


def round_up(value: float, base: float = 1.0) -> float:
    """Return the next round number, in multiples of ``base``, that is no smaller than ``value``, which is above 0."""
    power = 10.0 ** math.floor(math.log10(value / base))
    return next((base * step * power for step in _ROUND if base * step * power >= value), value)


def axis(measure: Measure, lowest: float | None, highest: float | None) -> tuple[float, float]:
    """Return bottom and top of the axis for readings between these two, None while there are none."""
    low, high = measure.low, measure.high
    if lowest is not None and lowest < low:
        low = -round_up(-lowest) if lowest < 0 else 0.0
    if high is None or (highest is not None and highest > high):
        top = max(highest or 0.0, low)
        high = round_up(top, _base(measure, top)) if top > 0 else 0.0
    return low, high if high > low else low + 1.0


def _base(measure: Measure, value: float) -> float:
    """Return the unit that round numbers count: a power of 1024 for bytes."""
    if measure.unit != "B":
        return 1.0
    return float(1024 ** min(4, max(0, int(math.log(max(1.0, value), 1024)))))


def span_of(seconds: float) -> float:
    """Return a round span in seconds that holds so many; whole days above three days."""
    return next((span for span in _SPANS if span >= seconds), math.ceil(seconds / _DAY) * _DAY)


def span_words(seconds: float) -> str:
    """Write a span: ``30 s``, ``7.5 min``, ``6 h``, ``3 d``."""
    for size, unit in ((2 * _DAY, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{seconds / (_DAY if unit == 'd' else size):.3g} {unit}"
    return f"{seconds:.0f} s"


def age_words(seconds: float) -> str:
    """Write an age in steps coarse enough to stay the same for a while: ``40 s old``, ``3 min old``."""
    if seconds < 60:
        return f"{int(seconds) // 10 * 10} s old"
    for size, unit in ((2 * _DAY, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // (_DAY if unit == 'd' else size))} {unit} old"
    raise AssertionError("unreachable")


def clock_step(seconds_per_mark: float) -> int:
    """Return the round step in seconds whose marks are at least so far apart."""
    return next((step for step in _CLOCK_STEPS if step >= seconds_per_mark), _DAY)


def clock_marks(begin: float, end: float, step: int, *, utc: bool) -> Iterator[tuple[float, str]]:
    """Yield the times between two POSIX times at which a clock shows a multiple of ``step``, and what it shows."""
    zone = UTC if utc else None
    moment = datetime.fromtimestamp(begin, UTC).astimezone(zone)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    moment -= timedelta(seconds=(moment - midnight).total_seconds() % step)
    at = moment.timestamp()
    while at <= end:
        shown = datetime.fromtimestamp(at, UTC).astimezone(zone)
        if at >= begin:
            form = "%H:%M:%S" if step < 60 else "%d %b" if step >= _DAY else "%H:%M"
            yield at, shown.strftime(form)
        at += step
