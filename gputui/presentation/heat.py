"""Colours by value: ramps of lightness for load and temperature, above them yellow and red. They repeat figures."""

from __future__ import annotations

from gputui.presentation.glyphs import bar

LOAD_STYLES = ("load-1", "load-2", "load-3", "load-4")
"""The styles of the ramp, for quarters of the range."""
WARM, HOT = 80.0, 90.0
"""Degrees Celsius from which a temperature is highlighted: GPUs reduce their clocks somewhat above."""
_COLD = 30.0
"""Degrees Celsius at which the ramp of areas begins."""
_TEMPERATURES = ((HOT, "bad"), (WARM, "warning"), (65.0, LOAD_STYLES[-1]), (45.0, ""))
"""The styles of temperatures from these degrees Celsius on; texts can be read in all of them."""


def load_style(share: float) -> str:
    """Return the step of the ramp for a share (0 to 1)."""
    return LOAD_STYLES[min(len(LOAD_STYLES) - 1, max(0, int(share * len(LOAD_STYLES))))]


def load_bar(share: float, width: int) -> tuple[str, str]:
    """Return the span of a bar for a share (0 to 1), in the colour of the share."""
    return bar(share, width), load_style(share)


def temperature_style(degrees: float) -> str:
    """Return the style of the text of a temperature in degrees Celsius: quiet for a GPU at rest, then a ramp.

    It is ``warning`` or ``bad`` for one that is too high.
    """
    return next((style for least, style in _TEMPERATURES if degrees >= least), "muted")


def temperature_area_style(degrees: float) -> str:
    """Return the style of an area: the step of the ramp of loads up to ``WARM``, then that of the text."""
    return temperature_style(degrees) if degrees >= WARM else load_style((degrees - _COLD) / (WARM - _COLD))
