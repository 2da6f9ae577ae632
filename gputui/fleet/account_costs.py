"""The cost of an hour of each account, added up again only where its rows have changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, TypeVar

from gputui.analytics.cost import COSTING, SIZING, HostGpus, Total, costing, host_gpus, not_read, sums_of
from gputui.models import Resource, Row

if TYPE_CHECKING:
    from gputui.fleet.rows import Rows

_T = TypeVar("_T")


class AccountCosts:
    """The costs of the accounts of a fleet, for all who show them."""

    def __init__(self, fleet: Rows) -> None:
        self._fleet = fleet
        self._kept: dict[tuple[str, str], tuple[Hashable, object]] = {}

    @property
    def totals(self) -> dict[str, Total]:
        """The cost by account, without accounts that have no cost."""
        found = {account: self._of(account)[0] for account in self._fleet.accounts}
        return {account: total for account, total in found.items() if total is not None}

    @property
    def unread(self) -> set[str]:
        """The accounts with rows that may cost something and could not be read."""
        return {account for account in self._fleet.accounts if self._of(account)[1]}

    def rows(self, account: str) -> list[Row]:
        """Return the rows of an account that may cost money, and those of hosts and their GPUs."""
        return self._listed(account, (*COSTING, *SIZING))

    def kept(self, name: str, account: str, state: Hashable, make: Callable[[], _T]) -> _T:
        """Return what was made last by this name, made again after changes of these rows or of ``state``."""
        versions = tuple(self._fleet.version(each, account) for each in COSTING)
        # Readings of GPUs come all the time; what counts of them is how many there are.
        sizes = tuple(self._hosts(account).items())
        of = versions, sizes, state
        known = self._kept.get((name, account))
        if known is None or known[0] != of:
            known = self._kept[name, account] = of, make()
        return known[1]  # type: ignore[return-value]  # by this name no other type is made

    def _of(self, account: str) -> tuple[Total | None, bool]:
        """Return the cost of an account, None without any, and whether rows of it could not be read."""

        def add_up() -> tuple[Total | None, bool]:
            rows = self._listed(account, COSTING)
            return sums_of(costing(rows), self._hosts(account)).get(account), bool(not_read(rows))

        return self.kept("total", account, None, add_up)

    def _hosts(self, account: str) -> HostGpus:
        of = tuple(self._fleet.version(each, account) for each in SIZING)
        known = self._kept.get(("hosts", account))
        if known is None or known[0] != of:
            known = self._kept["hosts", account] = of, host_gpus(self._listed(account, SIZING))
        return known[1]  # type: ignore[return-value]  # as above

    def _listed(self, account: str, resources: Iterable[Resource]) -> list[Row]:
        return [row for resource in resources for row in self._fleet.rows(resource, account).values()]
