"""The files of a simulated machine by kind, and the space they share."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

FILE_LIMIT = 64 << 20
"""Bytes that the files of one file system may have."""
TOTAL_LIMIT = 256 << 20
"""Bytes that those of the whole world may have."""


@dataclass
class Space:
    """The memory that files share: used by those of one machine, and by ``whole``, those of all machines."""

    limit: int
    whole: Space | None = None
    used: int = 0

    def take(self, size: int) -> None:
        """Take bytes, or give them back. Raises OSError where too few are left."""
        if size > 0 and (self.used + size > self.limit or (self.whole and self.whole.used + size > self.whole.limit)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.used += size
        if self.whole:
            self.whole.used += size


@dataclass
class Node:
    """A file of any kind. ``mode`` are the permissions."""

    owner: str = "root"
    mode: int = 0o644
    modified: float = 0.0

    @property
    def kind(self) -> int:
        """The type, as in ``st_mode``."""
        return stat.S_IFREG

    @property
    def size(self) -> int:
        """Bytes."""
        return 0


@dataclass
class File(Node):
    """A regular file."""

    data: bytearray = field(default_factory=bytearray)
    removed: bool = False
    """Data written to it are lost."""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    def read(self, place: int, size: int) -> bytes:
        """Return up to ``size`` bytes from a place on."""
        return bytes(self.data[place : place + size])


@dataclass
class Computed(File):
    """A file whose content is computed when it is read, such as those of ``/proc``; it cannot be written."""

    content: Callable[[], str] = str
    mode: int = 0o444

    def read(self, place: int, size: int) -> bytes:
        """Return up to ``size`` bytes from a place on."""
        return self.content().encode()[place : place + size]


@dataclass
class Growing(Computed):
    """A file that a program of the machine appends to."""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content().encode())


@dataclass
class Device(File):
    """``/dev/null`` and ``/dev/zero``."""

    fill: bytes = b""
    mode: int = 0o666

    @property
    def kind(self) -> int:
        """The type, as in ``st_mode``."""
        return stat.S_IFCHR

    def read(self, place: int, size: int) -> bytes:
        """Return up to ``size`` bytes from a place on."""
        return self.fill * min(size, 65_536)


@dataclass
class Link(Node):
    """A symbolic link."""

    target: str = ""
    mode: int = 0o777

    @property
    def kind(self) -> int:
        """The type, as in ``st_mode``."""
        return stat.S_IFLNK

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.target.encode("utf-8", "surrogateescape"))


@dataclass
class Directory(Node):
    """A directory."""

    children: dict[str, Node] = field(default_factory=dict)
    mode: int = 0o755

    @property
    def kind(self) -> int:
        """The type, as in ``st_mode``."""
        return stat.S_IFDIR

    @property
    def size(self) -> int:
        """Bytes."""
        return 4096

    def get(self, name: str) -> Node | None:
        """Return an entry."""
        return self.children.get(name)

    def names(self) -> list[str]:
        """Return the names of the entries, in order."""
        return sorted(self.children)


@dataclass
class ComputedDirectory(Directory):
    """A directory whose entries are computed, such as ``/proc``; nothing can be made in it."""

    content: Callable[[], Mapping[str, Node]] = dict
    mode: int = 0o555

    def get(self, name: str) -> Node | None:
        """Return an entry."""
        return self.content().get(name)

    def names(self) -> list[str]:
        """Return the names of the entries, in order."""
        return sorted(self.content())


def may_read(node: Node, user: str) -> bool:
    """Return whether a user may read it."""
    return user in ("root", node.owner) or bool(node.mode & 0o004)


def may_write(node: Node, user: str) -> bool:
    """Return whether a user may write it."""
    return user in ("root", node.owner) or bool(node.mode & 0o002)
