"""What cells need besides their row: pending changes, other rows, prices of deployments, the clock. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from gputui.models import Action, GpuProcess, Instance, Ref, Row
from gputui.presentation.prices import ByDeployment


class Pending(Protocol):
    """A change that is under way."""

    @property
    def action(self) -> Action:
        """The action."""

    @property
    def since(self) -> datetime:
        """When it was requested."""


class Context:
    """The context of a table that knows its rows alone, such as one of the command line.

    A screen overrides the methods with those that ask its fleet. All times are aware.
    """

    @property
    def utc(self) -> bool:
        """Whether times are shown in UTC instead of local time."""
        return False

    @property
    def one_account(self) -> bool:
        """Whether there is one account only: its column is then among the first to go."""
        return False

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)

    def get(self, ref: Ref) -> Row | None:
        """Return a row of any resource, None where it is not known."""
        del ref
        return None

    def pending(self, ref: Ref) -> Pending | None:
        """Return the change that is under way with a row."""
        del ref
        return None

    def bills(self, account: str) -> bool:
        """Whether instances of the account are billed: one without a price has an unknown price then."""
        del account
        return True

    def by_deployment(self) -> ByDeployment:
        """Return the instances of deployments."""
        return {}

    def processes(self, instance: Instance) -> Sequence[GpuProcess]:
        """Return the GPU processes of an instance."""
        del instance
        return ()

    def gpu_count(self, instance: Instance) -> float | None:
        """Return how many GPUs an instance may use; None where it is unknown."""
        return instance.gpu_count if instance.gpu_indices is None else len(instance.gpu_indices)

    def created_at(self, instance: Instance) -> datetime | None:
        """Return when an instance was created, or started."""
        return instance.created_at or instance.started_at

    def in_state_since(self, instance: Instance) -> datetime | None:
        """Return when an instance in transition entered its state; None for all others."""
        del instance
        return None

    def memory_share(self, process: GpuProcess) -> float | None:
        """Return the part (0 to 1) of its GPU's memory that a process holds."""
        del process
        return None
