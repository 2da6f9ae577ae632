"""SFTP over the files of a simulated machine or container: bounded in size and rate, with nothing of this machine.

Every method of asyncssh's server that reaches the real file system is replaced; a test compares the two.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncssh
from asyncssh import SFTPAttrs, SFTPName, SFTPVFSAttrs

from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hosts import Host
from gputui.sim.machines.nodes import Directory, File, Link, Node, may_read
from gputui.sim.machines.root_files import files_of
from gputui.sim.shell.programs.files.listing import long_line

_NOWHERE = b"/nonexistent/simulated"
"""Where asyncssh would look for a file that a method here did not answer for."""
_SEEK_HOLE = getattr(os, "SEEK_HOLE", 4)  # Windows has none
_BLOCK_BYTES = 4096
_ADMINISTRATOR, _USER = 0, 1000
_LARGEST_READ = 4 << 20


@dataclass
class Handle:
    """A file that is open."""

    file: File
    append: bool = False

    def seek(self, offset: int, whence: int) -> int:
        """Return where data or a hole begin from a place on, as asyncssh asks. There are no holes."""
        if offset >= self.file.size:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        return self.file.size if whence == _SEEK_HOLE else offset


class SimulatedSftp(asyncssh.SFTPServer):
    """One SFTP session."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], host: Host, pod: Pod | None, user: str) -> None:
        super().__init__(channel, chroot=_NOWHERE)
        self._host = host
        self._user = user
        self._home = "/root" if user == "root" else f"/home/{user}"
        self._files = files_of(host, pod, user)
        host.world.advance()

    def _path(self, path: bytes) -> str:
        name = path.decode("utf-8", "surrogateescape")
        return posixpath.normpath(posixpath.join(self._home, name))

    def _attributes(self, node: Node) -> SFTPAttrs:
        uid = _ADMINISTRATOR if node.owner == "root" else _USER
        at = int(node.modified)
        return SFTPAttrs(size=node.size, uid=uid, gid=uid, permissions=node.kind | node.mode, atime=at, mtime=at,
                         owner=node.owner, group=node.owner, nlink=1)  # fmt: skip

    def _set(self, node: Node, attrs: SFTPAttrs) -> None:
        if self._user not in ("root", node.owner):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        if attrs.size is not None and isinstance(node, File):
            self._files.truncate(node, attrs.size)
        if attrs.permissions is not None:
            node.mode = attrs.permissions & 0o7777
        if attrs.mtime is not None:
            node.modified = float(attrs.mtime)

    # Paths

    def map_path(self, path: bytes) -> bytes:
        """Nothing is mapped to this machine's files."""
        return _NOWHERE

    def reverse_map_path(self, path: bytes) -> bytes:
        """Paths are those of the simulated machine."""
        return path

    def realpath(self, path: bytes) -> bytes:
        """A path without links; of something that does not exist it is the path itself."""
        try:
            return self._files.real(self._path(path)).encode("utf-8", "surrogateescape")
        except OSError:
            return self._path(path).encode("utf-8", "surrogateescape")

    def format_user(self, uid: int | None) -> str:
        """The user's name."""
        return "root" if uid == _ADMINISTRATOR else self._user if uid == _USER else str(uid or "")

    def format_group(self, gid: int | None) -> str:
        """The group's name: each user's own."""
        return self.format_user(gid)

    def format_longname(self, name: SFTPName) -> None:
        """The line of ``ls -l`` is there already."""

    # Looking

    def stat(self, path: bytes) -> SFTPAttrs:
        """Attributes of the file at a path, links followed."""
        return self._attributes(self._files.find(self._path(path)))

    def lstat(self, path: bytes) -> SFTPAttrs:
        """Attributes of a link itself."""
        return self._attributes(self._files.find(self._path(path), follow=False))

    def fstat(self, file_obj: object) -> SFTPAttrs:
        """Attributes of an open file."""
        return self._attributes(_handle(file_obj).file)

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """The entries of a directory."""
        node = self._files.find(self._path(path))
        if not isinstance(node, Directory):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not may_read(node, self._user):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        parent = self._files.find(posixpath.dirname(self._path(path)))
        entries = [(".", node), ("..", parent), *((name, node.get(name)) for name in node.names())]
        for name, child in entries:
            if child is not None:
                line = f"{long_line(child, child.modified, self._host.world.time)} {name}"
                encoded = name.encode("utf-8", "surrogateescape")
                yield SFTPName(encoded, line.encode("utf-8", "surrogateescape"), self._attributes(child))

    def readlink(self, path: bytes) -> bytes:
        """The target of a link."""
        node = self._files.find(self._path(path), follow=False)
        if not isinstance(node, Link):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return node.target.encode("utf-8", "surrogateescape")

    def statvfs(self, path: bytes) -> SFTPVFSAttrs:
        """The room that is left."""
        space = self._files.space
        limit, used = space.limit, space.used
        if space.whole is not None:
            limit = min(limit, used + space.whole.limit - space.whole.used)
        free = max(0, limit - used) // _BLOCK_BYTES
        blocks = limit // _BLOCK_BYTES
        return SFTPVFSAttrs(bsize=_BLOCK_BYTES, frsize=_BLOCK_BYTES, blocks=blocks, bfree=free, bavail=free,
                            files=20_000, ffree=20_000, favail=20_000, fsid=1, flag=0, namemax=255)  # fmt: skip

    def fstatvfs(self, file_obj: object) -> SFTPVFSAttrs:
        """The room that is left."""
        return self.statvfs(b"/")

    # Files

    def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> Handle:
        """Open a file, made where it may be."""
        writes = bool(pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_APPEND))
        create = bool(pflags & asyncssh.FXF_CREAT)
        made = create and not self._files.exists(self._path(path))
        file = self._files.open(
            self._path(path),
            self._user,
            write=writes,
            create=create,
            exclusive=bool(pflags & asyncssh.FXF_EXCL),
            truncate=bool(pflags & asyncssh.FXF_TRUNC),
        )
        if made and attrs.permissions is not None:
            file.mode = attrs.permissions & 0o7777
        return Handle(file, bool(pflags & asyncssh.FXF_APPEND))

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: SFTPAttrs) -> Handle:
        """Versions 5 and 6 of the protocol are not spoken."""
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    def close(self, file_obj: object) -> None:
        """Close a file."""

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Data of a file, at the machine's rate."""
        data = _handle(file_obj).file.read(offset, min(size, _LARGEST_READ))
        await self._throttle(len(data))
        return data

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write data, at the machine's rate."""
        handle = _handle(file_obj)
        await self._throttle(len(data))
        self._files.write(handle.file, handle.file.size if handle.append else offset, data)
        return len(data)

    async def _throttle(self, size: int) -> None:
        """Wait as long as a line of the machine's rate is busy: all its sessions share that."""
        system = self._host.system
        if not system.sftp_rate:
            return
        now = self._host.world.clock.now()
        system.line_free_at = max(system.line_free_at, now) + size / system.sftp_rate
        await self._host.world.clock.sleep(system.line_free_at - now)

    def fsync(self, file_obj: object) -> None:
        """Nothing to do: it is in memory."""

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Set permissions, times, size."""
        self._set(self._files.find(self._path(path)), attrs)

    def lsetstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Set those of a link itself."""
        self._set(self._files.find(self._path(path), follow=False), attrs)

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """Set those of an open file."""
        self._set(_handle(file_obj).file, attrs)

    def lock(self, file_obj: object, offset: int, length: int, flags: int) -> None:
        """There are no locks."""
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    def unlock(self, file_obj: object, offset: int, length: int) -> None:
        """There are no locks."""
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    # Directories and names

    def remove(self, path: bytes) -> None:
        """Remove a file or link."""
        self._files.remove(self._path(path), self._user)

    def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Make a directory."""
        mode = 0o755 if attrs.permissions is None else attrs.permissions & 0o7777
        self._files.make_directory(self._path(path), self._user, mode=mode)

    def rmdir(self, path: bytes) -> None:
        """Remove an empty directory."""
        self._files.remove_directory(self._path(path), self._user)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename, unless the new name is taken."""
        self._files.rename(self._path(oldpath), self._path(newpath), self._user, replace=False)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename, over what is there."""
        self._files.rename(self._path(oldpath), self._path(newpath), self._user)

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """Make a link to ``oldpath``."""
        self._files.make_link(self._path(newpath), self._user, oldpath.decode("utf-8", "surrogateescape"))

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        """There are no hard links."""
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    def exit(self) -> None:
        """The session has ended: scp fails without an exit status."""
        self.channel.exit(0)


def _handle(file_obj: object) -> Handle:
    assert isinstance(file_obj, Handle)  # noqa: S101  what open() returns
    return file_obj
