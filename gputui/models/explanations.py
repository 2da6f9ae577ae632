"""Why a deployment runs fewer instances than it should: what its limits leave of the stock."""

from __future__ import annotations

from gputui.late_dataclasses import dataclass
from gputui.models.values import Ref


@dataclass(frozen=True, slots=True)
class Found:
    """GPUs that are idle in some places: single GPUs, possibly of several hosts.

    ``idle`` is None where the server does not count; then ``available`` says whether there are some. ``unknown`` is
    the number of offers without a count, which are not in ``idle``. ``total`` are all of their GPUs, idle and in use;
    None where that is not known of each.
    """

    idle: int | None = None
    available: bool | None = None
    unknown: int = 0
    total: int | None = None

    @property
    def some(self) -> bool:
        """Whether there are any, as far as is known."""
        return bool(self.available) if self.idle is None else self.idle > 0


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The GPUs that would be found with one limit changed: ``change`` continues ``3 would fit …``."""

    change: str
    found: Found


@dataclass(frozen=True, slots=True)
class Explanation:
    """The stock of now under the limits of a deployment, and with each of them relaxed in turn.

    ``excluding`` are the limits that leave no GPU at all, idle or in use, each with the stock beyond it.
    ``unread`` are places that could not be asked, with the reason.
    ``note`` says what the figures do not, and the way out.
    """

    deployment: Ref
    found: Found
    relaxed: tuple[Relaxed, ...] = ()
    unread: tuple[str, ...] = ()
    note: str = ""
    excluding: tuple[Relaxed, ...] = ()
