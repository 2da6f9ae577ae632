"""The blocked hosts of every account."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar, cast

from gputui.commands import BY_ID, Command
from gputui.formatting import format_minutes
from gputui.models import Action, Block, Instance, Phase, Resource, Row
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.screens.commands.block_host import BlockCommands, moment, place_of
from gputui.screens.list.list_view import ListView
from gputui.screens.list.shared_columns import account_column


class BlacklistCommands(BlockCommands):
    """Block listed hosts for longer."""

    def refusal(self, command: Command) -> str:
        """Return how a host is blocked."""
        if command.id != "new":
            return ""
        key = self.session.key_of(BY_ID["block"])
        return " ".join(self.view.feeds.denials()) or f"Press {key} on an instance (3) to block its host."

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
            self.view.notify(f"{hosts}: no instance on {them} is known, and a host is kept out through one.")
        if instances := [instance for instance in found.values() if instance is not None]:
            self.block(instances)

    def _instance_on(self, block: Block) -> Instance | None:
        """Return an instance on the host, one that runs if there is one."""
        fleet = self.session.fleet
        place = (block.ref.account, block.region, block.host)
        here = [
            row
            for row in fleet.rows(Resource.INSTANCES).values()
            if isinstance(row, Instance) and place_of(row) == place and Action.BLOCK in fleet.actions(row)
        ]
        return min(here, key=lambda row: row.phase is not Phase.RUNNING, default=None)


class BlacklistView(ListView):
    """``6``: blocked hosts, the next to expire first; block one for longer."""

    NAME = "blacklist"
    HEADING = "Blacklist"
    RESOURCE = Resource.BLACKLIST
    RESOURCES = frozenset({Resource.BLACKLIST})
    CREATES = frozenset()
    SHOWS_AGE = True
    COMMAND_SETS = (BlacklistCommands, *ListView.COMMAND_SETS)
    SORT: ClassVar[tuple[str | None, bool]] = ("left", False)

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns."""
        columns: list[Column[Block]] = [
            Column(
                "host",
                "HOST",
                lambda row: row.host,
                lambda row: natural_key(row.host),
                width=10,
                max_width=24,
                middle=True,
            ),
            account_column(self.session, 0),
            Column("region", "REGION", lambda row: row.region, lambda row: natural_key(row.region), priority=2),
            Column("left", "TIME LEFT", self._left, lambda row: row.until, right=True, number=_seconds_left),
            Column("until", "UNTIL", lambda row: self._moment(row.until), lambda row: row.until, priority=4),
            Column(
                "extended",
                "EXTENDED",
                lambda row: self._moment(row.updated_at) if is_extended(row) else "",
                lambda row: row.updated_at if is_extended(row) else None,
                priority=3,
                when_filled=True,
            ),
            Column(
                "created", "CREATED", lambda row: self._moment(row.created_at), lambda row: row.created_at, priority=5
            ),
            Column(
                "comment", "COMMENT", lambda row: row.comment, lambda row: row.comment, width=12, least=20, flex=True
            ),
        ]
        return cast("Sequence[Column[Row]]", columns)

    def _moment(self, at: datetime | None) -> str:
        return "" if at is None else moment(at, utc=self.session.utc)

    def _left(self, row: Block) -> Cell:
        if row.until is None:
            return ("not told", "muted")
        seconds = (row.until - datetime.now(UTC)).total_seconds()
        return format_minutes(math.ceil(seconds / 60)) if seconds > 0 else ("expired", "muted")

    def actions_here(self) -> frozenset[Action]:
        """Every host can be blocked for longer where the account may change anything."""
        rows = self.targets()
        writable = not any(self.session.fleet.accounts[row.ref.account].read_only for row in rows)
        return frozenset({Action.BLOCK}) if rows and writable else frozenset()

    def is_problem(self, row: Row) -> bool:
        """A blocked host is no problem."""
        return False

    def empty_text(self) -> str:
        """Return why there are no rows, and the key that creates one."""
        fleet, chosen = self.session.fleet, self.session.account
        where = chosen or "any account"
        if not any(fleet.supports(name, Resource.BLACKLIST) for name in fleet.accounts if chosen in (None, name)):
            return f"Hosts cannot be kept out in {where}."
        return f"No host is kept out in {where}. Press b on an instance (3) to keep its host out."


def is_extended(block: Block) -> bool:
    """Whether it was made longer after it was made."""
    return block.updated_at is not None and block.created_at is not None and block.updated_at > block.created_at


def _seconds_left(row: Block) -> float | None:
    return None if row.until is None else max(0.0, (row.until - datetime.now(UTC)).total_seconds())
