"""The style of a component class as it is drawn over other styles."""

from __future__ import annotations

from rich.style import Style
from textual.widget import Widget


def component_style(widget: Widget, name: str) -> Style:
    """Return what a component class sets itself, with translucent colours blended in."""
    full = widget.get_component_rich_style(name)
    part = widget.get_component_rich_style(name, partial=True)
    return part + Style(
        color=full.color if part.color is not None else None,
        bgcolor=full.bgcolor if part.bgcolor is not None else None,
    )
