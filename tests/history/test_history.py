"""What outlives a session, and what happens when the file cannot be had."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gputui.errors import GputuiError
from gputui.history import command_lines, database
from gputui.history import history as history_module
from gputui.history.database import SCHEMA_VERSION
from gputui.history.history import History, Snapshot, StockSample
from gputui.models import Event, GpuSample, Image, Instance, Outcome, Phase, Ref, Resource

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
MAIN = Instance(Ref("lab", "pod", "main"), "main", Phase.RUNNING, "running", gpu_indices=(0,))


def event(number: int, status: str = "running", name: str = "main") -> Event:
    at = AT + timedelta(seconds=number)
    return Event(
        Ref("lab", "event", f"1-{number}"), Ref("lab", "pod", name), name, at, status, Phase.RUNNING, "created", 1.5
    )


def begin(history: History, summary: str = "stop main") -> int:
    return history.begin_audit(
        at=AT, user="alice", account="lab", ref="lab/pod/main", action="stop", summary=summary
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "gputui" / "history.sqlite3"


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
    monkeypatch.setitem(history_module._KEEP_ROWS, "event", 3)
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
    (started,) = history.audit()
    assert (started.user, started.summary, started.outcome) == ("alice", "stop main", Outcome.STARTED)
    assert started.finished_at is None
    history.finish_audit(entry, at=AT + timedelta(seconds=9), outcome=Outcome.FAILED, detail="refused")
    (finished,) = History(path).audit()
    assert finished == replace(
        started, outcome=Outcome.FAILED, detail="refused", finished_at=AT + timedelta(seconds=9)
    )


def test_commands_come_back_in_order_each_once(path: Path) -> None:
    history = History(path)
    for text in ("stock", "ssh main", "stock"):
        history.add_command(text)
    assert history.commands() == ["ssh main", "stock"]
    history.close()
    assert History(path).commands() == ["ssh main", "stock"]
    assert history.commands(limit=1) == ["stock"]


def typed(path: Path, *lines: str) -> None:
    """Leave a file with these lines in it."""
    history = History(path)
    for line in lines:
        history.add_command(line)
    history.close()


def test_typing_never_waits_for_who_holds_the_file_or_the_lock(path: Path) -> None:
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
    monkeypatch.setitem(history_module._KEEP_ROWS, "command", 3)
    history = History(path)
    for number in range(5):
        history.add_command(f"line {number}")
    assert history.commands() == ["line 2", "line 3", "line 4"]
    history.close()
    assert History(path).commands() == ["line 2", "line 3", "line 4"]


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
    assert len(History(path).audit()) == 1


def test_a_file_of_a_newer_release_is_left_alone(path: Path) -> None:
    typed(path, "x")
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    history = History(path)
    assert history.commands() == []
    assert "newer" in history.problem
    with pytest.raises(GputuiError, match="Nothing was sent"):
        begin(history)


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
    assert len(History(obstacle / "history.sqlite3").audit()) == 1


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
    assert len(history.audit()) == 1
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
    assert len(History(path).audit()) == 1


def test_in_memory_on_purpose_the_audit_log_works() -> None:
    history = History(None)
    begin(history)
    assert len(history.audit()) == 1
    assert history.problem == ""


def test_threads_and_processes_write_side_by_side(path: Path) -> None:
    shared, other = History(path), History(path)

    def work(history: History, name: str) -> None:
        for number in range(20):
            history.finish_audit(begin(history, f"{name} {number}"), at=AT, outcome=Outcome.DONE, detail="")

    threads = [
        threading.Thread(target=work, args=arguments) for arguments in ((shared, "a"), (shared, "b"), (other, "c"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (shared.problem, other.problem) == ("", "")
    entries = History(path).audit()
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


# What may stand in a file that others can write to: one wrong row spoils nothing else.

EVIL = "a\x1b]52;c;aGk=\x07b\u202ec"
HARMLESS = "a\ufffd]52;c;aGk=\ufffdb\ufffdc"
WRONG_TIMES = ("1e300", "-1e300", "'soon'", "x'00'", "9e18", "-62135596800")


def spoil(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def set_aside(path: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT source, content FROM set_aside ORDER BY rowid").fetchall()


def test_a_wrong_row_that_cannot_be_moved_is_counted_once_and_not_said_to_be_moved(path: Path) -> None:
    history = History(path)
    history.record(events=[event(1, "created"), event(2)])
    spoil(
        path,
        "UPDATE event SET at = 'soon' WHERE status = 'running'",
        "CREATE TRIGGER kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'kept'); END",
    )
    for _ in range(2):
        assert [found.status for found in history.events()] == ["created"]
        assert history.problem == f"1 row of the history cannot be read ({path})"
        assert history.failure == ""


@pytest.mark.parametrize(
    "change",
    [
        *(f"at = {at}" for at in WRONG_TIMES),
        "phase = 'fine'", "phase = 7", "name = x'1b5d'", "status = x'ff'", "after_seconds = 'long'", "before = x'00'",
        "after_seconds = 9e999",
    ],
)  # fmt: skip
def test_a_wrong_event_is_set_aside_and_counted(path: Path, change: str) -> None:
    history = History(path)
    history.record(events=[event(1, "created"), event(2), event(3, "exited")])
    spoil(path, f"UPDATE event SET {change} WHERE status = 'running'")
    assert [found.status for found in history.events()] == ["created", "exited"]
    assert history.problem == f"1 row of the history cannot be read and moved to its table set_aside ({path})"
    history.close()
    again = History(path)
    assert [found.status for found in again.events()] == ["created", "exited"]
    assert again.problem == ""
    ((source, content),) = set_aside(path)
    assert (source, "'main'" in content or "name" in change) == ("event", True)


@pytest.mark.parametrize(
    "change", [*(f"at = {at}" for at in WRONG_TIMES), "outcome = 'fine'", "summary = x'1b'", "finished_at = 1e300"]
)
def test_a_wrong_entry_of_the_audit_log_is_set_aside(path: Path, change: str) -> None:
    history = History(path)
    begin(history, "first")
    begin(history, "second")
    spoil(path, f"UPDATE audit SET {change} WHERE summary = 'first'")
    assert [entry.summary for entry in history.audit()] == ["second"]
    assert history.skipped
    assert [source for source, _ in set_aside(path)] == ["audit"]


@pytest.mark.parametrize(
    "rows",
    [
        "[" * 100_000, "[[]]", "3", "null", '[{"ref": 3}]', '[{"ref": "hub/pod/x", "name": "x", "phase": "running"}]',
        '[{"ref": "hub/pod/x", "name": "x", "phase": "running", "status": ""}]',
        '[{"ref": "lab/pod/x", "name": {}, "phase": "running", "status": ""}]',
        '[{"ref": "lab/pod/x", "name": "x", "phase": "running", "status": "", "price": {"amount": "NaN"}}]',
        '[{"ref": "lab/pod/x", "name": "x", "phase": "running", "status": "", "gpu_memory": NaN}]',
        '[{"ref": "lab/pod/x", "name": "x", "phase": "running", "status": "", "created_at": "9999-12-31T23:59:59Z"}]',
    ],
    ids=lambda rows: rows[:70],
)  # fmt: skip
def test_a_wrong_snapshot_is_set_aside(path: Path, rows: str) -> None:
    history = History(path)
    history.record(
        snapshots=[Snapshot("lab", Resource.INSTANCES, AT, [MAIN]), Snapshot("hub", Resource.GPUS, AT, [])]
    )
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE snapshot SET rows = ? WHERE account = 'lab'", (rows,))
    assert [snapshot.account for snapshot in history.snapshots()] == ["hub"]
    assert [source for source, _ in set_aside(path)] == ["snapshot"]


@pytest.mark.parametrize("change", ["utilization = 'high'", "fan = x'00'", "memory_used = 'x'", "power = 9e999"])
def test_a_wrong_reading_of_a_gpu_is_set_aside(path: Path, change: str) -> None:
    gpu = Ref("lab", "gpu", "0")
    readings = [GpuSample(AT + timedelta(seconds=10 * number), 50.0, 1, 2.0, 3.0, 4.0) for number in range(3)]
    history = History(path)
    history.record(gpus=[(gpu, reading) for reading in readings])
    spoil(path, f"UPDATE gpu_sample SET {change} WHERE at = {readings[1].at.timestamp()!r}")
    assert history.gpu_samples(["lab"], AT + timedelta(minutes=5)) == {gpu: [readings[0], readings[2]]}
    assert [source for source, _ in set_aside(path)] == ["gpu_sample"]


@pytest.mark.parametrize("change", ["ref = 'lab'", "ref = x'00'", "idle = 'x'", "total = 1.5"])
def test_a_wrong_sample_of_the_stock_is_set_aside(path: Path, change: str) -> None:
    now = datetime.now(UTC)
    samples = [StockSample(Ref("lab", "offer", str(number)), now, number, 8) for number in range(2)]
    history = History(path)
    history.record(stock=samples)
    spoil(path, f"UPDATE stock SET {change} WHERE idle = 0")
    assert history.stock(now - timedelta(hours=1)) == samples[1:]
    assert [source for source, _ in set_aside(path)] == ["stock"]


def test_texts_of_the_file_are_harmless(path: Path) -> None:
    history = History(path)
    history.record(events=[event(1)], snapshots=[Snapshot("lab", Resource.INSTANCES, AT, [MAIN])])
    begin(history)
    row = json.dumps([{"ref": "lab/pod/main", "name": EVIL, "phase": "running", "status": EVIL}])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE event SET name = ?1, status = ?1, before = ?1", (EVIL,))
        connection.execute("UPDATE audit SET user = ?1, ref = ?1, action = ?1, summary = ?1, detail = ?1", (EVIL,))
        connection.execute("UPDATE snapshot SET rows = ?", (row,))
        connection.execute("INSERT INTO command(text) VALUES (?), ('stock'), (?), (x'00')", (EVIL, "x" * 5_000))
        connection.execute("INSERT INTO login VALUES ('lab/pod/main', 'id', ?)", (EVIL,))
        connection.execute("UPDATE event SET kind = CAST(x'ff1b' AS TEXT)")
    (found,) = history.events()
    assert (found.name, found.status, found.before) == (HARMLESS,) * 3
    assert found.instance.kind == "\ufffd\ufffd"
    (entry,) = history.audit()
    assert {entry.user, entry.ref, entry.action, entry.summary, entry.detail} == {HARMLESS}
    ((shown,),) = [snapshot.rows for snapshot in history.snapshots()]
    assert isinstance(shown, Instance)
    assert (shown.name, shown.status) == (HARMLESS, HARMLESS)
    history.close()
    assert History(path).commands() == ["stock"]
    assert history.login_of(Ref("lab", "pod", "main"), "id") == ""
    assert history.problem == ""


def test_a_wrong_key_does_not_take_the_other_rows_with_it(path: Path) -> None:
    history = History(path)
    history.record(events=[event(1, "created")])
    spoil(path, f"UPDATE event SET seq = {2**62}")
    history.record(events=[event(2), event(3, "exited")])
    assert [found.status for found in history.events()] == ["created", "running", "exited"]


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
