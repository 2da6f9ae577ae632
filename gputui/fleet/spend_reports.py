"""The spending of the present periods and the budgets, added up again each minute while something listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from gputui.analytics.budgets import BudgetState, budget_states
from gputui.analytics.cost import SIZING
from gputui.analytics.run_out import prepaid_until
from gputui.analytics.spend import SpendReport, window
from gputui.analytics.spend_ledger import Ledger
from gputui.fleet.signals import Listeners
from gputui.late_dataclasses import dataclass
from gputui.models import Package, Resource, Row
from gputui.models.budgets import Budget
from gputui.models.periods import By, Period

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet
    from gputui.history.history import History


@dataclass(frozen=True, slots=True)
class SpendNow:
    """The spending at a time: by account of each present period, of all accounts, and the budgets."""

    at: datetime
    ledger: Ledger
    reports: Mapping[Period, SpendReport]
    budgets: Sequence[BudgetState] = ()
    problem: str = ""
    """Why the history could not be read."""


class SpendReports:
    """Adds up the spending of a fleet from the history, in a thread.

    Where budgets are ``announced``, ``reached`` gets each budget that reaches a level, in one process alone.
    """

    def __init__(
        self,
        fleet: Fleet,
        history: History | None,
        spawn: Callable[[Coroutine[None, None, None]], None],
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.now: SpendNow | None = None
        """The spending as it was added up last; None before that, and where nothing is recorded."""
        self.announced = False
        self.reached: Listeners[BudgetState] = Listeners(on_failure)
        self._fleet = fleet
        self._history = history
        self._spawn = spawn
        self._zone: tzinfo | None = None
        self._listeners: Listeners[SpendNow] = Listeners(on_failure)
        self._listening = 0
        self._unsubscribe: Callable[[], None] | None = None
        self._reading = False
        self._outdated = False
        self._claimed: set[tuple[str, datetime, float]] = set()
        """The levels that were claimed here or elsewhere: each is asked for once, the file may not be writable."""

    @property
    def kept(self) -> bool:
        """Whether there is a history that can have the spending."""
        return self._history is not None

    @property
    def budgets(self) -> Sequence[Budget]:
        """The budgets of the configuration."""
        return self._fleet.budgets

    def use_zone(self, zone: tzinfo | None) -> None:
        """Use the days of a time zone, None for that of this machine."""
        if zone != self._zone:
            self._zone = zone
            self.look_again()

    def subscribe(self, listener: Callable[[SpendNow], None]) -> Callable[[], None]:
        """Call ``listener`` each time that it was added up; returns the function that removes it."""
        remove = self._listeners.add(listener)
        self._listening += 1
        recorder = self._fleet.spending
        if self._listening == 1 and recorder is not None:
            self._unsubscribe = recorder.listeners.add(lambda _: self.look_again())
        self.look_again()

        def end() -> None:
            remove()
            self._listening -= 1
            if not self._listening and self._unsubscribe is not None:
                self._unsubscribe()
                self._unsubscribe = None

        return end

    def look_again(self) -> None:
        """Add it up again, if something listens; the listeners are called when that is done."""
        self._outdated = True
        if self._listening and self._history is not None and not self._reading:
            self._reading = True
            self._spawn(self._look(self._history))

    async def _look(self, history: History) -> None:
        try:
            while self._outdated and self._listening:
                self._outdated = False
                found, reached = await asyncio.to_thread(
                    self._read, history, self._fleet.now(), self._fleet.all(Package), self._sizing_rows()
                )
                self.now = found
                self._listeners.notify(found)
                for state in reached:
                    self.reached.notify(state)
        finally:
            self._reading = False

    def _sizing_rows(self) -> Sequence[Row]:
        """Return the rows on which depends when prepaid time ends."""
        fleet = self._fleet
        return [row for resource in (Resource.INSTANCES, *SIZING) for row in fleet.rows(resource).values()]

    def _read(
        self, history: History, now: datetime, packages: Sequence[Package], rows: Sequence[Row]
    ) -> tuple[SpendNow, list[BudgetState]]:
        prepaid = prepaid_until(packages, rows, now)
        windows = {period: window(period, now, self._zone) for period in Period}
        accounts = tuple(self._fleet.accounts)
        since = min(each.since for each in windows.values())
        billing = [name for name, runtime in self._fleet.runtimes.items() if runtime.bills]
        ledger = Ledger(history.spend.read(accounts, since), now, prepaid, billing)
        reports = {period: ledger.report(each, By.ACCOUNT, accounts) for period, each in windows.items()}
        budgets = budget_states(self.budgets, ledger, accounts, now, self._zone)
        reached = [state for state in budgets if self._is_new(history, state)] if self.announced else []
        return SpendNow(now, ledger, reports, budgets, history.failure), reached

    def _is_new(self, history: History, state: BudgetState) -> bool:
        """Whether a budget has reached a level of which no process has notified in this period."""
        since = state.window.since.astimezone(UTC)
        levels = [level for level in state.reached if (state.budget.name, since, level) not in self._claimed]
        self._claimed |= {(state.budget.name, since, level) for level in levels}
        new = [history.spend.claim(state.budget.name, since, level) for level in levels]
        return any(new)
