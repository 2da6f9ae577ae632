"""The palette (ctrl+p): every command that works here, and every instance by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher

from gputui.app.other_places import other_places
from gputui.commands import COMMANDS, Command
from gputui.config.keymap import key_text
from gputui.formatting import status_text
from gputui.models import Instance
from gputui.screens.base.view import View
from gputui.widgets.internal_errors import guarded


class PaletteProvider(Provider):
    """Offers what the view under the palette offers."""

    @property
    def _view(self) -> View | None:
        return self.screen if isinstance(self.screen, View) else None

    def _commands(self) -> list[Command]:
        view = self._view
        return [] if view is None else [view.named(command) for command in COMMANDS if view.commands.offers(command)]

    async def discover(self) -> Hits:
        """Show all commands before anything is typed."""
        with guarded(self.app):  # Textual writes what a provider raises into its own log alone
            for command in self._commands():
                yield DiscoveryHit(command.title, self._run(command), help=self._help(command))

    async def search(self, query: str) -> Hits:
        """Find commands and instances."""
        with guarded(self.app):
            for hit in self._hits(query):
                yield hit

    def _hits(self, query: str) -> Iterator[Hit]:
        matcher = self.matcher(query)
        for command in self._commands():
            if (score := matcher.match(f"{command.title} {command.word}")) > 0:
                yield Hit(score, _highlight(matcher, command.title), self._run(command), help=self._help(command))
        view = self._view
        if view is None:
            return
        for place in other_places(view):
            if (score := matcher.match(place.title)) > 0:
                # A text would be read as markup.
                about = cast("str", place.about)
                yield Hit(score, _highlight(matcher, place.title), place.go, text=place.title, help=about)
        for row in view.session.fleet.all(Instance):
            if (score := matcher.match(row.name)) > 0:
                yield Hit(
                    score,
                    _highlight(matcher, row.name),
                    self._go_to(view, row),
                    text=row.name,
                    # A text would be read as markup.
                    help=cast("str", Content(f"{row.ref.kind} in {row.ref.account}, {status_text(row.status)}")),
                )

    def _help(self, command: Command) -> str:
        view = self._view
        keys = key_text(view.commands.keys_of(command) if view is not None else command.keys)
        return f"{command.tooltip}  ({keys})" if keys else command.tooltip

    def _run(self, command: Command) -> Callable[[], None]:
        view = self._view

        def run() -> None:
            if view is not None:
                with guarded(view.app):
                    view.commands.run(command)

        return run

    @staticmethod
    def _go_to(view: View, row: Instance) -> Callable[[], None]:
        def go() -> None:
            with guarded(view.app):
                view.session.navigator.go("instances", select=row.ref)

        return go


def _highlight(matcher: Matcher, text: str) -> Content:
    """Mark what matches in a text that is data; ``Matcher.highlight`` would read it as markup."""
    content = Content(text)
    for offset in matcher.fuzzy_search.match(matcher.query, text)[1]:
        content = content.stylize(matcher.match_style, offset, offset + 1)
    return content
