"""The news of budgets: each level that is reached, once in a period and by one process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gputui.analytics.budgets import BudgetState
from gputui.models.notifications import Notification, Topic
from gputui.presentation.spend import budget_text, level_text

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet


class BudgetNews:
    """Follows the budgets of a fleet, where it has any, and calls ``emit``."""

    def __init__(self, fleet: Fleet, emit: Callable[[Notification], None]) -> None:
        self._fleet = fleet
        self._emit = emit
        self._unsubscribe: list[Callable[[], None]] = []

    def follow(self) -> None:
        """Announce levels from now on, those that were reached while no process ran among them."""
        if not self._fleet.budgets or not self._fleet.polls:
            return
        spend = self._fleet.spend
        spend.announced = True
        self._unsubscribe = [spend.reached.add(self._reached), spend.subscribe(lambda _: None)]

    def close(self) -> None:
        """Unsubscribe."""
        while self._unsubscribe:
            self._unsubscribe.pop()()

    def _reached(self, state: BudgetState) -> None:
        budget = state.budget
        title = f"budget {budget.name}: {level_text(state.reached[-1])} spent"
        account = budget.accounts[0] if len(budget.accounts) == 1 else ""
        self._emit(Notification(Topic.BUDGET, title, budget_text(state), self._fleet.now(), account))
