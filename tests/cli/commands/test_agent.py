"""The commands about the agent, where none runs, and what they print about one that does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gputui.agent.place import Place

Run = Callable[..., tuple[int, str, str]]

STATUS: dict[str, Any] = {
    **{
        "gputui": "0.1.0",
        "pid": 7,
        "host": "jump",
        "since": 0.0,
        "state_dir": "/s",
        "log": "/s/agent/log",
    },
    **{"cpu_seconds": 9.0, "memory_bytes": 50_000_000, "sessions": [11, 12], "config": "/c.toml", "ready": True},
    "problem": "key: wrong",
    "accounts": [{"account": "lab", "state": "down", "message": "no \x1b[31manswer"}],
    "services": [{"name": "leases", "busy": True}],
}


def test_without_an_agent_each_command_says_so(run: Run, home: Path) -> None:
    assert run("agent", "status")[0] == 1
    assert "No agent runs." in run("agent", "status")[2]
    assert run("agent", "status", "-o", "json")[:2] == (1, "[]\n")
    assert run("agent", "stop") == (0, "", "No agent runs.\n")
    assert run("agent", "logs")[0] == 1
    assert not (home / "state" / "agent").exists()


def test_the_status_is_one_line_a_fact(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # An hour from the time of the test, not from that of its import.
    monkeypatch.setattr("gputui.agent.start.ask_agent", lambda *_, **__: STATUS | {"since": time.time() - 3600})
    status, out, _ = run("agent", "status")
    lines = dict(line.split("  ", 1) for line in out.splitlines())
    assert status == 0
    assert lines["process"].strip() == "7 on jump"
    assert "0.25 % of a core" in lines["processor"]
    assert lines["sessions"].strip() == "2 sessions: 11, 12"
    assert "\x1b" not in out
    assert "the changed configuration is not used: key: wrong" in out


def test_an_agent_that_does_not_answer_is_no_absent_one(run: Run, home: Path) -> None:
    place = Place(home / "state")
    place.prepare()
    assert place.lock() is not None
    status, _, err = run("agent", "status")
    assert status == 1
    assert "does not answer" in err


def test_the_log_is_printed_from_its_end(run: Run, home: Path) -> None:
    place = Place(home / "state")
    place.prepare()
    place.log.write_text("".join(f"line {number}\n" for number in range(9)))
    assert run("agent", "logs", "-n", "2") == (0, "line 7\nline 8\n", "")


def test_a_unit_starts_the_agent_of_this_configuration(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUTUI_STATE_DIR", "/var/100%$HOME")
    out = run("agent", "unit")[1]
    assert f"GPUTUI_CONFIG={home}/config.toml" in out
    assert "'GPUTUI_STATE_DIR=/var/100%%$$HOME'" in out
    assert out.splitlines()[5].startswith("ExecStart=/")
    assert out.splitlines()[5].endswith(" agent")


def test_an_agent_without_metrics_is_replaced_by_one_with_them(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = [{"name": "leases", "busy": False}]
    served = [*plain, {"name": "metrics on 127.0.0.1:19797", "busy": True}]
    running: list[dict[str, Any]] = [{**STATUS, "services": plain}]
    stops: list[int] = []

    def ensure(program: Sequence[str], *_: object, asked: bool) -> None:
        assert asked
        # Between the first stop and the start a session starts one without metrics.
        services = served if len(stops) == 2 else plain
        if not running:
            running.append({**STATUS, "pid": 8, "services": services})

    def stop(_: Path) -> None:
        stops.append(running.pop()["pid"])

    monkeypatch.setattr("gputui.agent.start.ask_agent", lambda *_, **__: running[0] if running else None)
    monkeypatch.setattr("gputui.agent.start.ensure_agent", ensure)
    monkeypatch.setattr("gputui.agent.start.stop_agent", stop)
    status, _, err = run("agent", "--background", "--metrics", "19797")
    assert (status, stops) == (0, [7, 8])
    assert "Metrics: http://127.0.0.1:19797/metrics" in err
