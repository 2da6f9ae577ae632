"""The journal: on the disk before a request, whole or not at all."""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gputui.errors import JournalError
from gputui.rules.journal import Entry, EntryKind, Journal

AT = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)


def intent(number: int) -> Entry:
    return Entry(EntryKind.INTENT, AT, number, "hub", "deployment", f"train-g7k2-{number}")


@pytest.fixture
def journal(tmp_path: Path) -> Journal[Entry]:
    return Journal(tmp_path / "agent", Entry)


def test_entries_are_read_back_in_their_order(journal: Journal[Entry]) -> None:
    assert not journal.entries("g7k2")
    journal.append("g7k2", intent(1))
    journal.append("g7k2", intent(2))
    assert journal.entries("g7k2") == [intent(1), intent(2)]


@pytest.mark.parametrize("rest", [b'{"kind": "int', b"\0" * 5000])
def test_a_last_line_that_was_written_in_part_is_replaced(
    journal: Journal[Entry], tmp_path: Path, rest: bytes
) -> None:
    journal.append("g7k2", intent(1))
    path = tmp_path / "agent" / "journal" / "g7k2.jsonl"
    with path.open("ab") as stream:
        stream.write(rest)
    assert journal.entries("g7k2") == [intent(1)]
    journal.append("g7k2", intent(2))
    assert journal.entries("g7k2") == [intent(1), intent(2)]


def test_a_full_disk_leaves_no_part_of_an_entry(journal: Journal[Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append("g7k2", intent(1))
    write = os.pwrite

    def fill(descriptor: int, data: bytes, at: int) -> int:
        if len(data) <= 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:-10], at)

    with monkeypatch.context() as full:
        full.setattr(os, "pwrite", fill)
        with pytest.raises(JournalError, match=r"No space left.*Nothing is sent"):
            journal.append("g7k2", intent(2))
    assert journal.entries("g7k2") == [intent(1)]
    journal.append("g7k2", intent(3))
    assert journal.entries("g7k2") == [intent(1), intent(3)]


def test_a_damaged_line_is_no_reason_to_forget_what_was_done(journal: Journal[Entry], tmp_path: Path) -> None:
    journal.append("g7k2", intent(1))
    path = tmp_path / "agent" / "journal" / "g7k2.jsonl"
    path.write_bytes(b"x\n" + path.read_bytes())
    with pytest.raises(JournalError, match="line 1 is damaged"):
        journal.entries("g7k2")
