"""The audit log, in a file of the history: every change, written before it is sent, and its outcome."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gputui.errors import GputuiError
from gputui.history.database import NotStoredError, prune
from gputui.history.values import or_none, time
from gputui.late_dataclasses import dataclass
from gputui.models import Outcome
from gputui.models.serialize import integer, text

if TYPE_CHECKING:
    from gputui.history.database import HistoryFile

_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One mutation: time, user, action and outcome. ``user`` is the local one; it contains no secrets."""

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


class AuditLog:
    """The entries. Thread-safe."""

    def __init__(self, file: HistoryFile) -> None:
        self._file = file

    def begin(self, *, at: datetime, user: str, account: str, ref: str, action: str, summary: str) -> int:
        """Write that a change is about to be sent; returns the entry's id. On GputuiError nothing may be sent."""

        def write(connection: sqlite3.Connection) -> int:
            cursor = connection.execute(
                "INSERT INTO audit(at, user, account, ref, action, summary, outcome, detail)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, '')",
                (at.timestamp(), user, account, ref, action, summary, Outcome.STARTED.value),
            )
            prune(connection, "audit", _KEPT)
            return int(cursor.lastrowid or 0)

        try:
            return self._file.change_strictly(write)
        except NotStoredError as error:
            raise GputuiError(
                f"Nothing was sent, because the audit log cannot be written: {error}.",
                hint="Try again once it can be written.",
            ) from error

    def finish(self, entry: int, *, at: datetime, outcome: Outcome, detail: str) -> None:
        """Write the outcome of a mutation. An error is the file's ``problem``: the mutation has happened."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE audit SET outcome = ?, detail = ?, finished_at = ? WHERE id = ?",
                (outcome.value, detail, at.timestamp(), entry),
            )

        self._file.change(write, "the audit log cannot be completed")

    def entries(self, *, limit: int = 1_000) -> list[AuditEntry]:
        """Return the newest entries, newest first; those that cannot be read are set aside and counted."""
        found = self._file.select(
            "SELECT id, at, user, account, ref, action, summary, outcome, detail, finished_at FROM audit"
            " ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        return self._file.usable("audit", found, audit_entry)


def audit_entry(row: Sequence[Any]) -> AuditEntry:
    """Return an entry from its row; raises an error of :data:`.values.UNUSABLE`."""
    id_, at, user, account, name, action, summary, outcome, detail, finished = row
    return AuditEntry(
        integer(id_), time(at), text(user), text(account), text(name), text(action), text(summary),
        Outcome(outcome), text(detail), or_none(time, finished),
    )  # fmt: skip
