"""Leases: when an instance or deployment is stopped or released by itself, and what became of that."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from gputui.late_dataclasses import dataclass
from gputui.models.values import Ref


class LeaseAction(StrEnum):
    """The end of a lease. Releasing deletes an instance with its disk."""

    STOP = "stop"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Lease:
    """The end of one instance or deployment, as a user has set it.

    ``name`` is that of the row when it was set. ``generation`` distinguishes the row from a later one of the same
    name; '' where nothing does. It ends at ``until``, or when its GPUs have been idle for ``idle`` minutes while no
    user is logged in, whichever comes first; neither before ``not_before``. ``warn`` are the minutes of the warning
    before. ``armed``: a process inside the instance ends it as well, some minutes later; ``removed``: a user has
    removed the lease, and that process is still to be ended. ``scope`` is the configuration file of its account.
    ``revision`` counts its edits. Times are in UTC.
    """

    id: str
    ref: Ref
    name: str
    created: datetime
    action: LeaseAction = LeaseAction.STOP
    until: datetime | None = None
    idle: int | None = None
    not_before: datetime | None = None
    warn: int = 15
    armed: bool = False
    generation: str = ""
    user: str = ""
    scope: str = ""
    note: str = ""
    removed: bool = False
    revision: int = 0


class LeaseEvent(StrEnum):
    """The entries in the journal of a lease."""

    BOUND = "bound"
    """The row was seen first: ``text`` is its generation, which was not known when the lease was set."""
    WARNED = "warned"
    KEPT = "kept"
    """The reason of the warning is gone: the GPUs work again."""
    SENT = "sent"
    """Written before the request."""
    ANSWERED = "answered"
    REFUSED = "refused"
    LOST = "lost"
    """No answer came: the request may have been performed."""
    ALARMED = "alarmed"
    BLIND = "blind"
    """The idle rule does not see the load, or not who is logged in."""
    SIGHTED = "sighted"
    """It sees them again."""
    ARMED = "armed"
    DISARMED = "disarmed"
    DONE = "done"
    """The server shows the row stopped, or no longer."""
    ENDED = "ended"
    """It ended without a change of its own: ``text`` says why."""


@dataclass(frozen=True, slots=True)
class LeaseEntry:
    """One entry. ``at`` is the time of the server's clock where that is known, ``until`` the armed deadline."""

    at: datetime
    what: LeaseEvent
    revision: int
    text: str = ""
    until: datetime | None = None


class LeaseState(StrEnum):
    """Where a lease is."""

    WAITING = "waiting"
    ENDS_SOON = "ends soon"
    """It was warned about."""
    UNKNOWN = "unknown"
    """Nothing is done, as what has to be known is not."""
    CHECKING = "checking"
    """The request was sent; the server does not show its effect yet."""
    RETRYING = "retrying"
    """The server does not show the effect after its time: it is tried again."""
    DONE = "done"
    ENDED = "ended"

    @property
    def over(self) -> bool:
        """Whether nothing more is done."""
        return self in (LeaseState.DONE, LeaseState.ENDED)
