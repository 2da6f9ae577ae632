"""Writing in the background: what fails there is a problem of the history until it succeeds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from queue import SimpleQueue

import pytest

from gputui.history import preferences
from gputui.history.background import BackgroundWriter
from gputui.history.history import History


def test_a_failure_in_the_thread_is_reported_and_the_next_success() -> None:
    failures: list[Exception] = [ValueError("a fault")]
    reports: SimpleQueue[Exception | None] = SimpleQueue()

    def write() -> None:
        if failures:
            raise failures.pop()

    writer = BackgroundWriter("a test", write, reports.put)
    writer.schedule()
    assert isinstance(reports.get(timeout=10), ValueError)
    writer.schedule()
    assert reports.get(timeout=10) is None
    writer.close()


def test_a_choice_that_cannot_be_written_is_a_problem_until_it_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(path)
    chosen = history.preferences("")

    def fail(connection: object, scope: str, changes: Mapping[str, object]) -> None:
        raise TypeError("a fault")

    with monkeypatch.context() as patched:
        patched.setattr(preferences, "write", fail)
        chosen.put("theme", "nord")
        _finish(chosen)
        assert history.problem == f"preferences cannot be written: TypeError: a fault ({path})"
        with pytest.raises(TypeError):
            history.close()
        assert history._connection is None, "the file is closed all the same"
    chosen.put("utc", True)
    _finish(chosen)
    assert history.problem == ""
    history.close()
    assert History(path).preferences("").under("") == {"theme": "nord", "utc": True}


def _finish(chosen: preferences.Preferences) -> None:
    thread = chosen._writer._thread
    assert thread is not None
    thread.submit(lambda: None).result(10)
