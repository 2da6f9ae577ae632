"""The log of the agent: lines with the time in UTC, without secrets, in a file that is rotated."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from gputui.models import Secret
from gputui.private_files import open_private
from gputui.redaction import redact
from gputui.text import clean

LARGEST = 1_000_000
"""The most bytes of the file; of older ones there are ``KEPT``."""
KEPT = 3


class _Handler(RotatingFileHandler):
    """Writes files that only the user can read."""

    def _open(self) -> TextIOWrapper:
        descriptor = open_private(Path(self.baseFilename), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


class _Formatter(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return the time of a record in UTC."""
        return f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%SZ}"

    def format(self, record: logging.LogRecord) -> str:
        """Return one record, without secrets and control characters."""
        text = redact(super().format(record), Secret.revealed())
        return clean(text, multiline=True)


def open_log(path: Path) -> logging.Handler:
    """Let the loggers of gputui write into a file. Raises OSError."""
    handler = _Handler(path, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8")
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("gputui")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return handler


def close_log(handler: logging.Handler) -> None:
    """Write no more into it."""
    logger = logging.getLogger("gputui")
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
    handler.close()


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log, the oldest first, those of the file before it among them. Raises OSError."""
    lines: list[str] = []
    for name in (path, path.with_name(f"{path.name}.1")):
        if len(lines) >= count or (name != path and not name.exists()):
            break
        with os.fdopen(open_private(name, os.O_RDONLY), encoding="utf-8", errors="replace") as stream:
            lines = [*(clean(line.rstrip("\n")) for line in stream), *lines]
    return lines[-count:]
