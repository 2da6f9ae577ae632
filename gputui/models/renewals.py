"""Blocks of hosts that are renewed once before they end."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from gputui.late_dataclasses import dataclass
from gputui.models.values import Ref


class RenewalState(StrEnum):
    """The states of a renewal, in their order. It is sent in SENDING alone, which it enters once."""

    WAITING = "waiting"
    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"

    @property
    def over(self) -> bool:
        """Whether nothing is sent any more."""
        return self not in (RenewalState.WAITING, RenewalState.SENDING)


@dataclass(frozen=True, slots=True)
class BlockRenewal:
    """A block that is renewed for ``minutes`` before it ends at ``until``, with the same reason.

    ``scope`` is the configuration file whose account it is, ``at`` when ``user`` has set it. ``answer`` says why it
    is in its state.
    """

    scope: str
    account: str
    region: str
    host: str
    minutes: int
    reason: str
    until: datetime
    at: datetime
    user: str
    state: RenewalState = RenewalState.WAITING
    answer: str = ""

    @property
    def ref(self) -> Ref:
        """The host."""
        return Ref(self.account, "host", f"{self.region}/{self.host}")

    @property
    def place(self) -> tuple[str, str, str]:
        """The account, the region and the host."""
        return self.account, self.region, self.host
