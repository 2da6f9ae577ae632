"""The places that files are copied between, as a copy sees them. This machine and instances are two kinds of them."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Awaitable
from typing import Protocol

from gputui.errors import CopyError
from gputui.formatting import format_bytes
from gputui.ssh.sftp.wire import Attrs

Names = list[tuple[bytes, Attrs]]

BLOCK = 255 * 1024
"""The most bytes of a read or write: what OpenSSH accepts."""
READABLE = 0o600
"""The permissions that a file has at least while it is written, whatever those of its source are."""


class DiskFullError(CopyError):
    """The disk of the target is full, or a quota is used up."""


class OpenFile(Protocol):
    """An open file. Calls begin when the method is called; OSError or StatusError come when they are awaited."""

    def read(self, offset: int, size: int) -> asyncio.Future[bytes]:
        """Read at most ``size`` bytes; none are the end."""
        ...

    def write(self, offset: int, data: bytes) -> asyncio.Future[None]:
        """Write at an offset."""
        ...

    def stat(self) -> Awaitable[Attrs]:
        """Read the attributes."""
        ...

    def set(self, *, mode: int | None = None, mtime_ns: int | None = None) -> Awaitable[None]:
        """Set permissions and the time of the last change."""
        ...

    def close(self) -> Awaitable[None]:
        """Close it."""
        ...


class Place(Protocol):
    """Files somewhere. Paths are bytes. Methods raise CopyError, LinkLostError when the connection ends."""

    name: str
    """The Ref of an instance, '' for this machine."""

    @property
    def block(self) -> int:
        """The most bytes of a read or write."""
        ...

    def path_text(self, path: bytes) -> str:
        """Return where a file is, safe for a terminal."""
        ...

    async def explain(self, error: Exception, path: bytes) -> CopyError:
        """Return what a failure of an open file means."""
        ...

    async def stat(self, path: bytes) -> Attrs | None:
        """Read the attributes of the target of a path; None where nothing is there."""
        ...

    async def lstat(self, path: bytes) -> Attrs | None:
        """Read the attributes of a name, of a link its own; None where nothing is there."""
        ...

    async def scan(self, path: bytes) -> Names:
        """List a directory, without following links."""
        ...

    async def real(self, path: bytes) -> bytes:
        """Return the path from the root, without links."""
        ...

    async def readlink(self, path: bytes) -> bytes:
        """Return the target of a link."""
        ...

    async def read_small(self, path: bytes) -> tuple[bytes, Attrs]:
        """Read a file of one block, and its attributes after that; a longer one is cut off."""
        ...

    async def write_small(self, part: bytes, path: bytes, data: bytes, source: Attrs) -> None:
        """Write a file of one block under a temporary name, then rename it."""
        ...

    async def open_read(self, path: bytes) -> OpenFile:
        """Open a regular file."""
        ...

    async def open_part(self, path: bytes, mode: int, *, new: bool) -> OpenFile:
        """Open a temporary file, an empty one where it is ``new``."""
        ...

    async def replace(self, part: bytes, path: bytes) -> None:
        """Give a temporary file its name; what has it is replaced."""
        ...

    async def remove(self, path: bytes) -> None:
        """Remove a file; none there is no error."""
        ...

    async def mkdir(self, path: bytes, mode: int) -> None:
        """Create a directory."""
        ...

    async def set_time(self, path: bytes, mtime_ns: int) -> None:
        """Set the time of a directory's last change."""
        ...

    async def symlink(self, target: bytes, part: bytes, path: bytes) -> None:
        """Create a link under a temporary name, then rename it."""
        ...

    async def sha256(self, path: bytes) -> str:
        """Return the SHA-256 of a file in hexadecimal."""
        ...


def full(where: str, free: int | None) -> DiskFullError:
    """Return the error of a full disk; ``free`` bytes are left, None where that is unknown."""
    left = f" ({format_bytes(free)} free)" if free else ""
    return DiskFullError(f"{where}: the disk is full{left}.", hint="Free some space, then copy again: it continues.")


def unusual_mode(mode: int) -> int | None:
    """Return the permissions to set at the end: of a file that its owner may not read or write, without a umask."""
    return stat.S_IMODE(mode) & 0o755 if mode & READABLE != READABLE else None
