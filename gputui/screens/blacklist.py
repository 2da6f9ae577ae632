"""The blocked hosts of every account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.binding import BindingType

from gputui.commands import Command
from gputui.formatting import counted
from gputui.models import Action, Block, Instance, Phase, Resource, Row
from gputui.models.renewals import BlockRenewal
from gputui.presentation.blocks import place_of
from gputui.presentation.columns.column import Column
from gputui.screens import dialogs
from gputui.screens.base.renewals import Renewals
from gputui.screens.base.session import Session
from gputui.screens.base.view_commands import key_bindings
from gputui.screens.commands.block_host import BlockCommands
from gputui.screens.commands.command_set import colored, in_worker
from gputui.screens.list.groups import GroupCommands
from gputui.screens.list.list_view import ListView

_READ_AGAIN_SECONDS = 15.0


def how_to_block(session: Session) -> str:
    """Return the keys that block a host."""
    return f"Press {session.key_of('block')} on an instance ({session.key_of('view.instances')}) to block its host."


class BlacklistCommands(BlockCommands):
    """Block listed hosts for longer, or have the agent renew their blocks."""

    view: BlacklistView

    def refusal(self, command: Command) -> str:
        """Return how a host is blocked."""
        if command.id != "new":
            return ""
        return self.view.feeds.with_denials(how_to_block(self.session))

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

    def do_renew(self, argument: str) -> None:
        """Have the agent renew the blocks once before they end, or no longer."""
        rows = [row for row in self.view.targets() if isinstance(row, Block)]
        known = self.view.renewals.of
        if waiting := [known[row.ref] for row in rows if row.ref in known]:
            self._keep(waiting)
        elif rows:
            self._ask_to_renew(rows)

    @in_worker("dialog")
    async def _ask_to_renew(self, rows: Sequence[Block]) -> None:
        renewals, now = self.view.renewals, self.session.fleet.now()
        read_only = [row.ref.account for row in rows if self.session.fleet.accounts[row.ref.account].read_only]
        ended = [row.host for row in rows if row.until is None or row.until <= now]
        if read_only or ended:
            unknown = f"{', '.join(ended)}: it has ended, or its end is unknown."
            self.view.notify(f"{read_only[0]} is read-only here." if read_only else unknown)
            return
        if problem := renewals.problem():
            self.view.notify(problem)
            return
        question = dialogs.ConfirmDialog(
            f"Renew the block of {rows[0].host if len(rows) == 1 else counted(len(rows), 'host')} before it ends?",
            effects=[
                "Once, for the same time, within 15 minutes of the end, through an instance on the host then.",
                "The agent does it, and notifies you; without an instance on the host it cannot.",
            ],
            confirm="Renew",
        )
        accounts = {row.ref.account for row in rows}
        if await self.app.push_screen_wait(colored(self.session, question, accounts)):
            await renewals.add(rows)
            self.view.show_renewals()
            hosts = ", ".join(row.host for row in rows)
            self.view.notify(f"{hosts}: renewed once before it ends, by the agent.", severity="information")

    @in_worker("renewal")
    async def _keep(self, waiting: Sequence[BlockRenewal]) -> None:
        await self.view.renewals.remove(waiting)
        self.view.show_renewals()
        hosts = ", ".join(one.host for one in waiting)
        self.view.notify(f"{hosts}: no longer renewed.", severity="information")

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
    FOOTER = ("block", "renew", "open")
    SORT: ClassVar[tuple[str | None, bool]] = ("left", False)
    BINDINGS: ClassVar[list[BindingType]] = key_bindings("blacklist")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.renewals = Renewals(session)
        """The blocks that are to be renewed."""

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns, with those blocks that are to be renewed."""
        return [
            *super().columns(),
            Column(
                "renewal",
                lambda row: self.renewals.text(row.ref),
                priority=2,
                when_filled=True,
                search=lambda row: self.renewals.text(row.ref),
            ),
        ]

    def on_mount(self) -> None:
        """Read the renewals again while it is shown: the agent changes them."""
        self.every(_READ_AGAIN_SECONDS, self._read_renewals)

    def catch_up(self) -> None:
        """Show the blocks as they are now, and read the renewals."""
        super().catch_up()
        self._read_renewals()

    def show_renewals(self) -> None:
        """Show the renewals as they are now; the column is there with the first of them."""
        self.table.invalidate()
        self.table.refit()
        self.frame.show_keys()

    @work(group="renewals", exclusive=True, exit_on_error=False)
    async def _read_renewals(self) -> None:
        if await self.renewals.read():
            self.show_renewals()

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
