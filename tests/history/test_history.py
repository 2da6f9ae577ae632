"""What outlives a session, and what happens when the file cannot be had."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gputui.errors import GputuiError
from gputui.history import database
from gputui.history import history as history_module
from gputui.history.database import SCHEMA_VERSION
from gputui.history.history import History, Snapshot, StockSample
from gputui.models import Image, LogKind, LogSource, Outcome, Ref, Resource
from tests.history.conftest import AT, MAIN, begin, event, typed


def test_snapshots_come_back_as_they_were(path: Path) -> None:
    instances = Snapshot("lab", Resource.INSTANCES, AT, [MAIN, replace(MAIN, ref=Ref("lab", "pod", "b"))])
    images = Snapshot("lab", Resource.IMAGES, AT, [Image(Ref("lab", "image", "cuda:12"), "cuda", "12", size=5)])
    history = History(path)
    assert history.record(snapshots=[instances, images])
    assert history.record(snapshots=[replace(images, rows=[])])
    history.close()
    found = {snapshot.resource: snapshot for snapshot in History(path).snapshots()}
    assert found == {Resource.INSTANCES: instances, Resource.IMAGES: replace(images, rows=[])}


def test_snapshots_of_accounts_no_longer_configured_stay_out(path: Path) -> None:
    history = History(path)
    history.record(snapshots=[Snapshot("gone", Resource.INSTANCES, AT, []), Snapshot("lab", Resource.GPUS, AT, [])])
    assert [snapshot.account for snapshot in history.snapshots(["lab"])] == ["lab"]


def test_a_snapshot_that_cannot_be_read_is_passed_over(path: Path) -> None:
    history = History(path)
    history.record(
        snapshots=[Snapshot("lab", Resource.INSTANCES, AT, [MAIN]), Snapshot("hub", Resource.GPUS, AT, [])]
    )
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE snapshot SET rows = '[{\"ref\": 3}]' WHERE account = 'lab'")
    assert [snapshot.account for snapshot in history.snapshots()] == ["hub"]


def test_events_come_back_oldest_first_and_the_newest_of_them(path: Path) -> None:
    events = [event(1, "created"), event(2), event(3, "exited")]
    history = History(path)
    history.record(events=events)
    assert history.events() == events
    assert history.events(limit=2) == events[1:]
    assert history.events(accounts=["hub"]) == []


def test_what_two_processes_saw_is_one_event(path: Path) -> None:
    History(path).record(events=[event(1, "created"), event(3)])
    History(path).record(events=[event(4), event(5, "running", "other"), event(6, "exited")])
    assert [(found.name, found.status) for found in History(path).events()] == [
        ("main", "created"), ("main", "running"), ("other", "running"), ("main", "exited"),
    ]  # fmt: skip


def test_only_so_many_events_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "EVENTS_KEPT", 3)
    history = History(path)
    history.record(events=[event(number, f"state {number}") for number in range(10)])
    assert [found.status for found in history.events()] == ["state 7", "state 8", "state 9"]


def test_stock_samples_come_back_from_a_time_on_and_not_for_ever(path: Path) -> None:
    ref = Ref("lab", "offer", "gpu01/RTX 4090")
    now = datetime.now(UTC)
    old, recent = (StockSample(ref, now - timedelta(days=days), 2, 8) for days in (40, 1))
    history = History(path)
    history.record(stock=[old, recent])
    assert history.stock(now - timedelta(days=365)) == [recent]
    assert history.stock(now) == []


def test_the_audit_log_has_who_what_and_how_it_ended(path: Path) -> None:
    history = History(path)
    entry = begin(history)
    (started,) = history.audit_log.entries()
    assert (started.user, started.summary, started.outcome) == ("alice", "stop main", Outcome.STARTED)
    assert started.finished_at is None
    history.audit_log.finish(entry, at=AT + timedelta(seconds=9), outcome=Outcome.FAILED, detail="refused")
    (finished,) = History(path).audit_log.entries()
    assert finished == replace(
        started, outcome=Outcome.FAILED, detail="refused", finished_at=AT + timedelta(seconds=9)
    )


def test_the_file_is_its_owners_alone(path: Path) -> None:
    history = History(path)
    history.add_command("x")
    history.close()
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    typed(path, "x")
    path.chmod(0o644)
    assert History(path).commands() == ["x"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_is_opened_before_it_is_needed(path: Path) -> None:
    History(path)
    assert not path.exists()


def test_a_damaged_file_is_set_aside_and_a_new_one_begun(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is no database" * 100)
    history = History(path)
    begin(history)
    assert "damaged" in history.problem
    (aside,) = path.parent.glob("*.damaged-*")
    assert aside.read_bytes().startswith(b"this is no database")
    assert len(History(path).audit_log.entries()) == 1


def test_a_file_of_which_a_part_is_damaged_says_so_as_long_as_it_is_open(path: Path) -> None:
    history = History(path)
    history.add_command("x")
    history.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'audit'").fetchone()
    connection.close()
    data = bytearray(path.read_bytes())
    data[(root - 1) * size : root * size] = b"\xff" * size
    path.write_bytes(data)
    damaged = History(path)
    assert damaged.audit_log.entries() == []
    assert damaged.commands()
    assert damaged.problem.startswith("the history is damaged, ")
    assert str(path) in damaged.problem


def test_a_file_of_a_newer_release_is_left_alone(path: Path) -> None:
    typed(path, "x")
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    history = History(path)
    assert history.commands() == []
    assert "newer" in history.problem
    assert history.problem.endswith("update gputui, or move the file away")
    with pytest.raises(GputuiError, match="Nothing was sent"):
        begin(history)
    history.preferences("").put("theme", "nord")
    before = path.read_bytes()
    history.close()
    assert path.read_bytes() == before


def test_without_a_writable_directory_the_session_remembers_and_the_audit_log_refuses(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    history = History(tmp_path / "file" / "history.sqlite3")
    assert history.record(snapshots=[Snapshot("lab", Resource.INSTANCES, AT, [MAIN])])
    assert history.snapshots()[0].rows == [MAIN]
    assert "history is not kept" in history.problem
    with pytest.raises(GputuiError, match="Nothing was sent") as caught:
        begin(history)
    assert caught.value.hint


def test_the_audit_log_works_again_once_the_file_can_be_had(tmp_path: Path) -> None:
    obstacle = tmp_path / "state"
    obstacle.write_text("in the way")
    history = History(obstacle / "history.sqlite3")
    assert history.commands() == []
    obstacle.unlink()
    begin(history)
    assert history.problem == ""
    assert len(History(obstacle / "history.sqlite3").audit_log.entries()) == 1


def test_a_locked_file_stops_nothing_but_the_audit_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.0)
    typed(path, "x")
    history = History(path)
    assert history.commands() == ["x"]
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert not history.record(events=[event(1)])
    assert "locked" in history.problem
    with pytest.raises(GputuiError, match="locked"):
        begin(history)
    assert history.commands() == ["x"]
    other.execute("COMMIT")
    begin(history)
    assert len(history.audit_log.entries()) == 1
    assert history.problem == ""


def test_a_file_locked_from_the_start_is_not_taken_for_a_damaged_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.0)
    path.parent.mkdir(parents=True)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    history = History(path)
    assert history.commands() == []
    assert "locked" in history.problem
    assert list(path.parent.glob("*.damaged-*")) == []
    other.execute("COMMIT")
    begin(history)
    assert len(History(path).audit_log.entries()) == 1


def test_in_memory_on_purpose_the_audit_log_works() -> None:
    history = History(None)
    begin(history)
    assert len(history.audit_log.entries()) == 1
    assert history.problem == ""


def test_threads_and_processes_write_side_by_side(path: Path) -> None:
    shared, other = History(path), History(path)

    def work(history: History, name: str) -> None:
        for number in range(20):
            history.audit_log.finish(begin(history, f"{name} {number}"), at=AT, outcome=Outcome.DONE, detail="")

    threads = [
        threading.Thread(target=work, args=arguments) for arguments in ((shared, "a"), (shared, "b"), (other, "c"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (shared.problem, other.problem) == ("", "")
    entries = History(path).audit_log.entries()
    assert len(entries) == 60
    assert {entry.outcome for entry in entries} == {Outcome.DONE}


def test_who_logs_into_an_instance_is_remembered_for_that_one_alone(path: Path) -> None:
    main = Ref("dock", "container", "main")
    History(path).remember_login(main, user="alice", generation="1bb0e524d7f0")
    history = History(path)
    assert history.login_of(main, "1bb0e524d7f0") == "alice"
    assert history.login_of(main, "e61c9453638e") == ""
    assert history.forget_login(main) == "1bb0e524d7f0"
    assert history.forget_login(main) is None
    assert history.login_of(main, "1bb0e524d7f0") == ""


def test_the_logs_that_were_read_are_remembered_the_last_one_first(path: Path) -> None:
    chat, main = Ref("yot", "endpoint", "chat"), Ref("lab", "pod", "main")
    for minute, name in enumerate(["/a.log", "/b.log", "/a.log"]):
        History(path).remember_log(chat, LogSource(LogKind.FILE, name), AT + timedelta(minutes=minute))
    History(path).remember_log(main, LogSource(LogKind.UNIT, "train"), AT)

    history = History(path)
    assert history.logs_of(chat) == [LogSource(LogKind.FILE, "/a.log"), LogSource(LogKind.FILE, "/b.log")]
    assert history.logs_of(main) == [LogSource(LogKind.UNIT, "train")]
    for number in range(20):
        history.remember_log(main, LogSource(LogKind.FILE, f"/{number}.log"), AT + timedelta(minutes=number))
    assert [source.name for source in history.logs_of(main)] == [f"/{number}.log" for number in range(19, 9, -1)]
    assert len(history.logs_of(chat)) == 2


def test_the_target_of_a_link_is_left_alone(path: Path) -> None:
    target = path.parents[2] / "thesis.txt"
    target.write_text("chapter one")
    target.chmod(0o644)
    path.parent.mkdir(parents=True)
    path.symlink_to(target)
    history = History(path)
    assert history.record(events=[event(1)])
    assert history.problem == f"history is not kept: it is a symbolic link; put the file itself there ({path})"
    with pytest.raises(GputuiError, match="symbolic link"):
        begin(history)
    history.close()
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("chapter one", 0o644)


def test_a_pipe_is_no_history(path: Path) -> None:
    path.parent.mkdir(parents=True)
    os.mkfifo(path, 0o644)
    history = History(path)
    assert history.events() == []
    assert "it is not a regular file" in history.problem
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("code", "free", "reason"),
    [
        (sqlite3.SQLITE_FULL, True, "there is no space left on the disk"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, False, "there is no space left on the disk"),
        (sqlite3.SQLITE_CANTOPEN, False, "there is no space left on the disk"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, True, "disk I/O error"),
        (sqlite3.SQLITE_BUSY, False, "disk I/O error"),
    ],
)
def test_a_full_disk_is_named_as_such(
    code: int, free: bool, reason: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code

    def connect(path: Path) -> sqlite3.Connection:
        raise error

    monkeypatch.setattr(database, "_connect", connect)
    found = list(os.statvfs(path.parents[2]))
    found[4] = 2**30 // found[1] if free else 1
    monkeypatch.setattr(os, "statvfs", lambda directory: os.statvfs_result(found))
    history = History(path)
    assert history.commands() == []
    assert history.problem == f"history is not kept: {reason} ({path})"


def test_the_reason_stays_while_the_file_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread tries it, and may do so just when a command says whether something is stored."""
    (tmp_path / "file").write_text("in the way")
    history = History(tmp_path / "file" / "history.db")
    history.preferences("").read()
    reason = history.failure
    assert reason.startswith("history is not kept")
    seen: list[str] = []
    connect = database._connect

    def look(path: Path) -> sqlite3.Connection:
        seen.append(history.failure)
        return connect(path)

    monkeypatch.setattr(database, "_connect", look)
    assert not history.change_in_file(lambda connection: None)
    assert seen == [reason]
