"""Commands for the groups of a list: by what its rows are grouped, and which groups are folded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from gputui.commands import BY_ID, Command, Condition, Group
from gputui.models import Resource
from gputui.presentation.groups.grouping import Grouping
from gputui.presentation.groups.lists import groupings_of
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from gputui.screens.list.list_view import ListView

NONE = "none"
"""The name of no grouping."""


class GroupCommands(CommandSet):
    """Group the rows of a list, fold and unfold groups. A subclass may have another table, of another list."""

    view: ListView

    FIRST: ClassVar[str] = NONE
    """The grouping that the view begins with."""

    @property
    def table(self) -> RecordTable[Any]:
        """The table whose rows are grouped."""
        return self.view.table

    @property
    def resource(self) -> Resource:
        """The list whose groupings are offered."""
        return self.view.RESOURCE

    def groupings(self) -> Sequence[Grouping[Any]]:
        """Return the groupings of the list."""
        return groupings_of(self.resource, self.view.context)

    def names(self) -> list[str]:
        """Return the names of the groupings, and that of none."""
        return [*(grouping.key for grouping in self.groupings()), NONE]

    def remember(self) -> None:
        """Keep the grouping from one session to the next."""
        self.view.memory.keep("group", str, self._chosen, self._restore)

    def _chosen(self) -> str | None:
        return None if (name := self._now()) == self.FIRST else name

    def _now(self) -> str:
        grouping = self.table.folding.grouping
        return NONE if grouping is None else grouping.key

    def _restore(self, name: str | None) -> str | None:
        if name is not None and name not in self.names():
            return f"there is no grouping by {name}."
        self._group_by(name or self.FIRST)
        return None

    def _group_by(self, name: str) -> None:
        self.table.set_group(next((grouping for grouping in self.groupings() if grouping.key == name), None))

    def completions(self) -> Mapping[str, Sequence[str]]:
        """Return the names of the groupings."""
        return {BY_ID["group"].argument: self.names()}

    # -- what is offered -------------------------------------------------------------------------------------------

    def conditions(self) -> Iterable[Condition]:
        """Rows are grouped, and groups folded, where there are some."""
        if self.table.total_count:
            yield Condition.TO_GROUP
        if self.table.folding.is_folded_here is not None:
            yield Condition.GROUPS

    def refusal(self, command: Command) -> str:
        """Return that a command of rows has none on a heading, or that nothing is grouped."""
        if command.when is Condition.GROUPS:
            return f"{command.title}: the rows are not grouped. {self.session.key_of('group')} groups them."
        if command.group is Group.ROW and not self.view.targets() and (here := self.table.folding.here):
            marks = self.session.key_of("mark")
            return f"{command.title}: the cursor is on the heading of {here}, not on a row. {marks} marks its rows."
        return ""

    # -- handlers --------------------------------------------------------------------------------------------------

    def do_group(self, argument: str) -> None:
        """Group the rows by what is named, or chosen in a menu."""
        if not argument:
            self._choose()
        elif argument in self.names():
            self._group_by(argument)
        else:
            self.view.notify(f"There is no grouping by {argument} here: {', '.join(self.names())}.")

    @in_worker("dialog")
    async def _choose(self) -> None:
        now = self._now()
        names = self.names()
        following = names[(names.index(now) + 1) % len(names)]
        key = self.session.key_of("group")
        taken: set[str] = set()
        choices = []
        for name, title in [*((one.key, one.name) for one in self.groupings()), (NONE, "no groups")]:
            letter = next((each for each in title.lower() if each.isalpha() and each not in taken | {"j", "k"}), "")
            taken.add(letter)
            also = key if name == following else ""
            note = "now" if name == now else f"{key} again" if name == following else ""
            choices.append(dialogs.Choice(name, title, letter, note, also=also))
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog("Group the rows by", choices, selected=now))
        if chosen:
            self._group_by(chosen)

    def do_fold(self, argument: str) -> None:
        """Fold or unfold the group of the row or heading under the cursor."""
        self.table.folding.toggle()

    def do_fold_all(self, argument: str) -> None:
        """Fold all groups, or unfold all where none is open."""
        self.table.folding.fold_all()
