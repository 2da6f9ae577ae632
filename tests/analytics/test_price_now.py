"""The price of an hour now."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from gputui.analytics.prices import price_now
from gputui.models import Deployment, Money, Phase, Ref
from gputui.presentation.prices import price_sentence, price_text

ZERO = Money(Decimal(0), "USD", estimated=True)
ROW = Deployment(
    Ref("hub", "deployment", "u"), "train", "ReplicaSet", Phase.RUNNING, "running", desired=2, price_estimate=ZERO
)


def test_an_estimate_of_nothing_is_exact_where_nothing_runs_and_unknown_where_something_does() -> None:
    none = replace(ROW, running=0, starting=0)
    assert price_now(none) == replace(ZERO, estimated=False)
    assert (price_text(none), price_sentence(none)) == ("–", "no cost now")
    assert price_text(replace(ROW, running=2, starting=0)) == "?"
    assert price_text(replace(ROW, running=0, starting=1)) == "?"
    assert price_now(replace(ROW, running=2, price_estimate=replace(ZERO, amount=Decimal(3)))) is not None
