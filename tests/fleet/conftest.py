"""A clock, a back end of one account with an instance, and a history."""

from __future__ import annotations

from pathlib import Path

import pytest

from gputui.history.history import History
from gputui.models import Resource
from tests.fleet.acting import INSTANCES
from tests.fleet.fakes import FakeBackend, FakeClock, pod


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lab() -> FakeBackend:
    backend = FakeBackend("lab", [INSTANCES, Resource.IMAGES])
    backend.rows[INSTANCES] = [pod("lab", "main")]
    return backend


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history.sqlite3")
