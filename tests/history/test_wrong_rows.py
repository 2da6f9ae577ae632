"""One wrong row in a file that others can write to spoils nothing else."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gputui.history.history import History, Snapshot, StockSample
from gputui.models import GpuSample, Instance, Ref, Resource
from gputui.models.waste import Snooze, WasteReason
from tests.history.conftest import AT, MAIN, begin, event

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
    assert [entry.summary for entry in history.audit_log.entries()] == ["second"]
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


def test_a_wrong_snooze_is_set_aside_and_one_of_a_later_release_is_left_alone(path: Path) -> None:
    history = History(path)
    until = AT + timedelta(hours=8)
    history.snooze(Snooze(MAIN.ref, reason, until, EVIL, AT, "alice") for reason in WasteReason)
    spoil(
        path,
        "UPDATE snooze SET at = 'soon' WHERE reason = 'stuck'",
        "UPDATE snooze SET reason = 'too-warm' WHERE reason = 'unused'",
    )
    found = history.snoozes(AT) or []
    assert {one.reason for one in found} == set(WasteReason) - {WasteReason.STUCK, WasteReason.UNUSED}
    assert {one.note for one in found} == {HARMLESS}
    assert [source for source, _ in set_aside(path)] == ["snooze"]
    assert history.snoozes(until) == []


def test_texts_of_the_file_are_harmless(path: Path) -> None:
    history = History(path)
    history.record(events=[event(1)], snapshots=[Snapshot("lab", Resource.INSTANCES, AT, [MAIN])])
    begin(history)
    row = json.dumps([{"ref": "lab/pod/main", "name": EVIL, "phase": "running", "status": EVIL}])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE event SET name = ?, status = ?, before = ?", (EVIL,) * 3)
        connection.execute("UPDATE audit SET user = ?, ref = ?, action = ?, summary = ?, detail = ?", (EVIL,) * 5)
        connection.execute("UPDATE snapshot SET rows = ?", (row,))
        connection.execute("INSERT INTO command(text) VALUES (?), ('stock'), (?), (x'00')", (EVIL, "x" * 5_000))
        connection.execute("INSERT INTO login VALUES ('lab/pod/main', 'id', ?)", (EVIL,))
        connection.execute("UPDATE event SET kind = CAST(x'ff1b' AS TEXT)")
    (found,) = history.events()
    assert (found.name, found.status, found.before) == (HARMLESS,) * 3
    assert found.instance.kind == "\ufffd\ufffd"
    (entry,) = history.audit_log.entries()
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
