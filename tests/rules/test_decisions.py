"""Why a grab sends nothing: stock, ceiling, budgets, times."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gputui.models import Money
from gputui.models.rules import Quiet, RuleState
from gputui.rules.effects import (
    Chance,
    Wait,
)
from tests.rules.driving import AT, Around, candidate, drive, grabbing, over, sent, usd, well


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        (Chance(0, usd("2.01"), True), "$2.01/h is above $2.00/h"),
        (Chance(0, None, True), "the price is not known"),
        (Chance(0, Money(Decimal(1), "CNY"), True), "cannot be compared"),
        (Chance(0, usd("1.00"), False), "Not enough is idle"),
    ],
)
def test_why_nothing_is_sent_is_said(chance: Chance, words: str) -> None:
    effects = drive(Around(grabbing(candidate()), chance), well)
    assert sent(effects) == []
    assert isinstance(effects[-1], Wait)
    assert words in effects[-1].text


def test_a_place_whose_least_price_is_above_the_ceiling_is_not_tried() -> None:
    around = Around(grabbing(candidate(), unpriced=True), Chance(0, None, True, least=usd("2.50")))
    effects = drive(around, well)
    assert sent(effects) == []
    assert isinstance(effects[-1], Wait)
    assert effects[-1].text == "hub: it costs $2.50/h at least, above $2.00/h."


def test_the_reason_that_may_end_first_is_said_with_how_many_others_there_are() -> None:
    stock = (Chance(0, usd("2.50"), True), Chance(1, usd("1.00"), False, "b: 0 of 1 idle."), Chance(2, None, True))
    around = Around(grabbing(candidate("a"), candidate("b"), candidate("c")), *stock)
    waits = [one for one in drive(around, well) if isinstance(one, Wait)]
    assert waits[-1].text == "b: 0 of 1 idle. Other candidates: 2 above the ceiling or without a price."


def test_a_budget_that_is_not_enough_is_said_whether_or_not_there_is_stock() -> None:
    around = Around(grabbing(candidate(), hours=Decimal(8), budget=usd("10.00")), Chance(0, usd("1.00"), False))
    waits = [one for one in drive(around, well) if isinstance(one, Wait)]
    assert waits[-1].text == "$16.00 is needed, and $10.00 of the budget is left."


def test_budgets_count_the_ceiling_until_the_price_is_known() -> None:
    around = Around(grabbing(candidate(), count=5, hours=Decimal(10), budget=usd("35.00")))
    effects = drive(around, well)
    # At most 20.00 for the first, 10.00 once it is known; then 20.00 more fit, and a third does not.
    assert sent(effects) == ["hub run-g7k2-1", "hub run-g7k2-2"]
    assert isinstance(effects[-1], Wait)
    assert "$15.00 of the budget is left" in effects[-1].text


def test_the_budget_of_a_day_is_there_again_after_24_hours_whatever_the_clock_says() -> None:
    around = Around(grabbing(candidate(), count=2, budget_day=usd("2.00")))
    assert len(sent(drive(around, well))) == 1
    around.at += timedelta(days=3)  # the clock was set
    assert sent(drive(around, well)) == []
    around.later(24 * 3600)
    assert sent(drive(around, well)) == ["hub run-g7k2-2"]


def test_an_expired_rule_sends_nothing_and_says_so() -> None:
    around = Around(replace(grabbing(candidate()), expires=AT - timedelta(seconds=1)))
    assert sent(drive(around, well)) == []
    assert over(around) == (RuleState.EXPIRED, "The time is over: 0 of 1 obtained.")


def test_in_quiet_time_and_while_paused_nothing_is_sent() -> None:
    for watch in (
        replace(grabbing(candidate()), quiet=Quiet(30, 120)),
        replace(grabbing(candidate()), paused=True),
    ):
        effects = drive(Around(watch), well)
        assert sent(effects) == []
        assert isinstance(effects[-1], Wait)
        assert effects[-1].state in {RuleState.QUIET, RuleState.PAUSED}
