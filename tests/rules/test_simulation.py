"""A grab among failing servers on a failing machine, some hundred times; ``benchmarks.rules`` has ten thousand."""

from collections import Counter

import pytest

from gputui.rules.orders import Orders
from tests.rules.promises import BrokenPromiseError
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


@pytest.mark.parametrize(
    ("place", "faulty", "words"),
    [
        ("gputui.rules.decisions.why_too_dear", lambda *_: None, "was sent (at|without a price)"),
        ("gputui.rules.decisions.Decisions._why_not_now", lambda *_: None, "without stock|too early"),
        ("gputui.rules.decisions.pause_of_rule", lambda *_: None, "paused"),
        ("gputui.rules.engine._STALE", 1e9, "for stock of"),
        ("gputui.rules.engine._AGAIN", 1e9, "without another look"),
    ],
)
def test_the_simulation_finds_what_a_faulty_rule_does(
    monkeypatch: pytest.MonkeyPatch, place: str, faulty: object, words: str
) -> None:
    monkeypatch.setattr(place, faulty)
    with pytest.raises(BrokenPromiseError, match=words):
        for seed in range(200):
            simulate(seed)
