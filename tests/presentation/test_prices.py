"""How a price is written and ordered, the same in every list."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from gputui.analytics.prices import by_deployment, price_key, price_now
from gputui.formatting import format_money
from gputui.models import Deployment, Instance, Machine, Money, Phase, Ref, SSHTarget, Volume
from gputui.presentation.prices import figure_name, price_sentence, price_text

EXACT = Money(Decimal("1.80"), "USD")
ESTIMATE = Money(Decimal("1.80"), "USD", estimated=True)
NONE = Money(Decimal(0), "USD")


def instance(phase: Phase = Phase.RUNNING, price: Money | None = EXACT) -> Instance:
    return Instance(Ref("hub", "container", "a"), "a", phase, phase.value, price=price)


def deployment(phase: Phase = Phase.RUNNING, **more: Any) -> Deployment:
    return Deployment(Ref("hub", "deployment", "a"), "a", "ReplicaSet", phase, phase.value, **more)


def volume(phase: Phase = Phase.RUNNING, price: Money | None = EXACT) -> Volume:
    return Volume(Ref("hub", "volume", "a"), "a", "CEPH", phase, phase.value, price=price)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (instance(), "$1.80"),
        (instance(price=ESTIMATE), "~$1.80"),
        (instance(price=None), "?"),
        (instance(price=NONE), "–"),
        (instance(Phase.PENDING), "$1.80"),
        (instance(Phase.UNKNOWN, None), "?"),
        (replace(instance(price=None), machine=Machine(True)), ""),
        (replace(instance(price=NONE), machine=Machine(True)), "–"),
        (replace(instance(price=None), ssh=SSHTarget("gpu01", 22, "", enter=("docker", "3f"))), ""),
        (instance(Phase.STOPPED), ""),
        (instance(Phase.STOPPED, None), ""),
        (instance(Phase.FAILED), ""),
        (deployment(price=EXACT), "$1.80"),
        (deployment(price_estimate=ESTIMATE), "~$1.80"),
        (deployment(price=EXACT, price_estimate=ESTIMATE), "$1.80"),
        (deployment(), "?"),
        (deployment(Phase.STOPPED, price=EXACT, price_estimate=ESTIMATE), ""),
        (deployment(Phase.FAILED, price=EXACT), "$1.80"),
        (deployment(Phase.FAILED, price=NONE), ""),
        (deployment(Phase.FAILED, price_estimate=ESTIMATE), ""),
        (volume(), "$1.80"),
        (volume(price=NONE), "–"),
        (volume(price=None), "?"),
        (volume(Phase.FAILED, None), ""),
        (volume(Phase.FAILED), "$1.80"),
    ],
)
def test_a_price_is_exact_estimated_unknown_or_free(row: Instance | Deployment | Volume, text: str) -> None:
    assert price_text(row) == text


def test_prices_are_ordered_by_currency_before_amount() -> None:
    prices = [Money(Decimal(9), "USD"), Money(Decimal(10), "CNY"), Money(Decimal(3), "USD"), Money(Decimal(2), "CNY")]
    ordered = sorted(prices, key=lambda price: price_key(price) or ())
    assert [format_money(price) for price in ordered] == ["¥2.00", "¥10.00", "$3.00", "$9.00"]


def test_what_has_stopped_has_no_place_among_prices() -> None:
    assert price_key(price_now(instance(Phase.STOPPED))) is None


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1.8", "$1.80"),
        ("0.01", "$0.01"),
        ("0.0042", "$0.0042"),
        ("0.00421", "$0.0042"),
        ("0.005", "$0.005"),
        ("0.00999", "$0.01"),
        ("0.0000126", "$0.000013"),
        ("0.0000001", "<$0.000001"),
        ("0", "$0.00"),
        ("-0.004", "$-0.004"),
    ],
)
def test_less_than_a_cent_is_no_zero(amount: str, text: str) -> None:
    assert format_money(Money(Decimal(amount), "USD")) == text


def test_a_currency_without_a_sign_and_an_estimate_say_so() -> None:
    assert format_money(Money(Decimal("0.0042"), "GBP", estimated=True)) == "~0.0042 GBP"


def test_figures_of_a_balance_have_names_that_people_read() -> None:
    assert figure_name("certain_conditions_voucher_balance") == "conditional vouchers"
    assert figure_name("a_new_figure") == "a new figure"


def test_a_deployment_costs_what_its_instances_state_where_all_of_them_do() -> None:
    row = deployment(price_estimate=ESTIMATE, running=2)
    first, second = (replace(instance(), parent=row.ref, name=name) for name in "ab")
    stopped = replace(instance(Phase.STOPPED, None), parent=row.ref)
    assert price_text(row, by_deployment([first, second, stopped])) == "$3.60"
    for unsure in (
        [],
        [first],
        [first, replace(second, price=None)],
        [first, second, replace(second, price=None, phase=Phase.PENDING)],
        [first, second, replace(second, phase=Phase.UNKNOWN)],
    ):
        assert price_text(row, by_deployment(unsure)) == "~$1.80"


def test_a_description_has_the_price_of_the_lists() -> None:
    row = deployment(price_estimate=ESTIMATE, running=1)
    stated = by_deployment([replace(instance(), parent=row.ref)])
    assert price_sentence(row, stated) == "$1.80/h, all of it"
    assert price_sentence(row) == "~$1.80/h, all of it  (an estimate)"
    assert price_sentence(deployment()) == "unknown"
