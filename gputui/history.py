"""What outlives a session: snapshots, observed events, stock and GPU samples, logins, the audit log, typed commands.

One SQLite file in the state directory, private to its owner, shared by all running gputui processes. Every call
may be made from any thread and may block, for a second where another process holds the file; what the command bar
asks never does once the file was opened. A damaged file is set aside and a locked or unwritable one
replaced by memory: :attr:`History.problem` then says so, nothing is raised. The audit log alone is strict.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from gputui import kept_samples, typed_lines
from gputui.errors import GputuiError
from gputui.history_file import HistoryFile
from gputui.models import (
    Balance,
    Block,
    Deployment,
    Event,
    EventSource,
    GpuDevice,
    GpuProcess,
    GpuSample,
    HostInfo,
    Image,
    Instance,
    Offer,
    Package,
    Phase,
    Ref,
    RegistryCredential,
    Resource,
    Row,
    Volume,
)
from gputui.serial import rows_from_plain, rows_to_plain

_KEEP_ROWS = {"event": 100_000, "stock": 500_000, "audit": 100_000, "command": typed_lines.KEPT}
_STOCK_DAYS = 30

_MODELS: dict[Resource, type[Row]] = {
    Resource.INSTANCES: Instance,
    Resource.GPUS: GpuDevice,
    Resource.PROCESSES: GpuProcess,
    Resource.HOSTS: HostInfo,
    Resource.STOCK: Offer,
    Resource.IMAGES: Image,
    Resource.DEPLOYMENTS: Deployment,
    Resource.BLACKLIST: Block,
    Resource.PACKAGES: Package,
    Resource.BALANCES: Balance,
    Resource.VOLUMES: Volume,
    Resource.CREDENTIALS: RegistryCredential,
}


class Outcome(StrEnum):
    """How a mutation in the audit log ended. An entry left at ``started`` is one whose process died."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One mutation: who, when, what, and how it ended. ``user`` is the local one; nothing in it is secret."""

    id: int
    at: datetime
    user: str
    account: str
    ref: str
    action: str
    summary: str
    outcome: Outcome
    detail: str = ""
    finished_at: datetime | None = None


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
        self._typed = typed_lines.TypedLines(self._write_commands)
        self._typed_read = False
        self._thinned_at: datetime | None = None

    # Snapshots, events and samples: written together, so that a crash leaves them in step.

    def record(
        self,
        *,
        snapshots: Iterable[Snapshot] = (),
        events: Iterable[Event] = (),
        stock: Iterable[StockSample] = (),
        gpus: Iterable[tuple[Ref, GpuSample]] = (),
    ) -> bool:
        """Keep these in one transaction; return whether that worked (``problem`` says why not)."""
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
        with self._forgiving("history cannot be written") as failures, self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?)", snapshot_values)
            connection.executemany(
                "INSERT INTO event(id, account, kind, instance, name, at, status, phase, before, after_seconds)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                event_values,
            )
            connection.executemany("INSERT INTO stock(ref, at, idle, total) VALUES (?, ?, ?, ?)", stock_values)
            if event_values:
                _prune(connection, "event")
            if stock_values:
                oldest = (datetime.now(UTC) - timedelta(days=_STOCK_DAYS)).timestamp()
                connection.execute("DELETE FROM stock WHERE at < ?", (oldest,))
                _prune(connection, "stock")
            if gpu_samples:
                kept_samples.write(connection, gpu_samples)
                self._thin_samples(connection, gpu_samples[-1][1].at)
        return not failures

    def _thin_samples(self, connection: sqlite3.Connection, now: datetime) -> None:
        if self._thinned_at is None or (now - self._thinned_at).total_seconds() >= kept_samples.THIN_EVERY:
            kept_samples.thin(connection, now)
            self._thinned_at = now

    def snapshots(self, accounts: Iterable[str] | None = None) -> list[Snapshot]:
        """Return the last snapshot of each resource; one that cannot be read any more is passed over."""
        wanted = None if accounts is None else set(accounts)
        found = []
        for account, resource, at, text in self._select("SELECT account, resource, at, rows FROM snapshot"):
            if wanted is not None and account not in wanted:
                continue
            with suppress(ValueError, KeyError):
                kind = Resource(resource)
                found.append(Snapshot(account, kind, _time(at), rows_from_plain(_MODELS[kind], json.loads(text))))
        return found

    def events(self, *, limit: int = 5_000, accounts: Iterable[str] | None = None) -> list[Event]:
        """Return the newest observed events, oldest first.

        Several gputui processes may have watched the same instance: a state told twice in a row is one event.
        """
        wanted = None if accounts is None else set(accounts)
        found = self._select(
            "SELECT id, account, kind, instance, name, at, status, phase, before, after_seconds"
            " FROM event ORDER BY seq DESC LIMIT ?",
            (limit,),
        )
        last: dict[Ref, str] = {}
        events = []
        for id_, account, kind, instance, name, at, status, phase, before, after_seconds in reversed(found):
            ref = Ref(account, kind, instance)
            if last.get(ref) == status or (wanted is not None and account not in wanted):
                continue
            last[ref] = status
            event_ref = Ref(account, "event", id_)
            with suppress(ValueError):
                events.append(
                    Event(
                        event_ref, ref, name, _time(at), status, Phase(phase), before, after_seconds,
                        EventSource.OBSERVED,
                    )
                )  # fmt: skip
        return events

    def stock(self, since: datetime) -> list[StockSample]:
        """Return the stock samples from a time on, oldest first: what later trends are drawn from."""
        found = self._select("SELECT ref, at, idle, total FROM stock WHERE at >= ? ORDER BY at", (since.timestamp(),))
        return [StockSample(Ref.parse(ref), _time(at), idle, total) for ref, at, idle, total in found]

    def gpu_samples(self, accounts: Iterable[str], now: datetime) -> Mapping[Ref, Sequence[GpuSample]]:
        """Return the kept readings of these accounts' GPUs, oldest first: what their charts begin with.

        Those of the hour before ``now`` come as they are kept, earlier ones one a minute.
        """
        found: dict[Ref, Sequence[GpuSample]] = {}
        with self._forgiving("history cannot be read"), self._lock:
            found.update(kept_samples.read(self._open(), accounts, now))
        return found

    # Who logs into what, where the back end does not tell. Passwords are never here.

    def remember_login(self, ref: Ref, *, user: str, made: str) -> str | None:
        """Keep who logs into an instance; ``made`` tells it from others of its name (:attr:`SSHTarget.made`).

        Returns the ``made`` that was kept for this name till now, None where nothing was known.
        """
        before: list[str] = []
        with self._forgiving("history cannot be written"), self._transaction() as connection:
            before += [text for (text,) in connection.execute("SELECT made FROM login WHERE ref = ?", (str(ref),))]
            connection.execute("INSERT OR REPLACE INTO login VALUES (?, ?, ?)", (str(ref), made, user))
        return before[0] if before else None

    def login_of(self, ref: Ref, made: str) -> str:
        """Return who logs into this instance; '' when that is not known."""
        found = self._select("SELECT user FROM login WHERE ref = ? AND made = ?", (str(ref), made))
        return str(found[0][0]) if found else ""

    def forget_login(self, ref: Ref) -> str | None:
        """Forget who logs into an instance that is gone; returns its ``made``, None where nothing was known."""
        made: list[str] = []
        with self._forgiving("history cannot be written"), self._transaction() as connection:
            found = connection.execute("DELETE FROM login WHERE ref = ? RETURNING made", (str(ref),))
            made += [text for (text,) in found]
        return made[0] if made else None

    # The audit log.

    def begin_audit(self, *, at: datetime, user: str, account: str, ref: str, action: str, summary: str) -> int:
        """Write that a mutation is about to be sent and return the entry's id.

        Raises GputuiError when that cannot be kept: then nothing may be sent.
        """
        try:
            with self._lock:
                if self._in_place_of_file:
                    self._close_file()
                with self._transaction() as connection:
                    if self._in_place_of_file:
                        raise self._audit_error(self.problem)
                    cursor = connection.execute(
                        "INSERT INTO audit(at, user, account, ref, action, summary, outcome, detail)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?, '')",
                        (at.timestamp(), user, account, ref, action, summary, Outcome.STARTED.value),
                    )
                    _prune(connection, "audit")
                    self._trouble = ""
                    return int(cursor.lastrowid or 0)
        except sqlite3.Error as error:
            raise self._audit_error(str(error)) from error

    def finish_audit(self, entry: int, *, at: datetime, outcome: Outcome, detail: str) -> None:
        """Write how a mutation ended. A failure to write is told in ``problem``: the mutation has happened."""
        with self._forgiving("the audit log cannot be completed"), self._transaction() as connection:
            connection.execute(
                "UPDATE audit SET outcome = ?, detail = ?, finished_at = ? WHERE id = ?",
                (outcome.value, detail, at.timestamp(), entry),
            )

    def audit(self, *, limit: int = 1_000, account: str | None = None) -> list[AuditEntry]:
        """Return the newest entries, newest first, of one account or of all."""
        found = self._select(
            "SELECT id, at, user, account, ref, action, summary, outcome, detail, finished_at FROM audit"
            " WHERE ?1 IS NULL OR account = ?1 ORDER BY id DESC LIMIT ?2",
            (account, limit),
        )
        return [
            AuditEntry(
                id_, _time(at), user, name, ref, action, summary, Outcome(outcome), detail,
                None if finished is None else _time(finished),
            )
            for id_, at, user, name, ref, action, summary, outcome, detail, finished in found
        ]  # fmt: skip

    # The command bar.

    def add_command(self, text: str) -> None:
        """Remember a line typed into the command bar; one typed before moves to the end.

        Returns at once: a thread writes it. What cannot be written is tried again with the next one.
        """
        self._typed.add(text)

    def commands(self, *, limit: int = typed_lines.KEPT) -> list[str]:
        """Return the remembered lines, oldest first; those of other processes as they were when the file was opened.

        Opens the file when nothing has yet, and reads memory alone from then on.
        """
        if not self._typed_read:
            with self._forgiving("history cannot be read"), self._lock:
                self._read_commands(self._open())
        return self._typed.last(limit)

    def close(self) -> None:
        """Write what is still to be written and close the file; the next call opens it again."""
        self._typed.close()
        self._close_file()

    def _write_commands(self, lines: list[str]) -> bool:
        with self._forgiving("history cannot be written") as failures, self._transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO command(seq, text) VALUES (NULL, ?)", [(line,) for line in lines]
            )
            _prune(connection, "command")
        return not failures

    def _opened(self, connection: sqlite3.Connection) -> None:
        self._read_commands(connection)

    def _closed(self) -> None:
        self._typed_read = False

    def _read_commands(self, connection: sqlite3.Connection) -> None:
        if not self._typed_read:
            found = connection.execute("SELECT text FROM command ORDER BY seq DESC LIMIT ?", (typed_lines.KEPT,))
            self._typed.read([text for (text,) in found][::-1])
            self._typed_read = True

    # What goes wrong.

    @staticmethod
    def _audit_error(reason: str) -> GputuiError:
        return GputuiError(
            f"Nothing was sent, because the audit log cannot be written: {reason}.",
            hint="Make the state directory writable, then try again.",
        )


def _prune(connection: sqlite3.Connection, table: str) -> None:
    key = "id" if table == "audit" else "seq"
    connection.execute(
        f"DELETE FROM {table} WHERE {key} <= (SELECT max({key}) FROM {table}) - ?",  # noqa: S608  (constants)
        (_KEEP_ROWS[table],),
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
