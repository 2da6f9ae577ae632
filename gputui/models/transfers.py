"""Copies of files, and the files themselves, as rows of tables."""

from __future__ import annotations

from datetime import datetime

from gputui.late_dataclasses import dataclass
from gputui.models.values import Ref


@dataclass(frozen=True, slots=True)
class TransferRow:
    """A transfer as it is now. Sizes in bytes, ``rate`` in bytes a second, ``left`` in seconds, None where unknown.

    ``counted``: ``files`` and ``total`` are final. ``note`` is why it failed, or what it waits for.
    """

    ref: Ref
    name: str
    source: str
    target: str
    state: str
    done: int = 0
    total: int = 0
    files_done: int = 0
    files: int = 0
    counted: bool = False
    rate: float | None = None
    left: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file, directory or link in a directory. ``raw`` is its name as bytes, ``name`` as text for a terminal.

    ``kind`` is file, directory, link or other; ``size`` in bytes is None for what is no file.
    """

    ref: Ref
    name: str
    raw: bytes
    kind: str
    size: int | None = None
    modified_at: datetime | None = None
