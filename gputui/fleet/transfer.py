"""One copy of files: where from, where to, how far it is."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import field
from enum import StrEnum

from gputui.errors import CopyError, GputuiError
from gputui.late_dataclasses import dataclass
from gputui.models import Ref
from gputui.ssh.sftp.answers import shown
from gputui.ssh.sftp.copy import Copy
from gputui.ssh.sftp.state import Gate, Options, Progress

_SAMPLES = 10


class TransferState(StrEnum):
    """The states of a transfer."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing happens any more unless it is retried."""
        return self in {TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED}


@dataclass(frozen=True, slots=True)
class Spot:
    """A path of an instance, or of this machine where ``ref`` is None. A relative path begins at the home directory
    there, at the working directory here.
    """

    ref: Ref | None
    path: bytes

    @property
    def text(self) -> str:
        """Return it for a message, safe for a terminal."""
        return f"{self.ref}:{shown(self.path)}" if self.ref is not None else shown(self.path)


@dataclass(eq=False, slots=True)
class Transfer:
    """One source on its way to one target. ``error`` is why it failed, or what it waits for before the next attempt;
    ``problems`` are files that were not copied, ``skipped`` those that cannot be.
    """

    source: Spot
    target: Spot
    options: Options
    state: TransferState = TransferState.WAITING
    progress: Progress = field(default_factory=Progress)
    error: GputuiError | None = None
    problems: list[CopyError] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    """The temporary files in the target that the next attempt continues."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    to: bytes = b""
    """The path of the copy, once it is known."""
    gate: Gate = field(default_factory=Gate)
    copy: Copy | None = None
    task: asyncio.Task[None] | None = None
    cleaning: asyncio.Task[None] | None = None
    discards: bool = False
    generations: dict[Ref, str] = field(default_factory=dict)
    """Marks that distinguish its instances from later ones of the same names; '' where unknown."""
    number: int = 0
    """The place among all transfers of the session."""
    samples: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_SAMPLES))

    @property
    def rate(self) -> float | None:
        """Bytes a second over the last seconds; None where it does not run, or only began to."""
        if self.state is not TransferState.RUNNING or len(self.samples) < 2:
            return None
        (begun, before), (now, moved) = self.samples[0], self.samples[-1]
        return (moved - before) / (now - begun) if now > begun else None

    @property
    def left(self) -> float | None:
        """Seconds that it will take; None where that is unknown."""
        rate = self.rate
        if not rate or not self.progress.counted:
            return None
        return max(0, self.progress.total - self.progress.done) / rate

    @property
    def refs(self) -> list[Ref]:
        """The instances that it uses."""
        return [spot.ref for spot in (self.source, self.target) if spot.ref is not None]
