"""How instances came up: steps, medians and what counts as slow."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.analytics.startup_times import (
    SLOW_FACTOR,
    SLOW_SECONDS,
    Medians,
    Startup,
    StartupBook,
    evidence,
    is_slow,
    medians,
    slow_start,
    startups,
)
from gputui.formatting import seconds_text
from gputui.models import Event, EventSource, Phase, Ref

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PARENT = Ref("hub", "deployment", "d1")
PHASES = {
    "running": Phase.RUNNING,
    "shutting_down": Phase.STOPPING,
    "shutdown": Phase.STOPPED,
    "exited": Phase.STOPPED,
    "gone": Phase.STOPPED,
    "failed": Phase.FAILED,
    "pulling": Phase.UNKNOWN,
}


def event(name: str, status: str, second: float, *, parent: Ref | None = PARENT) -> Event:
    return Event(
        ref=Ref("hub", "event", f"{name}-{status}-{second}"),
        instance=Ref("hub", "container", name),
        name=name,
        at=BEGIN + timedelta(seconds=second),
        status=status,
        phase=PHASES.get(status, Phase.PENDING),
        source=EventSource.REPORTED,
        parent=parent,
    )


def reported(name: str, *steps: tuple[str, float], parent: Ref | None = PARENT) -> list[Event]:
    return [event(name, status, second, parent=parent) for status, second in steps]


def start_of(*steps: tuple[str, float]) -> Startup:
    return startups(reported("a", *steps))[Ref("hub", "container", "a")]


def shape(startup: Startup) -> list[tuple[str, float | None]]:
    return [(step.status, step.seconds) for step in startup.steps]


def test_each_step_lasts_until_the_next_and_the_whole_from_creating_to_running() -> None:
    startup = start_of(("creating", 0), ("created", 4), ("starting", 22), ("running", 374))
    assert shape(startup) == [("creating", 4), ("created", 18), ("starting", 352), ("running", None)]
    assert startup.seconds == 374
    assert (startup.name, startup.parent) == ("a", PARENT)


def test_an_unknown_status_is_a_step_as_well() -> None:
    startup = start_of(("creating", 0), ("pulling", 3), ("running", 10))
    assert shape(startup) == [("creating", 3), ("pulling", 7), ("running", None)]


def test_missing_steps_leave_those_there_are() -> None:
    assert shape(start_of(("created", 0), ("running", 9))) == [("created", 9), ("running", None)]
    assert start_of(("created", 0), ("running", 9)).seconds == 9


def test_what_comes_before_creating_is_a_step_but_not_the_start() -> None:
    startup = start_of(("queued", 0), ("creating", 60), ("running", 65))
    assert startup.seconds == 5
    assert shape(startup)[0] == ("queued", 60)


def test_one_seen_only_when_it_ran_has_a_start_of_unknown_length() -> None:
    startup = start_of(("running", 5))
    assert shape(startup) == [("running", None)]
    assert startup.seconds is None


def test_a_start_under_way_ends_where_it_is() -> None:
    startup = start_of(("creating", 0), ("starting", 5))
    assert shape(startup) == [("creating", 5), ("starting", None)]
    assert startup.seconds is None


@pytest.mark.parametrize("end", ["failed", "shutting_down", "shutdown"])
def test_a_start_that_is_cut_short_says_by_what(end: str) -> None:
    startup = start_of(("creating", 0), ("starting", 5), (end, 65), ("shutdown", 70))
    assert shape(startup) == [("creating", 5), ("starting", 60), (end, None)]
    assert startup.seconds is None


def test_after_an_end_the_next_event_begins_another_start() -> None:
    again = start_of(("creating", 0), ("running", 9), ("shutting_down", 50), ("shutdown", 51), ("starting", 60))
    assert shape(again) == [("starting", None)]
    assert start_of(("created", 0), ("running", 1), ("exited", 5), ("running", 6)).seconds is None


def test_what_follows_running_is_no_part_of_the_start() -> None:
    assert start_of(("creating", 0), ("running", 9), ("running", 12), ("pulling", 14)).seconds == 9
    assert len(start_of(("creating", 0), ("running", 9), ("shutting_down", 12), ("gone", 14)).steps) == 2


def test_a_start_whose_end_was_not_reported_begins_with_its_first_status_again() -> None:
    assert start_of(("creating", 0), ("created", 3), ("creating", 100), ("running", 107)).seconds == 7
    assert start_of(("creating", 0), ("running", 3), ("creating", 100), ("running", 108)).seconds == 8


def test_an_instance_of_which_only_an_end_is_known_has_no_start() -> None:
    assert startups(reported("a", ("gone", 3))) == {}


def test_a_status_reported_twice_in_a_row_is_one_step() -> None:
    startup = start_of(("creating", 0), ("creating", 2), ("starting", 5), ("running", 6))
    assert shape(startup) == [("creating", 5), ("starting", 1), ("running", None)]


def test_equal_times_stay_in_the_order_they_came_in() -> None:
    startup = start_of(("creating", 0), ("created", 0), ("running", 0))
    assert shape(startup) == [("creating", 0), ("created", 0), ("running", None)]
    assert startup.seconds == 0


STEPS = st.lists(
    st.sampled_from(["queued", "creating", "created", "starting", "pulling", *PHASES]), min_size=1, max_size=12
)


def at_odd_times(name: str, statuses: Sequence[str], gaps: Iterable[float]) -> list[Event]:
    return [event(name, status, second) for status, second in zip(statuses, itertools.accumulate(gaps), strict=False)]


@given(STEPS, st.lists(st.integers(1, 400), min_size=12, max_size=12), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(statuses: list[str], gaps: list[int], random: object) -> None:
    events = at_odd_times("a", statuses, gaps)
    mixed = [*events, *events]
    random.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis gives a random.Random of its own
    assert startups(mixed) == startups(events)


@given(STEPS, st.lists(st.integers(0, 400), min_size=12, max_size=12))
def test_steps_are_reported_events_in_their_order_and_add_up(statuses: list[str], gaps: list[int]) -> None:
    events = at_odd_times("a", statuses, gaps)
    for startup in startups(events).values():
        times = [step.at for step in startup.steps]
        assert times == sorted(times)
        assert {(step.status, step.at) for step in startup.steps} <= {(row.status, row.at) for row in events}
        assert all(step.seconds is not None and step.seconds >= 0 for step in startup.steps[:-1])
        assert startup.steps[-1].seconds is None
        assert startup.seconds is None or startup.seconds <= sum(step.seconds or 0 for step in startup.steps)


MANY = st.lists(
    st.tuples(st.sampled_from("abcde"), st.sampled_from(["creating", "starting", *PHASES]), st.integers(0, 900)),
    max_size=60,
    unique_by=lambda one: one[2],
)


@given(MANY, st.integers(1, 7))
def test_taking_events_in_batches_comes_to_the_same_as_all_at_once(
    told_events: list[tuple[str, str, int]], size: int
) -> None:
    events = [event(name, status, second) for name, status, second in told_events]
    book = StartupBook()
    for first in range(0, len(events), size):
        book.add(events[first : first + size])
    assert book.startups == startups(events)
    assert book.usual(PARENT) == medians(book.startups.values())
    for instance in book.startups:
        others = [startup for startup in book.startups.values() if startup.instance != instance]
        usual = medians(others)
        found = book.usual(PARENT, excluding=instance)
        assert (found.total, found.count, dict(found.steps)) == (usual.total, usual.count, dict(usual.steps))


@given(st.lists(st.integers(0, 500), min_size=1, max_size=20))
def test_medians_are_medians(durations: list[int]) -> None:
    rows = [
        row
        for number, seconds in enumerate(durations)
        for row in reported(f"c{number}", ("creating", 0), ("running", seconds))
    ]
    usual = medians(startups(rows).values())
    assert usual.total == median(durations)
    assert usual.steps == {"creating": median(durations)}
    assert usual.count == len(durations)


def test_nothing_has_no_medians() -> None:
    assert medians([]) == Medians()
    assert StartupBook().usual(PARENT) == Medians()
    assert StartupBook().usual(None) == Medians()


def test_a_start_that_is_not_over_counts_with_the_steps_it_is_through() -> None:
    usual = medians([start_of(("creating", 0), ("starting", 5))])
    assert usual == Medians({"creating": 5}, None, 0)


def test_the_slowest_does_not_make_its_own_step_usual() -> None:
    book = StartupBook()
    book.add(reported("slow", ("creating", 0), ("running", 352)))
    assert book.usual_step(PARENT, "creating") is None
    book.add(reported("a", ("creating", 0), ("running", 30)))
    assert book.usual_step(PARENT, "creating") == 30
    book.add(reported("b", ("creating", 0), ("running", 32)))
    assert book.usual_step(PARENT, "creating") == 31
    assert book.usual_step(PARENT, "running") is None
    assert book.usual_step(Ref("hub", "deployment", "d2"), "creating") is None


def test_adding_says_of_which_deployments_the_medians_are_others() -> None:
    book = StartupBook()
    assert book.add(reported("a", ("creating", 0))) == {PARENT}
    assert book.add(reported("a", ("creating", 0))) == set()
    assert book.add(reported("pod", ("created", 0), parent=None)) == set()


def test_a_start_stays_known_until_the_last_event_of_its_instance_is_dropped() -> None:
    events = reported("a", ("creating", 0), ("starting", 4), ("running", 9), ("shutdown", 99))
    book = StartupBook()
    book.add(events)
    known = dict(book.startups)
    book.drop(events[:3])
    assert book.startups == known
    book.add(reported("a", ("gone", 120)))
    assert book.startups == known
    book.drop([events[3], event("a", "gone", 120)])
    assert book.startups == {}
    assert book.usual(PARENT) == Medians()


def test_dropping_an_earlier_start_leaves_the_latest() -> None:
    events = reported("a", ("creating", 0), ("running", 9), ("shutdown", 20), ("creating", 30), ("running", 44))
    book = StartupBook()
    book.add(events)
    book.drop([*events[:3], event("b", "creating", 0)])
    assert book.startups[events[0].instance].seconds == 14
    book.add(reported("a", ("shutdown", 50), ("creating", 60), ("running", 61)))
    assert book.startups[events[0].instance].seconds == 1


@pytest.mark.parametrize(
    ("seconds", "usual", "slow"),
    [
        (352, 31, True),
        (6, 1, False),
        (93, 62, False),
        (SLOW_FACTOR * 40, 40, True),
        (SLOW_FACTOR * 40 - 1, 40, False),
        (SLOW_SECONDS, 0, True),
        (SLOW_SECONDS - 1, 0, False),
        (None, 31, False),
        (352, None, False),
    ],
)
def test_slow_is_several_times_the_usual_and_many_seconds_more(
    seconds: float | None, usual: float | None, slow: bool
) -> None:
    assert is_slow(seconds, usual) is slow


def test_the_evidence_names_the_whole_start_and_the_median() -> None:
    usual = Medians({"creating": 4, "starting": 31}, 38, 14)
    startup = start_of(("creating", 0), ("starting", 4), ("running", 412))
    assert evidence(startup, usual) == "creating→running took 412 s, median 38 s"
    assert evidence(startup, Medians()) == "creating→running took 412 s"


def test_the_evidence_of_a_start_that_never_ran_is_its_slowest_step() -> None:
    usual = Medians({"creating": 4, "starting": 31}, 38, 14)
    startup = start_of(("creating", 0), ("starting", 4), ("failed", 356))
    assert evidence(startup, usual) == "starting took 352 s, median 31 s, then failed"
    assert evidence(start_of(("creating", 0)), usual) == ""


@pytest.mark.parametrize(
    ("seconds", "evidence"),
    [(412, "creating→running took 412 s, median 38 s"), (60, ""), (10, "")],
)
def test_only_a_start_clearly_slower_than_the_others_is_evidence(seconds: int, evidence: str) -> None:
    slow = reported("slow", ("creating", 0), ("running", seconds))
    others = [event for name in "ab" for event in reported(name, ("creating", 0), ("running", 38))]
    assert slow_start(Ref("hub", "container", "slow"), [*slow, *others]) == evidence
    assert slow_start(Ref("hub", "container", "slow"), slow) == ""
    assert slow_start(Ref("hub", "container", "unknown"), others) == ""


def test_durations_read_in_seconds_while_seconds_say_something() -> None:
    assert [seconds_text(seconds) for seconds in (None, 0.2, 31.4, 352, 3720)] == [
        "",
        "0 s",
        "31 s",
        "352 s",
        "1h 02m",
    ]
