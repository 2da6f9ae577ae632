"""An SFTP session over a connection.

asyncssh has an SFTP client, too: it makes a task, several log records and two encrypted packets of each request,
which makes many small files slower than ``scp -r``. Here the requests of a turn share a packet (:mod:`.packets`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

import asyncssh

from gputui.errors import CopyError, LinkLostError
from gputui.models import SSHTarget
from gputui.ssh.awake import awake_timeout
from gputui.ssh.client import Connection
from gputui.ssh.containers import command_in
from gputui.ssh.failures import explain
from gputui.ssh.sftp import answers
from gputui.ssh.sftp.answers import FileSystem, StatusError, shown
from gputui.ssh.sftp.packets import Packets
from gputui.ssh.sftp.places import BLOCK
from gputui.ssh.sftp.wire import (
    Attrs,
    Open,
    Packet,
    Reader,
    Status,
    attributes,
    string,
    u32,
    u64,
)

_SAFE_BLOCK = 32 * 1024
"""The bytes of a read or write that every server accepts."""
_ALREADY_THERE = 11
"""The status of later versions for a name that is taken, which some servers use in this one."""
_START_SECONDS = 20.0
_POSIX_RENAME, _STATVFS, _LIMITS = b"posix-rename@openssh.com", b"statvfs@openssh.com", b"limits@openssh.com"
_PROGRAMS = ("lib/openssh", "libexec/openssh", "lib/ssh", "libexec", "lib")
_START = "; ".join(f"test -x /usr/{folder}/sftp-server && exec /usr/{folder}/sftp-server" for folder in _PROGRAMS)
"""Starts the SFTP server of a container, which no SSH server does there."""


class RemoteFile:
    """An open file. Requests are sent when the method is called, in that order; the answers can be awaited later."""

    def __init__(self, sftp: Sftp, handle: bytes) -> None:
        self._sftp = sftp
        self._handle = string(handle)

    def read(self, offset: int, size: int) -> asyncio.Future[bytes]:
        """Read at most ``size`` bytes; fewer do not mean the end, none do."""
        return self._sftp.request(Packet.READ, answers.data, self._handle, u64(offset), u32(size))

    def write(self, offset: int, data: bytes) -> asyncio.Future[None]:
        """Write at an offset."""
        return self._sftp.request(Packet.WRITE, answers.nothing, self._handle, u64(offset), u32(len(data)), data)

    def stat(self) -> asyncio.Future[Attrs]:
        """Read the attributes of the file, whatever its name is by now."""
        return self._sftp.request(Packet.FSTAT, answers.attrs, self._handle)

    def set(self, *, mode: int | None = None, mtime_ns: int | None = None) -> asyncio.Future[None]:
        """Set permissions and times."""
        return self._sftp.request(
            Packet.FSETSTAT, answers.nothing, self._handle, attributes(mode=mode, mtime_ns=mtime_ns)
        )

    def close(self) -> asyncio.Future[None]:
        """Close it."""
        return self._sftp.request(Packet.CLOSE, answers.nothing, self._handle)


class Sftp:
    """A session; see :meth:`open`. Methods raise StatusError for a refusal, LinkLostError when the session ends."""

    def __init__(self, packets: Packets, *, links_reversed: bool) -> None:
        self.block = _SAFE_BLOCK
        self.request = packets.request
        self._packets = packets
        self._links_reversed = links_reversed

    @classmethod
    async def open(cls, connection: Connection, target: SSHTarget | None = None) -> Sftp:
        """Start a session, at a target that is entered through the connection in there.

        Raises CopyError where the server has no SFTP, LinkLostError, SshError.
        """
        where = connection.endpoint.where
        if connection.closed:
            raise LinkLostError(f"The connection to {where} was lost.")
        if target is not None and target.enter:
            where = f"The container {target.enter[1][:12]} on {where}"
        packets = Packets(where)
        try:
            if target is not None and target.enter:
                await connection.ssh.create_session(lambda: packets, command_in(target, _START), encoding=None)
            else:
                await connection.ssh.create_session(lambda: packets, subsystem="sftp", encoding=None)
        except asyncssh.ChannelOpenError as error:
            if connection.closed:
                raise LinkLostError(f"The connection to {where} was lost.") from error
            raise CopyError(
                f"{where} offers no SFTP.", hint="Install an SFTP server in it (Debian: openssh-sftp-server)."
            ) from error
        except (OSError, asyncssh.Error) as error:
            raise explain(error, where) from error
        # Of the servers seen, all but asyncssh's have taken over the order of the arguments from OpenSSH.
        links_reversed = "AsyncSSH" not in str(connection.ssh.get_extra_info("server_version", ""))
        session = cls(packets, links_reversed=links_reversed)
        try:
            async with awake_timeout(_START_SECONDS):
                await packets.start()
                await session._ask_limits()
        except TimeoutError:
            packets.close()
            raise CopyError(
                f"{where} does not start its SFTP server.",
                hint="The login shell may wait for input: check ~/.bashrc there.",
            ) from None
        return session

    async def _ask_limits(self) -> None:
        if _LIMITS in self._packets.extensions:
            with suppress(StatusError):
                await self.request(Packet.EXTENDED, self._limits, string(_LIMITS))

    def _limits(self, kind: int, reader: Reader) -> None:
        answers.expect(kind, Packet.EXTENDED_REPLY, reader)
        reader.u64()
        limits = [size for size in (reader.u64(), reader.u64()) if size]
        self.block = min([BLOCK, *limits])

    @property
    def where(self) -> str:
        """The server, for messages."""
        return self._packets.where

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._packets.closed

    def close(self) -> None:
        """End it; requests that are not answered fail."""
        self._packets.close()

    # Requests.

    async def open_file(self, path: bytes, how: int, *, mode: int | None = None) -> RemoteFile:
        """Open a file; ``mode`` are the permissions of a new one, from which the server takes its umask."""
        handle = await self.request(Packet.OPEN, answers.handle, string(path), u32(how), attributes(mode=mode))
        return RemoteFile(self, handle)

    async def create_file(self, path: bytes, mode: int) -> RemoteFile:
        """Create a file and open it for writing. Of what is there, a link is not followed and a file not used."""
        how = Open.WRITE | Open.CREATE | Open.TRUNCATE | Open.EXCLUSIVE
        try:
            return await self.open_file(path, how, mode=mode)
        except StatusError as error:
            if error.code not in {Status.FAILURE, _ALREADY_THERE} or not await self._is_replaceable(path):
                raise
        await self.remove(path)
        return await self.open_file(path, how, mode=mode)

    def stat(self, path: bytes) -> Awaitable[Attrs]:
        """Read the attributes of the target of a path."""
        return self.request(Packet.STAT, answers.attrs, string(path))

    def lstat(self, path: bytes) -> Awaitable[Attrs]:
        """Read the attributes of a name, of a link its own."""
        return self.request(Packet.LSTAT, answers.attrs, string(path))

    async def scan(self, path: bytes) -> list[tuple[bytes, Attrs]]:
        """List a directory without ``.`` and ``..``; names that are none (with a slash) raise CopyError."""
        handle = string(await self.request(Packet.OPENDIR, answers.handle, string(path)))
        found: list[tuple[bytes, Attrs | None]] = []
        try:
            while names := await self.request(Packet.READDIR, answers.names, handle):
                found += names
        finally:
            if not self.closed:
                self.request(Packet.CLOSE, answers.nothing, handle).add_done_callback(_read_outcome)
        entries = []
        for name, attrs in found:
            if name in {b".", b".."}:
                continue
            if not name or b"/" in name or b"\0" in name:
                raise CopyError(f"{self.where} lists a name that cannot be one: {shown(name)!r}.")
            try:
                entries.append((name, attrs or await self.lstat(path.rstrip(b"/") + b"/" + name)))
            except StatusError as error:
                if error.code != Status.NO_SUCH_FILE:  # removed meanwhile
                    raise
        return entries

    def mkdir(self, path: bytes, mode: int) -> Awaitable[None]:
        """Create a directory."""
        return self.request(Packet.MKDIR, answers.nothing, string(path), attributes(mode=mode))

    def set(self, path: bytes, *, mode: int | None = None, mtime_ns: int | None = None) -> Awaitable[None]:
        """Set permissions and times of the target of a path."""
        return self.request(Packet.SETSTAT, answers.nothing, string(path), attributes(mode=mode, mtime_ns=mtime_ns))

    def remove(self, path: bytes) -> Awaitable[None]:
        """Remove a file or a link."""
        return self.request(Packet.REMOVE, answers.nothing, string(path))

    async def replace(self, old: bytes, new: bytes) -> None:
        """Rename over what is there, unless that is a directory.

        Where the server cannot replace, the file there is moved aside meanwhile, and back where that fails.
        """
        if _POSIX_RENAME in self._packets.extensions:
            await self.request(Packet.EXTENDED, answers.nothing, string(_POSIX_RENAME), string(old), string(new))
            return
        try:
            await self._rename(old, new)
        except StatusError as error:
            if error.code not in {Status.FAILURE, _ALREADY_THERE} or not await self._is_replaceable(new):
                raise
        else:
            return
        aside = old + b".replaced"
        await self._rename(new, aside)
        try:
            await self._rename(old, new)
        except BaseException:
            with suppress(CopyError):
                await self._rename(aside, new)
            raise
        await self.remove(aside)

    async def _is_replaceable(self, path: bytes) -> bool:
        try:
            return not (await self.lstat(path)).is_dir
        except StatusError:
            return False

    def _rename(self, old: bytes, new: bytes) -> Awaitable[None]:
        return self.request(Packet.RENAME, answers.nothing, string(old), string(new))

    async def real(self, path: bytes) -> bytes:
        """Return a path from the root, without links; of a relative one from the directory of the login."""
        return await self.request(Packet.REALPATH, answers.one_name, string(path))

    async def readlink(self, path: bytes) -> bytes:
        """Return the target of a link."""
        return await self.request(Packet.READLINK, answers.one_name, string(path))

    def symlink(self, target: bytes, path: bytes) -> Awaitable[None]:
        """Create a link at ``path`` to ``target``."""
        first, second = (target, path) if self._links_reversed else (path, target)
        return self.request(Packet.SYMLINK, answers.nothing, string(first), string(second))

    async def file_system(self, path: bytes) -> FileSystem | None:
        """Return the state of the file system of a path; None where that is unknown."""
        if _STATVFS not in self._packets.extensions:
            return None
        try:
            return await self.request(Packet.EXTENDED, answers.file_system, string(_STATVFS), string(path))
        except StatusError:
            return None


def _read_outcome(future: asyncio.Future[None]) -> None:
    """Take the outcome of a request that nothing waits for."""
    if not future.cancelled():
        future.exception()
