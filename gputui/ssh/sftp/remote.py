"""An instance as a place of files, over SFTP."""

from __future__ import annotations

import asyncio
import posixpath
import stat
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from gputui.errors import CopyError
from gputui.ssh.sftp.answers import StatusError, shown
from gputui.ssh.sftp.checksum import remote_sha256, sha256_of
from gputui.ssh.sftp.client import RemoteFile, Sftp
from gputui.ssh.sftp.places import READABLE, DiskFullError, Names, OpenFile, full, unusual_mode
from gputui.ssh.sftp.wire import Attrs, Open, Status

if TYPE_CHECKING:
    from gputui.models import SSHTarget
    from gputui.ssh.client import Connection

_T = TypeVar("_T")

_LONG_NAME = 200
"""Bytes of a name above which a refusal of it is believed to be about its length: that of its part is longer."""
_LITTLE = 2**20
"""Bytes below which a file system counts as full."""


class RemotePlace:
    """The files of an instance, over one SFTP session of its connection. ``name`` is its Ref."""

    def __init__(self, name: str, connection: Connection, sftp: Sftp, target: SSHTarget | None = None) -> None:
        self.name = name
        self._connection = connection
        self._sftp = sftp
        self._target = target

    @classmethod
    async def open(cls, name: str, connection: Connection, target: SSHTarget | None = None) -> RemotePlace:
        """Start an SFTP session; see :meth:`Sftp.open`. Raises CopyError, LinkLostError, SshError."""
        return cls(name, connection, await Sftp.open(connection, target), target)

    def close(self) -> None:
        """End the session; the connection stays."""
        self._sftp.close()

    @property
    def block(self) -> int:
        """The most bytes of a read or write."""
        return self._sftp.block

    def path_text(self, path: bytes) -> str:
        """Return the Ref and the path."""
        return f"{self.name}:{shown(path)}"

    async def explain(self, error: Exception, path: bytes) -> CopyError:
        """Return what a refusal means; the server has one code for a full disk and whatever else failed."""
        if isinstance(error, CopyError):
            return error
        where = self.path_text(path)
        if not isinstance(error, StatusError):
            return CopyError(f"{where}: {error}.")
        match error.code:
            case Status.NO_SUCH_FILE:
                return CopyError(f"{where}: there is no such file or directory.")
            case Status.PERMISSION_DENIED:
                return CopyError(f"{where}: permission denied.")
            case Status.OP_UNSUPPORTED:
                return CopyError(f"{where}: its SFTP server cannot do that{_said(error)}.")
            case Status.BAD_MESSAGE if len(posixpath.basename(path)) > _LONG_NAME:
                return CopyError(f"{where}: the name is too long.")
        disk = await self._sftp.file_system(posixpath.dirname(path) or b".")
        if disk is not None and disk.read_only:
            return CopyError(f"{where}: the file system is read-only.")
        if disk is not None and disk.files == 0:
            return DiskFullError(
                f"{where}: the file system takes no more files.",
                hint="All inodes are in use: remove some files, then copy again.",
            )
        if disk is not None and disk.free < _LITTLE:
            return full(where, disk.free)
        return CopyError(
            f"{where}: its SFTP server reports a failure{_said(error)}.",
            hint="It gives no reason. Is a quota used up, or a disk faulty?",
        )

    async def stat(self, path: bytes) -> Attrs | None:
        """See :class:`Place`."""
        return await self._if_there(path, self._sftp.stat(path))

    async def lstat(self, path: bytes) -> Attrs | None:
        """See :class:`Place`."""
        return await self._if_there(path, self._sftp.lstat(path))

    async def scan(self, path: bytes) -> Names:
        """See :class:`Place`."""
        return await self._done(path, self._sftp.scan(path))

    async def real(self, path: bytes) -> bytes:
        """See :class:`Place`."""
        return await self._done(path, self._sftp.real(path))

    async def readlink(self, path: bytes) -> bytes:
        """See :class:`Place`."""
        return await self._done(path, self._sftp.readlink(path))

    async def read_small(self, path: bytes) -> tuple[bytes, Attrs]:
        """See :class:`Place`."""

        async def read() -> tuple[bytes, Attrs]:
            file = await self._sftp.open_file(path, Open.READ)
            data, attrs, closed = file.read(0, self.block), file.stat(), file.close()
            await _all_of(data, attrs, closed)
            return data.result(), attrs.result()

        return await self._done(path, read())

    async def write_small(self, part: bytes, path: bytes, data: bytes, source: Attrs) -> None:
        """See :class:`Place`."""

        async def write() -> None:
            file = await self._open_part(part, source.mode, new=True)
            written = [file.write(0, data)] if data else []
            times = file.set(mode=unusual_mode(source.mode), mtime_ns=source.mtime_ns)
            await _all_of(*written, times, file.close())
            await self._sftp.replace(part, path)

        await self._done(path, write())

    async def open_read(self, path: bytes) -> OpenFile:
        """See :class:`Place`."""
        return await self._done(path, self._sftp.open_file(path, Open.READ))

    async def open_part(self, path: bytes, mode: int, *, new: bool) -> OpenFile:
        """See :class:`Place`."""
        return await self._done(path, self._open_part(path, mode, new=new))

    async def _open_part(self, path: bytes, mode: int, *, new: bool) -> RemoteFile:
        permissions = stat.S_IMODE(mode) & 0o777 | READABLE
        if new:
            return await self._sftp.create_file(path, permissions)
        return await self._sftp.open_file(path, Open.WRITE, mode=permissions)

    async def replace(self, part: bytes, path: bytes) -> None:
        """See :class:`Place`."""
        await self._done(path, self._sftp.replace(part, path))

    async def remove(self, path: bytes) -> None:
        """See :class:`Place`."""
        await self._if_there(path, self._sftp.remove(path))

    async def mkdir(self, path: bytes, mode: int) -> None:
        """See :class:`Place`."""
        await self._done(path, self._sftp.mkdir(path, stat.S_IMODE(mode) & 0o777 | 0o700))

    async def set_time(self, path: bytes, mtime_ns: int) -> None:
        """See :class:`Place`."""
        await self._done(path, self._sftp.set(path, mtime_ns=mtime_ns))

    async def symlink(self, target: bytes, part: bytes, path: bytes) -> None:
        """See :class:`Place`."""

        async def link() -> None:
            await self._sftp.symlink(target, part)
            await self._sftp.replace(part, path)

        await self.remove(part)
        await self._done(path, link())

    async def sha256(self, path: bytes) -> str:
        """Return the sum, computed there where a command for it exists, otherwise here from the bytes read back."""
        found = await remote_sha256(self._connection, self._target, path)
        if found is not None:
            return found
        file = await self.open_read(path)
        try:
            return await sha256_of(file.read, self.block)
        except (OSError, StatusError) as error:
            raise await self.explain(error, path) from error
        finally:
            await file.close()

    async def _done(self, path: bytes, work: Awaitable[_T]) -> _T:
        try:
            return await work
        except StatusError as error:
            raise await self.explain(error, path) from error

    async def _if_there(self, path: bytes, work: Awaitable[_T]) -> _T | None:
        try:
            return await work
        except StatusError as error:
            if error.code == Status.NO_SUCH_FILE:
                return None
            raise await self.explain(error, path) from error


async def _all_of(*calls: asyncio.Future[_T] | asyncio.Future[None] | asyncio.Future[Attrs]) -> None:
    """Wait for calls that have begun; raises the first failure when all have ended."""
    failure: Exception | None = None
    for call in calls:  # most have ended when the first has: their answers share a packet
        try:
            await call
        except Exception as error:  # noqa: BLE001  (raised below)
            failure = failure or error
    if failure is not None:
        raise failure


def _said(error: StatusError) -> str:
    words = error.words.strip().rstrip(".")
    return f": {words}" if words and words.lower() != "failure" else ""
