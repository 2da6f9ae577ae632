"""The file system of a simulated machine or container: in memory, of limited size, with nothing of this machine.

Errors are OSError, as those of the calls of the same names. Times are world times in epoch seconds.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Callable, Iterator

from .nodes import (
    FILE_LIMIT,
    Computed,
    ComputedDirectory,
    Device,
    Directory,
    File,
    Link,
    Node,
    Space,
    may_read,
    may_write,
)

_MOST_NODES = 20_000
_MOST_LINKS = 16
_DEEPEST = 64


class FileSystem:
    """The files of one machine or container. ``clock`` gives the world time, ``user`` is who does what is done."""

    def __init__(self, clock: Callable[[], float], space: Space | None = None) -> None:
        self.clock = clock
        self.space = space or Space(FILE_LIMIT)
        self.root = Directory(modified=clock())
        self.nodes = 1

    # Looking

    def find(self, path: str, *, follow: bool = True) -> Node:
        """Return the node at an absolute path."""
        return self._walk(path, follow=follow)[1]

    def real(self, path: str) -> str:
        """Return a path without links, ``.`` and ``..``; its last part need not exist."""
        try:
            return self._walk(path, follow=True)[0]
        except FileNotFoundError:
            head, name = posixpath.split(posixpath.normpath(path))
            place, node = self._walk(head, follow=True)
            if not isinstance(node, Directory):
                raise _error(errno.ENOTDIR, path) from None
            return posixpath.join(place, name)

    def exists(self, path: str) -> bool:
        """Return whether there is something at a path."""
        try:
            self.find(path, follow=False)
        except OSError:
            return False
        return True

    def is_directory(self, path: str) -> bool:
        """Return whether there is a directory at a path."""
        try:
            return isinstance(self.find(path), Directory)
        except OSError:
            return False

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, [] where there is none."""
        try:
            node = self.find(path)
        except OSError:
            return []
        return node.names() if isinstance(node, Directory) else []

    def walk(self, path: str) -> Iterator[tuple[str, Node]]:
        """Yield everything below a path with its own, parents first, without following links."""
        waiting = [(path, self.find(path, follow=False))]
        while waiting:
            place, node = waiting.pop()
            yield place, node
            if isinstance(node, Directory):
                children = [(posixpath.join(place, name), node.get(name)) for name in reversed(node.names())]
                waiting += [(name, child) for name, child in children if child is not None]

    def text(self, path: str) -> str:
        """Return the text of a file; "" where there is none."""
        try:
            node = self.find(path)
        except OSError:
            return ""
        return node.read(0, FILE_LIMIT).decode("utf-8", "replace") if isinstance(node, File) else ""

    def _walk(self, path: str, *, follow: bool, links: int = 0) -> tuple[str, Node]:
        """The real path and the node of a path."""
        place: list[tuple[str, Node]] = [("/", self.root)]
        parts = [part for part in path.split("/") if part and part != "."]
        for number, part in enumerate(parts):
            where, node = place[-1]
            if not isinstance(node, Directory):
                raise _error(errno.ENOTDIR, path)
            if part == "..":
                place = place[:-1] or place
                continue
            child = node.get(part)
            if child is None:
                raise _error(errno.ENOENT, path)
            if isinstance(child, Link) and (follow or number < len(parts) - 1):
                if links >= _MOST_LINKS:
                    raise _error(errno.ELOOP, path)
                rest = "/".join(parts[number + 1 :])
                return self._walk(f"{posixpath.join(where, child.target)}/{rest}", follow=follow, links=links + 1)
            place.append((posixpath.join(where, part), child))
        return place[-1]

    # Changing

    def directory_of(self, path: str, user: str) -> tuple[Directory, str]:
        """Return the directory that a path is in, which the user may change, and the name there."""
        head, name = posixpath.split(posixpath.normpath(path))
        if not name or name in (".", ".."):
            raise _error(errno.EBUSY, path)
        parent = self.find(head)
        if not isinstance(parent, Directory):
            raise _error(errno.ENOTDIR, path)
        if isinstance(parent, ComputedDirectory) or not may_write(parent, user):
            raise _error(errno.EACCES, path)
        return parent, name

    def open(self, path: str, user: str, *, write: bool = False, create: bool = False,
             exclusive: bool = False, truncate: bool = False, mode: int = 0o644) -> File:  # fmt: skip
        """Return the file at a path, made with a mode where it may be."""
        try:
            node = self.find(path)
        except FileNotFoundError:
            if not create:
                raise
            made = File(user, mode, self.clock())
            self._add(self.real(path), user, made)
            return made
        if exclusive:
            raise _error(errno.EEXIST, path)
        if not isinstance(node, File):
            raise _error(errno.EISDIR, path)
        if not (may_write(node, user) if write or truncate else may_read(node, user)):
            raise _error(errno.EACCES, path)
        if truncate:
            self.truncate(node, 0)
        return node

    def write(self, file: File, place: int, data: bytes) -> None:
        """Write data at a place in a file. Raises OSError where the space is used up."""
        if isinstance(file, Device) or file.removed:
            return
        if isinstance(file, Computed):
            raise _error(errno.EACCES, "")
        end = place + len(data)
        self.space.take(max(0, end - file.size))
        if place > file.size:
            file.data += bytes(place - file.size)
        file.data[place:end] = data
        file.modified = self.clock()

    def truncate(self, file: File, size: int) -> None:
        """Set the size of a file."""
        if isinstance(file, Device | Computed) or file.removed:
            return
        self.space.take(size - file.size)
        if size < file.size:
            del file.data[size:]
        else:
            file.data += bytes(size - file.size)
        file.modified = self.clock()

    def make_directory(self, path: str, user: str, *, mode: int = 0o755) -> None:
        """Make a directory."""
        self._add(path, user, Directory(user, mode, self.clock()))

    def make_directories(self, path: str, user: str, *, mode: int = 0o755) -> None:
        """Make a directory and those above it, as far as they do not exist."""
        parts = posixpath.normpath(path).strip("/").split("/")
        for number in range(1, len(parts) + 1):
            place = "/" + "/".join(parts[:number])
            if not self.is_directory(place):
                self.make_directory(place, user, mode=mode)

    def make_link(self, path: str, user: str, target: str) -> None:
        """Make a symbolic link."""
        self._add(path, user, Link(user, modified=self.clock(), target=target[:4096]))

    def put(self, path: str, content: str, *, owner: str = "root", mode: int = 0o644) -> None:
        """Put a file there with its directories, those that do not exist the owner's as well."""
        self.make_directories(posixpath.dirname(path), owner)
        file = self.open(path, "root", write=True, create=True, truncate=True)
        self.write(file, 0, content.encode())
        file.owner, file.mode = owner, mode

    def mount(self, path: str, node: Node) -> None:
        """Put a node there, as the system's own."""
        self.make_directories(posixpath.dirname(path), "root")
        self._add(path, "root", node)

    def remove(self, path: str, user: str) -> None:
        """Remove a file or link."""
        parent, name = self.directory_of(path, user)
        node = parent.get(name)
        if node is None:
            raise _error(errno.ENOENT, path)
        if isinstance(node, Directory):
            raise _error(errno.EISDIR, path)
        self._drop(parent, name)

    def remove_directory(self, path: str, user: str) -> None:
        """Remove an empty directory."""
        parent, name = self.directory_of(path, user)
        node = parent.get(name)
        if node is None:
            raise _error(errno.ENOENT, path)
        if not isinstance(node, Directory):
            raise _error(errno.ENOTDIR, path)
        if node.names():
            raise _error(errno.ENOTEMPTY, path)
        self._drop(parent, name)

    def rename(self, old: str, new: str, user: str, *, replace: bool = True) -> None:
        """Rename, over what is there unless ``replace`` is False."""
        source, name = self.directory_of(old, user)
        target, new_name = self.directory_of(new, user)
        node = source.get(name)
        if node is None:
            raise _error(errno.ENOENT, old)
        other = target.get(new_name)
        if other is node:
            return
        if other is not None:
            if not replace:
                raise _error(errno.EEXIST, new)
            if isinstance(other, Directory) and (not isinstance(node, Directory) or other.names()):
                raise _error(errno.EISDIR if not isinstance(node, Directory) else errno.ENOTEMPTY, new)
            if isinstance(node, Directory) and not isinstance(other, Directory):
                raise _error(errno.ENOTDIR, new)
        if isinstance(node, Directory) and (self.real(new) + "/").startswith(self.real(old) + "/"):
            raise _error(errno.EINVAL, new)
        if other is not None:
            self._drop(target, new_name)
        del source.children[name]
        target.children[new_name] = node

    def _add(self, path: str, user: str, node: Node) -> None:
        if path.count("/") > _DEEPEST or len(path) > 4096:
            raise _error(errno.ENAMETOOLONG, path)
        parent, name = self.directory_of(path, user)
        if len(name.encode("utf-8", "surrogateescape")) > 255:
            raise _error(errno.ENAMETOOLONG, path)
        if parent.get(name) is not None:
            raise _error(errno.EEXIST, path)
        if self.nodes >= _MOST_NODES:
            raise _error(errno.ENOSPC, path)
        self.nodes += 1
        parent.children[name] = node
        parent.modified = self.clock()

    def _drop(self, parent: Directory, name: str) -> None:
        node = parent.children.pop(name)
        parent.modified = self.clock()
        self.nodes -= 1
        if isinstance(node, File):
            self.space.take(-node.size)
            node.removed = True


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
