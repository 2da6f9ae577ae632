"""The journal of a lease, folded: what was announced, requested and answered, and what is armed inside. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from gputui.late_dataclasses import dataclass
from gputui.models.leases import Lease, LeaseEntry, LeaseEvent, LeaseState


@dataclass(frozen=True, slots=True)
class LeaseLog:
    """The journal of a lease, folded: entries of its present revision, and whether it is armed inside.

    ``sent`` is when the last request was sent, ``first_sent`` the first one, ``answer`` what became of it.
    """

    warned: datetime | None = None
    warning: str = ""
    sent: datetime | None = None
    first_sent: datetime | None = None
    tries: int = 0
    answered: bool = False
    answer: str = ""
    alarmed: datetime | None = None
    alarm: str = ""
    blind: str = ""
    armed: datetime | None = None
    generation: str = ""
    over: LeaseEntry | None = None

    @property
    def state(self) -> LeaseState:
        """The state by the journal alone, for whoever does not see the row."""
        if self.over is not None:
            return LeaseState.DONE if self.over.what is LeaseEvent.DONE else LeaseState.ENDED
        if self.sent is not None:
            return LeaseState.RETRYING if self.alarmed or self.tries > 1 else LeaseState.CHECKING
        if self.alarmed is not None:
            return LeaseState.UNKNOWN
        return LeaseState.ENDS_SOON if self.warned is not None else LeaseState.WAITING

    def take(self, entry: LeaseEntry) -> LeaseLog:
        """Return the log with one more entry."""
        at = entry.at
        match entry.what:
            case LeaseEvent.BOUND:
                return replace(self, generation=entry.text)
            case LeaseEvent.WARNED:
                return replace(self, warned=at, warning=entry.text)
            case LeaseEvent.KEPT:
                return LeaseLog(blind=self.blind, armed=self.armed, generation=self.generation)
            case LeaseEvent.SENT:
                first = self.first_sent or at
                return replace(self, sent=at, first_sent=first, tries=self.tries + 1, answered=False, answer="")
            case LeaseEvent.ANSWERED | LeaseEvent.REFUSED | LeaseEvent.LOST:
                return replace(self, answered=entry.what is LeaseEvent.ANSWERED, answer=entry.text)
            case LeaseEvent.ALARMED:
                return replace(self, alarmed=at, alarm=entry.text)
            case LeaseEvent.BLIND:
                return replace(self, blind=entry.text)
            case LeaseEvent.SIGHTED:
                return replace(self, blind="")
            case LeaseEvent.ARMED:
                return replace(self, armed=entry.until)
            case LeaseEvent.DISARMED:
                return replace(self, armed=None)
            case LeaseEvent.DONE | LeaseEvent.ENDED:
                return replace(self, over=entry)


_OF_ALL_REVISIONS = frozenset(
    {LeaseEvent.BOUND, LeaseEvent.ARMED, LeaseEvent.DISARMED, LeaseEvent.BLIND, LeaseEvent.SIGHTED}
)


def fold(lease: Lease, entries: Iterable[LeaseEntry]) -> LeaseLog:
    """Return the log of a lease: an edit begins a new one, but for what is armed and for what is seen."""
    log = LeaseLog()
    for entry in entries:
        if entry.revision == lease.revision or entry.what in _OF_ALL_REVISIONS:
            log = log.take(entry)
    return log
