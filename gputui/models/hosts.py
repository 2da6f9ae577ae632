"""Facts about hosts, as they were observed over weeks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from gputui.late_dataclasses import dataclass
from gputui.models.values import Ref


class Fact(StrEnum):
    """A kind of fact."""

    START = "start"
    """An instance came up on the host."""
    FAILED = "failed"
    """An instance ended, or failed, before it ran."""
    LIFE = "life"
    """An instance that ran there ended by itself."""
    LOST = "lost"
    """GPUs of the host were lost."""
    FAULT = "fault"
    """A GPU of the host needed a reset, as after an uncorrectable memory error."""
    ECC = "ecc"
    """A GPU of the host had new uncorrected errors of its memory."""
    SEEN = "seen"
    """The host was read on that day, so that lost GPUs would have been seen."""


BEFORE = " before it was observed"
"""The end of the detail of memory errors whose time is not known."""


@dataclass(frozen=True, slots=True)
class EccReading:
    """The uncorrected memory errors of a GPU of a host since its driver was loaded. ``gpu`` is its UUID or number."""

    account: str
    region: str
    host: str
    gpu: str
    errors: int
    at: datetime


@dataclass(frozen=True, slots=True)
class HostFact:
    """A fact about a host of an account.

    ``instance`` is the id of the one that it was observed of, '' for the host itself. ``occasion`` is the same for
    all processes that observe the same. ``seconds`` is the duration of a start or a life. ``group`` are the starts
    that it is compared with: of the same deployment, else of the same GPU model. ``detail`` is the status it ended
    in, or the number of GPUs; of memory errors their number, with :data:`BEFORE` after it where they were there
    already when the GPU was first read.
    """

    account: str
    region: str
    host: str
    fact: Fact
    instance: Ref | None
    occasion: str
    at: datetime
    seconds: float | None = None
    group: str = ""
    detail: str = ""
