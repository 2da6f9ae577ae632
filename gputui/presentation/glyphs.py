"""The glyph and the colour of every state: the glyph carries it, the colour repeats it."""

from __future__ import annotations

from collections.abc import Mapping

from gputui.models import HealthState, Phase

PHASE_GLYPHS: Mapping[Phase, str] = {
    Phase.PENDING: "◐",
    Phase.RUNNING: "●",
    Phase.STOPPING: "◐",
    Phase.STOPPED: "○",
    Phase.FAILED: "✗",
    Phase.UNKNOWN: "?",
}
PHASE_STYLES: Mapping[Phase, str] = {
    Phase.PENDING: "warning",
    Phase.RUNNING: "good",
    Phase.STOPPING: "warning",
    Phase.STOPPED: "muted",
    Phase.FAILED: "bad",
    Phase.UNKNOWN: "warning",
}
"""The name of the style of a phase."""
HEALTH_GLYPHS: Mapping[HealthState, str] = {
    HealthState.UNKNOWN: "○",
    HealthState.OK: "●",
    HealthState.SLOW: "◐",
    HealthState.LIMITED: "◐",
    HealthState.DOWN: "✗",
}
HEALTH_STYLES: Mapping[HealthState, str] = {
    HealthState.UNKNOWN: "$muted",
    HealthState.OK: "$text-success",
    HealthState.SLOW: "$text-warning",
    HealthState.LIMITED: "$text-warning",
    HealthState.DOWN: "$text-error",
}

BAR_FULL = "▇"
BAR_EMPTY = "▁"


def bar(share: float | None, width: int) -> str:
    """Draw a share (0 to 1) as ``▇▇▇▁▁``: at least one full cell for anything above zero; '' when unknown."""
    if share is None:
        return ""
    full = min(width, max(1 if share > 0 else 0, round(share * width)))
    return BAR_FULL * full + BAR_EMPTY * (width - full)
