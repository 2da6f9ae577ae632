"""The bytes between another client and an SSH server: both directions, their ends, and a server still starting."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncssh
import pytest

from gputui.cli.ssh_stdio import carry
from gputui.errors import SshError
from gputui.models import SSHLogin, SSHTarget
from gputui.ssh import stream
from gputui.ssh.stream import Stream
from tests.ssh.conftest import ID, Clock, Person
from tests.ssh.servers import PASSWORD, Server

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(handler: Handler, port: int = 0) -> AsyncIterator[int]:
    server = await asyncio.start_server(handler, "127.0.0.1", port)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def opened(
    person: Person, port: int, login: SSHLogin | None = None, clock: Clock | None = None, deadline: float = 0
) -> AsyncIterator[Stream]:
    clock = clock or Clock()
    async with stream.open_stream(
        SSHTarget("127.0.0.1", port, ""),
        login or SSHLogin(agent=False),
        host_id=ID,
        hosts=person.hosts,
        ask=person.ask,
        ask_secret=person.ask_secret,
        progress=person.reports.append,
        deadline=deadline,
        sleep=clock.sleep,
        monotonic=clock.monotonic,
    ) as found:
        yield found


async def test_bytes_pass_unchanged_and_each_direction_ends_by_itself(person: Person) -> None:
    sent = bytes(range(256)) * 4096

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-test\r\n")
        got = await reader.read(-1)  # returns at the end of the input: the other direction is open then
        writer.write(got)
        await writer.drain()
        writer.close()

    (source, feed), (result, sink) = os.pipe(), os.pipe()
    async with listening(echo) as port, opened(person, port) as found:

        def fill() -> None:
            with os.fdopen(feed, "wb") as file:
                file.write(sent)

        def drain() -> bytes:
            with os.fdopen(result, "rb") as file:
                return file.read()

        _, got, _ = await asyncio.gather(
            asyncio.to_thread(fill), asyncio.to_thread(drain), carry(found, source, sink)
        )
    os.close(source)
    os.close(sink)
    assert got == b"SSH-2.0-test\r\n" + sent


async def test_it_waits_while_the_server_is_not_up(person: Person) -> None:
    greetings = [b"", b"", b"SSH-2.0-test\r\n"]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greetings.pop(0))
        writer.close()

    clock = Clock()
    async with listening(answer) as port, opened(person, port, clock=clock, deadline=60) as found:
        assert found.greeting == b"SSH-2.0-test\r\n"
    assert len(clock.sleeps) == 2
    assert "closes connections. Waiting for its SSH server" in person.reports[-1]


async def test_a_server_that_never_comes_up_is_reported(person: Person) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with listening(close) as port:
        with pytest.raises(SshError, match="closes connections"):
            async with opened(person, port):
                pass


async def test_the_jump_host_of_the_account_is_logged_in_to_and_the_instance_is_not(
    person: Person, server: Server
) -> None:
    person.secrets = [PASSWORD]
    async with Server(password=None) as target:
        jump = SSHLogin(agent=False, jump=f"root@127.0.0.1:{server.port}")
        async with opened(person, target.port, jump) as found:
            assert found.greeting.startswith(b"SSH-2.0-")
        assert (server.offers, target.offers) == (["password"], [])


async def test_a_lost_connection_is_an_error(person: Person) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-test\r\n")
        await reader.read(1)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async def write(_: bytes) -> None:
        pass

    pieces = [b"x"]

    async def read() -> bytes:
        if not pieces:
            await asyncio.Event().wait()
        return pieces.pop(0)

    async with listening(reset) as port, opened(person, port) as found:
        with pytest.raises(SshError, match="was lost"):
            await found.carry(read, write, lambda: None)


async def test_another_client_logs_in_over_it(person: Person, server: Server) -> None:
    ours, theirs = socket.socketpair()
    async with opened(person, server.port) as found:
        carrying = asyncio.create_task(carry(found, theirs.fileno(), os.dup(theirs.fileno())))
        ours.setblocking(False)
        async with asyncssh.connect(
            "127.0.0.1",
            sock=ours,
            username="root",
            password=PASSWORD,
            known_hosts=None,
            client_keys=None,
            config=None,
        ) as connection:
            assert (await connection.run("exit 7")).exit_status == 7
        await asyncio.wait_for(carrying, 10)
    theirs.close()
