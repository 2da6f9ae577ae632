"""This machine as a place of files. Everything that can wait for a disk runs in threads."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from gputui.completion import complete, write_in_thread
from gputui.errors import CopyError, reason_of
from gputui.ssh.sftp.answers import shown
from gputui.ssh.sftp.checksum import local_sha256
from gputui.ssh.sftp.places import BLOCK, READABLE, Names, OpenFile, full, unusual_mode
from gputui.ssh.sftp.thread_calls import Call, ThreadCalls, make_in_thread
from gputui.ssh.sftp.wire import Attrs

_T = TypeVar("_T")

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class LocalPlace:
    """This machine. Everything that can wait for a disk runs in threads."""

    name = ""
    block = BLOCK

    def __init__(self) -> None:
        self._small = ThreadCalls()
        """The calls of small files."""

    def path_text(self, path: bytes) -> str:
        """Return the path."""
        return shown(path)

    async def explain(self, error: Exception, path: bytes) -> CopyError:
        """Return what an OSError means."""
        return _local_failure(error, self.path_text(path))

    async def stat(self, path: bytes) -> Attrs | None:
        """See :class:`Place`."""
        return await self._read(path, lambda: _if_there(os.stat, path))

    async def lstat(self, path: bytes) -> Attrs | None:
        """See :class:`Place`."""
        return await self._read(path, lambda: _if_there(os.lstat, path))

    async def scan(self, path: bytes) -> Names:
        """See :class:`Place`."""

        def scan() -> Names:
            found: Names = []
            with os.scandir(path) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):  # removed meanwhile
                        found.append((entry.name, _attrs_of(entry.stat(follow_symlinks=False))))
            return found

        return await self._read(path, scan)

    async def real(self, path: bytes) -> bytes:
        """See :class:`Place`."""
        return await self._read(path, lambda: os.path.realpath(path))

    async def readlink(self, path: bytes) -> bytes:
        """See :class:`Place`."""
        return await self._read(path, lambda: os.readlink(path))  # noqa: PTH115  (names are bytes)

    async def read_small(self, path: bytes) -> tuple[bytes, Attrs]:
        """See :class:`Place`."""

        def read() -> tuple[bytes, Attrs]:
            fd = _open_regular(path)
            try:
                data = os.read(fd, BLOCK)
                return data, _attrs_of(os.fstat(fd))
            finally:
                os.close(fd)

        try:
            return await self._small.soon(read)
        except OSError as error:
            raise await self.explain(error, path) from error

    async def write_small(self, part: bytes, path: bytes, data: bytes, source: Attrs) -> None:
        """See :class:`Place`."""

        def write() -> None:
            fd = _open_part(part, source.mode, new=True)
            try:
                _write_all(fd, data, 0)
                if (mode := unusual_mode(source.mode)) is not None:
                    os.fchmod(fd, mode)
                os.utime(fd, ns=(source.mtime_ns, source.mtime_ns))
            finally:
                os.close(fd)
            os.replace(part, path)  # noqa: PTH105  (names are bytes)

        try:
            await complete(self._small.soon(write))
        except OSError as error:
            raise await self.explain(error, path) from error

    async def open_read(self, path: bytes) -> OpenFile:
        """See :class:`Place`."""
        return await self._opened(path, lambda: _open_regular(path))

    async def open_part(self, path: bytes, mode: int, *, new: bool) -> OpenFile:
        """See :class:`Place`."""
        return await self._opened(path, lambda: _open_part(path, mode, new=new))

    async def replace(self, part: bytes, path: bytes) -> None:
        """See :class:`Place`."""
        await self._done(path, lambda: os.replace(part, path))  # noqa: PTH105  (names are bytes)

    async def remove(self, path: bytes) -> None:
        """See :class:`Place`."""

        def remove() -> None:
            try:
                os.unlink(path)  # noqa: PTH108  (names are bytes)
            except FileNotFoundError:
                return

        await self._done(path, remove)

    async def mkdir(self, path: bytes, mode: int) -> None:
        """See :class:`Place`."""
        await self._done(path, lambda: os.mkdir(path, stat.S_IMODE(mode) & 0o777 | 0o700))  # noqa: PTH102

    async def set_time(self, path: bytes, mtime_ns: int) -> None:
        """See :class:`Place`."""
        await self._done(path, lambda: os.utime(path, ns=(mtime_ns, mtime_ns)))

    async def symlink(self, target: bytes, part: bytes, path: bytes) -> None:
        """See :class:`Place`."""

        def link() -> None:
            os.symlink(target, part)  # noqa: PTH211  (names are bytes)
            os.replace(part, path)  # noqa: PTH105

        await self.remove(part)
        await self._done(path, link)

    async def sha256(self, path: bytes) -> str:
        """See :class:`Place`."""
        return await self._read(path, lambda: local_sha256(path))

    async def _read(self, path: bytes, work: Callable[[], _T]) -> _T:
        # A cancelled copy does not wait for it: a checksum takes long, and a disk of the network may never answer.
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise await self.explain(error, path) from error

    async def _done(self, path: bytes, work: Callable[[], _T]) -> _T:
        # Of a copy that is cancelled, whatever is removed then must not be made again by a thread that is late.
        try:
            return await write_in_thread(work)
        except OSError as error:
            raise await self.explain(error, path) from error

    async def _opened(self, path: bytes, work: Callable[[], int]) -> LocalFile:
        opened: list[int] = []
        try:
            await self._done(path, lambda: opened.append(work()))
        except asyncio.CancelledError:
            for fd in opened:
                os.close(fd)
            raise
        return LocalFile(opened[0])


class LocalFile:
    """An open file of this machine. Calls are made one after the other in a thread, those that wait in one go: a
    thread for each would cost as much as the call.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._waiting: list[Call] = []
        self._busy = False

    def read(self, offset: int, size: int) -> asyncio.Future[bytes]:
        """See :class:`OpenFile`."""
        return self._soon(lambda fd: os.pread(fd, size, offset))

    def write(self, offset: int, data: bytes) -> asyncio.Future[None]:
        """See :class:`OpenFile`."""
        return self._soon(lambda fd: _write_all(fd, data, offset))

    def stat(self) -> Awaitable[Attrs]:
        """See :class:`OpenFile`."""
        return self._soon(lambda fd: _attrs_of(os.fstat(fd)))

    def set(self, *, mode: int | None = None, mtime_ns: int | None = None) -> Awaitable[None]:
        """See :class:`OpenFile`."""

        def apply(fd: int) -> None:
            if mode is not None:
                os.fchmod(fd, stat.S_IMODE(mode))
            if mtime_ns is not None:
                os.utime(fd, ns=(mtime_ns, mtime_ns))

        return self._soon(apply)

    def close(self) -> Awaitable[None]:
        """See :class:`OpenFile`."""

        def close(fd: int) -> None:
            self._fd = -1
            os.close(fd)

        return self._soon(close)

    def _soon(self, work: Callable[[int], _T]) -> asyncio.Future[_T]:
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._waiting.append((lambda: work(self._fd), future))
        if not self._busy:
            self._make_waiting()
        return future

    def _make_waiting(self) -> None:
        calls, self._waiting = self._waiting, []
        self._busy = bool(calls)
        if calls:
            make_in_thread(calls, self._make_waiting)


def _local_failure(error: Exception, where: str) -> CopyError:
    if not isinstance(error, OSError):
        return CopyError(f"{where}: {error}.")
    if error.errno in _FULL:
        return full(where, None)
    words = {
        errno.ENOENT: "there is no such file or directory",
        errno.EACCES: "permission denied",
        errno.EPERM: "permission denied",
        errno.EISDIR: "it is a directory",
        errno.ENOTDIR: "a part of the path is not a directory",
        errno.ENAMETOOLONG: "the name is too long",
        errno.ELOOP: "it is a symbolic link, or links lead in a circle",
        errno.EROFS: "the file system is read-only",
    }
    return CopyError(f"{where}: {words.get(error.errno or 0) or reason_of(error)}.")


def _attrs_of(found: os.stat_result) -> Attrs:
    return Attrs(found.st_size, found.st_mode, found.st_mtime_ns)


def _if_there(look: Callable[[bytes], os.stat_result], path: bytes) -> Attrs | None:
    try:
        return _attrs_of(look(path))
    except FileNotFoundError:
        return None


def _open_regular(path: bytes) -> int:
    """Open a regular file; a pipe or link that has taken its place neither blocks nor leads elsewhere."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return fd


def _open_part(path: bytes, mode: int, *, new: bool) -> int:
    how = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    if new:
        how |= os.O_CREAT | os.O_EXCL  # of what others may have put there, a link is not followed and a file not used
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108  (names are bytes)
    return os.open(path, how, stat.S_IMODE(mode) & 0o777 | READABLE)


def _write_all(fd: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written


HERE = LocalPlace()
