"""Prices in the lists of instances and deployments: unknown, free, estimated, and by currency."""

from __future__ import annotations

from decimal import Decimal

from gputui.models import Money, Ref, Resource
from tests.screens.hub import FakeCloud, container, deployment, money
from tests.screens.stage import WIDE, staged
from tests.screens.world import lab


def names(text: str, *wanted: str) -> list[str]:
    """Return these names in the order in which lines of a screen begin with them."""
    firsts = [line.strip("▌ ").split(" ")[0] for line in text.splitlines()]
    return [first for first in firsts if first in wanted]


async def test_prices_are_sorted_by_currency_before_amount_and_what_has_none_comes_last() -> None:
    rows = [
        container("hub", "dollar-9", price=money("9")),
        container("hub", "yuan-10", price=money("10", "CNY")),
        container("hub", "dollar-2", price=money("2")),
        container("hub", "unknown", price=None),
        container("hub", "stopped", "shutdown", price=money("99")),
    ]
    async with staged(FakeCloud("hub", rows), size=WIDE) as stage:
        for _ in range(9):
            if "PRICE/H↑" in stage.text:
                break
            await stage.press(">")
        order = names(stage.text, "dollar-9", "yuan-10", "dollar-2", "unknown", "stopped")
        assert order[:3] == ["yuan-10", "dollar-2", "dollar-9"]
        await stage.press("I")
        order = names(stage.text, "dollar-9", "yuan-10", "dollar-2", "unknown", "stopped")
        assert order[:3] == ["dollar-9", "dollar-2", "yuan-10"]
        assert "99" not in stage.text


async def test_deployments_have_one_price_whatever_their_currency() -> None:
    cloud = FakeCloud("hub")
    cloud.rows[Resource.DEPLOYMENTS] = [
        deployment(Ref("hub", "deployment", "1"), "priced", price=money("3.10", "CNY")),
        deployment(
            Ref("hub", "deployment", "2"),
            "guessed",
            price_estimate=Money(Decimal("5.2"), "CNY", estimated=True),
            price_from=money("0.90", "CNY"),
            price_to=money("1.50", "CNY"),
        ),
    ]
    async with staged(cloud, view="2", size=WIDE) as stage:
        header = stage.body[0]
        assert "PRICE/H" in header
        assert "LIMIT/H" in header
        assert "$" not in header
        assert "¥3.10" in stage.line_of("priced")
        assert "~¥5.20" in stage.line_of("guessed")
        assert "¥0.90–1.50" in stage.line_of("guessed")


async def test_without_any_price_own_servers_have_no_column_of_prices() -> None:
    async with staged(lab(), size=WIDE) as stage:
        assert "PRICE/H" not in stage.body[0]
    cloud = FakeCloud("hub", [container("hub", "a", price=None)])
    cloud.spending = frozenset({Resource.INSTANCES})
    async with staged(cloud, size=WIDE) as stage:
        assert "PRICE/H" in stage.body[0]


async def test_a_comparison_finds_what_is_free_and_never_what_is_unknown() -> None:
    rows = [
        container("hub", "cheap", price=money("0.20")),
        container("hub", "dear", price=money("9")),
        container("hub", "free", price=money("0")),
        container("hub", "unknown", price=None),
    ]
    wanted = ("cheap", "dear", "free", "unknown")
    async with staged(FakeCloud("hub", rows), size=WIDE) as stage:
        for text, found in {"<1": ["cheap", "free"], ">=0": ["cheap", "dear", "free"]}.items():
            await stage.press("/", *f"price/h:{text}", "enter")
            assert sorted(names(stage.text, *wanted)) == found
            await stage.press("escape")


async def test_a_deployment_has_the_price_of_its_instances_as_soon_as_all_are_known() -> None:
    train = Ref("hub", "deployment", "1")
    cloud = FakeCloud("hub", [container("hub", name, parent=train, price=money("1.80")) for name in "ab"])
    guess = Money(Decimal("3.59"), "USD", estimated=True)
    cloud.rows[Resource.DEPLOYMENTS] = [deployment(train, "train", running=2, price_estimate=guess)]
    async with staged(cloud, view="2", size=WIDE) as stage:
        assert " $3.60" in stage.line_of("train")
        cloud.rows[Resource.DEPLOYMENTS] = [deployment(train, "train", running=3, price_estimate=guess)]
        await stage.press("ctrl+r")
        await stage.advance(30)
        assert "~$3.59" in stage.line_of("train")
