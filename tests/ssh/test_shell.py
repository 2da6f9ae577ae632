"""The raw shell on a real pseudo-terminal: every byte, every size, and the terminal given back as it was."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from gputui.errors import SshError
from gputui.ssh.client import Connection
from gputui.ssh.shell import EscapeFilter, ShellEnd, interactive
from tests.ssh.conftest import Person
from tests.ssh.pty import Terminal
from tests.ssh.servers import Server


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    """A terminal that must be found as it was left, whatever the test did on it."""
    terminal = Terminal()
    handlers = [signal.getsignal(number) for number in (signal.SIGWINCH, signal.SIGTERM, signal.SIGHUP)]
    yield terminal
    assert terminal.settings() == terminal.before
    assert [signal.getsignal(number) for number in (signal.SIGWINCH, signal.SIGTERM, signal.SIGHUP)] == handlers
    terminal.close()


def start(connection: Connection, terminal: Terminal, command: str | None = None) -> asyncio.Task[ShellEnd]:
    return asyncio.create_task(
        interactive(connection, term="xterm", command=command, stdin_fd=terminal.slave, stdout_fd=terminal.slave)
    )


async def test_what_is_typed_arrives_and_the_exit_status_comes_back(
    person: Person, server: Server, terminal: Terminal
) -> None:
    shell = start(await person.connect(server.port), terminal)
    await terminal.until(b"$ ")
    text = "".join(f"line {number} αβγ" for number in range(100)).encode() + b"\x1a\x03\x11\x13\x1c\x7f\t\xff"
    terminal.type(text + b"\r")
    await terminal.until(b"$ ")
    terminal.type(b"exit 3\r")
    assert await shell == ShellEnd(3)
    assert bytes(server.typed) == text + b"\rexit 3\r"


async def test_what_is_typed_before_the_prompt_arrives(person: Person, server: Server, terminal: Terminal) -> None:
    connection = await person.connect(server.port)
    shell = start(connection, terminal)
    await server.started.wait()
    assert terminal.settings() != terminal.before
    terminal.type(b"exit 4\r")
    assert (await shell).exit_status == 4
    assert bytes(server.typed) == b"exit 4\r"


async def test_a_command_instead_of_a_shell(person: Person, server: Server, terminal: Terminal) -> None:
    assert await start(await person.connect(server.port), terminal, "exit 9") == ShellEnd(9)


async def test_an_end_by_signal_is_named(person: Person, server: Server, terminal: Terminal) -> None:
    end = await start(await person.connect(server.port), terminal, "kill")
    assert (end.exit_status, end.signal, end.dropped) == (None, "KILL", False)
    assert "SIGKILL" in end.message


async def test_the_size_goes_along_and_follows(person: Person, server: Server, terminal: Terminal) -> None:
    terminal.resize(101, 33, notify=False)
    shell = start(await person.connect(server.port), terminal)
    await terminal.until(b"$ ")
    terminal.resize(120, 40)
    await terminal.until(b"<120x40>")
    assert server.sizes == [(101, 33), (120, 40)]
    terminal.type(b"exit\r")
    await shell


async def test_the_locale_goes_along(
    person: Person, server: Server, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_TIME", "de_DE.UTF-8")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("HUB_TOKEN", "secret")
    await start(await person.connect(server.port), terminal, "exit 0")
    assert server.environment["LC_TIME"] == "de_DE.UTF-8"
    assert server.environment["COLORTERM"] == "truecolor"
    assert "HUB_TOKEN" not in server.environment


async def test_a_dropped_connection_ends_the_shell_and_undoes_its_modes(
    person: Person, server: Server, terminal: Terminal
) -> None:
    shell = start(await person.connect(server.port), terminal)
    await terminal.until(b"$ ")
    terminal.type(b"modes\r")
    await terminal.until(b"red")
    server.drop()
    end = await shell
    assert end.dropped
    assert "was lost" in end.message
    await terminal.until(b"\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b[?1049l\x1b[?25h\x1b>\x1b[0m")


async def test_a_cancelled_shell_gives_the_terminal_back(person: Person, server: Server, terminal: Terminal) -> None:
    shell = start(await person.connect(server.port), terminal)
    await terminal.until(b"$ ")
    shell.cancel()
    with pytest.raises(asyncio.CancelledError):
        await shell


async def test_a_server_that_gives_no_terminal_is_an_error(person: Person, terminal: Terminal) -> None:
    async with Server(allow_pty=False) as server:
        with pytest.raises(SshError):
            await start(await person.connect(server.port), terminal)


async def test_a_connection_lost_before_the_shell_is_an_error(
    person: Person, server: Server, terminal: Terminal
) -> None:
    connection = await person.connect(server.port)
    server.drop()
    await connection.ssh.wait_closed()
    with pytest.raises(SshError, match="was lost"):
        await start(connection, terminal)


async def test_tilde_dot_hangs_up(person: Person, server: Server, terminal: Terminal) -> None:
    shell = start(await person.connect(server.port), terminal)
    await terminal.until(b"$ ")
    terminal.type(b"x\r")
    await terminal.until(b"$ ")
    terminal.type(b"~.")
    end = await shell
    assert (end.exit_status, end.dropped) == (None, False)
    assert "Hung up" in end.message
    assert bytes(server.typed) == b"x\r"


async def test_a_closed_window_ends_the_shell(person: Person, server: Server) -> None:
    terminal = Terminal()
    shell = start(await person.connect(server.port), terminal)
    await terminal.until(b"$ ")
    terminal.stop_reading()
    os.close(terminal.master)
    assert "closed" in (await asyncio.wait_for(shell, 10)).message
    os.close(terminal.slave)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_restores_the_terminal_before_it_ends_the_program(
    person: Person, server: Server, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    shell = start(await person.connect(server.port), terminal)
    await terminal.until(b"$ ")
    died: list[tuple[object, bool]] = []
    kill = os.kill

    def die(pid: int, sent: int) -> None:
        assert sent == number
        died.append(terminal.settings())

    kill(os.getpid(), number)
    monkeypatch.setattr(os, "kill", die)
    await shell
    assert died == [terminal.before]


async def test_a_program_that_handles_sigterm_itself_keeps_its_handler(
    person: Person, server: Server, terminal: Terminal
) -> None:
    loop = asyncio.get_running_loop()
    received = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, received.set)
    shell = start(await person.connect(server.port), terminal)
    await terminal.until(b"$ ")
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(received.wait(), 5)
    assert not shell.done()
    terminal.type(b"exit\r")
    await shell
    loop.remove_signal_handler(signal.SIGTERM)


async def test_without_a_terminal_it_says_so(person: Person, server: Server) -> None:
    reader, writer = os.pipe()
    connection = await person.connect(server.port)
    with pytest.raises(SshError, match="needs a terminal"):
        await interactive(connection, stdin_fd=reader, stdout_fd=writer)
    os.close(reader)
    os.close(writer)


async def test_a_flood_waits_for_a_slow_terminal_and_then_arrives_whole(person: Person, server: Server) -> None:
    size = 8 << 20
    terminal = Terminal()
    shell = start(await person.connect(server.port), terminal)
    await terminal.until(b"$ ")
    terminal.stop_reading()
    terminal.type(b"flood %d\r" % size)
    flooded = -1
    async with asyncio.timeout(20):
        while server.flooded != flooded or not flooded:
            flooded = server.flooded
            await asyncio.sleep(0.1)
    # What is on its way: the channel's window, the buffers of two sockets and of the server, no more.
    assert flooded < size // 2
    terminal.read_total = 0
    terminal.read_on()
    await terminal.until(b"done")
    assert terminal.read_total >= size
    terminal.type(b"exit\r")
    assert await shell == ShellEnd(0)
    assert terminal.settings() == terminal.before
    terminal.close()


async def test_a_terminal_that_is_always_behind_never_leaves_more_than_a_moment_in_memory(
    person: Person, server: Server
) -> None:
    size = 8 << 20
    terminal = Terminal()
    shell = start(await person.connect(server.port), terminal)
    await terminal.until(b"$ ")
    terminal.stop_reading()
    terminal.read_total = 0
    terminal.type(b"flood %d\r" % size)
    behind = 0
    while server.flooded < size:
        await asyncio.sleep(0)
        terminal.read_once()
        behind = max(behind, server.flooded - terminal.read_total)
    assert behind < 3 << 20
    terminal.read_on()
    await terminal.until(b"done")
    terminal.type(b"exit\r")
    await shell
    terminal.close()


async def test_ctrl_c_gets_through_a_flood(person: Person, server: Server, terminal: Terminal) -> None:
    shell = start(await person.connect(server.port), terminal)
    await terminal.until(b"$ ")
    terminal.type(b"flood %d\r" % (1 << 40))
    await terminal.until(b"xxx")
    terminal.type(b"\x03")
    await terminal.until(b"^C")
    terminal.type(b"exit\r")
    await shell


@pytest.mark.parametrize(
    ("typed", "sent", "hang_up"),
    [
        ([b"~."], b"", True),
        ([b"ls\r", b"~", b"."], b"ls\r", True),
        ([b"ls ~.\r"], b"ls ~.\r", False),
        ([b"~~."], b"~.", False),
        ([b"~a"], b"~a", False),
        ([b"~\r~."], b"~\r", True),
        ([b"a\n~", b"~x"], b"a\n~x", False),
        ([b"cd ", b"~/x"], b"cd ~/x", False),
    ],
)
def test_the_escape_is_known_at_the_start_of_a_line_only(typed: list[bytes], sent: bytes, hang_up: bool) -> None:
    escapes = EscapeFilter()
    results = [escapes.feed(data) for data in typed]
    assert b"".join(data for data, _ in results) == sent
    assert any(end for _, end in results) == hang_up
