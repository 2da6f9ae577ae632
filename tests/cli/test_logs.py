"""``gputui logs``: the newest lines, all since a time, what comes, each once."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from datetime import UTC, datetime

import pytest

from gputui.cli import logs
from gputui.errors import ConfigError, UnavailableError
from gputui.models import LogLine, LogPage, LogPosition, LogQuery, Ref, Row

REF = Ref("y", "worker", "e/w")


def line(number: int) -> LogLine:
    """Return a line; three share each moment."""
    return LogLine(None, f"line {number}", LogPosition(f"t{number // 3:04}", f"{number:04}"))


class Log:
    """A log of a worker that grows when it is told to, and may fail once."""

    def __init__(self, count: int) -> None:
        self.lines = [line(number) for number in range(count)]
        self.calls: list[tuple[bool, int]] = []
        self.failures: list[Exception] = []

    def has_logs(self, row: Row) -> bool:
        return True

    async def read_log(
        self, ref: Ref, query: LogQuery, *, after: LogPosition | None = None, backward: bool = False, size: int = 1000
    ) -> LogPage:
        self.calls.append((backward, size))
        if self.failures:
            raise self.failures.pop()
        lines = self.lines[::-1] if backward else self.lines
        if after is not None:
            key = (after.time, after.offset)
            lines = [
                one
                for one in lines
                if ((one.position.time, one.position.offset) < key) == backward and one.position != after
            ]
        found = lines[:size]
        ordered = tuple(sorted(found, key=lambda one: one.position.offset))
        return LogPage(ordered, len(lines) > size, found[-1].position if found else after)


def args(**given: object) -> Namespace:
    usual = {"output": "text", "timestamps": False, "utc": True, "follow": False, "tail": None}
    return Namespace(**(usual | given))


@pytest.mark.parametrize(("tail", "count"), [(None, 100), (0, 0), (1, 1), (1000, 1000), (2500, 2500), (9999, 3000)])
async def test_the_newest_lines_are_shown_oldest_first(
    capsys: pytest.CaptureFixture[str], tail: int | None, count: int
) -> None:
    log = Log(3000)
    await logs._Lines(log, REF, LogQuery(), args(tail=tail)).print()
    assert capsys.readouterr().out.splitlines() == [one.text for one in log.lines[3000 - count :]]


async def test_all_since_a_time_comes_page_by_page(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(2345)
    await logs._Lines(log, REF, LogQuery(since=datetime(2026, 1, 1, tzinfo=UTC)), args()).print()
    assert capsys.readouterr().out.splitlines() == [one.text for one in log.lines]
    assert log.calls == [(False, 1000)] * 3


async def test_what_is_written_later_follows_once_each_through_a_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(150)
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

    monkeypatch.setattr("gputui.cli.logs.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await logs._Lines(log, REF, LogQuery(), args(follow=True, tail=10)).print()
    printed = capsys.readouterr()
    shown = printed.out.splitlines()
    assert shown == [one.text for one in log.lines[140 : 140 + len(shown)]]
    assert len(shown) > 400
    assert "no answer. Asking again in 1 s." in printed.err
    assert "y answers again." in printed.err


async def test_json_is_a_line_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    await logs._Lines(Log(2), REF, LogQuery(), args(output="json")).print()
    assert [json.loads(text) for text in capsys.readouterr().out.splitlines()] == [
        {"at": None, "offset": "0000", "text": "line 0"},
        {"at": None, "offset": "0001", "text": "line 1"},
    ]


@pytest.mark.parametrize("name", ["since", "until"])
def test_what_is_no_time_is_said(name: str) -> None:
    given = {"since": "", "until": "", "grep": "", "utc": False} | {name: "soon"}
    with pytest.raises(ConfigError, match=f"--{name} must be such as 90m"):
        logs._query(Namespace(**given))
