"""The bars of ``:`` and ``/``: one runs a typed command, the other filters while it is typed into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputui.commands import BY_WORD, complete, find
from gputui.models import Resource
from gputui.presentation.actions import name_of
from gputui.query import QueryError
from gputui.widgets.bars.entry_bar import EntryBar

if TYPE_CHECKING:
    from gputui.screens.base.view import View


class CommandBar(EntryBar):
    """Runs the commands that are typed into it."""

    KEYS = (("submit", "run"), ("complete", "complete"), ("earlier", "earlier"), ("close", "cancel"))

    def __init__(self, view: View) -> None:
        super().__init__(":", completer=self._complete, id="command")
        self._view = view

    def begin(self, text: str) -> None:
        """Open with this text; the very next key goes here."""
        history = self._view.session.history
        self.open(text, history.commands() if history else ())
        self._view.frame.show_keys()

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
        own = {kind: tuple(each) for one in self._view.commands.sets for kind, each in one.completions().items()}
        return complete(text, choices | {"PRESET": presets} | own)

    def submitted(self, text: str) -> None:
        """Run the command, or show that there is none of that name."""
        text = text.strip()
        if not text:
            self.action_close()
            return
        command, argument = find(text)
        if command is None:
            word = text.partition(" ")[0]
            near = [candidate for candidate in BY_WORD if candidate.startswith(word[:2])]
            self.show_error(f"No command {word}." + (f" Perhaps {', '.join(sorted(near))}?" if near else ""))
            return
        if self._view.session.history is not None:
            self._view.session.history.add_command(text)
        self.action_close()
        self._view.commands.run(command, argument)

    def closed(self) -> None:
        """Return the focus to the body."""
        self._view.focus_body()
        self._view.frame.show_keys()


class FilterBar(EntryBar):
    """Filters the view while it is typed into; closing it shows everything again."""

    KEYS = (("submit", "apply"), ("close", "show all"))

    def __init__(self, view: View) -> None:
        super().__init__("/", id="filter")
        self._view = view

    def begin(self) -> None:
        """Open with the filter in force; the very next key goes here."""
        self.open(self._view.filter_text(), prefix=self._view.filter_prefix())
        self._view.frame.show_keys()

    def changed(self, text: str) -> None:
        """Filter by what is typed so far; where a word of it cannot be read, by what is before that."""
        try:
            self._view.set_filter(text)
        except QueryError as error:
            # Not by the beginning of the word, which was taken for a text before its colon was typed.
            self._view.set_filter(text[: error.word].rstrip())
            self.show_error(str(error))
        else:
            self.show_error("")

    def submitted(self, text: str) -> None:
        """Keep the filter, with the letters that were typed last; stay open where it cannot be read."""
        if text != self._view.filter_text():
            self.changed(text)
            if self.problem:
                return
        self.display = False
        self._view.filter_typed()
        self._view.memory.note()
        self._view.focus_body()
        self._view.frame.show_keys()

    def closed(self) -> None:
        """Show all rows again."""
        self._view.set_filter("")
        self._view.focus_body()
        self._view.frame.show_keys()
