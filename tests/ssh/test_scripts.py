"""Scripts run over a connection: any login shell, output apart, their end, and their end by force."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gputui.errors import InvalidError, SshError, UnknownOutcomeError
from gputui.models import SSHTarget
from gputui.ssh import scripts
from gputui.ssh.client import Connection
from gputui.ssh.scripts import Ended, Reason, script_for_sh
from tests.ssh.conftest import Person
from tests.ssh.shells import ShellServer


class Written:
    """What a script wrote, and its end."""

    def __init__(self) -> None:
        self.out = bytearray()
        self.err = bytearray()
        self.end = Ended(None)
        self.started = asyncio.Event()
        self.printed = asyncio.Event()

    async def take(self, connection: Connection, script: str, **options: Any) -> Written:
        async def stdout(piece: bytes) -> None:
            self.out += piece
            self.printed.set()

        async def stderr(piece: bytes) -> None:
            self.err += piece

        self.end = await scripts.run(
            connection, script, stdout=stdout, stderr=stderr, started=self.started.set, **options
        )
        return self


async def ran(connection: Connection, script: str, **options: Any) -> Written:
    return await Written().take(connection, script, **options)


def shell(*words: str) -> Any:
    missing = shutil.which(words[0]) is None
    return pytest.param(words, marks=pytest.mark.skipif(missing, reason=f"{words[0]} is not installed"))


@pytest.mark.parametrize(
    "login_shell", [("sh", "-c"), shell("bash", "-rc"), shell("dash", "-c"), shell("fish", "-c"), shell("zsh", "-c")]
)
async def test_any_login_shell_runs_a_script_in_sh(person: Person, login_shell: tuple[str, ...]) -> None:
    async with ShellServer(login_shell) as server:
        connection = await person.connect(server.port)
        script = 'for i in 1 2; do printf "%s\\n" "$i it\'s \\\\n $# $s"; done\nread x; echo eof=$? >&2; exit 3'
        done = await ran(connection, script)

    assert bytes(done.out) == b"1 it's \\n 0 \n2 it's \\n 0 \n"
    assert bytes(done.err) == b"eof=1\n"
    assert done.end == Ended(3)


async def test_what_a_start_up_file_prints_is_no_output(person: Person) -> None:
    banner = 'printf Welcome; echo "warning" >&2; eval "$0"'
    async with ShellServer(("sh", "-c", banner)) as server:
        done = await ran(await person.connect(server.port), "printf out; printf err >&2")

    assert (bytes(done.out), bytes(done.err), done.end) == (b"out", b"err", Ended(0))


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("echo 'Choose: 1 train'; read choice; echo \"got $choice\"; cat", "It printed 'Choose: 1 train"),
        ('read line; eval "$0"', "may wait for input or start a menu"),
        ("echo 'This account is not available.'; exit 1", "did not start sh (exit status 1); nothing was run."),
    ],
)
async def test_a_program_that_is_no_shell_gets_nothing_of_the_script(
    person: Person, monkeypatch: pytest.MonkeyPatch, program: str, words: str
) -> None:
    monkeypatch.setattr(scripts, "START_SECONDS", 0.3)
    done = Written()
    async with ShellServer(("sh", "-c", program)) as server:
        with pytest.raises(SshError, match=words.replace("(", r"\(").replace(")", r"\)")):
            await done.take(await person.connect(server.port), "touch /nowhere")

    assert not done.started.is_set()


async def test_the_time_limit_ends_a_script_with_what_it_started(person: Person) -> None:
    async with ShellServer() as server:
        done = await ran(await person.connect(server.port), "sleep 600 & echo begun; sleep 600", timeout=0.2)
        await asyncio.wait_for(server.processes[0].wait(), 5)

    assert done.end == Ended(None, "TERM", Reason.TIMEOUT)
    assert bytes(done.out) == b"begun\n"


async def test_what_a_server_started_for_others_is_not_ended_with_a_script(person: Person, tmp_path: Path) -> None:
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    other = f"trap 'touch {ended}' TERM; touch {begun}; while :; do sleep 0.05; done"
    server_alike = (
        "import pathlib, subprocess, sys, time\n"
        f"other = subprocess.Popen(['sh', '-c', {other!r}], stdin=-3, stdout=-3, stderr=-3)\n"
        f"while not pathlib.Path({str(begun)!r}).exists(): time.sleep(0.01)\n"
        "sys.exit(subprocess.call(['sh', '-c', sys.argv[1]]))"
    )
    async with ShellServer((sys.executable, "-c", server_alike)) as server:
        connection = await person.connect(server.port)
        done = await ran(connection, "sleep 61; echo survived", timeout=0.2)
        assert (done.end.reason, done.end.may_run, done.end.open, bytes(done.out)) == ("timeout", False, False, b"")
    assert begun.exists()
    assert not ended.exists()


async def test_a_script_that_ignores_term_is_killed(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "_TERM_SECONDS", 0.2)
    stop = asyncio.Event()
    async with ShellServer() as server:
        done = Written()
        script = "trap '' TERM; echo ready; while :; do sleep 1; done"
        running = asyncio.create_task(done.take(await person.connect(server.port), script, stop=stop))
        await done.printed.wait()
        stop.set()
        await running

        assert "-s KILL" in server.commands[2]
    assert done.end.reason is Reason.STOPPED
    assert not done.end.may_run


async def test_a_script_whose_link_breaks_has_an_unknown_outcome(person: Person) -> None:
    async with ShellServer() as server:
        done = Written()
        running = asyncio.create_task(done.take(await person.connect(server.port), "sleep 600"))
        await done.started.wait()
        server.drop()
        with pytest.raises(UnknownOutcomeError, match="was lost while the command ran"):
            await running


async def test_a_writer_that_fails_ends_the_script(person: Person) -> None:
    async def broken(piece: bytes) -> None:
        raise BrokenPipeError

    async def nothing(piece: bytes) -> None: ...

    async with ShellServer() as server:
        connection = await person.connect(server.port)
        with pytest.raises(BrokenPipeError):
            await scripts.run(connection, "echo a; sleep 600", stdout=broken, stderr=nothing)
        await asyncio.wait_for(server.processes[0].wait(), 5)


async def test_a_cancelled_script_gets_term(person: Person) -> None:
    async with ShellServer() as server:
        done = Written()
        running = asyncio.create_task(done.take(await person.connect(server.port), "sleep 600"))
        await done.started.wait()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await asyncio.wait_for(server.processes[0].wait(), 5)

        assert len(server.processes) == 2, "the second command sends the signal"


async def test_a_script_that_leaves_others_running_has_ended(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "_LINGER_SECONDS", 0.1)
    monkeypatch.setattr(scripts, "_LOOK_SECONDS", 0.05)
    async with ShellServer(reports_at_once=True) as server:
        done = await ran(await person.connect(server.port), "sleep 600 & echo left; exit 4", timeout=5)

    assert bytes(done.out) == b"left\n"
    assert done.end == Ended(4, open=True)


async def test_stdin_is_the_scripts_own_where_it_is_given(person: Person) -> None:
    async def lines() -> AsyncIterator[bytes]:
        yield b"first\n"
        yield "zweite ä\n".encode()

    async with ShellServer() as server:
        done = await ran(await person.connect(server.port), 'read a; echo "[$a]"; cat', stdin=lines())

    assert bytes(done.out).decode() == "[first]\nzweite ä\n"


async def test_a_script_runs_inside_a_container_of_the_host(person: Person, tmp_path: Any) -> None:
    engine = tmp_path / "docker"
    engine.write_text('#!/bin/sh\necho "$1 $2 $3" >&2\nshift 3\nexec "$@"\n')
    engine.chmod(0o700)
    target = SSHTarget("", 0, "", enter=(str(engine), "abc"))
    async with ShellServer() as server:
        done = await ran(await person.connect(server.port), "echo \"in 'it'\"", target=target)

    assert (bytes(done.out), bytes(done.err)) == (b"in 'it'\n", b"")
    assert server.commands[0].startswith(f"{engine} exec -i abc sh -c ")


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("echo it's", "echo it's"),
        ("#!/bin/sh\necho a", "#!/bin/sh\necho a"),
        ("#!/usr/bin/env bash\necho 'a'", "exec bash -c '#!/usr/bin/env bash\necho '\"'\"'a'\"'\"''"),
        ("#!/bin/sh -e\nfalse", "exec /bin/sh -e -c '#!/bin/sh -e\nfalse'"),
        ("#!/usr/bin/python3.11\n1", "exec /usr/bin/python3.11 -c '#!/usr/bin/python3.11\n1'"),
    ],
)
def test_a_script_is_sent_to_the_interpreter_that_it_names(text: str, sent: str) -> None:
    assert script_for_sh(text) == sent


@pytest.mark.parametrize("text", ["#!/usr/bin/perl\nprint 1", "x" * (2**20 + 1), "#!/bin/bash\n" + "x" * 130_000])
def test_a_script_that_cannot_be_sent_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match=r"can be sent"):
        script_for_sh(text)
