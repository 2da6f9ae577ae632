"""The time since the start of the machine, where the system identifies that start and where it does not."""

from pathlib import Path

import pytest

from gputui.agent.uptime import Uptime


def test_without_an_id_of_the_start_each_run_of_the_agent_counts_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", fail)
    first, second = Uptime(), Uptime()
    assert first.boot != second.boot
    assert 0 <= second() < 5
