"""SHA-256 of files: here, in an instance by a command of it, or from the bytes read back."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from gputui.errors import SshError

if TYPE_CHECKING:
    from gputui.models import SSHTarget
    from gputui.ssh.client import Connection

_DEPTH = 8
_TOOLS = ("sha256sum", "shasum -a 256", "openssl dgst -sha256")
_SUM = re.compile(rb"(?:^|[\s=])([0-9a-f]{64})(?:\s|$)")
_LONGEST = 4096


def local_sha256(path: bytes) -> str:
    """Return the sum of a file of this machine; raises OSError."""
    with open(path, "rb") as file:  # noqa: PTH123  (names are bytes)
        return hashlib.file_digest(file, "sha256").hexdigest()


async def remote_sha256(connection: Connection, target: SSHTarget | None, path: bytes) -> str | None:
    """Return the sum by ``sha256sum`` and its likes there; None where there is no such command, or no command at all.

    The file is their input: no name of it is read as an option, and none has to be taken from their output.
    """
    from gputui.ssh.scripts import run

    output = bytearray()

    async def keep(data: bytes) -> None:
        output.extend(data[: _LONGEST - len(output)])

    async def drop(_: bytes) -> None:
        return

    # In octal any name is text, and the x keeps line feeds at its end.
    name = "".join(f"\\{byte:03o}" for byte in path)
    tries = " || ".join(f'{tool} <"$p" 2>/dev/null' for tool in _TOOLS)
    try:
        await run(connection, f"p=$(printf '{name}x'); p=${{p%x}}; {tries}", stdout=keep, stderr=drop, target=target)
    except SshError:
        return None
    found = _SUM.search(bytes(output))
    return found[1].decode() if found is not None else None


async def sha256_of(read: Callable[[int, int], asyncio.Future[bytes] | Awaitable[bytes]], block: int) -> str:
    """Return the sum of what ``read(offset, size)`` gives, several reads ahead."""
    digest = hashlib.sha256()
    offset = 0
    ahead: deque[asyncio.Future[bytes]] = deque()
    try:
        while True:
            while len(ahead) < _DEPTH:
                ahead.append(asyncio.ensure_future(read(offset + len(ahead) * block, block)))
            data = await ahead.popleft()
            if not data:
                return digest.hexdigest()
            await asyncio.to_thread(digest.update, data)
            offset += len(data)
            if len(data) < block:  # a short read, or the last one: ask again from there
                _cancel(ahead)
    finally:
        _cancel(ahead)


def _cancel(ahead: deque[asyncio.Future[bytes]]) -> None:
    while ahead:
        ahead.pop().cancel()
