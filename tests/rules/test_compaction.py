"""A journal that is shortened: the rule goes on as from the whole one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gputui.errors import JournalError
from gputui.rules.compaction import kept
from gputui.rules.journal import Entry, EntryKind, Journal
from gputui.rules.orders import Orders
from tests.rules.simulation import BEGIN, simulate


def state(orders: Orders) -> Mapping[str, Any]:
    """All that a rule follows from."""
    names = ("records", "last_number", "over", "refused", "news", "pauses", "intents", "pauses_of_accounts")
    return {name: getattr(orders, name) for name in names}


@pytest.mark.parametrize("recent", [0, 7])
def test_the_state_of_a_rule_is_the_same_from_what_is_kept(recent: int) -> None:
    shorter = 0
    for seed in range(150):
        journal = simulate(seed).journal
        for end in {len(journal), len(journal) // 2, len(journal) - 1}:
            part = journal[:end]
            found = kept(part, recent)
            assert state(Orders(found)) == state(Orders(part)), (seed, end)
            assert kept(found, recent) == found
            shorter += len(found) < len(part)
    assert shorter > 50  # of 450


def test_a_long_journal_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "agent", Entry)
    entries = [Entry(EntryKind.IDLE, BEGIN, text=f"{number}") for number in range(50)]
    for entry in entries:
        size = journal.append("g7k2", entry)
    path = tmp_path / "agent" / "journal" / "g7k2.jsonl"
    assert size == path.stat().st_size
    assert journal.replace("g7k2", kept(entries, 10)) == path.stat().st_size
    assert journal.entries("g7k2") == entries[-10:]
    assert path.stat().st_mode & 0o777 == 0o600

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(JournalError, match="cannot be shortened"):
        journal.replace("g7k2", ())
    assert journal.entries("g7k2") == entries[-10:]
