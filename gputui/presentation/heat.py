"""Colours by value: one ramp of lightness for load, yellow and red for temperatures. They repeat figures in text."""

from __future__ import annotations

from gputui.presentation.glyphs import bar

LOAD_STYLES = ("load-1", "load-2", "load-3", "load-4")
"""The styles of the ramp, for quarters of the range."""
WARM, HOT = 80.0, 90.0
"""Degrees Celsius from which a temperature is highlighted: GPUs reduce their clocks somewhat above."""


def load_style(share: float) -> str:
    """Return the step of the ramp for a share (0 to 1)."""
    return LOAD_STYLES[min(len(LOAD_STYLES) - 1, max(0, int(share * len(LOAD_STYLES))))]


def load_bar(share: float, width: int) -> tuple[str, str]:
    """Return the span of a bar for a share (0 to 1), in the colour of the share."""
    return bar(share, width), load_style(share)


def temperature_style(degrees: float) -> str:
    """Return ``warning`` or ``bad`` for a temperature in degrees Celsius that is too high, else ''."""
    return "bad" if degrees >= HOT else "warning" if degrees >= WARM else ""
