"""An SFTP server that misbehaves as a test asks, and a person logged into it."""

from __future__ import annotations

import asyncio
import os
import posixpath
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import pytest

from gputui.ssh.client import Connection
from gputui.ssh.sftp.copy import Copy
from gputui.ssh.sftp.local import HERE
from gputui.ssh.sftp.remote import RemotePlace
from gputui.ssh.sftp.state import Options
from tests.ssh.conftest import Person
from tests.ssh.servers import Server


@dataclass
class Faults:
    """What an SFTP server does wrong."""

    drop_after: int = -1
    """The bytes of reads and writes after which every connection is dropped."""
    moved: int = 0
    refused: set[bytes] = field(default_factory=set)
    """The names of files that may not be opened."""
    disk: dict[str, int] | None = None
    """What the server reports of its file system, on which every write fails."""
    corrupt: bool = False
    on_data: Callable[[], None] = lambda: None
    """Called with every read or write."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with the first read or write."""
    never_named: bytes = b""
    """The name that no part gets by a rename."""
    names: list[bytes] | None = None
    """The names that every directory has."""


class FaultySftp(asyncssh.SFTPServer):
    """Serves a directory."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], root: Path, faults: Faults, drop: Callable[[], None]):
        super().__init__(chan, chroot=os.fsencode(root))
        self._faults = faults
        self._drop = drop

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if posixpath.basename(path) in self._faults.refused:
            raise asyncssh.SFTPPermissionDenied("no")
        return super().open(path, pflags, attrs)

    def rename(self, oldpath: bytes, newpath: bytes) -> Awaitable[None] | None:
        refused = self._faults.never_named
        if refused and posixpath.basename(newpath) == refused and oldpath.endswith(b"-part"):
            raise asyncssh.SFTPFailure("Failure")
        return super().rename(oldpath, newpath)

    def readlink(self, path: bytes) -> bytes:
        return os.readlink(self.map_path(path))  # noqa: PTH115  (names are bytes)

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        os.symlink(oldpath, self.map_path(newpath))  # noqa: PTH211  (names are bytes)

    def read(self, file_obj: object, offset: int, size: int) -> bytes | Awaitable[bytes]:
        self._count(size)
        return super().read(file_obj, offset, size)

    def write(self, file_obj: object, offset: int, data: bytes) -> int | Awaitable[int]:
        self._count(len(data))
        if self._faults.disk is not None:
            raise asyncssh.SFTPFailure("Failure")
        return super().write(file_obj, offset, bytes(len(data)) if self._faults.corrupt else data)

    def statvfs(self, path: bytes) -> asyncssh.SFTPVFSAttrs:
        found = asyncssh.SFTPVFSAttrs.from_local(os.statvfs(self.map_path(path)))
        for name, value in (self._faults.disk or {}).items():
            setattr(found, name, value)
        return found

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        if self._faults.names is not None:
            attrs = await self.convert_attrs(self.stat(b"/"))
            for name in self._faults.names:
                yield asyncssh.SFTPName(name, attrs=attrs)
            return
        async for entry in super().scandir(path):
            yield entry

    def _count(self, size: int) -> None:
        self._faults.on_data()
        self._faults.reached.set()
        self._faults.moved += size
        if 0 <= self._faults.drop_after < self._faults.moved:
            self._drop()


@dataclass
class Far:
    """An instance with an SFTP server: its files are in ``root``."""

    root: Path
    here: Path
    faults: Faults
    server: Server
    person: Person
    places: list[RemotePlace] = field(default_factory=list)

    async def connection(self) -> Connection:
        return await self.person.connect(self.server.port)

    async def place(self, name: str = "lab/pod/main") -> RemotePlace:
        place = await RemotePlace.open(name, await self.connection())
        self.places.append(place)
        return place

    async def up(self, path: str | bytes, to: str | bytes, options: Options | None = None) -> Copy:
        """Return a copy from here to there."""
        source = posixpath.join(os.fsencode(self.here), os.fsencode(path))
        return Copy(HERE, source, await self.place(), os.fsencode(to), options)

    async def down(self, path: str | bytes, to: str | bytes, options: Options | None = None) -> Copy:
        """Return a copy from there to here."""
        target = posixpath.join(os.fsencode(self.here), os.fsencode(to))
        return Copy(await self.place(), os.fsencode(path), HERE, target, options)


@pytest.fixture
async def far(tmp_path: Path, person: Person) -> AsyncIterator[Far]:
    root, here = tmp_path / "far", tmp_path / "here"
    root.mkdir()
    here.mkdir()
    faults = Faults()
    server = Server(sftp=lambda chan: FaultySftp(chan, root, faults, server.drop))
    async with server:
        far = Far(root, here, faults, server, person)
        yield far
        for place in far.places:
            place.close()
        await asyncio.sleep(0)
