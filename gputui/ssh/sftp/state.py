"""How a copy is made, how far it is, and its pause."""

from __future__ import annotations

import asyncio
from dataclasses import field

from gputui.late_dataclasses import dataclass
from gputui.ssh.sftp.wire import Attrs


@dataclass(frozen=True, slots=True)
class Options:
    """How to copy. Without ``resume`` parts are begun again, and files that are there already are copied again.
    ``into``: the destination has to be a directory.
    """

    recursive: bool = False
    checksum: bool = False
    resume: bool = True
    into: bool = False


@dataclass(slots=True)
class Progress:
    """Counters of a copy, in bytes and files. ``total`` grows until the tree is ``counted``."""

    total: int = 0
    done: int = 0
    """Bytes that are there, those of earlier attempts included."""
    moved: int = 0
    """Bytes that this attempt has moved."""
    files: int = 0
    files_done: int = 0
    files_kept: int = 0
    """Files that were there already: same size and time."""
    counted: bool = False


@dataclass(slots=True)
class Gate:
    """Pauses a copy between two requests."""

    _open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._open.set()

    @property
    def closed(self) -> bool:
        """Whether the copy is paused."""
        return not self._open.is_set()

    def close(self) -> None:
        """Pause."""
        self._open.clear()

    def open(self) -> None:
        """Continue."""
        self._open.set()

    async def passed(self) -> None:
        """Wait while it is closed."""
        if not self._open.is_set():
            await self._open.wait()


@dataclass(frozen=True, slots=True)
class Item:
    """A file, link or directory of the source, its path in the target, and what has that path now."""

    path: bytes
    to: bytes
    attrs: Attrs
    there: Attrs | None
    part: Attrs | None = None
    """A part of this very source from an earlier attempt."""
