"""Stock as rules see it: what is enough, what it costs, and what is not known."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from gputui.models import Money, Offer, Ref
from gputui.models.rules import Candidate, Grab, RuleState, Watch
from gputui.rules.effects import Wait
from gputui.rules.market import chances_of, idle_of
from gputui.rules.orders import Orders
from gputui.rules.status import status_of

AT = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def offer(idle: int | None = None, *, region: str = "r1", price: str | None = "0.29", **more: object) -> Offer:
    found = None if price is None else usd(price)
    ref = Ref("hub", "offer", f"{region}/RTX 4090")
    return Offer(ref, "RTX 4090", region, idle=idle, available=idle is None or None, price_from=found, **more)  # type: ignore[arg-type]


def watch(**more: object) -> Watch:
    return Watch("g7k2", "/c.toml", "me", AT, models=("RTX 4090",), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("idle", "count", "enough"), [(4, 4, True), (3, 4, False), (None, 1, True), (None, 4, False)]
)
def test_stock_without_numbers_is_enough_for_one_alone(idle: int | None, count: int, enough: bool) -> None:
    (found,) = idle_of(watch(count=count), [offer(idle)], {}, ())
    assert found.enough is enough


@pytest.mark.parametrize(("own", "enough"), [(("hub",), True), ((), False)])
def test_how_many_are_on_one_machine_is_known_of_machines_of_ones_own(own: tuple[str, ...], enough: bool) -> None:
    (found,) = idle_of(watch(on_one_machine=4), [offer(4)], {}, own)
    assert found.enough is enough


def grab(**more: object) -> Watch:
    made = Candidate("hub", "vm", "vm-", models=("RTX 4090",), **more)  # type: ignore[arg-type]
    return watch(grab=Grab((made,), 1, usd("0.20")))


def test_a_machine_costs_at_least_what_one_gpu_does() -> None:
    (chance,) = chances_of(grab(gpus=0), [offer()], (), {}, own=(), fresh=("hub",))
    assert (chance.price, chance.least) == (None, usd("0.29"))


def test_a_price_that_no_offer_has_is_that_which_is_paid_in_the_account() -> None:
    paid = {("hub", "r2", "RTX 4090"): usd("0.90"), ("other", "r1", "RTX 4090"): usd("0.10")}
    (chance,) = chances_of(grab(gpus=2), [offer(4, price=None)], (), paid, own=(), fresh=("hub",))
    assert chance.price == usd("1.80")


def test_the_end_of_a_rule_is_not_its_next_step() -> None:
    rule = watch(expires=AT + timedelta(minutes=30))
    assert status_of(rule, Orders(), Wait(1800.0, RuleState.WAITING), AT).next_at is None
    assert status_of(rule, Orders(), Wait(20.0, RuleState.WAITING), AT).next_at == AT + timedelta(seconds=20)
