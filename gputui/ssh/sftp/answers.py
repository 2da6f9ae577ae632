"""Answers of a server as values: StatusError is raised for a refusal, WireError for what is not expected."""

from __future__ import annotations

from gputui.late_dataclasses import dataclass
from gputui.ssh.sftp.wire import Attrs, Packet, Reader, Status, WireError
from gputui.text import clean

_SHOWN = 80
_READ_ONLY = 0x1


class StatusError(Exception):
    """The refusal of one request, with the server's code and words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


def shown(name: bytes) -> str:
    """Return a name as text that is safe for a terminal."""
    return clean(name.decode("utf-8", "surrogateescape"))


def expect(kind: int, wanted: Packet, reader: Reader) -> None:
    """Raise for an answer of another type."""
    if kind == Packet.STATUS:
        raise status_of(reader)
    if kind != wanted:
        raise WireError(f"an answer of type {kind}")


def status_of(reader: Reader) -> StatusError:
    """Read an outcome."""
    code = reader.u32()
    try:
        words = reader.string()
    except WireError:
        words = b""  # some old servers send none
    return StatusError(code, shown(words)[:_SHOWN])


def nothing(kind: int, reader: Reader) -> None:
    """Read the outcome of a request that returns nothing."""
    if kind != Packet.STATUS:
        raise WireError(f"an answer of type {kind}")
    if (status := status_of(reader)).code != Status.OK:
        raise status


def handle(kind: int, reader: Reader) -> bytes:
    """Read a handle."""
    expect(kind, Packet.HANDLE, reader)
    return reader.string()


def _is_end(kind: int, reader: Reader) -> bool:
    """Return whether an answer says that nothing more comes; raises any other status."""
    if kind != Packet.STATUS:
        return False
    if (status := status_of(reader)).code != Status.EOF:
        raise status
    return True


def data(kind: int, reader: Reader) -> bytes:
    """Read bytes; none at the end of the file."""
    if _is_end(kind, reader):
        return b""
    expect(kind, Packet.DATA, reader)
    return reader.string()


def attrs(kind: int, reader: Reader) -> Attrs:
    """Read attributes; a server that leaves out one that copies need is refused."""
    expect(kind, Packet.ATTRS, reader)
    found = reader.attrs()
    if found is None:
        raise StatusError(Status.OP_UNSUPPORTED, "the server reports no size, mode and time")
    return found


def names(kind: int, reader: Reader) -> list[tuple[bytes, Attrs | None]]:
    """Read names; none at the end of a directory."""
    if _is_end(kind, reader):
        return []
    expect(kind, Packet.NAME, reader)
    return reader.names()


def one_name(kind: int, reader: Reader) -> bytes:
    """Read the only name of an answer."""
    expect(kind, Packet.NAME, reader)
    found = reader.names()
    if len(found) != 1 or not found[0][0]:
        raise WireError(f"an answer with {len(found)} names")
    return found[0][0]


@dataclass(frozen=True, slots=True)
class FileSystem:
    """The bytes and files that a user can still write; None of files where they have no limit of their own."""

    free: int
    files: int | None
    read_only: bool


def file_system(kind: int, reader: Reader) -> FileSystem:
    """Read the state of a file system."""
    expect(kind, Packet.EXTENDED_REPLY, reader)
    _, unit, _, _, free, all_files, _, files, _, flags, _ = (reader.u64() for _ in range(11))
    return FileSystem(unit * free, files if all_files else None, bool(flags & _READ_ONLY))
