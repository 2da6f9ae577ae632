"""Which events of a stream ended a slow step, kept up to date as it grows and is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gputui.analytics.startup_times import is_slow
from gputui.models import Event, Phase, Ref
from gputui.screens.events.slow_steps import SlowSteps
from tests.analytics.test_startup_times import PARENT, event


def started(name: str, at: float, seconds: float, *, parent: Ref | None = PARENT) -> list[Event]:
    """Return the events of a start whose only step took this long."""
    began, ran = event(name, "creating", at, parent=parent), event(name, "running", at + seconds, parent=parent)
    before = Event(ran.ref, ran.instance, name, ran.at, "running", Phase.RUNNING, "creating", seconds, parent=parent)
    return [began, before]


def test_the_slow_one_is_slow_once_there_is_another_to_compare_with() -> None:
    slow = SlowSteps()
    late = started("late", 0, 352)
    assert slow.take(late) == set()
    assert slow.take(started("a", 400, 31)) == {late[1].ref}
    assert slow.medians == {late[1].ref: 31}


def test_another_median_is_shown_and_one_that_is_usual_by_now_is_slow_no_more() -> None:
    slow = SlowSteps()
    late = started("late", 0, 120)
    slow.take([*late, *started("a", 400, 30)])
    assert slow.take(started("b", 500, 34)) == {late[1].ref}
    assert slow.medians == {late[1].ref: 32}
    changed = slow.take([row for number in range(5) for row in started(f"c{number}", 900, 118)])
    assert late[1].ref in changed
    assert slow.medians == {}


def test_what_belongs_to_no_deployment_is_compared_with_nothing() -> None:
    slow = SlowSteps()
    slow.take([*started("pod", 0, 900, parent=None), *started("other", 0, 1, parent=None)])
    assert slow.medians == {}


def test_a_dropped_event_is_not_slow_any_more() -> None:
    slow = SlowSteps()
    late = started("late", 0, 352)
    slow.take([*late, *started("a", 400, 31)])
    slow.take((), late)
    assert slow.medians == {}
    assert late[0].instance not in slow.book.startups


DURATIONS = st.lists(st.integers(0, 300), min_size=1, max_size=25)


@given(DURATIONS, st.integers(1, 5), st.integers(0, 10))
def test_taking_in_batches_and_dropping_comes_to_what_the_medians_say(
    durations: list[int], size: int, dropped: int
) -> None:
    batches = [started(f"c{number}", number, seconds) for number, seconds in enumerate(durations)]
    slow = SlowSteps()
    shown: dict[Ref, int] = {}
    for first in range(0, len(batches), size):
        for ref in slow.take([row for batch in batches[first : first + size] for row in batch]):
            shown.pop(ref, None)
            shown.update({ref: slow.medians[ref]} if ref in slow.medians else {})
    assert shown == slow.medians, "what did not change was not notified, what did was"
    usual = slow.book.usual_step(PARENT, "creating")
    ends = [batch[1] for batch in batches]
    assert slow.medians.keys() == {row.ref for row in ends if is_slow(row.after_seconds, usual)}
    gone = [row for batch in batches[:dropped] for row in batch]
    slow.take((), gone)
    assert not slow.medians.keys() & {row.ref for row in gone}
