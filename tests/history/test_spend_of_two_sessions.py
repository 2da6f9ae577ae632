"""Sessions of two users come and go and observe a thing whose price changes: no instant counts twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest

from gputui.analytics.spend import Window
from gputui.analytics.spend_ledger import Ledger
from gputui.analytics.time_spans import union
from gputui.fleet.spend_book import Reading, SpendBook
from gputui.history.history import History
from gputui.models import Missing, Ref, Resource
from gputui.models.periods import By
from gputui.models.spend import Charge
from tests.history.conftest import AT

THING, LIST = Ref("hub", "container", "a"), Resource.INSTANCES
HOURS, PACE, DEAREST = 6, 30.0, 5
END = HOURS * 3600


def prices(chance: Random) -> list[int]:
    """Return what an hour of the thing costs in each second, 0 while it does not run."""
    found: list[int] = []
    while len(found) < END:
        found += [chance.choice((0, 1, 1, 2, DEAREST))] * chance.randrange(60, 7200)
    return found[:END]


def sessions(chance: Random) -> Iterator[tuple[int, int]]:
    """Yield begin and end of the sessions of one user."""
    at = chance.randrange(0, 1800)
    while at < END:
        end = min(END, at + chance.randrange(10, 9000))
        yield at, end
        at = end + chance.choice((5, 40, 100, 4000))


def reading(price: int, second: int, name: str, chance: Random) -> Reading:
    charge = Charge(THING, LIST, name=name, currency="USD", price=str(price))
    lacks = chance.random() < 0.05
    charges = {THING: (charge, None)} if price and not lacks else {}
    at = AT + timedelta(seconds=second)
    return Reading(at, float(second), PACE, charges, missing=(Missing("no answer"),) if lacks else ())


@pytest.mark.parametrize("seed", range(20))
def test_the_sum_is_what_the_observed_time_cost_whoever_observed_it(seed: int) -> None:
    chance = Random(seed)
    cost, history = prices(chance), History(None)
    steps = []
    for user in range(2):
        for begin, end in sessions(chance):
            book = SpendBook()
            for number, second in enumerate(range(begin, end, int(PACE))):
                steps.append((second, user, number, book))
                if chance.random() < 0.01:
                    break  # the program is killed
    for second, user, number, book in sorted(steps, key=lambda step: step[:2]):
        book.take("hub", LIST, reading(cost[second], second, str(user * (seed % 2)), chance))
        if number % 2 == 0:
            due = book.due()
            assert history.spend.record(due.spans, due.looks, AT)
            book.written(due)

    now, record = AT + timedelta(seconds=END), history.spend.read(["hub"], AT)
    found = Ledger(record, now).report(Window(AT, now), By.ACCOUNT)
    spent = float(sum((money.amount for money in found.totals.values()), Decimal(0)))
    estimate = float(sum((money.amount for money in found.estimates.values()), Decimal(0)))
    start = AT.timestamp()
    seen = union((look.since - start, look.until - start) for look in record.looks)
    true = sum(sum(cost[round(since) : round(until)]) for since, until in seen) / 3600
    # Each change is seen by the next reading, that after a lacking one, or after a gap that is short enough to count.
    changes = sum(one != other for one, other in pairwise(cost))
    late = changes * 3 * PACE * DEAREST / 3600
    lacking = found.unobserved["hub"].partial * DEAREST / 3600
    assert true - late - lacking <= spent <= true + late
    assert spent > true / 2
    assert estimate <= found.unobserved["hub"].seconds * DEAREST / 3600
