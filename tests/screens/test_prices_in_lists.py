"""Prices in the lists of instances and deployments: unknown, free, estimated, and by currency."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gputui.models import Money, Ref, Resource
from gputui.screens.detail.describe import describe
from tests.screens.hub import FakeCloud, container, deployment, money
from tests.screens.stage import WIDE, lab, staged


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
        deployment(Ref("hub", "deployment", "1"), "told", price=money("3.10", "CNY")),
        deployment(
            Ref("hub", "deployment", "2"),
            "guessed",
            price_estimate=Money(Decimal("5.2"), "CNY", estimated=True),
            price_from=money("0.90", "CNY"),
            price_to=money("1.50", "CNY"),
        ),
    ]
    async with staged(cloud, view="2", size=WIDE) as stage:
        header = stage.lines[2]
        assert "PRICE/H" in header
        assert "LIMIT/H" in header
        assert "$" not in header
        assert "¥3.10" in stage.line_of("told")
        assert "~¥5.20" in stage.line_of("guessed")
        assert "¥0.90–1.50" in stage.line_of("guessed")


async def test_without_any_price_own_servers_have_no_column_of_prices() -> None:
    async with staged(lab(), size=WIDE) as stage:
        assert "PRICE/H" not in stage.lines[2]
    cloud = FakeCloud("hub", [container("hub", "a", price=None)])
    cloud.spending = frozenset({Resource.INSTANCES})
    async with staged(cloud, size=WIDE) as stage:
        assert "PRICE/H" in stage.lines[2]


@pytest.mark.parametrize(
    ("row", "billed", "line"),
    [
        (container("hub", "a"), True, "$1.80 an hour"),
        (container("hub", "a", price=money("0")), True, "free"),
        (container("hub", "a", price=None), True, "unknown"),
        (container("hub", "a", "shutdown"), True, "$1.80 an hour while it runs"),
        (container("hub", "a", price=Money(Decimal("1.8"), "USD", estimated=True)), True, "~$1.80 an hour"),
    ],
)
def test_a_description_says_what_kind_of_price_it_is(row: object, billed: bool, line: str) -> None:
    lines = [content.plain for content in describe(row, billed=billed)]  # type: ignore[arg-type]
    (price,) = [text for text in lines if text.lstrip().startswith("price")]
    assert line in price


def test_an_own_server_without_a_price_says_nothing_of_it() -> None:
    lines = [content.plain for content in describe(container("hub", "a", price=None), billed=False)]
    assert not any(text.lstrip().startswith("price") for text in lines)


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
