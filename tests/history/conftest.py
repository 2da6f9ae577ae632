"""A file of the history, and what is written to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gputui.history.history import History
from gputui.models import Event, Instance, Phase, Ref

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
MAIN = Instance(Ref("lab", "pod", "main"), "main", Phase.RUNNING, "running", gpu_indices=(0,))


def event(number: int, status: str = "running", name: str = "main") -> Event:
    at = AT + timedelta(seconds=number)
    return Event(
        Ref("lab", "event", f"1-{number}"), Ref("lab", "pod", name), name, at, status, Phase.RUNNING, "created", 1.5
    )


def begin(history: History, summary: str = "stop main") -> int:
    return history.audit_log.begin(
        at=AT, user="alice", account="lab", ref="lab/pod/main", action="stop", summary=summary
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "gputui" / "history.sqlite3"


def typed(path: Path, *lines: str) -> None:
    """Leave a file with these lines in it."""
    history = History(path)
    for line in lines:
        history.add_command(line)
    history.close()
