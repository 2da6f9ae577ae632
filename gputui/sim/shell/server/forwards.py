"""Forwarded connections: to the server of another simulated machine, or to a simulated web service."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import asyncssh

from gputui.sim.loopback import LOOPBACK

SERVICE_PORTS = (6006, 6008, 8000, 8888)


async def forward_to_machine(port: int, reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
    """A connection through a machine to the server of another one."""

    async def copy(source: Any, target: Any) -> None:
        with contextlib.suppress(asyncssh.Error, OSError):
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()
            target.write_eof()

    with contextlib.suppress(asyncssh.Error, OSError):
        inner_reader, inner_writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))
        finally:
            inner_writer.close()
    writer.close()


async def serve_page(
    name: str, port: int, reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]
) -> None:
    """A simulated web service inside a pod or machine: the same page for every request."""
    with contextlib.suppress(asyncssh.Error, OSError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        page = f"<!DOCTYPE html><title>{name}</title><h1>{name}, port {port}</h1>\n".encode()
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + page)
        await writer.drain()
    writer.close()
