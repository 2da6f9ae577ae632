"""``gputui logs``: the newest lines, all since a time, what comes, each once."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from gputui.cli.commands import logs
from gputui.cli.log_lines import PrintedLog
from gputui.errors import ConfigError, NotFoundError, UnavailableError
from gputui.fleet.remote_logs import RemoteLogs
from gputui.models import Deployment, Instance, LogKind, LogQuery, LogSource, Phase, Ref, SSHTarget
from gputui.sim.server import Running
from gputui.ssh.logs.looks import Look, Looks
from tests.logs.written_log import WrittenLog, line

Run = Callable[..., tuple[int, str, str]]
REF = Ref("y", "worker", "e/w")


def args(**given: object) -> Namespace:
    usual = {"output": "text", "timestamps": False, "utc": True, "follow": False, "tail": None}
    return Namespace(**(usual | given))


def lines_of(log: WrittenLog, query: LogQuery, given: Namespace) -> PrintedLog:
    return PrintedLog(partial(log.read, REF), REF.account, query, given)


def test_of_a_deployment_its_only_instance_writes_and_of_several_one_is_to_be_named() -> None:
    deployment = Deployment(Ref("y", "endpoint", "e"), "chat", "ALB", Phase.RUNNING, "RUNNING")
    first, second = (
        Instance(Ref("y", "worker", f"e/{name}"), name, Phase.RUNNING, "RUNNING", parent=deployment.ref)
        for name in ("w1", "w2")
    )
    other = Instance(Ref("y", "pod", "1"), "other", Phase.RUNNING, "RUNNING")
    assert logs._writer(other, []) is other
    assert logs._writer(deployment, [deployment, other, first]) is first
    with pytest.raises(NotFoundError, match="has 2 instances, each with a log of its own") as several:
        logs._writer(deployment, [first, second])
    assert several.value.hint == "Name one: y/worker/e/w1, y/worker/e/w2."
    with pytest.raises(NotFoundError, match="has no instances now: nothing writes a log"):
        logs._writer(deployment, [other])


@pytest.mark.parametrize(("tail", "count"), [(None, 100), (0, 0), (1, 1), (1000, 1000), (2500, 2500), (9999, 3000)])
async def test_the_newest_lines_are_shown_oldest_first(
    capsys: pytest.CaptureFixture[str], tail: int | None, count: int
) -> None:
    log = WrittenLog(3000)
    await lines_of(log, LogQuery(), args(tail=tail)).print()
    assert capsys.readouterr().out.splitlines() == [one.text for one in log.lines[3000 - count :]]


async def test_all_since_a_time_comes_page_by_page(capsys: pytest.CaptureFixture[str]) -> None:
    log = WrittenLog(2345)
    await lines_of(log, LogQuery(since=datetime(2026, 1, 1, tzinfo=UTC)), args()).print()
    assert capsys.readouterr().out.splitlines() == [one.text for one in log.lines]
    assert log.calls == [(False, 1000)] * 3


async def test_what_is_written_later_follows_once_each_through_a_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = WrittenLog(150)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if seconds == 1.0:
            start = len(log.lines)
            log.lines += [line(number) for number in range(start, start + 50)]
        if len(slept) == 4:
            log.failures.append(UnavailableError("y: no answer."))
        if len(slept) > 20:
            raise asyncio.CancelledError

    monkeypatch.setattr("gputui.cli.log_lines.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await lines_of(log, LogQuery(), args(follow=True, tail=10)).print()
    printed = capsys.readouterr()
    shown = printed.out.splitlines()
    assert shown == [one.text for one in log.lines[140 : 140 + len(shown)]]
    assert len(shown) > 400
    assert "no answer. Retrying in 2 s." in printed.err
    assert "y answers again." in printed.err


async def test_an_error_in_the_middle_of_catching_up_prints_nothing_twice(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = WrittenLog(10)
    slept = 0

    async def sleep(seconds: float) -> None:
        nonlocal slept
        slept += 1
        if slept == 1:
            log.lines += [line(number) for number in range(10, 4010)]
            log.failures = [None, None, UnavailableError("y: no answer.")]
        if slept == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr("gputui.cli.log_lines.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await lines_of(log, LogQuery(), args(follow=True)).print()
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [one.text for one in log.lines]
    assert "no answer. Retrying" in printed.err


async def test_following_ends_when_nothing_reads_its_output_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    log = WrittenLog(3)
    reading, writing = os.pipe()
    slept = 0

    async def sleep(seconds: float) -> None:
        nonlocal slept
        slept += 1
        if slept == 2:
            os.close(reading)
        assert slept < 5

    monkeypatch.setattr("gputui.cli.log_lines.asyncio.sleep", sleep)
    with os.fdopen(writing, "w") as stdout, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", stdout)
        with pytest.raises(BrokenPipeError):
            await lines_of(log, LogQuery(), args(follow=True)).print()
    assert slept == 2


async def test_json_is_a_line_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    await lines_of(WrittenLog(2), LogQuery(), args(output="json")).print()
    assert [json.loads(text) for text in capsys.readouterr().out.splitlines()] == [
        {"at": "2026-03-01T11:00:00Z", "offset": "000000", "text": "line 0"},
        {"at": "2026-03-01T11:00:00Z", "offset": "000001", "text": "line 1"},
    ]


@pytest.mark.parametrize("name", ["since", "until"])
def test_what_is_no_time_is_said(name: str) -> None:
    given = {"since": "", "until": "", "grep": "", "utc": False} | {name: "soon"}
    with pytest.raises(ConfigError, match=f"--{name} must be such as 90m"):
        logs._query(Namespace(**given))


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: Running) -> Path:
    """A directory of instances, whose looks are those of this machine."""

    async def look(self: Looks, script: str, target: object, *, limit: int) -> Look:
        done = await asyncio.to_thread(subprocess.run, ["sh", "-c", script], capture_output=True)
        return Look(done.stdout, done.stderr.decode(), done.returncode)

    monkeypatch.setattr(Looks, "look", look)
    return tmp_path


def test_a_file_of_an_instance_is_read_over_ssh_and_remembered(there: Path, run: Run) -> None:
    (there / "train.log").write_text("one\ntwo\nthree\n")
    assert run("logs", "lab/main", "--file", f"{there}/train.log", "-n", "2") == (0, "two\nthree\n", "")
    status, out, err = run("logs", "lab/main")
    assert (status, out) == (0, "one\ntwo\nthree\n")
    assert err == f"gputui: --file {there}/train.log, the log that was read last.\n"


async def test_of_a_container_on_a_host_the_log_is_its_own_output() -> None:
    host = Ref("own", "host", "gpu01")
    web, vllm = (
        Instance(
            Ref("own", "container", f"gpu01/{name}"),
            name,
            Phase.RUNNING,
            "running",
            parent=host,
            ssh=SSHTarget("gpu01", 22, "", enter=("docker", name)),
        )
        for name in ("web", "vllm")
    )
    read = RemoteLogs(cast("Any", None), None)
    await read.remember(web, LogSource(LogKind.FILE, "/var/log/web.log"))
    assert await logs._last_read(read, vllm) == LogSource(LogKind.CONTAINER, "vllm")


def test_a_glob_that_matches_several_files_names_them(there: Path, run: Run) -> None:
    for name in ("a.log", "b.log"):
        (there / name).write_text(f"{name}\n")
    status, out, err = run("logs", "lab/main", "--file", f"{there}/*.log")
    assert (status, out) == (2, "")
    assert "matches 2 files; name one." in err
    assert f"{there}/b.log" in err
    assert run("logs", "lab/main", "--file", f"{there}/b*")[1] == "b.log\n"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 2, "lab/pod/main: name the log that is to be read over SSH. --file PATH"),
        (("--file", "/none.log"), 1, "/none.log is not there."),
        (("--file", "/x", "--since", "2h"), 2, "The lines of a file have no times"),
        (("--unit", "a b"), 1, "A unit is needed"),
        (("--unit", "x", "--container", "y"), 2, "not allowed with argument --unit"),
    ],
)
def test_it_says_what_is_missing_for_a_log_over_ssh(
    there: Path, run: Run, words: tuple[str, ...], status: int, said: str
) -> None:
    found, out, err = run("logs", "lab/main", *words)
    assert (found, out) == (status, "")
    assert said in err
