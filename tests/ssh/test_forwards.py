"""Forwards: what is tunnelled and counted, refusals, the link that goes and comes back, and SOCKS5."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from gputui.errors import GputuiError, SshError
from gputui.models.forwards import ForwardSpec, ForwardState
from gputui.ssh.forwards import Forward
from tests.ssh.conftest import Person, free_port
from tests.ssh.servers import Server

BIG = bytes(range(256)) * 8192


@pytest.fixture
async def web() -> AsyncIterator[int]:
    """A service in the instance, which sends back what it is sent."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(2**16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1]


async def ask(port: int, data: bytes) -> bytes:
    """Send data to a port of this machine, and return the answer to all of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def opened(spec: ForwardSpec, person: Person, server: Server) -> Forward:
    forward = Forward(spec, "main")
    await forward.listen()
    forward.link(await person.connect(server.port))
    return forward


async def test_bytes_are_counted_each_way_and_connections_while_and_after_they_are_open(
    person: Person, server: Server, web: int
) -> None:
    forward = await opened(ForwardSpec(web), person, server)
    assert forward.local == f"127.0.0.1:{forward.local_port}"
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.2", forward.local_port)
    assert await ask(forward.local_port, BIG) == BIG
    reader, writer = await asyncio.open_connection("127.0.0.1", forward.local_port)
    writer.write(b"more")
    assert await reader.readexactly(4) == b"more"
    assert (forward.sent, forward.received) == (len(BIG) + 4, len(BIG) + 4)
    assert (forward.open, forward.opened) == (1, 2)
    assert forward.error == ""

    # Closing it ends the connection that is open, and frees the port.
    await forward.close()
    assert (forward.open, forward.state) == (0, ForwardState.STOPPED)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", forward.local_port)


async def test_a_port_without_a_service_is_reported_and_ends_that_connection_alone(
    person: Person, server: Server
) -> None:
    port = free_port()
    forward = await opened(ForwardSpec(port), person, server)
    assert await ask(forward.local_port, b"hello") == b""
    assert forward.error == f"port {port} of main refuses connections: does its service run?"
    assert forward.error_at is not None
    assert forward.state is ForwardState.OPEN
    await forward.close()


async def test_the_port_stays_while_the_connection_is_away_and_is_served_after_it(
    person: Person, server: Server, web: int
) -> None:
    forward = await opened(ForwardSpec(web), person, server)
    port = forward.local_port
    person.opened[0].ssh.abort()
    await person.opened[0].wait_closed()
    states = [forward.state]
    assert await ask(port, b"hello") == b""
    assert forward.error == "a connection was refused: there is no connection to main"
    forward.link(None, failed=True)
    states.append(forward.state)
    forward.link(await person.connect(server.port))
    states.append(forward.state)
    assert states == [ForwardState.WAITING, ForwardState.FAILED, ForwardState.OPEN]
    assert await ask(port, b"hello") == b"hello"
    await forward.close()


async def socks(port: int, request: bytes, data: bytes = b"") -> tuple[bytes, bytes]:
    """Send a SOCKS5 request; returns the answer to it and what came after that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            writer.write(b"\x05\x02\x00\x02")
            assert await reader.readexactly(2) == b"\x05\x00"
            writer.write(request)
            answer = await reader.readexactly(10)
            writer.write(data)
            writer.write_eof()
            return answer, await reader.read()
    finally:
        writer.close()


async def test_a_socks_proxy_connects_by_name_and_address_and_answers_how_that_went(
    person: Person, server: Server, web: int
) -> None:
    forward = await opened(ForwardSpec(None), person, server)
    to_web = web.to_bytes(2)
    for where in (b"\x03\x09localhost", b"\x01\x7f\x00\x00\x01"):
        answer, got = await socks(forward.local_port, b"\x05\x01\x00" + where + to_web, b"hi")
        assert (answer[1], got) == (0, b"hi")
    assert (forward.sent, forward.received) == (4, 4)

    closed = free_port()
    answer, got = await socks(forward.local_port, b"\x05\x01\x00\x01\x7f\x00\x00\x01" + closed.to_bytes(2))
    assert (answer[1], got) == (5, b"")
    assert f"127.0.0.1:{closed} refuses connections" in forward.error
    answer, _ = await socks(forward.local_port, b"\x05\x02\x00\x01\x7f\x00\x00\x01" + to_web)
    assert answer[1] == 7

    assert await ask(forward.local_port, b"GET / HTTP/1.1\r\n\r\n") == b""
    assert "did not speak SOCKS5" in forward.error
    await forward.close()


@pytest.mark.parametrize(
    ("bind", "port", "message"),
    [
        ("127.0.0.1", None, "the port is in use. Use another port, or 0 for any free one."),
        ("192.0.2.7", 0, "192.0.2.7 is not an address of this machine."),
        ("gpu\x1b[31m", 0, "is not an address to listen on. Use an IP address of this machine."),
    ],
)
async def test_a_port_or_an_address_that_cannot_be_had_is_named(
    bind: str, port: int | None, message: str, web: int
) -> None:
    with pytest.raises(GputuiError) as caught:
        await Forward(ForwardSpec(8888, web if port is None else port, bind), "main").listen()
    assert message in str(caught.value)
    assert "\x1b" not in str(caught.value)


async def test_a_privileged_port_says_so_and_any_other_is_taken_where_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listen = asyncio.start_server

    async def unprivileged(accept: object, host: str, port: int) -> asyncio.Server:
        if port == 80:
            raise PermissionError(13, "Permission denied")
        return await listen(lambda reader, writer: None, host, port)

    monkeypatch.setattr(asyncio, "start_server", unprivileged)
    with pytest.raises(SshError, match="you may not use this port"):
        await Forward(ForwardSpec(80, 80), "main").listen()
    forward = Forward(ForwardSpec(80, 80, or_any=True), "main")
    await forward.listen()
    assert forward.local_port > 1023
    await forward.close()


async def test_a_connection_that_was_taken_before_the_end_is_not_served_after_it(
    person: Person, server: Server, web: int
) -> None:
    forward = await opened(ForwardSpec(web), person, server)
    await forward.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", web)
    forward._accept(reader, writer)
    assert (forward.open, writer.is_closing()) == (0, True)
