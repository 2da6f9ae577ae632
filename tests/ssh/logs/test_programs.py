"""Logs of units and containers, by programs of a temporary directory in the place of journalctl and docker."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gputui.errors import InvalidError, LogError
from gputui.models import LogKind, LogPosition, LogQuery, LogSeverity, LogSource
from gputui.ssh.client import Connection
from gputui.ssh.logs import containers
from gputui.ssh.logs.looks import Looks
from gputui.ssh.logs.source import SourceLog, open_source
from tests.ssh.conftest import Person
from tests.ssh.shells import ShellServer


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is searched for programs first."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    return directory


def program(programs: Path, name: str, text: str) -> None:
    path = programs / name
    path.write_text(f"#!{sys.executable} -IS\n{text}")
    path.chmod(0o755)


@pytest.fixture
async def looks(programs: Path, person: Person) -> AsyncIterator[Looks]:
    async with ShellServer() as server:
        connection = await person.connect(server.port)

        @asynccontextmanager
        async def lease() -> AsyncIterator[Connection]:
            yield connection

        yield Looks(lease, "main")


async def past(log: SourceLog, size: int) -> list[str]:
    """Read all of the past, page by page."""
    page = await log.read(LogQuery(), after=None, backward=True, size=size)
    found = [line.text for line in page.lines]
    while page.more:
        page = await log.read(LogQuery(), after=page.next, backward=True, size=size)
        found[:0] = [line.text for line in page.lines]
    return found


async def new(log: SourceLog, after: LogPosition | None) -> list[str]:
    page = await log.read(LogQuery(), after=after, backward=False, size=1000)
    return [line.text for line in page.lines]


_JOURNAL = """
import json, pathlib, sys
entries = json.loads(pathlib.Path(__file__).with_name("entries").read_text())
options = dict(word.lstrip("-").partition("=")[::2] for word in sys.argv[1:])
assert options["unit"] == "train.service", options
entries = list(enumerate(entries))
after = int(options["after-cursor"][1:]) if "after-cursor" in options else None
if "reverse" in options:
    entries = [each for each in entries[::-1] if after is None or each[0] < after]
elif after is not None:
    entries = [each for each in entries if each[0] > after]
for number, message in entries:
    fields = {"__CURSOR": f"c{number}", "__REALTIME_TIMESTAMP": str(10**15 + number), "PRIORITY": str(number)}
    print(json.dumps(fields | {"MESSAGE": message}))
"""


async def test_the_journal_of_a_unit_is_read_in_both_directions(looks: Looks, programs: Path) -> None:
    messages = ["started", "two\nlines", [72, 105, 27], *(f"step {number}" for number in range(10))]
    (programs / "entries").write_text(json.dumps(messages))
    program(programs, "journalctl", _JOURNAL)
    log = open_source(LogSource(LogKind.UNIT, "train.service"), looks, None)

    texts = ["started", "two", "lines", "Hi�", *(f"step {number}" for number in range(10))]
    assert await past(log, 8) == texts
    page = await log.read(LogQuery(), after=None, backward=True, size=4)
    assert page.lines[-1].at is not None
    page = await log.read(LogQuery(), after=None, backward=True, size=100)
    levels = {line.text: line.severity for line in page.lines}
    assert [levels[name] for name in ("started", "step 0", "step 1", "step 2", "step 9")] == [
        LogSeverity.ERROR,
        LogSeverity.ERROR,
        LogSeverity.WARNING,
        LogSeverity.LOWER,
        None,
    ]
    (programs / "entries").write_text(json.dumps([*messages, "last"]))
    assert await new(log, page.lines[-1].position) == ["last"]


async def test_a_cursor_that_would_control_the_terminal_is_no_cursor(looks: Looks, programs: Path) -> None:
    (programs / "entries").write_text(json.dumps(["first", "second"]))
    program(programs, "journalctl", _JOURNAL.replace('f"c{number}"', 'f"c{number}" + number * chr(0x9b)'))
    assert await past(open_source(LogSource(LogKind.UNIT, "train.service"), looks, None), 8) == ["first"]


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ("No journal files were opened due to insufficient permissions.", "loaded", "permission denied"),
        ("-- No entries --", "not-found", "There is no unit train.service"),
        ("System has not been booted with systemd as init system (PID 1).", "", "systemd does not run there"),
    ],
)
async def test_it_says_why_a_unit_has_no_journal(
    looks: Looks, programs: Path, said: str, status: str, words: str
) -> None:
    program(programs, "journalctl", f"import sys; sys.exit({said!r})")
    program(programs, "systemctl", f"print('LoadState={status}')")

    with pytest.raises(LogError, match=words):
        await past(open_source(LogSource(LogKind.UNIT, "train.service"), looks, None), 10)


_DOCKER = """
import pathlib, sys
if sys.argv[1] == "inspect":
    sys.exit(sys.argv[-1] != "trainer")
if sys.argv[-1] != "trainer":
    sys.exit(f"Error response from daemon: No such container: {sys.argv[-1]}")
options = dict(zip(sys.argv[3:-1:2], sys.argv[4:-1:2]))
lines = pathlib.Path(__file__).with_name("output").read_text().splitlines()
for line in lines[-int(options["--tail"]):]:
    if options.get("--since", "") <= line.split()[0] <= options.get("--until", "9"):
        print(line)
"""


async def test_the_output_of_a_container_is_read_in_both_directions(
    looks: Looks, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "_NEW", 100)
    # Every two lines have the same time, and every four the same text.
    rows = [f"2026-11-29T12:{n // 60:02}:{n % 60:02}.{n // 2:09}Z step {n // 4}" for n in range(300)]
    (programs / "output").write_text("\n".join(rows) + "\n")
    program(programs, "docker", _DOCKER)
    log = open_source(LogSource(LogKind.CONTAINER, "trainer"), looks, None)

    assert await past(log, 101) == [row.split(" ", 1)[1] for row in rows]
    page = await log.read(LogQuery(), after=None, backward=True, size=10)
    more = [f"2026-11-29T13:00:00.{n:09}Z more {n}" for n in range(250)]
    (programs / "output").write_text("\n".join(rows + more) + "\n")
    assert await new(log, page.lines[-1].position) == [f"more {n}" for n in range(250)]
    many = [*rows, *more, *(f"2026-11-29T14:00:{n // 100:02}.{n:09}Z much {n}" for n in range(2000))]
    (programs / "output").write_text("\n".join(many) + "\n")
    found = await log.read(LogQuery(), after=page.lines[-1].position, backward=False, size=1000)
    assert "lines before this are left out" in found.lines[0].text
    assert [line.text for line in found.lines[1:]] == [f"much {n}" for n in range(400, 2000)]
    with pytest.raises(LogError, match="There is no container other"):
        await past(open_source(LogSource(LogKind.CONTAINER, "other"), looks, None), 10)


@pytest.mark.parametrize(
    "source", [LogSource(LogKind.UNIT, "-M host"), LogSource(LogKind.CONTAINER, "-f"), LogSource(LogKind.FILE, "")]
)
def test_a_name_that_is_an_option_is_refused(looks: Looks, source: LogSource) -> None:
    with pytest.raises(InvalidError):
        open_source(source, looks, None)
