"""The journal of each rule: what was about to be done and what came of it, in ``journal/ID.jsonl``.

An entry is on the disk before the request that it announces is sent: where it cannot be written, nothing is sent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar

from gputui.errors import JournalError, reason_of
from gputui.late_dataclasses import dataclass
from gputui.models import Money, Ref
from gputui.models.serialize import from_plain, rows_to_plain
from gputui.private_files import open_private
from gputui.rules.place import own_directory, sync_directory
from gputui.text import clean

_LONGEST = 64 * 2**20


_E = TypeVar("_E")


class EntryKind(StrEnum):
    """The meaning of an entry.

    INTENT comes before a create or a start: one without a later outcome of its number is looked for by name. OBTAINED
    is created and named by the server, or found by its name; SEEN is in its lists, ABSENT was looked for and is not
    there. VANISHED was in the lists, and is gone before its price was known. NO_STOCK and NOT_SENT made nothing and
    may be tried again; REFUSED ends the rule. UNKNOWN has no answer. PRICE is that of what was obtained. UNDO comes
    before what costs too much is ended, UNDONE after it is. LEASED: what was obtained has its lease. REHEARSED is
    what a dry run would have sent. NOTIFIED: all entries so far were announced. IDLE is an offer that was announced.
    OVER ends the rule.
    """

    INTENT = "intent"
    OBTAINED = "obtained"
    SEEN = "seen"
    ABSENT = "absent"
    VANISHED = "vanished"
    NO_STOCK = "no stock"
    NOT_SENT = "not sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    PRICE = "price"
    UNDO = "undo"
    UNDONE = "undone"
    LEASED = "leased"
    REHEARSED = "rehearsed"
    NOTIFIED = "notified"
    IDLE = "idle"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal of a watch. Which fields it has follows from ``kind``.

    ``number`` is that of the intent that it belongs to. ``up`` is the time since the start of the machine in seconds,
    ``boot`` identifies that start: by them an age is known where the clock was set. ``thing`` is the kind of what is
    created, ``candidate`` distinguishes the candidates of one kind and account. ``price`` is for an hour of one
    instance, of an intent the most that it can be; ``counts`` is what all ``parallel`` of them count against the
    budget. ``wait`` are seconds. ``found``: no answer said that it was created, it was found. ``state`` is the one in
    which the rule ends.
    """

    kind: EntryKind
    at: datetime
    number: int = 0
    account: str = ""
    thing: str = ""
    candidate: str = ""
    name: str = ""
    ref: Ref | None = None
    generation: str = ""
    price: Money | None = None
    counts: Money | None = None
    parallel: int = 1
    up: float | None = None
    boot: str = ""
    wait: float = 0.0
    found: bool = False
    state: str = ""
    text: str = ""


class Journal(Generic[_E]):
    """The journals in the agent's directory, of entries that are a model of the program.

    One process writes at a time: the agent. Methods block for the disk.
    """

    def __init__(self, directory: Path, model: type[_E]) -> None:
        self._model = model
        self._agent = directory
        self._directory = directory / "journal"

    def append(self, id_: str, entry: _E) -> int:
        """Write an entry and wait until it is on the disk. Raises JournalError: then it is not there.

        Returns the length of the journal in bytes.
        """
        line = _line(entry)
        path = self._path(id_)
        try:
            own_directory(self._agent)
            own_directory(self._directory)
            is_new = not path.exists()
            descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
            try:
                end = _end_of_lines(descriptor)
                _write_at(descriptor, line, end)
            finally:
                os.close(descriptor)
            if is_new:
                sync_directory(self._directory)
        except OSError as error:
            raise JournalError(
                f"The journal cannot be written ({reason_of(error)}): {clean(str(path))}",
                hint="Nothing is sent while that is so. Make room on the disk.",
            ) from None
        return end + len(line)

    def replace(self, id_: str, entries: Iterable[_E]) -> int:
        """Write a journal in place of the one there is, at once or not at all; returns its length in bytes.

        Raises JournalError: then the journal is as it was.
        """
        path = self._path(id_)
        new = path.with_suffix(".new")
        lines = b"".join(map(_line, entries))
        try:
            own_directory(self._agent)
            own_directory(self._directory)
            new.unlink(missing_ok=True)
            with os.fdopen(open_private(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as stream:
                stream.write(lines)
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(path)
            sync_directory(self._directory)
        except OSError as error:
            raise JournalError(
                f"The journal cannot be shortened ({reason_of(error)}): {clean(str(path))}",
                hint="It is as it was. Make room on the disk.",
            ) from None
        return len(lines)

    def entries(self, id_: str) -> Sequence[_E]:
        """Read the entries of a rule, the oldest first; a last line that was written in part is no entry.

        Raises JournalError where the file cannot be read or is damaged: what the rule has done is not known then.
        """
        path = self._path(id_)
        try:
            descriptor = open_private(path, os.O_RDONLY)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _unreadable(path, reason_of(error)) from None
        with os.fdopen(descriptor, "rb") as stream:
            if (owner := os.fstat(descriptor).st_uid) != os.geteuid():
                raise _unreadable(path, f"it belongs to another user (uid {owner})")
            data = stream.read(_LONGEST + 1)
        if len(data) > _LONGEST:
            raise _unreadable(path, "it is too long")
        whole, _, _ = data.rpartition(b"\n")
        found = []
        for number, line in enumerate(whole.split(b"\n") if whole else [], start=1):
            try:
                found.append(from_plain(self._model, json.loads(line)))
            except (ValueError, RecursionError, AttributeError):
                raise _unreadable(path, f"line {number} is damaged, or was written by a newer gputui") from None
        return found

    def _path(self, id_: str) -> Path:
        return self._directory / f"{id_}.jsonl"


def _line(entry: object) -> bytes:
    return json.dumps(rows_to_plain([entry])[0], ensure_ascii=False).encode() + b"\n"


def _unreadable(path: Path, why: str) -> JournalError:
    return JournalError(
        f"The journal cannot be read ({why}): {clean(str(path))}",
        hint="Nothing is sent by this rule: its outcomes are not known. Make a new one.",
    )


def _end_of_lines(descriptor: int) -> int:
    """Return where the next line begins: what follows the last line feed was written in part."""
    size = os.fstat(descriptor).st_size
    end = size
    while end > 0:
        begin = max(0, end - 4096)
        block = os.pread(descriptor, end - begin, begin)
        if (found := block.rfind(b"\n")) >= 0:
            return begin + found + 1
        end = begin
    return 0


def _write_at(descriptor: int, line: bytes, at: int) -> None:
    """Write a line in place of what follows ``at``, and sync it; after a failure it is not there."""
    try:
        os.ftruncate(descriptor, at)
        written = 0
        while written < len(line):
            written += os.pwrite(descriptor, line[written:], at + written)
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, at)
        raise
