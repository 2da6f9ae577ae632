"""The data that cells need in addition to their row: pending changes, other rows, prices, the clock. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gputui.analytics.gpu_idle import IdlePeriod
from gputui.analytics.prices import ByDeployment
from gputui.models import GpuDevice, GpuProcess, Instance, Pending, Ref, Resource, Row
from gputui.presentation.columns.column import Column

if TYPE_CHECKING:
    from gputui.rules.lease_book import LeaseView


class Context:
    """The context of a table that knows its rows alone, such as one of the command line.

    A screen overrides the methods with those that ask its fleet. All times are aware. ``billed``: the instances of
    all accounts are.
    """

    def __init__(self, *, utc: bool = False, billed: bool = True) -> None:
        self._utc = utc
        self._billed = billed

    @property
    def utc(self) -> bool:
        """Whether times are shown in UTC instead of local time."""
        return self._utc

    @property
    def one_account(self) -> bool:
        """Whether there is one account only: its column is then among the first to go."""
        return False

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)

    def get(self, ref: Ref) -> Row | None:
        """Return a row of any resource, None where it is not known."""
        return None

    def several_hosts(self) -> bool:
        """Return whether an account has GPUs on several hosts: its name does not say where one is."""
        return False

    def pending(self, ref: Ref) -> Pending | None:
        """Return the change that is under way with a row."""
        return None

    def account_style(self, account: str) -> str:
        """Return the style of an account's name; '' for none of its own."""
        return ""

    def bills(self, account: str) -> bool:
        """Whether instances of the account are billed: one without a price has an unknown price then."""
        return self._billed

    def owns(self, account: str) -> bool:
        """Whether the machines of the account are one's own: they need no price."""
        return False

    def by_deployment(self) -> ByDeployment:
        """Return the instances of deployments."""
        return {}

    def processes(self, instance: Instance) -> Sequence[GpuProcess]:
        """Return the GPU processes of an instance."""
        return ()

    def gpus(self, instance: Instance) -> Sequence[GpuDevice]:
        """Return the GPUs that an instance may use, as far as they are listed."""
        return ()

    def gpu_count(self, instance: Instance) -> float | None:
        """Return how many GPUs an instance may use; None where it is unknown."""
        return instance.gpu_count if instance.gpu_indices is None else len(instance.gpu_indices)

    def created_at(self, instance: Instance) -> datetime | None:
        """Return when an instance was created, or started."""
        return instance.created_at or instance.started_at

    def in_state_since(self, instance: Instance) -> datetime | None:
        """Return when an instance in transition entered its state; None for all others."""
        return None

    def host_facts(self, device: GpuDevice) -> Sequence[str]:
        """Return facts of the host of a GPU: ``RAM 181G/256G``, ``64 cores``; none where it is not known."""
        return ()

    def started_slowly(self, instance: Instance) -> bool:
        """Return whether an instance that runs has started lately, and clearly slower than others."""
        return False

    def idle_period(self, device: GpuDevice) -> IdlePeriod | None:
        """Return for how long a GPU has been idle by its readings; None where it is not, or where that is unknown."""
        return None

    def lease(self, ref: Ref) -> LeaseView | None:
        """Return the lease of a row that is not over."""
        return None

    def memory_share(self, process: GpuProcess) -> float | None:
        """Return the part (0 to 1) of its GPU's memory that a process uses."""
        return None


Lists = Mapping[Resource, tuple[Callable[[Context], Sequence[Column[Any]]], str]]
"""The fields of resources, and the keys of those in tables of the command line in their order."""
