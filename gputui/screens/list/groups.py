"""Commands for the groups of a list: by what its rows are grouped, and which groups are folded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gputui.commands import BY_ID, Command, Condition, Group
from gputui.presentation.groups.grouping import Grouping
from gputui.presentation.groups.lists import groupings_of
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet, in_worker
from gputui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from gputui.screens.base.memory import Memory
    from gputui.screens.list.list_view import ListView

NONE = "none"
"""The name of no grouping."""


class GroupedTable:
    """A table of a view whose rows can be grouped, and what by; ``first`` is the grouping that it begins with."""

    def __init__(
        self,
        table: Callable[[], RecordTable[Any]],
        groupings: Callable[[], Sequence[Grouping[Any]]],
        *,
        first: str = NONE,
    ) -> None:
        self._table = table
        self._first = first
        self.groupings = groupings

    @property
    def table(self) -> RecordTable[Any]:
        """The table."""
        return self._table()

    @property
    def names(self) -> list[str]:
        """The names of the groupings, and that of none."""
        return [*(grouping.key for grouping in self.groupings()), NONE]

    @property
    def now(self) -> str:
        """The name of the grouping in force."""
        grouping = self.table.folding.grouping
        return NONE if grouping is None else grouping.key

    def group_by(self, name: str) -> None:
        """Group the rows by what is named."""
        self.table.set_group(next((grouping for grouping in self.groupings() if grouping.key == name), None))

    def keep(self, memory: Memory, key: str) -> None:
        """Keep the grouping from one session to the next."""

        def restore(name: str | None) -> str | None:
            if name is not None and name not in self.names:
                return f"there is no grouping by {name}."
            self.group_by(name or self._first)
            return None

        memory.keep(key, str, lambda: None if self.now == self._first else self.now, restore)


class GroupCommands(CommandSet):
    """Group the rows of a list, fold and unfold groups. A subclass may have other tables."""

    view: ListView

    def tables(self) -> Mapping[str, GroupedTable]:
        """Return the tables by the names under which their groupings are kept."""
        view = self.view
        return {"group": GroupedTable(lambda: view.table, lambda: groupings_of(view.RESOURCE, view.context))}

    def in_use(self) -> GroupedTable:
        """Return the table that the keys act on."""
        return next(iter(self.tables().values()))

    def remember(self) -> None:
        """Keep the groupings from one session to the next."""
        for key, grouped in self.tables().items():
            grouped.keep(self.view.memory, key)

    def completions(self) -> Mapping[str, Sequence[str]]:
        """Return the names of the groupings."""
        return {BY_ID["group"].argument: self.in_use().names}

    # -- what is offered -------------------------------------------------------------------------------------------

    def conditions(self) -> Iterable[Condition]:
        """Rows are grouped, and groups folded, where there are some."""
        table = self.in_use().table
        if table.total_count:
            yield Condition.TO_GROUP
        if table.folding.is_folded_here is not None:
            yield Condition.GROUPS

    def refusal(self, command: Command) -> str:
        """Return that a command of rows has none on a heading, or that nothing is grouped."""
        if command.when is Condition.GROUPS:
            return f"{command.title}: the rows are not grouped. {self.session.key_of('group')} groups them."
        here = self.in_use().table.folding.here
        if command.group is Group.ROW and here and not self.view.targets():
            marks = self.session.key_of("mark")
            return f"{command.title}: the cursor is on the heading of {here}, not on a row. {marks} marks its rows."
        return ""

    # -- handlers --------------------------------------------------------------------------------------------------

    def do_group(self, argument: str) -> None:
        """Group the rows by what is named, or chosen in a menu."""
        grouped = self.in_use()
        if not argument:
            self._choose(grouped)
        elif argument in grouped.names:
            grouped.group_by(argument)
        else:
            self.view.notify(f"There is no grouping by {argument} here: {', '.join(grouped.names)}.")

    @in_worker("dialog")
    async def _choose(self, grouped: GroupedTable) -> None:
        now, names = grouped.now, grouped.names
        following = names[(names.index(now) + 1) % len(names)]
        key = self.session.key_of("group")
        taken: set[str] = set()
        choices = []
        for name, title in [*((one.key, one.name) for one in grouped.groupings()), (NONE, "no groups")]:
            letter = next((each for each in title.lower() if each.isalpha() and each not in taken | {"j", "k"}), "")
            taken.add(letter)
            also = key if name == following else ""
            note = "now" if name == now else f"{key} again" if name == following else ""
            choices.append(dialogs.Choice(name, title, letter, note, also=also))
        chosen = await self.app.push_screen_wait(dialogs.MenuDialog("Group the rows by", choices, selected=now))
        if chosen:
            grouped.group_by(chosen)

    def do_fold(self, argument: str) -> None:
        """Fold or unfold the group of the row or heading under the cursor."""
        self.in_use().table.folding.toggle()

    def do_fold_all(self, argument: str) -> None:
        """Fold all groups, or unfold all where none is open."""
        self.in_use().table.folding.fold_all()
