"""The bars of ``:`` and ``/``: a typed command is run, a filter takes effect while it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on

from gputui.commands import BY_WORD, complete
from gputui.models import Resource
from gputui.presentation.actions import name_of
from gputui.query import QueryError
from gputui.widgets.bars.entry_bar import EntryBar

if TYPE_CHECKING:
    from gputui.screens.base.view import View


class CommandBar(EntryBar):
    """Runs the commands that are typed into it."""

    def __init__(self, view: View) -> None:
        super().__init__(":", completer=self._complete, id="command")
        self._view = view

    def begin(self, text: str) -> None:
        """Open with this text; the very next key goes here."""
        history = self._view.session.history
        self.open(text, history.commands() if history else ())

    def _complete(self, text: str) -> list[str]:
        session = self._view.session
        instances = session.fleet.rows(Resource.INSTANCES).values()
        names = tuple(
            dict.fromkeys(
                [name_of(row) for row in instances] + [f"{row.ref.account}/{name_of(row)}" for row in instances]
            )
        )
        accounts = tuple(session.fleet.accounts)
        themes = tuple(sorted(self.app.available_themes))
        presets = (*session.region_presets, "all")
        choices = {"NAME": names, "ACCOUNT": accounts, "account": (*accounts, "all"), "theme": themes}
        return complete(text, choices | {"PRESET": presets})

    @on(EntryBar.Submitted)
    def _run(self, event: EntryBar.Submitted) -> None:
        event.stop()
        text = event.text.strip()
        if not text:
            self.action_close()
            return
        word, _, argument = text.partition(" ")
        command = BY_WORD.get(word)
        if command is None:
            near = [candidate for candidate in BY_WORD if candidate.startswith(word[:2])]
            self.show_error(f"No command {word}." + (f" Perhaps {', '.join(sorted(near))}?" if near else ""))
            return
        if self._view.session.history is not None:
            self._view.session.history.add_command(text)
        self.close()
        self._view.focus_body()
        self._view.run_command(command, argument.strip())

    @on(EntryBar.Closed)
    def _leave(self, event: EntryBar.Closed) -> None:
        event.stop()
        self._view.focus_body()


class FilterBar(EntryBar):
    """Filters the view while it is typed into; closing it shows everything again."""

    def __init__(self, view: View) -> None:
        super().__init__("/", id="filter")
        self._view = view

    def begin(self) -> None:
        """Open with the filter in force; the very next key goes here."""
        self.open(self._view.filter_text(), prefix=self._view.filter_prefix())

    @on(EntryBar.Changed)
    def _filter(self, event: EntryBar.Changed) -> None:
        event.stop()
        try:
            self._view.set_filter(event.text)
        except QueryError as error:
            self.show_error(str(error))
        else:
            self.show_error("")

    @on(EntryBar.Submitted)
    def _keep(self, event: EntryBar.Submitted) -> None:
        event.stop()
        self.close()
        self._view.focus_body()

    @on(EntryBar.Closed)
    def _leave(self, event: EntryBar.Closed) -> None:
        event.stop()
        self._view.set_filter("")
        self._view.focus_body()
