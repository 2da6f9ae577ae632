"""How much of each budget is spent, which levels are reached, and how it will end. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from decimal import Decimal

from gputui.analytics.spend import Forecast, Window, window
from gputui.analytics.spend_ledger import Ledger
from gputui.late_dataclasses import dataclass
from gputui.models import Money
from gputui.models.budgets import PERIODS, Budget
from gputui.models.periods import By


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget in its present period. ``spent`` is what was observed, ``estimate`` was probably spent in gaps.

    ``at_least``: something was not observed, be it all of it, or has no price. ``forecast`` is None where no present
    rate is known.
    """

    budget: Budget
    window: Window
    spent: Money
    estimate: Money | None = None
    forecast: Forecast | None = None
    at_least: bool = False

    @property
    def is_unknown(self) -> bool:
        """Whether no spending was observed, and there may have been some."""
        return self.at_least and not self.spent.amount

    @property
    def share(self) -> float:
        """How much of it is spent, in percent."""
        return float(self.spent.amount / self.budget.amount.amount * 100)

    @property
    def reached(self) -> tuple[float, ...]:
        """The levels that are reached."""
        return tuple(level for level in self.budget.levels if self.share >= level)

    @property
    def will_exceed(self) -> bool:
        """Whether the forecast is above the amount."""
        return self.forecast is not None and self.forecast.money.amount > self.budget.amount.amount


def budget_states(
    budgets: Iterable[Budget], ledger: Ledger, accounts: Iterable[str], now: datetime, zone: tzinfo | None = None
) -> list[BudgetState]:
    """Return the states of budgets in the periods that contain ``now``, in a time zone, None for that of here."""
    known = list(accounts)
    found = []
    for budget in budgets:
        period = window(PERIODS[budget.per], now, zone)
        report = ledger.report(period, By.ACCOUNT, [name for name in known if budget.counts(name)])
        currency = budget.amount.currency
        spent = report.totals.get(currency, Money(Decimal(0), currency))
        at_least = bool(report.unpriced or report.lacking) or not report.unobserved
        found.append(
            BudgetState(
                budget, period, spent, report.estimates.get(currency), report.forecasts.get(currency), at_least
            )
        )
    return found
