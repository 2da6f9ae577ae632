"""The lines that something writes, as they are read page by page in either direction."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum

from gputui.late_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogPosition:
    """A place in a log, as its back end writes it: to be handed back, not to be looked into."""

    time: str
    offset: str


class LogSeverity(IntEnum):
    """The severity of a line, as its log reports it apart from the text."""

    LOWER = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a log. ``at`` is in UTC, None where it is not reported; ``text`` is clean, without a line end.

    ``position`` identifies the line in its log. ``severity`` is None where the text alone may contain it.
    """

    at: datetime | None
    text: str
    position: LogPosition
    severity: LogSeverity | None = None


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines of a log: those with ``keyword``, from ``since`` to ``until`` (UTC); all by default."""

    keyword: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some lines of a log, oldest first whatever the direction they were read in.

    ``more``: there are further ones in that direction now. ``next`` is where it continues, None where the page is
    empty and the back end gave no place.
    """

    lines: tuple[LogLine, ...]
    more: bool
    next: LogPosition | None


class LogKind(StrEnum):
    """The kinds of logs of an instance: that of the account's server, and those that are read over SSH."""

    API = "api"
    FILE = "file"
    UNIT = "unit"
    CONTAINER = "container"


@dataclass(frozen=True, slots=True)
class LogSource:
    """A log of an instance. Over SSH: the path of a file or a glob, a systemd unit, or a container of the host.

    ``name`` is the user's own text. A relative path, and one that begins with ``~/``, begins at the home directory.
    """

    kind: LogKind
    name: str


API_LOG = LogSource(LogKind.API, "log")
"""The log that the account's server has, which is the only one of its kind."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file that a glob matches. ``path`` has undecodable bytes as surrogates; ``size`` is in bytes."""

    path: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class LogFiles:
    """The files that a glob matches, the one written last first.

    ``more``: it matches further ones, which are not known, the last of them by name.
    """

    files: tuple[LogFile, ...]
    more: bool = False
