"""The blocked hosts of every account."""

from __future__ import annotations

from typing import ClassVar

from gputui.commands import Command
from gputui.models import Action, Block, Instance, Phase, Resource
from gputui.presentation.blocks import place_of
from gputui.screens.base.session import Session
from gputui.screens.commands.block_host import BlockCommands
from gputui.screens.list.groups import GroupCommands
from gputui.screens.list.list_view import ListView


def how_to_block(session: Session) -> str:
    """Return the keys that block a host."""
    return f"Press {session.key_of('block')} on an instance ({session.key_of('view.instances')}) to block its host."


class BlacklistCommands(BlockCommands):
    """Block listed hosts for longer."""

    def refusal(self, command: Command) -> str:
        """Return how a host is blocked."""
        if command.id != "new":
            return ""
        return " ".join(self.view.feeds.denials()) or how_to_block(self.session)

    def do_block(self, argument: str) -> None:
        """Block the hosts for longer, through an instance on each."""
        if argument:
            super().do_block(argument)
            return
        rows = [row for row in self.view.targets() if isinstance(row, Block)]
        found = {row.host: self._instance_on(row) for row in rows}
        missing = [host for host, instance in found.items() if instance is None]
        if missing:
            them = "it" if len(missing) == 1 else "them"
            hosts = ", ".join(missing)
            self.view.notify(f"{hosts}: no instance on {them} is known, and a host is blocked through one.")
        if instances := [instance for instance in found.values() if instance is not None]:
            self.block(instances)

    def _instance_on(self, block: Block) -> Instance | None:
        """Return an instance on the host, one that runs if there is one."""
        fleet = self.session.fleet
        place = (block.ref.account, block.region, block.host)
        here = [row for row in fleet.all(Instance) if place_of(row) == place and Action.BLOCK in fleet.actions(row)]
        return min(here, key=lambda row: row.phase is not Phase.RUNNING, default=None)


class BlacklistView(ListView):
    """``6``: blocked hosts, the next to expire first; block one for longer."""

    NAME = "blacklist"
    HEADING = "Blacklist"
    RESOURCE = Resource.BLACKLIST
    RESOURCES = frozenset({Resource.BLACKLIST})
    CREATES = frozenset()
    SHOWS_AGE = True
    COMMAND_SETS = (BlacklistCommands, GroupCommands, *ListView.COMMAND_SETS)
    FOOTER = ("block", "open")
    SORT: ClassVar[tuple[str | None, bool]] = ("left", False)

    def actions_here(self) -> frozenset[Action]:
        """Every host can be blocked for longer where the account may change anything."""
        rows = self.targets()
        writable = not any(self.session.fleet.accounts[row.ref.account].read_only for row in rows)
        return frozenset({Action.BLOCK}) if rows and writable else frozenset()

    def empty_text(self) -> str:
        """Return why there are no rows, and the key that creates one."""
        where = self.session.accounts_text
        if not self.session.has_list(Resource.BLACKLIST):
            return f"Hosts cannot be blocked in {where}."
        return f"No host is blocked in {where}. {how_to_block(self.session)}"
