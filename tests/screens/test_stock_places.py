"""Who has a model: places from the cheapest, what one pays there, creating with their values."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gputui.analytics.stock import paid_prices
from gputui.models import Instance, Money, Phase, Ref, Resource
from tests.screens.stage import staged
from tests.screens.stocks import Cloud, at, dock, hub, said, usd
from tests.screens.world import instance, offer


async def test_who_has_a_model_is_listed_cheapest_first_and_unknown_prices_last() -> None:
    async with staged(hub(), dock(), view="1") as stage:
        at(stage, "dock", account="dock")
        await stage.press("k")
        assert said(stage) == "H200 · dock   not offered here"
        await stage.press("enter")
        assert "No place has H200 idle now." in stage.toasts
        await stage.press("j", "enter")
        assert "Where RTX 5090" in stage.text
        lines = [line for line in stage.lines if "from $" in line or "price unknown" in line]
        order = [
            next(region for region in ("us-east-1", "sgp1", "dock", "eu-1") if region in line) for line in lines[:3]
        ]
        assert order == ["us-east-1", "sgp1", "dock"]
        assert not any("eu-1" in line and "$0.10" in line for line in lines)
        assert "single GPUs, possibly on different machines" in stage.text
        await stage.press("escape")
        at(stage, "sgp1")
        await stage.press("enter", "k", "enter")
        assert "New deployment" in stage.text, "enter creates with the values of that place"
        assert "us-east-1" in stage.line_of("Regions")
        assert any("GPUs" in line and "RTX 5090" in line for line in stage.lines)


async def test_where_a_price_is_not_offered_it_is_what_one_pays_there() -> None:
    cloud = Cloud("hub", *(offer("hub", "H200", 4, 8, region=region) for region in ("a", "b", "c")))
    cloud.rows[Resource.INSTANCES] = [
        instance("hub", f"train-{price}", gpu_model="H200", gpu_count=2, region=region, price=usd(price))
        for region, price in (("b", "7.00"), ("c", "6.00"), ("c", "9.00"))
    ]
    async with staged(cloud, view="1") as stage:
        at(stage, "b", "H200")
        await stage.settle()
        assert said(stage).endswith("you pay $3.50/h")
        await stage.press("enter")
        lines = [line for line in stage.lines if "hub · " in line and "4/8" in line]
        assert [next(part for part in line.split() if len(part) == 1 and part in "abc") for line in lines] == [
            "c",
            "b",
            "a",
        ]
        assert "you pay $3.00/h" in lines[0]
        assert "price unknown" in lines[2]


async def test_a_price_that_is_not_stated_is_unknown_not_left_out() -> None:
    async with staged(dock(), view="1") as stage:
        await stage.press("enter")
        assert "Where RTX 5090" in stage.text
        assert "price unknown" in stage.text


async def test_who_had_a_model_when_it_was_read_last_is_marked_and_n_creates_here() -> None:
    async with staged(hub(problem="no answer", vendor_name="RTX 5090 32G"), dock(), view="1") as stage:
        at(stage, "dock", account="dock")
        await stage.press("enter")
        assert "? old" in next(line for line in stage.lines if "hub · sgp1" in line and "12/64" in line)
        assert "? old" not in next(line for line in stage.lines if "us-east-1" in line and "$0.70" in line)
        await stage.press("escape")
        at(stage, "sgp1")
        await stage.press("n")
        assert "sgp1" in stage.line_of("Regions")
        assert any("GPUs" in line and "RTX 5090 32G" in line for line in stage.lines)


@pytest.mark.parametrize(("phase", "known"), [(Phase.RUNNING, True), (Phase.STOPPED, False)])
def test_only_what_runs_says_what_a_gpu_costs_now(phase: Phase, known: bool) -> None:
    price = Money(Decimal(4), "USD", estimated=True)
    ref = Ref("hub", "container", "a")
    row = Instance(ref, "a", phase, phase.value, gpu_model="RTX 5090", gpu_count=2, region="sgp1", price=price)
    one = Money(Decimal(2), "USD", estimated=True)
    assert paid_prices([row]) == ({("hub", "sgp1", "RTX 5090"): one} if known else {})
