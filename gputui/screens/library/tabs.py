"""The base of the parts of the library: the title that shows all of them, and the key to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.content import Content

from gputui.commands import Command, Condition
from gputui.screens.base.session import LIBRARY
from gputui.screens.commands.command_set import CommandSet
from gputui.screens.list.list_view import ListView


class TabCommands(CommandSet):
    """Go from one part of the library to the next."""

    view: LibraryPart

    def conditions(self) -> Iterable[Condition]:
        """Another part is offered where there is one."""
        if len(self.view.parts()) > 1:
            yield Condition.PANE

    def refusal(self, command: Command) -> str:
        """Return that there is no other part."""
        if command.id == "pane":
            return f"No account shown has anything in the library but {LIBRARY[self.view.NAME].value}."
        return ""

    def do_pane(self, argument: str) -> None:
        """Go to the next part."""
        self.session.navigator.go(self.view.next_part())


class LibraryPart(ListView):
    """A part of ``7``. Parts that no account shown has are neither in the title nor on the way."""

    COMMAND_SETS = (TabCommands, *ListView.COMMAND_SETS)

    def follow(self) -> Sequence[Callable[[], None]]:
        """Remember that this part was looked at last, and follow its list."""
        self.session.library = self.NAME
        return super().follow()

    def parts(self) -> list[str]:
        """Return the views of the parts, this one among them."""
        there = self.session.library_parts()
        return [view for view in LIBRARY if view in there or view == self.NAME]

    def next_part(self) -> str:
        """Return the view of the part behind this one, the first behind the last."""
        parts = self.parts()
        return parts[(parts.index(self.NAME) + 1) % len(parts)]

    def heading(self) -> Content:
        """Return the names of all parts, this one in brackets, so that it is distinct without colour."""
        parts = self.parts()
        if len(parts) == 1 or self.scope is not None:
            return super().heading()
        named = (
            Content.styled(f"[{LIBRARY[view].value.capitalize()}]", "bold")
            if view == self.NAME
            else Content.styled(LIBRARY[view].value.capitalize(), "$muted")
            for view in parts
        )
        return Content.assemble(("Library", "bold"), " › ", Content("  ").join(named))

    def footer_state(self) -> object:
        """Return the next part, which the footer names."""
        return self.next_part()

    def short_of(self, command: Command) -> str:
        """Name the part that is next."""
        return LIBRARY[self.next_part()].value if command.id == "pane" else super().short_of(command)

    def nothing(self, called: str) -> str:
        """Return that there are none, and the key that creates one, or that no account has such a list."""
        if self.session.has_list(self.RESOURCE):
            return self.none_text(called)
        why = "its kind has none" if self.session.account else "no account is of a kind that has some"
        return f"There are no {called} in {self.session.accounts_text}: {why}."
