"""Lines of the command bar: kept in their order, and never waited for."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from gputui.history import command_lines, database
from gputui.history.history import History
from tests.history.conftest import begin, typed


def test_commands_come_back_in_order_each_once(path: Path) -> None:
    history = History(path)
    for text in ("stock", "ssh main", "stock"):
        history.add_command(text)
    assert history.commands() == ["ssh main", "stock"]
    history.close()
    assert History(path).commands() == ["ssh main", "stock"]
    assert history.commands(limit=1) == ["stock"]


def test_typing_never_waits_for_who_locks_the_file_or_the_history(path: Path) -> None:
    typed(path, "stock")
    history = History(path)
    history.snapshots()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    results: list[list[str]] = []

    def type_and_look() -> None:
        history.add_command("ssh main")
        results.append(history.commands())

    with history._lock:
        typing = threading.Thread(target=type_and_look, daemon=True)
        typing.start()
        typing.join(10)
        assert results == [["stock", "ssh main"]]
    other.execute("COMMIT")
    history.close()
    assert History(path).commands() == ["stock", "ssh main"]


def test_lines_that_could_not_be_written_are_written_with_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.0)
    typed(path, "stock")
    history = History(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    history.add_command("ssh main")
    history.close()
    assert "locked" in history.problem
    assert History(path).commands() == ["stock"]
    other.execute("COMMIT")
    history.add_command("events")
    history.close()
    assert History(path).commands() == ["stock", "ssh main", "events"]


def test_lines_of_earlier_sessions_come_once_the_file_can_be_had(tmp_path: Path) -> None:
    state, away = tmp_path / "state", tmp_path / "away"
    typed(state / "history.sqlite3", "stock")
    state.rename(away)
    state.write_text("in the way")
    history = History(state / "history.sqlite3")
    history.add_command("events")
    assert history.commands() == ["events"]
    state.unlink()
    away.rename(state)
    begin(history)
    assert history.commands() == ["stock", "events"]
    history.close()


def test_only_so_many_lines_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_lines, "KEPT", 3)
    history = History(path)
    for number in range(5):
        history.add_command(f"line {number}")
    assert history.commands() == ["line 2", "line 3", "line 4"]
    history.close()
    assert History(path).commands() == ["line 2", "line 3", "line 4"]
