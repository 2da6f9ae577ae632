"""Saved views, custom commands and themes, for the palette."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gputui.commands import BY_ID
from gputui.screens.commands.saved_views import description
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.screens.base.view import View


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the palette: its words, and the function that goes there."""

    title: str
    about: str
    rare: bool
    """Whether other things of such a name are more likely meant."""
    go: Callable[[], None]


def other_places(view: View) -> Iterator[Place]:
    """Yield the saved views, the custom commands, then the themes."""
    for saved in view.session.saved_views.all():
        yield Place(f"View {saved.name}", description(saved), False, partial(_run, view, "saved-views", saved.name))
    for custom in view.session.custom_commands if view.handles(BY_ID["custom"]) else ():
        yield Place(f"Run {custom.name}", clean(custom.run), False, partial(_run, view, "custom", custom.name))
    for name in sorted(view.app.available_themes):
        note = "the colours now" if name == view.app.theme else "other colours"
        yield Place(f"Theme {name}", note, True, partial(_run, view, "theme", name))


def _run(view: View, command: str, argument: str) -> None:
    view.commands.run(BY_ID[command], argument)
