"""Why a file of the history cannot be used. Imported where that happens alone, as the first frame opens the file."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from gputui.errors import reason_of

_ERRORS_OF_FULL_DISKS = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_LEAST_SPACE = 64 * 2**10
"""Bytes: SQLite needs half of them for its index of the write-ahead log."""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is damaged."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _code(error: Exception) -> int:
    """Return the primary result code of SQLite; 0 where the error has none."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def reason_of_file(error: Exception, path: Path | None) -> str:
    """Return why a file cannot be used. Of a full disk SQLite often says no more than an error of input or output."""
    code = _code(error)
    if code == sqlite3.SQLITE_FULL or (code in _ERRORS_OF_FULL_DISKS and path is not None and _is_full(path.parent)):
        return "there is no space left on the disk"
    return reason_of(error)


def _is_full(directory: Path) -> bool:
    try:
        found = os.statvfs(directory)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < _LEAST_SPACE or (found.f_files > 0 and found.f_favail == 0)


def move_aside(path: Path) -> Path:
    """Rename a damaged file with what SQLite keeps next to it, and return its new path; raises OSError."""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside
