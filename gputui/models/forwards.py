"""Forwards of ports of this machine to instances. They exist in this process alone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from gputui.late_dataclasses import dataclass
from gputui.models.values import Ref

LOOPBACK = "127.0.0.1"


class ForwardState(StrEnum):
    """Whether the port of this machine is served."""

    OPEN = "open"
    WAITING = "reconnecting"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ForwardSpec:
    """The two ends of a forward: ``remote_port`` of the instance's own loopback address; None is a SOCKS5 proxy.

    ``local_port`` 0 is any free one; with ``or_any`` one that is not available is replaced by any. ``bind`` is the
    address of this machine to listen on.
    """

    remote_port: int | None
    local_port: int = 0
    bind: str = LOOPBACK
    or_any: bool = False


@dataclass(frozen=True, slots=True)
class PortForward:
    """A forward as it is now. ``local`` is its address on this machine, ``instance`` has the name ``name``.

    Bytes are counted ``sent`` to the instance and ``received`` from it; of the connections, those ``open`` now and
    all that were ``opened``. ``problem`` is why it is not served, else the last failure of a connection, at
    ``problem_at``.
    """

    ref: Ref
    instance: Ref
    name: str
    local: str
    remote_port: int | None
    state: ForwardState
    open: int = 0
    opened: int = 0
    sent: int = 0
    received: int = 0
    problem: str = ""
    problem_at: datetime | None = None

    @property
    def destination(self) -> str:
        """The other end, in words."""
        return "SOCKS5" if self.remote_port is None else str(self.remote_port)

    @property
    def text(self) -> str:
        """Both ends, ``127.0.0.1:9000 → 8888 in train``."""
        return f"{self.local} → {self.destination} in {self.name}"
