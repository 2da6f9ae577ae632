"""Resources that cost money and do nothing."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from gputui.late_dataclasses import dataclass
from gputui.models.values import Money, Ref


class WasteReason(StrEnum):
    """Why a resource is waste. Of one resource only one reason is given."""

    IDLE = "idle"
    """All its GPUs are at 0 %."""
    STUCK = "stuck"
    """It starts or stops for much longer than usual."""
    NONE_RUNNING = "none-running"
    """A deployment is billed, and none of its instances runs or starts, for long enough."""
    NO_REQUESTS = "no-requests"
    """An endpoint runs, and its queue gets no tasks."""
    STOPPED = "stopped-billed"
    """It has ended, and is billed or may be."""
    UNMOUNTED = "unmounted"
    """No instance has the volume mounted."""
    UNUSED = "unused"
    """Nothing of the prepaid time was used."""


@dataclass(frozen=True, slots=True)
class Snooze:
    """The waste of a resource for one reason is hidden until a time. ``note`` is why, ``user`` the local user."""

    ref: Ref
    reason: WasteReason
    until: datetime
    note: str
    at: datetime
    user: str


@dataclass(frozen=True, slots=True)
class Waste:
    """A resource that costs money and does nothing; ``ref`` is that of the resource itself.

    ``since`` is the begin, None where it is unknown, and the latest possible one with ``at_least``. ``per_hour`` is
    None where the price is unknown, and of prepaid time. ``text`` has the details, without times. ``gpus`` are those
    that are paid for. ``memory_in_use`` are the bytes in use on GPUs at 0 %, 0 where no process uses any, and
    None where that is unknown or there are none. ``snooze`` hides it now. ``seen`` is for how many seconds
    GPUs were seen idle, or a deployment without instances, where that is not long enough, and no waste yet; None for
    all others.
    """

    ref: Ref
    reason: WasteReason
    since: datetime | None = None
    per_hour: Money | None = None
    text: str = ""
    name: str = ""
    at_least: bool = False
    gpus: int | None = None
    gpu_model: str = ""
    memory_in_use: int | None = None
    owner: str = ""
    snooze: Snooze | None = None
    seen: float | None = None

    @property
    def counts(self) -> bool:
        """Whether it is waste now: not hidden, and seen for long enough."""
        return self.snooze is None and self.seen is None
