"""The prices that a configuration states: which GPU they are for, and when they count."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from gputui.api.common.stated_prices import StatedPrices
from gputui.models import Deployment, Instance, Money, Phase, Ref

REPORTED = Money(Decimal(9), "USD")


def instance(model: str | None, count: int | None = 2, **more: Any) -> Instance:
    return Instance(Ref("x", "pod", "a"), "a", Phase.RUNNING, "running", gpu_model=model, gpu_count=count, **more)


@pytest.mark.parametrize(
    ("model", "amount"),
    [
        ("H100", "5.0"),
        ("H100 SXM 80G", "5.0"),
        ("H100 PCIe 80G", "4.2"),
        ("RTX 4090", "0.8"),
        ("RTX 4090D", None),
        ("H800", None),
        (None, None),
    ],
)
def test_the_most_specific_model_that_fits_has_the_price(model: str | None, amount: str | None) -> None:
    stated = StatedPrices("USD", None, {"H100": 2.5, "NVIDIA_H100_PCIe_80G": 2.1, "NVIDIA GeForce RTX 4090": 0.4})
    price = stated.instance(instance(model)).price
    assert price == (None if amount is None else Money(Decimal(amount), "USD"))


def test_a_price_for_any_other_gpu_counts_where_no_model_fits() -> None:
    stated = StatedPrices("EUR", 0.5, {"H100": 2})
    assert stated.instance(instance("RTX 4090")).price == Money(Decimal("1.0"), "EUR")
    assert stated.instance(instance("H100")).price == Money(Decimal("4.0"), "EUR")
    assert stated.instance(instance(None, None)).price is None


def test_what_is_stated_as_free_is_free_however_many_gpus_it_has() -> None:
    free = StatedPrices("USD", 0, {})
    assert free
    for row in (instance(None, None), instance("H100", gpu_all=True), instance("H100", None, gpu_indices=(0, 3))):
        assert free.instance(row).price == Money(Decimal("0"), "USD")


def test_a_certain_price_of_the_server_comes_before_a_stated_one_and_an_estimate_after_it() -> None:
    stated = StatedPrices("USD", None, {"H100": 2.5})
    assert stated.instance(instance("H100", price=REPORTED)).price == REPORTED
    assert stated.instance(instance("H100", price=replace(REPORTED, estimated=True))).price == Money(
        Decimal("5"), "USD"
    )


def test_a_deployment_costs_what_runs_in_it() -> None:
    row = Deployment(
        *(Ref("x", "endpoint", "1"), "a", "ALB", Phase.RUNNING, "RUNNING"),
        running=3,
        gpu_models=("H100",),
        gpu_count=2,
    )
    stated = StatedPrices("USD", None, {"H100": 2.5})
    assert stated.deployment(row).price == Money(Decimal("15.0"), "USD")
    assert stated.deployment(replace(row, price=REPORTED)).price == REPORTED
    assert stated.deployment(replace(row, gpu_models=("H100", "H800"))).price is None
    assert stated.deployment(replace(row, running=None)).price is None


def test_without_a_statement_nothing_changes() -> None:
    nothing = StatedPrices("USD", None, {})
    row = instance("H100")
    assert not nothing
    assert nothing.instance(row) is row
