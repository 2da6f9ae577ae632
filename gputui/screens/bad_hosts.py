"""Hosts ranked by the evidence of weeks; block one with it as the reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, cast

from textual import work
from textual.content import Content

from gputui.analytics.bad_hosts import HostRecord, host_records
from gputui.commands import Command, Condition
from gputui.history.host_facts import KEPT_DAYS
from gputui.models import Action, Block, Coverage, Instance, Phase, Ref, Resource, Row
from gputui.models.hosts import Fact
from gputui.presentation.bad_hosts import day_text, evidence, explanation
from gputui.presentation.blocks import place_of
from gputui.presentation.columns.bad_hosts import bad_host_columns
from gputui.presentation.columns.column import Column, plain_text
from gputui.screens import dialogs
from gputui.screens.base.session import Session
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.block_host import BlockCommands
from gputui.screens.commands.global_commands import GlobalCommands
from gputui.screens.detail import field_lines
from gputui.screens.list.commands import ListCommands
from gputui.screens.list.session_list import SessionList

_READ_AGAIN_SECONDS = 60.0
_SCORE = (
    "The score is the largest excess: by how much the share is worse than that of the median host of the account,"
    " at least, with 95 % confidence. Few cases therefore weigh little."
)


class BadHostCommands(BlockCommands):
    """Block a host with the evidence as the reason; show its instances; describe the evidence."""

    view: BadHostsView

    def conditions(self) -> Iterable[Condition]:
        """The instances of every host can be shown."""
        yield from super().conditions()
        if self.view.record_here() is not None:
            yield Condition.OPEN
            yield Condition.TIMELINE

    def refusal(self, command: Command) -> str:
        """Return why the host under the cursor cannot be blocked from here."""
        record = self.view.record_here()
        if command.id != "block" or record is None:
            return ""
        account = self.session.fleet.accounts.get(record.ref.account)
        if account is not None and account.read_only:
            return f"{record.ref.account} is read-only here."
        if not self.session.fleet.supports(record.ref.account, Resource.BLACKLIST):
            return f"Hosts cannot be blocked in {record.ref.account}."
        return _no_instance([record])

    def do_open(self, argument: str) -> None:
        """Show the instances on the host."""
        if (record := self.view.record_here()) is not None:
            self.session.navigator.go("instances", account=record.ref.account, typed=f'host:"{record.host}"')

    def do_timeline_of(self, argument: str) -> None:
        """Show all that happened on the host, as far as its instances are known."""
        record = self.view.record_here()
        if argument or record is None:
            GlobalCommands(self.view).do_timeline_of(argument)
        else:
            scope = Ref("", "host", f"{record.ref.account}/{record.host}")
            self.session.navigator.go("timeline", scope=scope)

    def do_block(self, argument: str) -> None:
        """Block the hosts of the marked rows, through an instance on each."""
        if argument:
            super().do_block(argument)
            return
        records = self.view.records_here()
        found = {record.ref: self.view.instance_on(record) for record in records}
        if missing := [record for record in records if found[record.ref] is None]:
            self.view.notify(_no_instance(missing))
        if instances := [instance for instance in found.values() if instance is not None]:
            self.block(instances, evidence(records[0]) if len(records) == 1 else "")

    def do_describe(self, argument: str) -> None:
        """Show the evidence by day, and how the score comes about."""
        if (record := self.view.record_here()) is None:
            return
        lines = [
            line
            for column in bad_host_columns(self.view.context, self.view.blocked_until)
            if column.key != "evidence" and plain_text(column.described(record))
            for line in field_lines(column.label or column.title.lower(), column.described(record))
        ]
        lines += [Content(""), Content.styled("Evidence", "bold $text-accent")]
        lines += [Content(line) for line in (*explanation(record), "", _SCORE)]
        days = [(day, facts) for day, facts in record.days if set(facts) - {Fact.SEEN}]
        if days:
            lines += [Content(""), Content.styled("Days of UTC, newest first", "bold $text-accent")]
        for day, facts in reversed(days):
            lines.append(Content(f"{day:%a %Y-%m-%d}   {day_text(facts)}"))
        self.app.push_screen(dialogs.ReaderDialog(f"Host {record.host}", lines))

    def do_refresh(self, argument: str) -> None:
        """Read the history and the lists again."""
        self.session.fleet.refresh(self.view.RESOURCES)
        self.view.read_again()


def _no_instance(records: Sequence[HostRecord]) -> str:
    hosts = ", ".join(record.host for record in records)
    them = "it" if len(records) == 1 else "them"
    return f"{hosts}: no instance on {them} is known, and a host is blocked through one."


class BadHostsView(SessionList):
    """``:bad-hosts``: the worst first."""

    NAME = "bad-hosts"
    HEADING = "Bad hosts"
    RESOURCES = frozenset({Resource.INSTANCES, Resource.BLACKLIST})
    COMMAND_SETS = (BadHostCommands, ListCommands, AccountCommands, GlobalCommands)
    FOOTER = ("block", "open", "describe", "problems", "filter")
    WORDS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "open": ("Instances", "The instances on the host"),
        "problems": ("Only bad ones", "Hide hosts that nothing speaks against, or show them"),
    }
    SORT: ClassVar[tuple[str | None, bool]] = ("score", True)
    SHOWS_AGE = True

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._records: Sequence[HostRecord] | None = None

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns of the evidence."""
        return cast("Sequence[Column[Row]]", bad_host_columns(self.context, self.blocked_until))

    def on_mount(self) -> None:
        """Read the history again while it is shown: this program adds to it."""
        self.every(_READ_AGAIN_SECONDS, self.read_again)

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the blocks, and the instances through which hosts are blocked."""
        fleet = self.session.fleet
        return (
            fleet.subscribe(Resource.BLACKLIST, lambda _: self._blocks_changed()),
            fleet.subscribe(Resource.INSTANCES, lambda _: self.frame.show_keys()),
        )

    def catch_up(self) -> None:
        """Show the evidence as it was read last, and read it again."""
        super().catch_up()
        self.read_again()

    def _blocks_changed(self) -> None:
        self.table.invalidate()
        self.frame.show_keys()

    @work(group="evidence", exclusive=True, exit_on_error=False)
    async def read_again(self) -> None:
        """Read the evidence of the history."""
        history = self.session.history
        if history is None:
            self._records = ()
        else:
            since = self.session.fleet.now() - timedelta(days=KEPT_DAYS)
            accounts = frozenset(self.session.fleet.accounts)
            self._records = await asyncio.to_thread(lambda: host_records(history.host_facts.read(accounts, since)))
        self.show_rows()
        self._apply_filter()

    def rows_now(self) -> Sequence[Row]:
        """Return the hosts as they were read last."""
        return self._records or ()

    def coverage(self) -> Coverage:
        """Return whether the history is read; it is not yet, or cannot be."""
        history = self.session.history
        unread = self._records is None or history is None or bool(history.failure)
        return Coverage.UNREAD if unread else Coverage.COMPLETE

    def moves(self) -> bool:
        """The evidence is read again each minute."""
        return False

    def is_problem(self, row: Row) -> bool:
        """Whether something speaks against the host."""
        return isinstance(row, HostRecord) and bool(evidence(row))

    def empty_text(self) -> str:
        """Return why there are no hosts."""
        if self._records is None:
            return "Reading the history …"
        if self.session.history is None:
            return "There is no history: nothing is recorded."
        if problem := self.session.history.failure:
            return f"{problem}."
        return "No host was observed yet. Hosts are while gputui or its agent runs, as far as servers name them."

    # --- hosts -----------------------------------------------------------------------------------------------

    def record_here(self) -> HostRecord | None:
        """Return the host under the cursor."""
        row = self.row_here()
        return row if isinstance(row, HostRecord) else None

    def records_here(self) -> list[HostRecord]:
        """Return the marked hosts, else the one under the cursor."""
        return [row for row in self.targets() if isinstance(row, HostRecord)]

    def instance_on(self, record: HostRecord) -> Instance | None:
        """Return an instance on a host through which it can be blocked, one that runs if there is one."""
        fleet = self.session.fleet
        place = (record.ref.account, record.region, record.host)
        here = [row for row in fleet.all(Instance) if place_of(row) == place and Action.BLOCK in fleet.actions(row)]
        return min(here, key=lambda row: row.phase is not Phase.RUNNING, default=None)

    def blocked_until(self, record: HostRecord) -> datetime | None:
        """Return until when a host is blocked; None where it is not known to be."""
        place = (record.ref.account, record.region, record.host)
        now = datetime.now(UTC)
        ends = [
            row.until
            for row in self.session.fleet.all(Block)
            if (row.ref.account, row.region, row.host) == place and row.until is not None and row.until > now
        ]
        return max(ends, default=None)

    def actions_here(self) -> frozenset[Action]:
        """A host with a known instance can be blocked."""
        records = self.records_here()
        found = any(self.instance_on(record) is not None for record in records)
        return frozenset({Action.BLOCK} if found else ())
