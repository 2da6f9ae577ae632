"""The colours: one accent for selection and focus, red for failure and danger, yellow for "look here"."""

from __future__ import annotations

from textual.color import Color
from textual.theme import Theme

DARK = Theme(
    name="gputui",
    primary="#5fafd7",
    secondary="#8787af",
    accent="#5fafd7",
    warning="#d7af5f",
    error="#d75f5f",
    success="#5faf87",
    foreground="#d0d0d0",
    background="#121212",
    surface="#1c1c1c",
    panel="#262626",
    dark=True,
)
LIGHT = Theme(
    name="gputui-light",
    primary="#005f87",
    secondary="#5f5f87",
    accent="#005f87",
    warning="#875f00",
    error="#af0000",
    success="#005f3f",
    foreground="#262626",
    background="#eeeeee",
    surface="#e4e4e4",
    panel="#dadada",
    dark=False,
)
MUTED_SHARE = 0.6
"""How far muted text is from the background towards the foreground."""

THEMES = (DARK, LIGHT)
"""The first is the default. Values of the 256-colour cube, so that a terminal with 256 shows the same ones."""


def muted(theme: Theme) -> str:
    """Return the colour of quiet text, a real one: what is drawn as data cannot take a share of what is behind it."""
    foreground = Color.parse(theme.foreground or ("#e0e0e0" if theme.dark else "#202020"))
    background = Color.parse(theme.background or ("#121212" if theme.dark else "#e0e0e0"))
    return background.blend(foreground, MUTED_SHARE).hex
