"""The context of cells on screens: the state of the fleet, and the choices of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputui.analytics.gpu_idle import LONGEST_GAP, IdlePeriod, IdlePeriods
from gputui.models import GpuDevice, Pending, Ref, Row
from gputui.presentation.columns.context import Context
from gputui.screens.base.session import Session

if TYPE_CHECKING:
    from gputui.rules.lease_book import LeaseView


class FleetContext(Context):
    """The context of a table on a screen. The fleet is looked up each time: the one that polls replaces the first."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._periods = IdlePeriods()

    @property
    def utc(self) -> bool:
        """Whether the user chose UTC."""
        return self.session.utc

    @property
    def one_account(self) -> bool:
        """Whether the fleet has one account only."""
        return len(self.session.fleet.accounts) == 1

    def get(self, ref: Ref) -> Row | None:
        """Return a row of the fleet."""
        return self.session.fleet.get(ref)

    def pending(self, ref: Ref) -> Pending | None:
        """Return the change that is under way with a row."""
        return self.session.fleet.mutations.pending(ref)

    def account_style(self, account: str) -> str:
        """Return the style of the colour that the configuration gives to an account."""
        return self.session.account_style(account)

    def lease(self, ref: Ref) -> LeaseView | None:
        """Return the lease of a row."""
        return self.session.leases.of(ref)

    def bills(self, account: str) -> bool:
        """Whether instances of the account are billed."""
        return self.session.fleet.runtime(account).bills

    def owns(self, account: str) -> bool:
        """Whether the machines of the account are one's own."""
        return self.session.fleet.owns(account)

    def idle_period(self, device: GpuDevice) -> IdlePeriod | None:
        """Return for how long a GPU has been idle; None where it is not, or has no reading of the last minutes."""
        fleet = self.session.fleet
        self._periods.update(device.ref, fleet.samples.of(device.ref))
        period = self._periods.of(device.ref)
        return None if period is None or fleet.now() - period.until > LONGEST_GAP else period
