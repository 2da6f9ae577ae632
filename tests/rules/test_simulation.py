"""A grab among failing servers on a failing machine, some hundred times; ``benchmarks.rules`` has ten thousand."""

from collections import Counter

from gputui.rules.orders import Orders
from tests.rules.simulation import simulate


def test_no_seed_buys_too_much_or_leaves_an_outcome_unexplained() -> None:
    ends: Counter[str] = Counter()
    bought = 0
    for seed in range(200):
        world = simulate(seed)
        over = Orders(world.journal).over
        ends["waiting" if over is None else over.state] += 1
        bought += len(world.things)
    # The worlds are neither so friendly nor so hostile that nothing is at stake.
    assert {"done", "failed", "expired", "waiting"} <= set(ends)
    assert bought > 100
