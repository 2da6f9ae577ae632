"""The glyph and the colour of every state: the glyph carries it, the colour repeats it."""

from __future__ import annotations

from collections.abc import Mapping

from gputui.models import HealthState, Phase

_PHASES: Mapping[Phase, tuple[str, str]] = {
    Phase.PENDING: ("◐", "warning"),
    Phase.RUNNING: ("●", "good"),
    Phase.STOPPING: ("◐", "warning"),
    Phase.STOPPED: ("○", "muted"),
    Phase.FAILED: ("✗", "bad"),
    Phase.UNKNOWN: ("?", "warning"),
}
PHASE_GLYPHS = {key: glyph for key, (glyph, _) in _PHASES.items()}
PHASE_STYLES = {key: style for key, (_, style) in _PHASES.items()}
"""The name of the style of a phase."""
_HEALTH: Mapping[HealthState, tuple[str, str]] = {
    HealthState.UNKNOWN: ("○", "$muted"),
    HealthState.OK: ("●", "$text-success"),
    HealthState.DEGRADED: ("◐", "$text-warning"),
    HealthState.SLOW: ("◐", "$text-warning"),
    HealthState.LIMITED: ("◐", "$text-warning"),
    HealthState.DOWN: ("✗", "$text-error"),
}
HEALTH_GLYPHS = {key: glyph for key, (glyph, _) in _HEALTH.items()}
HEALTH_STYLES = {key: style for key, (_, style) in _HEALTH.items()}

BAR_FULL = "▇"
BAR_EMPTY = "▁"


def bar(share: float | None, width: int) -> str:
    """Draw a share (0 to 1) as ``▇▇▇▁▁``: at least one full cell for anything above zero; '' when unknown."""
    if share is None:
        return ""
    full = min(width, max(1 if share > 0 else 0, round(share * width)))
    return BAR_FULL * full + BAR_EMPTY * (width - full)
