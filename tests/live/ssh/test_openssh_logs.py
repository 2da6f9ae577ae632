"""Logs in files on a real OpenSSH server, with ``tail -F`` over OpenSSH's own client next to them: the same lines."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from .openssh import OpenSSH, program

NOTE = "── gputui: "


class Follower:
    """A program that prints the lines of a log as they come."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._reading = asyncio.gather(
            self._read(process.stdout, self.lines), self._read(process.stderr, self.errors)
        )

    @staticmethod
    async def _read(stream: asyncio.StreamReader | None, lines: list[str]) -> None:
        assert stream is not None
        async for line in stream:
            lines.append(line.decode("utf-8", "replace").rstrip("\n"))

    @property
    def logged(self) -> list[str]:
        """The lines of the log alone."""
        return [line for line in self.lines if not line.startswith(NOTE)]

    async def until(self, holds: Callable[[list[str]], bool], what: str) -> None:
        for _ in range(1500):
            if holds(self.lines):
                return
            await asyncio.sleep(0.02)
        pytest.fail(f"{what} never came: {self.lines[-5:]} {self.errors[-5:]}")

    async def end(self) -> int:
        await self._reading
        return await self.process.wait()


class Person:
    """A person with a ~/.ssh who knows the server as gpu01, and an account of gputui for it."""

    def __init__(self, openssh: OpenSSH, home: Path) -> None:
        (home / ".ssh").mkdir(mode=0o700)
        config = home / ".ssh" / "config"
        config.write_text(
            f"Host gpu01\n  HostName 127.0.0.1\n  Port {openssh.port}\n  User {openssh.user}\n"
            f"  IdentityFile {openssh.key}\n  StrictHostKeyChecking accept-new\n  UserKnownHostsFile {home}/known\n"
        )
        accounts = home / "config.toml"
        accounts.write_text('[accounts.own]\nkind = "ssh"\nhosts = ["gpu01"]\nssh = { agent = false }\n')
        for path in (config, accounts):
            path.chmod(0o600)
        self._config = config
        self._environment = {
            **os.environ,
            "HOME": str(home),
            "GPUTUI_CONFIG": str(accounts),
            "GPUTUI_STATE_DIR": str(home / "state"),
            "PYTHONUNBUFFERED": "1",
        }
        self._environment.pop("SSH_AUTH_SOCK", None)
        self._followers: list[Follower] = []

    async def gputui(self, *words: str) -> Follower:
        return await self.start(sys.executable, "-m", "gputui", "logs", "gpu01", "--no-timestamps", *words)

    async def tail(self, path: Path) -> Follower:
        ssh = program("ssh", "openssh-client")
        return await self.start(ssh, "-n", "-F", str(self._config), "gpu01", f"tail -n +1 -F -s 0.1 {path}")

    async def start(self, *words: str) -> Follower:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=self._environment
        )
        self._followers.append(Follower(process))
        return self._followers[-1]

    async def close(self) -> None:
        for follower in self._followers:
            with suppress(ProcessLookupError):
                follower.process.kill()
            await follower.end()


@pytest.fixture
async def person(openssh: OpenSSH, tmp_path: Path) -> AsyncIterator[Person]:
    home = tmp_path / "home"
    home.mkdir()
    person = Person(openssh, home)
    yield person
    await person.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "train.log"
    path.write_bytes(b"one\ntwo\n")
    return path


def append(path: Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)


async def test_a_log_that_grows_is_rotated_and_truncated_has_the_lines_of_tail(person: Person, log: Path) -> None:
    ours, theirs = await person.gputui("--file", str(log), "-f"), await person.tail(log)

    async def both(last: str) -> None:
        for follower in (ours, theirs):
            await follower.until(lambda lines: last in lines, last)

    await both("two")
    for number in range(50):
        append(log, f"step {number}\n".encode())
    append(log, b"x" * 5000 + b"\nlong one behind\n")
    await both("long one behind")
    append(log, b"last before\n")
    await both("last before")
    os.rename(log, f"{log}.1")  # noqa: PTH104
    append(log, b"rotated\n")
    await both("rotated")
    shutil.copy(log, f"{log}.1")
    os.truncate(log, 0)
    await ours.until(lambda lines: any("truncated" in line for line in lines), "the truncation")
    append(log, b"truncated away\n")
    await both("truncated away")
    os.unlink(log)  # noqa: PTH108
    await ours.until(lambda lines: any("is not there" in line for line in ours.errors), "the reason")
    append(log, b"there again\n")
    await both("there again")

    assert ours.logged == theirs.lines
    assert [
        word for line in ours.lines if line.startswith(NOTE) for word in ("rotated", "truncated") if word in line
    ][:2] == ["rotated", "truncated"]


async def test_a_server_that_is_killed_and_back_loses_and_doubles_no_line(
    person: Person, log: Path, openssh: OpenSSH
) -> None:
    ours = await person.gputui("--file", str(log), "-f")
    await ours.until(lambda lines: "two" in lines, "the past")
    for turn in range(2):
        append(log, f"before {turn}\n".encode())
        openssh.stop()
        append(log, f"while down {turn}\n".encode())
        openssh.start()
        append(log, f"after {turn}\n".encode())
        await ours.until(lambda lines, last=f"after {turn}": last in lines, "what came later")  # type: ignore[misc]

    expected = [f"{when} {turn}" for turn in range(2) for when in ("before", "while down", "after")]
    assert ours.lines == ["one", "two", *expected]
    assert ours.errors == ["gputui: own/host/gpu01: the connection was lost. Connecting again."] * 2


async def test_it_ends_by_ctrl_c_and_when_its_reader_ends(person: Person, log: Path) -> None:
    ours = await person.gputui("--file", str(log), "-f")
    await ours.until(lambda lines: "two" in lines, "the past")
    ours.process.send_signal(signal.SIGINT)
    assert await ours.end() == 130
    assert ours.errors == []

    command = f"{sys.executable} -m gputui logs gpu01 --file {log} -f | head -n 1"
    piped = await person.start("/bin/sh", "-c", command)
    assert await asyncio.wait_for(piped.end(), 20) == 0
    assert (piped.lines, piped.errors) == (["one"], [])
