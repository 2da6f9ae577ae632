"""App, shell on a real OpenSSH server, app: the same hand-over as in the fast suite, with a real remote terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.app.test_suspend import APP, back_in_the_app, quit_cleanly
from tests.ssh.pty import Program

from .openssh import OpenSSH


@pytest.fixture(autouse=True)
def quiet_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


async def start(openssh: OpenSSH, tmp_path: Path) -> Program:
    program = Program()
    program.start(sys.executable, *APP, str(openssh.port), str(openssh.key), str(tmp_path / "state"))
    await program.until("the last line")
    program.type(b"s")
    start = len(program.output)
    await program.until_output(b"\x1b[?1049l", start)
    # The login shell is the user's own, its prompt unknown: give it one.
    program.type(b"PS1='rea''dy> '\r")
    await program.until("ready> ")
    return program


async def test_a_shell_and_back(openssh: OpenSSH, tmp_path: Path) -> None:
    program = await start(openssh, tmp_path)
    program.resize(100, 30)
    # One job: an interrupt that comes between two jobs ends neither.
    program.type(b"sh -c 'stty size; exec sleep 100'\r")
    await program.until("30 100")
    program.type(b"\x03")
    program.type(b"exit 12\r")
    await program.until("exit: 12")
    await program.until(" 100x30")
    await back_in_the_app(program)
    await quit_cleanly(program)
    await program.close()


async def test_a_server_that_vanishes(openssh: OpenSSH, tmp_path: Path) -> None:
    program = await start(openssh, tmp_path)
    openssh.stop()
    await program.until("dropped: ")
    await back_in_the_app(program)
    await quit_cleanly(program)
    await program.close()
