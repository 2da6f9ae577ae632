"""All text can be read: at least 4.5:1 against what is behind it, in both themes, in every view and dialog."""

from __future__ import annotations

from collections.abc import Iterator

from rich.color import Color
from rich.style import Style

from gputui.app.theme import LEAST_CONTRAST, THEMES, contrast
from gputui.config.preview import UiSettings
from tests.screens.hub import hub
from tests.screens.stage import WIDE, Stage, staged
from tests.screens.world import lab

VIEWS = "123456789"
DIALOGS = {
    "help": "?",
    "describe": "3 d",
    "json": "3 y",
    "actions": "3 a",
    "stop": "3 X",
    "delete": "3 j D",
    "account": "@",
}


def texts(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Yield every piece of text on the screen with its colour and the colour behind it."""
    dialog = next(iter(stage.app.screen.query(".dialog")), None)
    x, y, width, height = dialog.region if dialog is not None else stage.app.screen.region
    # What is around a dialog is not in use, and dimmed.
    for strip in stage.app.screen._compositor.render_strips()[y : y + height]:
        for text, style, _ in strip.crop(x, x + width):
            if isinstance(style, Style) and any(character.isalnum() for character in text):
                front, behind = _rgb(style.color), _rgb(style.bgcolor)
                yield (text, *((behind, front) if style.reverse else (front, behind)))


def _rgb(color: Color | None) -> str:
    assert color is not None
    return color.get_truecolor().hex


def unreadable(stage: Stage) -> dict[tuple[str, str], str]:
    return {
        (front, behind): f"{contrast(front, behind):.1f} {text.strip()!r}"
        for text, front, behind in texts(stage)
        if contrast(front, behind) < LEAST_CONTRAST
    }


async def test_all_text_can_be_read() -> None:
    first, *others = (theme.name for theme in THEMES)
    async with staged(hub(), lab(), size=WIDE, ui=UiSettings(utc=True, mouse=False, theme=first)) as stage:
        assert await unreadable_in_all(stage) == {}
        for theme in others:
            await stage.command(f"theme {theme}")
            assert stage.app.theme == theme
            assert await unreadable_in_all(stage) == {}


async def unreadable_in_all(stage: Stage) -> dict[str, dict[tuple[str, str], str]]:
    """Return what cannot be read in each view and dialog."""
    found: dict[str, dict[tuple[str, str], str]] = {}
    for key in VIEWS:
        await stage.press(key)
        await stage.advance(0)
        assert not stage.in_dialog
        found[key] = unreadable(stage)
    for name, keys in DIALOGS.items():
        await stage.press("3", "g")
        for key in keys.split():
            await stage.press(key)
            await stage.advance(0)
        assert stage.in_dialog, name
        found[name] = unreadable(stage)
        await stage.press("escape")
        assert not stage.in_dialog, name
    stage.app.clear_notifications()
    await stage.press("3", "g", "D")
    assert "delete" in stage.toasts
    found["toast"] = unreadable(stage)
    stage.app.clear_notifications()
    return {name: colours for name, colours in found.items() if colours}
