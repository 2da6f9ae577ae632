"""The app lends its terminal to an SSH shell and gets it back: a real app on a real pseudo-terminal."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from tests.ssh.pty import Program
from tests.ssh.servers import Server

Start = Callable[..., AbstractAsyncContextManager[Program]]
APP = ("-m", "tests.ssh.handover_app")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "id")
    (tmp_path / "id").chmod(0o600)
    async with Server(client_keys=[key], password=None) as server:
        yield server


@pytest.fixture
def app(server: Server, tmp_path: Path) -> Start:
    @asynccontextmanager
    async def start(*options: str) -> AsyncIterator[Program]:
        program = Program()
        try:
            program.start(
                sys.executable, *APP, str(server.port), str(tmp_path / "id"), str(tmp_path / "state"), *options
            )
            await program.until("the last line")
            yield program
        finally:
            await program.close()

    return start


async def quit_cleanly(program: Program) -> None:
    program.type(b"q")
    assert await program.ended() == 0
    assert program.terminal.settings() == program.before


async def back_in_the_app(program: Program) -> None:
    """The whole screen is there again, it moves, and keys work."""
    await program.until("the last line")
    keys = int(re.search(r"keys: (\d+)", program.text)[1])  # type: ignore[index]  # it is there
    program.type(b"k")
    await program.until(f"keys: {keys + 1}")


async def test_a_shell_and_back_twice(app: Start, server: Server) -> None:
    async with app() as program:
        for _ in range(2):
            program.type(b"s")
            await program.until("$ ")
            server.typed.clear()
            text = b"".join(b"%d," % number for number in range(400))
            program.type(text + b"\r")
            await program.until("399,")
            program.type(b"exit 5\r")
            await program.until("exit: 5")
            assert bytes(server.typed) == text + b"\rexit 5\r"
            await back_in_the_app(program)
        await quit_cleanly(program)


async def test_the_app_neither_draws_nor_hangs_while_the_shell_has_the_terminal(app: Start, server: Server) -> None:
    async with app() as program:
        program.type(b"s")
        await program.until("$ ")
        start = len(program.output)
        # The app ticks and rings 50 times a second; 30 writes fill the queue of a suspended driver.
        for number in range(20):
            program.type(b"echo %d\r" % number)
            await program.until_output(b"echo %d\r\r\n$ " % number, start)
            await asyncio.sleep(0.05)
        shown = bytes(program.output[start:])
        assert b"ticks" not in shown
        assert b"\x07" not in shown
        program.type(b"exit\r")
        await program.until("exit: 0")
        await back_in_the_app(program)
        await quit_cleanly(program)


async def test_an_exception_inside_comes_out_in_the_app(app: Start) -> None:
    async with app() as program:
        program.type(b"b")
        await program.until("error: boom")
        await back_in_the_app(program)
        await quit_cleanly(program)


async def test_a_cancelled_shell_returns_to_the_app(app: Start) -> None:
    async with app() as program:
        program.type(b"c")
        await program.until("$ ")
        await program.until("cancelled")
        await back_in_the_app(program)
        await quit_cleanly(program)


async def test_a_dropped_connection_returns_to_the_app(app: Start, server: Server) -> None:
    async with app() as program:
        program.type(b"s")
        await program.until("$ ")
        program.type(b"modes\r")
        await program.until("red")
        server.drop()
        await program.until("dropped: The connection to lab/pod/main")
        await back_in_the_app(program)
        await quit_cleanly(program)


async def test_a_window_resized_during_the_shell_is_the_apps_size_afterwards(app: Start, server: Server) -> None:
    async with app() as program:
        program.type(b"s")
        await program.until("$ ")
        program.resize(100, 30)
        await program.until("<100x30>")
        program.type(b"exit\r")
        await program.until("exit: 0")
        await program.until(" 100x30")
        await back_in_the_app(program)
        program.resize(90, 20)
        await program.until(" 90x20")
        await quit_cleanly(program)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_during_the_shell_leaves_the_terminal_as_found(app: Start, number: signal.Signals) -> None:
    async with app() as program:
        program.type(b"s")
        await program.until("$ ")
        start = len(program.output)
        program.process.send_signal(number)
        assert await program.ended() == -number
        assert program.terminal.settings() == program.before
        assert b"\x1b[?1049h" not in program.output[start:]


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP])
async def test_a_stop_during_the_shell_is_resumed_in_the_shell(app: Start, number: signal.Signals) -> None:
    async with app() as program:
        program.type(b"s")
        await program.until("$ ")
        program.type(b"modes\r")
        await program.until("red")
        raw = program.terminal.settings()
        start = len(program.output)
        program.process.send_signal(number)
        await program.stopped()
        if number is signal.SIGTSTP:
            await program.until_output(b"\x1b[?1049l", start)
            assert program.terminal.settings() == program.before
        program.process.send_signal(signal.SIGCONT)
        await program.until("<80x24>")  # the remote program is made to draw
        assert program.terminal.settings() == raw
        assert program.output.rfind(b"\x1b[?1049h") > program.output.rfind(b"\x1b[?1049l") > start
        program.type(b"exit\r")
        await program.until("exit: 0")
        await back_in_the_app(program)
        await quit_cleanly(program)


async def test_an_app_that_exits_on_sigterm_does_not_take_the_terminal_again(app: Start) -> None:
    async with app("--own-sigterm") as program:
        program.type(b"s")
        await program.until("$ ")
        start = len(program.output)
        program.process.send_signal(signal.SIGTERM)
        assert await program.ended() == 0
        assert program.terminal.settings() == program.before
        assert b"\x1b[?1049h" not in program.output[start:]
