"""Why a deployment runs fewer instances than it should: the stock within its limits, and all else that is known."""

from __future__ import annotations

from gputui.late_dataclasses import dataclass
from gputui.models.accounts import Image
from gputui.models.deployments import Balance, Block, Deployment
from gputui.models.instances import Event, Instance
from gputui.models.values import Action, Ref


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
    ``note`` says what the figures do not, and the way out. ``found`` is None where nothing could be compared: then
    ``unread`` or ``note`` has the reason.
    """

    deployment: Ref
    found: Found | None
    relaxed: tuple[Relaxed, ...] = ()
    unread: tuple[str, ...] = ()
    note: str = ""
    excluding: tuple[Relaxed, ...] = ()


@dataclass(frozen=True, slots=True)
class Reasons:
    """All that is known about why a deployment runs fewer instances than it should.

    ``blocks`` are the blocked hosts where it may run, None where they are not known; ``blocks_hosts`` is False where
    its account has no such list. ``image`` is the row of its image, ``balance`` that of its account, None where they
    are not known. ``instances`` are those of its own that start, have failed or are in an unknown state. ``events``
    are those of all of its own, the newest first. ``logged``: one of its instances has a log. ``actions`` are
    what its account allows with it now.
    """

    row: Deployment
    stock: Explanation
    blocks: tuple[Block, ...] | None = None
    blocks_hosts: bool = True
    image: Image | None = None
    balance: Balance | None = None
    instances: tuple[Instance, ...] = ()
    events: tuple[Event, ...] = ()
    logged: bool = False
    actions: frozenset[Action] = frozenset()
