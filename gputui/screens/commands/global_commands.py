"""The commands that work in every view: refresh, time, theme, help, going back, the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from textual.content import Content

from gputui.query import QueryError
from gputui.screens import dialogs
from gputui.screens.base.bars import CommandBar, FilterBar
from gputui.screens.commands.command_set import in_worker
from gputui.screens.commands.listing import Entry, Section, columns, sections
from gputui.screens.commands.saved_views import SavedViewCommands
from gputui.screens.commands.timeline import TimelineOfCommands
from gputui.screens.detail import describe_audit, describe_messages
from gputui.widgets.internal_errors import guarded


class GlobalCommands(SavedViewCommands, TimelineOfCommands):
    """Commands that do not depend on what the view shows."""

    def do_refresh(self, argument: str) -> None:
        """Refresh all lists now."""
        self.session.fleet.refresh(self.view.RESOURCES)

    def do_problems(self, argument: str) -> None:
        """Show only what is not well, or everything again."""
        if self.view.SHOWS_PROBLEMS:
            self.view.problems_only = not self.view.problems_only
            self.view.choices_changed()
        else:
            self.view.notify("Only problems: not in this view.")

    def do_utc(self, argument: str) -> None:
        """Switch how times are shown."""
        self.session.choose(utc=not self.session.utc)
        self.view.notify(f"Times are {'UTC' if self.session.utc else 'local'}.", severity="information")

    def do_back(self, argument: str) -> None:
        """Take one step back inside the view, else go back to the one before."""
        if not self.view.clear_limits():
            self.session.navigator.back()

    def do_filter(self, argument: str) -> None:
        """Filter the rows shown."""
        if not argument:
            self.view.query_one(FilterBar).begin()
            return
        try:
            self.view.set_filter(argument)
        except QueryError as error:
            self.view.show_error(error)
        self.view.focus_body()

    def do_command(self, argument: str) -> None:
        """Open the command bar."""
        self.view.query_one(CommandBar).begin(argument)

    def do_quit(self, argument: str) -> None:
        """Back; quits from a main view."""
        if argument or not self.session.navigator.back():
            self.session.program.leave()

    def do_palette(self, argument: str) -> None:
        """Open the palette, and run what is chosen in it."""
        from gputui.screens.palette import PaletteDialog

        def chosen(go: Callable[[], object] | None) -> None:
            with guarded(self.app):
                if go is not None:
                    go()

        self.app.push_screen(PaletteDialog(self.view), chosen)

    def do_theme(self, argument: str) -> None:
        """Change the colours."""
        if argument:
            if argument in self.app.available_themes:
                self.app.theme = argument
            else:
                self.view.notify(f"No theme {argument}. There are {', '.join(sorted(self.app.available_themes))}.")
            return
        self._choose_theme()

    @in_worker("dialog")
    async def _choose_theme(self) -> None:
        choices = [dialogs.Choice(name, name) for name in sorted(self.app.available_themes)]
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog("Theme", choices, selected=self.app.theme))
        if chosen:
            self.app.theme = chosen

    def do_help(self, argument: str) -> None:
        """Show the keys that work here, in each section before those that do not."""

        def lines(width: int, *, whole: bool) -> list[Content]:
            return columns([*sections(self.view, words=True), *self._more_sections()], width, whole=whole)

        self.app.push_screen(dialogs.HelpDialog(f"Keys in {self.view.HEADING}", lines))

    def _more_sections(self) -> Iterable[Section]:
        def pair(one: str, other: str) -> str:
            return " ".join(self.session.key_of_move(f"table.{name}") for name in (one, other))

        moves = (
            (pair("down", "up"), "one row down, up"),
            (pair("page_down", "page_up"), "one page down, up"),
            (pair("first", "last"), "to the first, last row"),
            (pair("left", "right"), "columns to the left, right that do not fit"),
        )
        yield Section("Moving", [Entry(keys, words) for keys, words in moves])
        examples = (
            ("train", "rows with this text in any column, which is then shown"),
            ("state:running", "rows whose column contains it"),
            ("!jupyter", "rows that do not"),
            ("/^llm-\\d+/", "rows that match the regular expression"),
        )
        yield Section("Filter", [Entry(example, words) for example, words in examples])

    def do_messages(self, argument: str) -> None:
        """Show the messages of this session, after what the view lacks now."""
        lines = describe_messages(self.session.messages.kept, now=self.view.frame.warnings(), utc=self.session.utc)
        self.app.push_screen(dialogs.ReaderDialog("Messages of this session, newest first", lines))

    @in_worker("describe")
    async def do_log(self, argument: str) -> None:
        """Show the audit log."""
        history = self.session.history
        entries = await asyncio.to_thread(history.audit_log.entries, limit=500) if history else ()
        await self.app.push_screen(
            dialogs.ReaderDialog("Audit log, newest first", describe_audit(entries, utc=self.session.utc))
        )
