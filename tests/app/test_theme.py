"""The colours: a ramp of one hue by lightness, and text that can be read on it, in every kind of terminal."""

from __future__ import annotations

from itertools import pairwise

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from gputui.app.theme import (
    DARK,
    LEAST_CONTRAST,
    LIGHT,
    RAMP_STEPS,
    THEMES,
    account_colors,
    contrast,
    luminance,
    ramp,
    selected,
    variables,
)
from gputui.presentation.account_colors import COLORS

ALL = [*THEMES, *(theme for name, theme in BUILTIN_THEMES.items() if "ansi" not in name)]
SYSTEMS = ("truecolor", "256")


def names(theme: Theme) -> str:
    return theme.name


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("theme", ALL, ids=names)
def test_each_step_is_further_from_the_background_and_of_the_same_hue(theme: Theme, system: str) -> None:
    colors = [Color.parse(color) for color, _ in ramp(theme, system)]
    assert len(colors) == RAMP_STEPS
    lights = [luminance(color) for color in colors]
    assert lights == sorted(lights, reverse=not theme.dark)
    assert all(abs(after - before) > 0.03 for before, after in pairwise(lights))
    hues = [color.hsl.h for color in colors if color.hsl.s > 0.02]
    assert max(hues, default=0) - min(hues, default=0) < 0.03


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("theme", ALL, ids=names)
def test_text_can_be_read_on_each_step_and_on_what_is_found(theme: Theme, system: str) -> None:
    found = variables(theme, system)
    pairs = [*ramp(theme, system), (found["match"], found["match-text"])]
    assert all(contrast(behind, text) >= LEAST_CONTRAST for behind, text in pairs)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=names)
def test_with_16_colours_there_are_two_greens_and_what_the_terminal_has(theme: Theme) -> None:
    steps = ramp(theme, "standard")
    greens = {"#00aa00", "#55ff55"}
    assert [behind in greens for behind, _ in steps] == [False, False, False, True, True]
    assert {behind for behind, _ in steps[3:]} == greens


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=names)
def test_quiet_text_can_be_read_on_everything_behind_text(theme: Theme, system: str) -> None:
    found = variables(theme, system)
    behind = [theme.background, theme.surface, theme.panel, found["selected"]]
    assert all(color and contrast(found["muted"], color) >= LEAST_CONTRAST for color in behind)
    assert contrast(found["muted"], theme.background or "") < contrast(theme.foreground or "", theme.background or "")


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("theme", ALL, ids=names)
def test_the_colours_of_accounts_can_be_read_on_everything_that_is_behind_them(theme: Theme, system: str) -> None:
    colors = account_colors(theme, system)
    assert tuple(colors) == COLORS
    own = (theme.background, theme.surface, theme.panel)
    behind = [*(color for color in own if color), selected(theme, system)]
    least = {name: min(contrast(color, one) for one in behind) for name, color in colors.items()}
    plain = Color.parse(theme.foreground or "#e0e0e0").hex
    assert not {name for name, found in least.items() if found < LEAST_CONTRAST and colors[name] != plain}
    if theme in THEMES:
        assert len(set(colors.values())) == len(COLORS)
