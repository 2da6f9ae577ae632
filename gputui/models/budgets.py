"""Budgets: amounts that are not to be spent within a day, a week or a month."""

from __future__ import annotations

from collections.abc import Mapping

from gputui.late_dataclasses import dataclass
from gputui.models.periods import Period
from gputui.models.values import Money

DAY, WEEK, MONTH = "day", "week", "month"
PERIODS: Mapping[str, Period] = {DAY: Period.TODAY, WEEK: Period.WEEK, MONTH: Period.MONTH}


@dataclass(frozen=True, slots=True)
class Budget:
    """An amount for each ``per`` (day, week, month) of these accounts together; all accounts where none are named.

    ``levels`` are percentages of it, in ascending order: reaching one is worth a notification.
    """

    name: str
    amount: Money
    per: str
    accounts: tuple[str, ...] = ()
    levels: tuple[float, ...] = (80.0, 100.0)

    def counts(self, account: str) -> bool:
        """Whether the spending of an account counts."""
        return not self.accounts or account in self.accounts
