"""The log of the agent."""

from __future__ import annotations

import logging
from pathlib import Path

from gputui.agent import log as log_module
from gputui.agent.log import close_log, last_lines, open_log
from gputui.known_secrets import note


def test_lines_have_the_time_in_utc_and_no_secrets(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("time.time", lambda: 0.0)
    note("hunter22-hunter22")
    handler = open_log(tmp_path / "log")
    try:
        record = logging.makeLogRecord(
            {"msg": "token hunter22-hunter22 \x1b[31m", "levelname": "INFO", "created": 0.0}
        )
        handler.handle(record)
    finally:
        close_log(handler)
    assert last_lines(tmp_path / "log", 5) == ["1970-01-01T00:00:00Z INFO token *** \ufffd[31m"]
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_it_is_rotated_and_its_last_lines_are_those_of_both_files(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(log_module, "LARGEST", 200)
    handler = open_log(tmp_path / "log")
    try:
        for number in range(20):
            logging.getLogger("gputui.agent").info("line %d", number)
    finally:
        close_log(handler)
    assert [line.split()[-1] for line in last_lines(tmp_path / "log", 6)] == ["14", "15", "16", "17", "18", "19"]
    assert len(list(tmp_path.iterdir())) == 1 + log_module.KEPT
