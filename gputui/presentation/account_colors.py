"""The colours that the configuration can give to accounts, so that the one where a mistake is dear is seen. Pure."""

from __future__ import annotations

COLORS = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink")
"""Their names, in the configuration and as the end of style names."""


def color_style(color: str | None) -> str:
    """Return the name of the style of an account's name; '' for one without a colour."""
    return f"account-{color}" if color in COLORS else ""


STYLES = tuple(color_style(color) for color in COLORS)
