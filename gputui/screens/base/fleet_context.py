"""The context of cells on screens: the state of the fleet, and the choices of the user."""

from __future__ import annotations

from gputui.models import Pending, Ref, Row
from gputui.presentation.columns.context import Context
from gputui.screens.base.session import Session


class FleetContext(Context):
    """The context of a table on a screen. The fleet is looked up each time: the one that polls replaces the first."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

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

    def bills(self, account: str) -> bool:
        """Whether instances of the account are billed."""
        return self.session.fleet.runtime(account).bills
