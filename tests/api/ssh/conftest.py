"""Fixtures of the tests of hosts over SSH."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet.fakes import FakeClock


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
