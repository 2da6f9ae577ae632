"""The reader of a log by its kind."""

from __future__ import annotations

from typing import Protocol

from gputui.models import LogKind, LogPage, LogPosition, LogQuery, LogSource, SSHTarget
from gputui.ssh.logs.containers import ContainerLog
from gputui.ssh.logs.files import FileLog
from gputui.ssh.logs.journal import UnitLog
from gputui.ssh.logs.looks import Looks


class SourceLog(Protocol):
    """A log that is read over SSH."""

    async def read(self, query: LogQuery, *, after: LogPosition | None, backward: bool, size: int) -> LogPage:
        """Read some lines past a position; see :meth:`gputui.api.capabilities.Logs.read`. Raises GputuiError."""


def open_source(source: LogSource, looks: Looks, target: SSHTarget | None) -> SourceLog:
    """Return the reader of a source over SSH; raises InvalidError where its name cannot be one. Connects to nothing.

    The output of a container that is entered through its host is read on the host, as that of any other.
    """
    if source.kind is LogKind.FILE:
        return FileLog(looks, target, source.name)
    if source.kind is LogKind.UNIT:
        return UnitLog(looks, target, source.name)
    return ContainerLog(looks, None, source.name)
