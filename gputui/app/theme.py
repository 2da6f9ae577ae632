"""The colours: one accent for selection and focus, red for failure and danger, yellow for "look here"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

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
SELECTED_SHARE = 0.16
"""How much of the primary colour is behind the row under the cursor."""

THEMES = (DARK, LIGHT)
"""The first is the default. Values of the 256-colour cube, so that a terminal with 256 shows the same ones."""


def theme_names() -> list[str]:
    """Return the names of all themes, those of gputui first."""
    return [*(theme.name for theme in THEMES), *sorted(BUILTIN_THEMES)]


RAMP_STEPS = 5
LEAST_CONTRAST = 4.5
"""Of every text with what is behind it, as WCAG 2 counts it for text of normal size."""

_LUMINANCES = {True: (0.03, 0.07, 0.14, 0.28, 0.48), False: (0.74, 0.55, 0.38, 0.23, 0.09)}
"""Of the steps of the ramp on a dark and on a light theme: always away from what is behind."""
_MOST_SATURATION = 0.4
_CUBE = {
    True: ("#005f00", "#5f875f", "#5faf5f", "#87d787", "#afffaf"),
    False: ("#d7ffd7", "#afffaf", "#87d787", "#5faf5f", "#005f00"),
}
"""Greens of the 256-colour cube, all of hue 120: 22 65 71 114 157, and 194 157 114 71 22."""
_LOAD_LUMINANCES = {True: (0.12, 0.22, 0.38, 0.62), False: (0.25, 0.16, 0.09, 0.03)}
"""Of the steps of the load ramp: the accent's hue, ever further from the background. They colour bars and areas."""
_LOAD_CUBE = {
    True: ("#005f87", "#0087af", "#5fafd7", "#87d7ff"),
    False: ("#5f87af", "#005faf", "#005f87", "#00005f"),
}
"""Blues of the 256-colour cube: 24 31 74 117, and 67 25 24 17."""
_LOAD_16 = {True: ("#00aaaa", "#00aaaa", "#55ffff", "#55ffff"), False: ("#00aaaa", "#00aaaa", "#0000aa", "#0000aa")}
"""The colours of rich for 6 and 14 of the 16, and for 6 and 4."""
_ACCOUNT_CUBE = {
    True: {
        "red": "#ff5f5f",
        "orange": "#ff8700",
        "yellow": "#d7d700",
        "green": "#5fd75f",
        "cyan": "#5fd7d7",
        "blue": "#5fafff",
        "purple": "#af87ff",
        "pink": "#ff87d7",
    },
    False: {
        "red": "#af0000",
        "orange": "#875f00",
        "yellow": "#5f5f00",
        "green": "#005f00",
        "cyan": "#005f5f",
        "blue": "#005faf",
        "purple": "#5f00af",
        "pink": "#87005f",
    },
}
"""The colours of accounts on a dark and on a light background, of the 256-colour cube."""
_GREEN, _BRIGHT_GREEN = "#00aa00", "#55ff55"
"""The colours of rich for 2 and 10 of the 16."""


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it: 1 to 21."""
    low, high = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))))
    return (high + 0.05) / (low + 0.05)


def luminance(color: Color) -> float:
    """Return the relative luminance of a colour as WCAG 2 defines it: 0 to 1."""
    parts = (part / 255 for part in color.rgb)
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def text_on(background: str, theme: Theme) -> str:
    """Return a colour that can be read on this one: the theme's own where it can."""
    own = (_foreground(theme).hex, _background(theme).hex)
    return next(
        (color for color in own if contrast(color, background) >= LEAST_CONTRAST),
        max(("#ffffff", "#000000"), key=lambda color: contrast(color, background)),
    )


def ramp(theme: Theme, color_system: str | None) -> list[tuple[str, str]]:
    """Return the steps of the heat ramp as (background, text): one hue, further from the background at each step.

    ``color_system`` is rich's: ``truecolor``, ``256``, ``standard`` (16 colours), None. With 16 colours there are two
    greens: they colour the text of the lower steps and what is behind that of the upper ones.
    """
    if color_system in (None, "standard", "windows"):
        plain = _background(theme).hex
        return [
            (plain, _foreground(theme).hex),
            *((plain, green) for green in ((_GREEN, _BRIGHT_GREEN) if theme.dark else (_GREEN, _GREEN))),
            (_GREEN, "#000000"),
            (_BRIGHT_GREEN, "#000000"),
        ]
    if color_system == "256":
        colors: Sequence[str] = _CUBE[theme.dark]
    else:
        hue, saturation, _ = Color.parse(theme.success or DARK.success or "").hsl
        quiet = min(saturation, _MOST_SATURATION)
        colors = [_of_luminance(hue, quiet, wanted) for wanted in _LUMINANCES[theme.dark]]
    return [(color, text_on(color, theme)) for color in colors]


def load_ramp(theme: Theme, color_system: str | None) -> Sequence[str]:
    """Return the colours of bars and areas by load, the lowest first; ``color_system`` as for :func:`ramp`."""
    if color_system in (None, "standard", "windows"):
        return _LOAD_16[theme.dark]
    if color_system == "256":
        return _LOAD_CUBE[theme.dark]
    hue, saturation, _ = Color.parse(theme.accent or theme.primary).hsl
    return [_of_luminance(hue, saturation, wanted) for wanted in _LOAD_LUMINANCES[theme.dark]]


def account_colors(theme: Theme, color_system: str | None) -> dict[str, str]:
    """Return the colours of accounts by name: texts that can be read on everything that is behind text."""
    foreground, behind = _foreground(theme), _behind(theme, color_system)
    found = {}
    for name, color in _ACCOUNT_CUBE[theme.dark].items():
        # A theme of another background may need a colour closer to its own text.
        blends = (Color.parse(color).blend(foreground, share / 10).hex for share in range(11))
        readable = (one for one in blends if all(contrast(one, other) >= LEAST_CONTRAST for other in behind))
        found[name] = next(readable, foreground.hex)
    return found


def variables(theme: Theme, color_system: str | None) -> dict[str, str]:
    """Return the colours that every theme must have here: quiet text, what is found, the ramps of heat and load."""
    accent = Color.parse(theme.accent or theme.primary).hex
    steps = [*enumerate(ramp(theme, color_system), 1)]
    return {
        "muted": muted(theme, color_system),
        "selected": selected(theme, color_system),
        "match": accent,
        "match-text": text_on(accent, theme),
        **{f"heat-{step}": behind for step, (behind, _) in steps},
        **{f"heat-{step}-text": text for step, (_, text) in steps},
        **{f"load-{step}": color for step, color in enumerate(load_ramp(theme, color_system), 1)},
        **{f"account-{name}": color for name, color in account_colors(theme, color_system).items()},
    }


def muted(theme: Theme, color_system: str | None = "truecolor") -> str:
    """Return the colour of quiet text, a real one: what is drawn as data cannot take a share of what is behind it.

    As quiet as it may be where it can be read on everything that is behind text, the row under the cursor included.
    """
    foreground, background = _foreground(theme), _background(theme)
    behind = _behind(theme, color_system)
    colors: Iterable[str] = (background.blend(foreground, share / 50).hex for share in range(25, 51))
    if color_system == "256":
        greys = (f"#{part:02x}{part:02x}{part:02x}" for part in range(8, 248, 10))
        colors = sorted(greys, key=lambda grey: contrast(grey, background.hex))
    readable = (color for color in colors if all(contrast(color, other) >= LEAST_CONTRAST for other in behind))
    return next(readable, foreground.hex)


def _behind(theme: Theme, color_system: str | None) -> list[str]:
    """Return the colours that are behind text, the row under the cursor included."""
    own = (color for color in (theme.surface, theme.panel) if color)
    return [_background(theme).hex, *own, selected(theme, color_system)]


def selected(theme: Theme, color_system: str | None = "truecolor") -> str:
    """Return what is behind the row under the cursor, and behind the chosen line of a menu.

    With 256 colours a grey: the nearest of the cube to a tinge of the primary colour is a deep blue.
    """
    if color_system == "256":
        return "#303030" if theme.dark else "#d0d0d0"
    return _background(theme).blend(Color.parse(theme.primary), SELECTED_SHARE).hex


def _foreground(theme: Theme) -> Color:
    return Color.parse(theme.foreground or ("#e0e0e0" if theme.dark else "#202020"))


def _background(theme: Theme) -> Color:
    return Color.parse(theme.background or ("#121212" if theme.dark else "#e0e0e0"))


def _of_luminance(hue: float, saturation: float, wanted: float) -> str:
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        if luminance(Color.from_hsl(hue, saturation, middle)) < wanted:
            low = middle
        else:
            high = middle
    return Color.from_hsl(hue, saturation, high).hex
