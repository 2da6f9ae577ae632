"""The server side of SOCKS5 (RFC 1928): the destination that a client asks for, and the answer to it."""

from __future__ import annotations

import asyncio
from enum import IntEnum
from ipaddress import ip_address

from gputui.text import clean

_VERSION = 5
_NO_LOGIN = 0
_NO_METHOD = 0xFF
_CONNECT = 1
_NAME = 3
_ADDRESS_BYTES = {1: 4, 4: 16}


class Reply(IntEnum):
    """The outcome of a request, as the client is sent it."""

    CONNECTED = 0
    FAILED = 1
    NOT_ALLOWED = 2
    REFUSED = 5
    NO_SUCH_COMMAND = 7
    NO_SUCH_ADDRESS = 8


class SocksError(Exception):
    """A client asked for something else than a SOCKS5 connection. ``str()`` has the details."""


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    """Return the host and the port that a client asks for; a name is left to the other end to resolve.

    Raises SocksError, after an answer where the protocol has one, and OSError or EOFError where the client ends.
    """
    version, count = await reader.readexactly(2)
    if version != _VERSION:
        raise SocksError("a client did not speak SOCKS5: set it to a SOCKS5 proxy")
    if _NO_LOGIN not in await reader.readexactly(count):
        writer.write(bytes((_VERSION, _NO_METHOD)))
        raise SocksError("a client asked for a login to the SOCKS5 proxy, which has none")
    writer.write(bytes((_VERSION, _NO_LOGIN)))
    version, command, _, kind = await reader.readexactly(4)
    if version != _VERSION or command != _CONNECT:
        answer(writer, Reply.NO_SUCH_COMMAND)
        raise SocksError("a client asked for something else than a TCP connection")
    if kind == _NAME:
        (length,) = await reader.readexactly(1)
        host = (await reader.readexactly(length)).decode("utf-8", "replace")
    elif (size := _ADDRESS_BYTES.get(kind)) is not None:
        host = str(ip_address(await reader.readexactly(size)))
    else:
        answer(writer, Reply.NO_SUCH_ADDRESS)
        raise SocksError("a client asked for an address of an unknown kind")
    port = int.from_bytes(await reader.readexactly(2))
    if not host or clean(host) != host:
        answer(writer, Reply.NO_SUCH_ADDRESS)
        raise SocksError("a client asked for a name that is none")
    return host, port


def answer(writer: asyncio.StreamWriter, reply: Reply) -> None:
    """Answer the request; the address that the connection comes from is not known, and sent as 0.0.0.0:0."""
    writer.write(bytes((_VERSION, reply, 0, 1, *bytes(6))))
