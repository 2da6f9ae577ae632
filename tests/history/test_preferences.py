"""Choices that outlive a session, of several sessions at once and in files that cannot be used."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gputui.history.history import History
from gputui.history.preferences import Preferences


def of_file(path: Path, scope: str = "config.toml") -> Preferences:
    """Return the preferences of a new session."""
    return History(path).preferences(scope)


def test_choices_come_back_in_the_scope_that_they_were_made_in(path: Path) -> None:
    history = History(path)
    chosen = history.preferences("config.toml")
    chosen.put("theme", ["nord", "gputui"])
    chosen.put("view.instances.sort", ["age", True])
    chosen.put("view.instances.sort", None)
    history.close()
    assert of_file(path).under("") == {"theme": ["nord", "gputui"]}
    assert of_file(path, "other.toml").under("") == {}


def test_two_sessions_that_write_at_once_lose_nothing(path: Path) -> None:
    sessions = [History(path), History(path)]
    chosen = [session.preferences("") for session in sessions]
    for number in range(20):
        for place, each in enumerate(chosen):
            each.put(f"favourite.{place}/{number}", True)
    for session in sessions:
        session.close()
    assert len(of_file(path, "").under("favourite.")) == 40


def test_only_one_session_gets_a_new_name(path: Path) -> None:
    one, other = of_file(path), of_file(path)
    assert one.add("saved.night", {"view": "gpus"})
    assert other.add("saved.night", {"view": "stock"}) is False
    assert other.get("saved.night") == {"view": "gpus"}


class Disk:
    """Where choices are written; full for as many attempts as given."""

    def __init__(self, *, full: int = 0) -> None:
        self.full = full
        self.attempts = 0
        self.written: dict[str, object] = {}

    def store(self, changes: Mapping[str, object]) -> bool:
        self.attempts += 1
        if self.attempts <= self.full:
            return False
        self.written.update(changes)
        return True


class Blocked:
    """A call that waits until it is released."""

    def __init__(self, then: Callable[..., object]) -> None:
        self._then = then
        self.entered = threading.Event()
        self.released = threading.Event()

    def __call__(self, *given: object) -> object:
        self.entered.set()
        assert self.released.wait(10)
        return self._then(*given)

    def release_beside(self, other: Callable[[], object]) -> None:
        """Begin another call, and release this one when the other has ended, or has to wait for this one."""
        beside = threading.Thread(target=other)
        assert self.entered.wait(10)
        beside.start()
        beside.join(0.05)
        self.released.set()
        beside.join(10)


def test_the_newest_choice_is_the_last_that_is_written() -> None:
    disk = Disk()
    first = Blocked(disk.store)

    def store(changes: Mapping[str, object]) -> bool:
        return bool((disk.store if first.entered.is_set() else first)(changes))

    chosen = Preferences(store=store)
    chosen.put("theme", "old")
    assert first.entered.wait(10)
    chosen.put("theme", "new")
    first.release_beside(chosen.flush)
    chosen.close()
    assert disk.written == {"theme": "new"}


def test_a_choice_that_is_made_and_written_while_the_file_is_read_stays() -> None:
    disk = Disk()
    load = Blocked(lambda: ({"theme": "old"}, 0))
    chosen = Preferences(load, disk.store)  # type: ignore[arg-type]
    reading = threading.Thread(target=chosen.read)
    reading.start()
    assert load.entered.wait(10)
    chosen.put("theme", "new")
    load.release_beside(chosen.flush)
    reading.join(10)
    chosen.close()
    assert chosen.get("theme") == "new"
    assert disk.written == {"theme": "new"}


def test_a_choice_that_is_made_while_the_same_name_is_stored_stays() -> None:
    disk = Disk()

    def store_new(key: str, value: object) -> bool:
        disk.written[key] = value
        chosen.put(key, "chosen meanwhile")
        return True

    chosen = Preferences(store=disk.store, store_new=store_new)
    assert chosen.add("saved.night", "new")
    chosen.close()
    assert chosen.get("saved.night") == disk.written["saved.night"] == "chosen meanwhile"


def test_a_file_that_cannot_be_read_again_takes_nothing_away() -> None:
    answers = iter([({"theme": "nord"}, 0)])
    chosen = Preferences(lambda: next(answers, None))
    chosen.read()
    chosen.read()
    assert chosen.get("theme") == "nord"


def test_nothing_is_written_when_nothing_has_changed() -> None:
    disk = Disk()
    chosen = Preferences(lambda: ({"utc": True}, 0), disk.store)
    chosen.read()
    chosen.put("utc", True)
    chosen.put("theme", None)
    chosen.close()
    assert disk.attempts == 0


def test_what_could_not_be_written_is_written_with_the_next_choice() -> None:
    disk = Disk(full=1)
    chosen = Preferences(store=disk.store)
    chosen.put("theme", "nord")
    chosen.close()  # one attempt at least: of the thread, or of closing
    chosen.put("utc", True)
    chosen.close()
    assert disk.written == {"theme": "nord", "utc": True}


@pytest.mark.parametrize("value", ["{", '"\\u001b[31m"', "[" * 50_000, '"' + "x" * 200_000 + '"', b"\xff\x00"])
def test_a_value_that_cannot_be_read_is_counted_and_left_as_it_is(path: Path, value: object) -> None:
    history = History(path)
    history.preferences("").put("theme", "nord")
    history.close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO preference VALUES ('', 'utc', ?, 0)", (value,))
    found = of_file(path, "")
    assert found.under("") == {"theme": "nord"}
    assert found.notice == "1 stored preference cannot be read"
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT value FROM preference WHERE key = 'utc'").fetchone() == (value,)


def test_without_a_writable_directory_the_session_remembers_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    history = History(tmp_path / "file" / "history.sqlite3")
    chosen = history.preferences("")
    chosen.put("utc", True)
    assert chosen.add("saved.night", {"view": "gpus"})
    assert (chosen.get("utc"), chosen.get("saved.night")) == (True, {"view": "gpus"})
    assert "history is not kept" in history.problem


def test_choices_made_without_the_file_are_stored_once_it_can_be_used(tmp_path: Path) -> None:
    obstacle = tmp_path / "state"
    obstacle.write_text("in the way")
    history = History(obstacle / "history.sqlite3")
    chosen = history.preferences("")
    chosen.put("favourite.lab/pod/main", {"name": "main"})
    assert chosen.add("saved.night", {"view": "gpus"})
    history.add_command("filter train")
    assert not chosen.flush()
    obstacle.unlink()
    other = of_file(obstacle / "history.sqlite3", "")
    assert other.add("saved.day", {"view": "stock"})
    chosen.put("utc", True)
    assert chosen.flush()
    assert history.problem == ""
    history.close()
    assert of_file(obstacle / "history.sqlite3", "").under("") == {
        "favourite.lab/pod/main": {"name": "main"},
        "saved.night": {"view": "gpus"},
        "saved.day": {"view": "stock"},
        "utc": True,
    }
    assert History(obstacle / "history.sqlite3").commands() == ["filter train"]


def test_reading_creates_no_table(path: Path) -> None:
    history = History(path)
    history.preferences("")
    history.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'preference'").fetchone() is None


def test_a_new_name_that_could_not_be_stored_is_stored_later() -> None:
    disk = Disk()
    chosen = Preferences(store=disk.store, store_new=lambda key, value: None)
    assert chosen.add("saved.night", 1)
    chosen.close()
    assert disk.written == {"saved.night": 1}


@pytest.mark.parametrize("kept", [100, 5_000, 20_000])
def test_a_file_that_is_half_written_is_reported_and_choices_last_for_the_session(path: Path, kept: int) -> None:
    history = History(path)
    chosen = history.preferences("")
    for number in range(500):
        chosen.put(f"favourite.lab/pod/{number}", {"name": "x" * 100})
    history.close()
    path.write_bytes(path.read_bytes()[:kept])
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)

    damaged = History(path)
    again = damaged.preferences("")
    assert damaged.problem
    again.put("theme", "nord")
    assert again.get("theme") == "nord"
    damaged.close()
