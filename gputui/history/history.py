"""Stored data: snapshots, events, samples of stock and GPUs, logins, names of logs, snoozes, audit log, commands.

One SQLite file in the state directory, private to its owner, shared by all running gputui processes. All methods are
thread-safe and may block, for a second where another process has locked the file; those for the command bar never
block once the file is open. A damaged file is set aside and a locked or unwritable one replaced by memory:
:attr:`History.problem` reports it, nothing is raised. The audit log alone is strict.
Rows are validated and cleaned when they are read; one that cannot be read is set aside and counted.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gputui.history import command_lines, log_sources, preferences, snoozes
from gputui.history import gpu_samples as kept_samples
from gputui.history.audit_log import AuditLog
from gputui.history.block_renewals import BlockRenewals
from gputui.history.database import HistoryFile, prune
from gputui.history.host_facts import HostFacts
from gputui.history.preferences import Plain, Preferences
from gputui.history.stock_ledger import StockLedger
from gputui.history.values import or_none, ref, time, typed_line
from gputui.late_dataclasses import dataclass
from gputui.models import RESOURCES, Event, EventSource, GpuSample, LogSource, Phase, Ref, Resource, Row
from gputui.models.serialize import integer, number, rows_from_plain, rows_to_plain, text
from gputui.models.waste import Snooze

if TYPE_CHECKING:
    from gputui.history.spend import SpendLedger

EVENTS_KEPT, STOCK_KEPT = 100_000, 300_000
"""The most rows that are kept."""
_STOCK_DAYS = 14
"""How long samples of the stock are kept; the hours (:mod:`.stock_ledger`) are for longer."""
_RECORDED = {resource.value: spec.model for resource, spec in RESOURCES.items() if spec.recorded}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All rows of one resource of one account, as they were at a time."""

    account: str
    resource: Resource
    at: datetime
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class StockSample:
    """How many GPUs of an offer were idle at a time."""

    ref: Ref
    at: datetime
    idle: int | None
    total: int | None


class History(HistoryFile):
    """The history file. ``path`` None keeps everything in memory, on purpose (demo, tests)."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path)
        self._typed = command_lines.TypedLines(self._write_commands, partial(self._wrote, "commands"))
        self._typed_read = False
        self._preferences: list[Preferences] = []
        self._thinned_at: datetime | None = None
        self.audit_log = AuditLog(self)
        """The changes that were sent from this machine."""
        self.stock_hours = StockLedger(self)
        """The stock that was observed, by the hour."""
        self.host_facts = HostFacts(self)
        """The facts about hosts that were observed."""
        self.block_renewals = BlockRenewals(self)
        """The blocks that are to be renewed."""

    @cached_property
    def spend(self) -> SpendLedger:
        """The spending that was observed."""
        from gputui.history.spend import SpendLedger

        return SpendLedger(self)

    # Snapshots, events and samples: written together, so that a crash leaves them in step.

    def record(
        self,
        *,
        snapshots: Iterable[Snapshot] = (),
        events: Iterable[Event] = (),
        stock: Iterable[StockSample] = (),
        gpus: Iterable[tuple[Ref, GpuSample]] = (),
    ) -> bool:
        """Store these in one transaction; returns whether that succeeded (``problem`` has the reason)."""
        snapshot_values = [
            (s.account, s.resource.value, s.at.timestamp(), json.dumps(rows_to_plain(s.rows), separators=(",", ":")))
            for s in snapshots
        ]
        event_values = [
            (
                e.ref.id, e.instance.account, e.instance.kind, e.instance.id, e.name, e.at.timestamp(), e.status,
                e.phase.value, e.before, e.after_seconds,
            )
            for e in events
        ]  # fmt: skip
        stock_values = [(str(s.ref), s.at.timestamp(), s.idle, s.total) for s in stock]
        gpu_samples = list(gpus)
        with self._forgiving("history cannot be written") as failures, ExitStack() as stack:
            counted = bool(stock_values) and self.stock_hours.begin()
            connection = stack.enter_context(self._transaction())
            connection.executemany("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?)", snapshot_values)
            connection.executemany(
                "INSERT INTO event(id, account, kind, instance, name, at, status, phase, before, after_seconds)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                event_values,
            )
            connection.executemany("INSERT INTO stock(ref, at, idle, total) VALUES (?, ?, ?, ?)", stock_values)
            if event_values:
                prune(connection, "event", EVENTS_KEPT)
            if counted:  # what is deleted is in the hours
                oldest = (datetime.now(UTC) - timedelta(days=_STOCK_DAYS)).timestamp()
                connection.execute("DELETE FROM stock WHERE at < ?", (oldest,))
                prune(connection, "stock", STOCK_KEPT)
            if gpu_samples:
                kept_samples.write(connection, gpu_samples)
                now = gpu_samples[-1][1].at
                if self._thinned_at is None or (now - self._thinned_at).total_seconds() >= kept_samples.THIN_EVERY:
                    kept_samples.thin(connection, now)
                    self._thinned_at = now
        return not failures

    def snapshots(self, accounts: Iterable[str] | None = None) -> list[Snapshot]:
        """Return the last snapshot of each resource; one that cannot be read any more is set aside."""
        wanted = None if accounts is None else set(accounts)

        def read(row: Sequence[Any]) -> Snapshot | None:
            account, resource, at, rows = row
            if (wanted is not None and account not in wanted) or resource not in _RECORDED:
                return None  # another configuration's, or a later release's
            found = rows_from_plain(_RECORDED[resource], json.loads(rows))
            if any(row.ref.account != account for row in found):
                raise ValueError("a row of another account")
            return Snapshot(text(account), Resource(resource), time(at), found)

        return self.usable("snapshot", self.select("SELECT account, resource, at, rows FROM snapshot"), read)

    def events(self, *, limit: int = 5_000, accounts: Iterable[str] | None = None) -> list[Event]:
        """Return the newest events, oldest first. A state that several processes reported in a row is one event."""
        wanted = None if accounts is None else set(accounts)
        found = self.select(
            "SELECT seq, id, account, kind, instance, name, at, status, phase, before, after_seconds"
            " FROM event ORDER BY seq DESC LIMIT ?",
            (limit,),
        )
        last: dict[Ref, str] = {}
        events = []
        for event in self.usable("event", found[::-1], event_of):
            known = last.get(event.instance) == event.status
            if not known and (wanted is None or event.instance.account in wanted):
                last[event.instance] = event.status
                events.append(event)
        return events

    def stock(self, since: datetime) -> list[StockSample]:
        """Return the stock samples from a time on, oldest first, for trends."""
        found = self.select(
            "SELECT seq, ref, at, idle, total FROM stock WHERE at >= ? ORDER BY at", (since.timestamp(),)
        )
        return self.usable("stock", found, stock_sample)

    def gpu_samples(self, accounts: Iterable[str], now: datetime) -> Mapping[Ref, Sequence[GpuSample]]:
        """Return the stored readings of these accounts' GPUs, oldest first, for charts.

        Those of the hour before ``now`` are unchanged, earlier ones one a minute.
        """
        found: dict[Ref, Sequence[GpuSample]] = {}
        wrong: Sequence[Sequence[Any]] = ()
        with self._forgiving("history cannot be read"), self._lock:
            kept, wrong = kept_samples.read(self._open(), accounts, now)
            found.update(kept)
        if wrong:
            self.set_aside("gpu_sample", wrong)
        return found

    # Users of instances, where the back end does not report them. Passwords are never here.

    def remember_login(self, ref: Ref, *, user: str, generation: str) -> str | None:
        """Store user and generation of an instance; returns the generation stored before, None for none."""
        before: list[str] = []
        with self._forgiving("history cannot be written"), self._transaction() as connection:
            before += [text for (text,) in connection.execute("SELECT made FROM login WHERE ref = ?", (str(ref),))]
            connection.execute("INSERT OR REPLACE INTO login VALUES (?, ?, ?)", (str(ref), generation, user))
        return before[0] if before else None

    def login_of(self, ref: Ref, generation: str) -> str:
        """Return the user of this instance; '' when it is unknown."""
        found = self.select("SELECT user FROM login WHERE ref = ? AND made = ?", (str(ref), generation))
        return (typed_line(found[0][0]) or "") if found else ""

    def forget_login(self, ref: Ref) -> str | None:
        """Delete the user of a removed instance; returns its ``generation``, None where there was none."""
        generations: list[str] = []
        with self._forgiving("history cannot be written"), self._transaction() as connection:
            found = connection.execute("DELETE FROM login WHERE ref = ? RETURNING made", (str(ref),))
            generations += [text for (text,) in found]
        return generations[0] if generations else None

    # Logs that are read over SSH.

    def remember_log(self, owner: Ref, source: LogSource, at: datetime) -> None:
        """Store a log of a deployment or an instance as the one that was read last."""
        self.change(lambda connection: log_sources.write(connection, owner, source, at))

    def logs_of(self, owner: Ref) -> list[LogSource]:
        """Return the logs that were read of a deployment or an instance, the last one first."""
        select = "SELECT owner, kind, name FROM log_source WHERE owner = ? ORDER BY at DESC"
        found = self.select(select, (str(owner),))
        return self.usable("log_source", found, log_sources.source)

    # Snoozed waste.

    def snooze(self, added: Iterable[Snooze]) -> bool:
        """Store snoozes, each in place of an earlier one; returns whether that succeeded."""
        return self.change(lambda connection: snoozes.write(connection, added))

    def end_snoozes(self, ended: Iterable[Snooze]) -> bool:
        """Delete snoozes before their time; returns whether that succeeded."""
        return self.change(lambda connection: snoozes.delete(connection, ended))

    def snoozes(self, now: datetime) -> list[Snooze] | None:
        """Return the snoozes that have not ended; None where they cannot be read."""
        found: list[Sequence[Any]] = []
        read = self.query(lambda connection: found.extend(snoozes.read(connection, now)))
        return None if not read else self.usable("snooze", found, snoozes.snooze)

    # The command bar.

    def add_command(self, text: str) -> None:
        """Store a line typed into the command bar; a repeated one moves to the end.

        Returns immediately: a thread writes it. A line that cannot be written is retried with the next one.
        """
        self._typed.add(text)

    def commands(self, *, limit: int = command_lines.KEPT) -> list[str]:
        """Return the remembered lines, oldest first; those of other processes as they were when the file was opened.

        Opens the file when nothing has yet, and reads memory alone from then on.
        """
        if not self._typed_read:
            with self._forgiving("history cannot be read"), self._lock:
                self._read_commands(self._open())
        return self._typed.last(limit)

    def close(self) -> None:
        """Write the remaining lines and preferences, and close the file; the next call opens it again."""
        with ExitStack() as ends:  # the last one first; the failure of one leaves the others
            ends.callback(self._close_file)
            for each in self._preferences:
                ends.callback(each.close)
            ends.callback(self._typed.close)

    def _write_commands(self, lines: list[str]) -> bool:
        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT OR REPLACE INTO command(seq, text) VALUES (NULL, ?)", [(line,) for line in lines]
            )
            prune(connection, "command", command_lines.KEPT)

        return self.change_in_file(write)

    def _opened(self, connection: sqlite3.Connection) -> None:
        self._read_commands(connection)

    def _closed(self) -> None:
        self._typed_read = False

    def _read_commands(self, connection: sqlite3.Connection) -> None:
        if not self._typed_read:
            found = connection.execute("SELECT text FROM command ORDER BY seq DESC LIMIT ?", (command_lines.KEPT,))
            self._typed.read([line for (kept,) in found if (line := typed_line(kept))][::-1])
            self._typed_read = True

    # Preferences.

    def preferences(self, scope: str) -> Preferences:
        """Return what the user of a configuration file (``scope``) has chosen, as it is in the file now."""
        found = Preferences(
            partial(self._read_preferences, scope),
            partial(self._write_preferences, scope),
            partial(self._add_preference, scope),
            partial(self._wrote, "preferences"),
        )
        found.read()
        self._preferences.append(found)
        return found

    def _read_preferences(self, scope: str) -> tuple[dict[str, Plain], int] | None:
        found: list[tuple[dict[str, Plain], int]] = []
        with self._forgiving("preferences cannot be read"), self._lock:
            connection = self._open()
            if self._in_place_of_file:
                return None
            found.append(preferences.read(connection, scope))
        return found[0] if found else None

    # In a database that takes the place of the file choices would be lost: they wait for the file.

    def _write_preferences(self, scope: str, changes: Mapping[str, Plain]) -> bool:
        return self.change_in_file(
            lambda connection: preferences.write(connection, scope, changes), "preferences cannot be written"
        )

    def _add_preference(self, scope: str, key: str, value: Plain) -> bool | None:
        added: list[bool] = []
        stored = self.change_in_file(
            lambda connection: added.append(preferences.add(connection, scope, key, value)),
            "preferences cannot be written",
        )
        return added[0] if stored else None


def event_of(row: Sequence[Any]) -> Event:
    """Return an event from its row; raises an error of :data:`.values.UNUSABLE`."""
    _, id_, account, kind, instance, name, at, status, phase, before, after_seconds = row
    return Event(
        Ref(text(account), "event", text(id_)), Ref(text(account), text(kind), text(instance)), text(name),
        time(at), text(status), Phase(phase), or_none(text, before), or_none(number, after_seconds),
        EventSource.OBSERVED,
    )  # fmt: skip


def stock_sample(row: Sequence[Any]) -> StockSample:
    """Return a sample of the stock from its row; raises an error of :data:`.values.UNUSABLE`."""
    _, name, at, idle, total = row
    return StockSample(ref(name), time(at), or_none(integer, idle), or_none(integer, total))
