"""How much of a budget is spent, which levels that reaches, and how it will end."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from gputui.analytics.budgets import budget_states
from gputui.analytics.spend_ledger import Ledger
from gputui.models import Money
from gputui.models.budgets import Budget
from gputui.models.periods import By
from gputui.presentation.spend import budget_text, lacks_something, notes
from tests.analytics.test_spend import DAY, NOON, charge, record


def budget(amount: str, currency: str = "USD", per: str = "day", *accounts: str) -> Budget:
    return Budget("team", Money(Decimal(amount), currency), per, accounts, (50.0, 80.0, 100.0))


LEDGER = Ledger(
    record((charge(), 0, 12), (charge("b", account="lab"), 0, 4), (charge("c", "3", "CNY"), 0, 1)), NOON
)  # 24 and 8 dollars, 3 yuan; two dollars an hour now


@pytest.mark.parametrize(
    ("of", "spent", "reached"),
    [
        (budget("100"), "32.0000", ()),
        (budget("40"), "32.0000", (50.0, 80.0)),
        (budget("30"), "32.0000", (50.0, 80.0, 100.0)),
        (budget("30", "USD", "day", "hub"), "24.0000", (50.0, 80.0)),
        (budget("30", "CNY"), "3.0000", ()),
        (budget("30", "EUR"), "0", ()),
    ],
    ids=["below", "reached", "over", "of an account", "another currency", "a currency that nothing costs"],
)
def test_a_budget_counts_its_accounts_in_its_currency(of: Budget, spent: str, reached: tuple[float, ...]) -> None:
    (state,) = budget_states([of], LEDGER, ["hub", "lab"], NOON, UTC)
    assert (str(state.spent.amount), state.reached) == (spent, reached)
    assert not state.at_least


def test_a_forecast_above_the_amount_is_a_warning_before_any_level() -> None:
    (calm, near) = budget_states([budget("100"), budget("55")], LEDGER, ["hub", "lab"], NOON, UTC)
    assert calm.forecast is not None
    assert calm.forecast.money.amount == Decimal("56.0000")
    assert [calm.will_exceed, near.will_exceed] == [False, True]


def test_a_gap_makes_what_is_spent_a_lower_bound() -> None:
    ledger = Ledger(record((charge(), 0, 3), (charge(), 5, 12), looks=[(0, 3), (5, 12)]), NOON)
    (state,) = budget_states([budget("100")], ledger, ["hub"], NOON, UTC)
    assert state.at_least
    assert state.estimate == Money(Decimal("4.0000"), "USD", estimated=True)


def test_a_budget_of_which_nothing_was_observed_yet_is_unknown_and_not_zero() -> None:
    ledger = Ledger(record((charge(), 12, 12), looks=[(12, 12)], begun=12), NOON + timedelta(seconds=20))
    (state,) = budget_states([budget("100")], ledger, ["hub"], NOON, UTC)
    assert budget_text(state).startswith("unknown of $100.00 today, forecast ≥ ~$")
    assert not state.reached


def test_each_budget_has_its_own_period() -> None:
    states = budget_states([budget("1", "USD", per) for per in ("day", "week", "month")], LEDGER, ["hub"], NOON, UTC)
    assert [state.window.since for state in states] == [DAY, DAY, DAY.replace(day=1)]


def test_a_budget_of_which_nothing_was_recorded_is_not_known_to_be_unspent() -> None:
    (state,) = budget_states([budget("100", "USD", "day", "new")], LEDGER, ["hub", "lab", "new"], NOON, UTC)
    assert budget_text(state) == "unknown of $100.00 today"


def test_an_account_that_bills_and_was_never_recorded_lacks_in_the_sums() -> None:
    whole = record((charge(), 0, 12))
    for billing, expected in (((), False), (("hub",), False), (("hub", "new"), True)):
        ledger = Ledger(whole, NOON, billing=billing)
        (state,) = budget_states([budget("100")], ledger, ["hub", "new"], NOON, UTC)
        assert state.at_least is expected
        report = ledger.report(state.window, By.ACCOUNT, ["hub", "new"])
        assert lacks_something(report) is expected
        assert ("new: nothing was ever recorded." in notes(report, NOON, utc=True)) is expected
        assert not lacks_something(ledger.report(state.window, By.ACCOUNT, ["hub"]))
