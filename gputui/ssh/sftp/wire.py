"""SFTP version 3 as bytes (draft-ietf-secsh-filexfer-02, and OpenSSH's PROTOCOL for extensions). Pure."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from enum import IntEnum
from struct import Struct, error, pack, unpack_from
from typing import Final

from gputui.late_dataclasses import dataclass

VERSION: Final = 3
LENGTH: Final = 4
"""The bytes of the length before each packet."""
LONGEST_PACKET: Final = 8 * 2**20
"""The longest packet that is believed, in bytes."""
_U32 = Struct(">I")
_U64 = Struct(">Q")
_HEAD = Struct(">IBI")
_SIZE, _IDS, _MODE, _TIMES, _EXTENDED = 0x1, 0x2, 0x4, 0x8, 0x80000000
_LATEST_TIME = 2**32 - 1


class Packet(IntEnum):
    """The types of packets."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    READLINK = 19
    SYMLINK = 20
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Status(IntEnum):
    """The outcomes that a server reports."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    OP_UNSUPPORTED = 8


class Open(IntEnum):
    """The ways to open a file."""

    READ = 0x1
    WRITE = 0x2
    CREATE = 0x8
    TRUNCATE = 0x10
    EXCLUSIVE = 0x20


class WireError(Exception):
    """Bytes that are not SFTP."""


@dataclass(frozen=True, slots=True)
class Attrs:
    """Size in bytes, mode as in ``st_mode``, time of the last change in nanoseconds since 1970 (over SFTP of whole
    seconds).
    """

    size: int
    mode: int
    mtime_ns: int

    @property
    def seconds(self) -> int:
        """The time in whole seconds, which is as precise as SFTP."""
        return self.mtime_ns // 10**9

    @property
    def is_dir(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)


def string(data: bytes) -> bytes:
    """Return bytes with their length before them."""
    return _U32.pack(len(data)) + data


def packet(kind: int, number: int, *fields: bytes) -> tuple[bytes, ...]:
    """Return the pieces of a request, which are not copied: they may be long."""
    return _HEAD.pack(sum(map(len, fields)) + 5, kind, number), *fields


def u32(value: int) -> bytes:
    """Return a number of 32 bits."""
    return _U32.pack(value)


def u64(value: int) -> bytes:
    """Return a number of 64 bits."""
    return _U64.pack(value)


def attributes(*, mode: int | None = None, mtime_ns: int | None = None) -> bytes:
    """Return attributes to set: permissions without the type, and times, clamped to those that SFTP can express."""
    flags, fields = 0, b""
    if mode is not None:
        flags |= _MODE
        fields += _U32.pack(stat.S_IMODE(mode))
    if mtime_ns is not None:
        flags |= _TIMES
        seconds = min(max(mtime_ns // 10**9, 0), _LATEST_TIME)
        fields += pack(">II", seconds, seconds)
    return _U32.pack(flags) + fields


class Reader:
    """Reads the fields of a packet in order. Raises WireError where it is too short."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = data
        self._at = 0

    def u32(self) -> int:
        """Read a number of 32 bits."""
        return self._number(_U32)

    def u64(self) -> int:
        """Read a number of 64 bits."""
        return self._number(_U64)

    def string(self) -> bytes:
        """Read bytes after their length."""
        length = self.u32()
        found = bytes(self._data[self._at : self._at + length])
        if len(found) != length:
            raise WireError("a string is cut off")
        self._at += length
        return found

    def attrs(self) -> Attrs | None:
        """Read attributes; None where the server does not report all that a copy needs."""
        flags = self.u32()
        size = self.u64() if flags & _SIZE else None
        if flags & _IDS:
            self._at += 8
        mode = self.u32() if flags & _MODE else None
        mtime = None
        if flags & _TIMES:
            self.u32()
            mtime = self.u32()
        if flags & _EXTENDED:
            for _ in range(self.u32()):
                self.string()
                self.string()
        if size is None or mode is None or mtime is None:
            return None
        return Attrs(size, mode, mtime * 10**9)

    def names(self) -> list[tuple[bytes, Attrs | None]]:
        """Read the names of a directory's entries, or one name."""
        found = []
        for _ in range(self.u32()):
            name = self.string()
            self.string()  # the line of ``ls -l``
            found.append((name, self.attrs()))
        return found

    def extensions(self) -> Iterator[tuple[bytes, bytes]]:
        """Read the extensions at the end of the first packet."""
        while self._at < len(self._data):
            yield self.string(), self.string()

    def _number(self, form: Struct) -> int:
        try:
            (value,) = form.unpack_from(self._data, self._at)
        except error:
            raise WireError("a number is cut off") from None
        self._at += form.size
        return int(value)


def length_of(data: memoryview, at: int) -> int:
    """Return the length of the packet at a position, without the length itself."""
    (length,) = unpack_from(">I", data, at)
    return int(length)
