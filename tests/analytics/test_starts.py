"""Starts that are under way: usual, slow, and stuck."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gputui.analytics.starts import STUCK_SECONDS, starts_under_way
from gputui.analytics.startup_times import StartupBook
from gputui.models import Event, Instance, Phase, Ref

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TRAIN = Ref("hub", "deployment", "train")
AWAY = Ref("lab", "container", "away")


def at(account: str) -> datetime:
    return NOW


def starting(name: str, parent: Ref | None = TRAIN, since: float | None = None) -> Instance:
    at = None if since is None else NOW - timedelta(seconds=since)
    ref = Ref("hub", "container", name)
    return Instance(ref, name, Phase.PENDING, "starting", parent=parent, updated_at=at)


def begun(name: str, seconds: float, *, took: float | None = None) -> list[Event]:
    """Return the events of a start that began so long ago, and reached running after ``took``."""
    ref, at = Ref("hub", "container", name), NOW - timedelta(seconds=seconds)
    steps = [("creating", Phase.PENDING, at)]
    if took is not None:
        steps.append(("running", Phase.RUNNING, at + timedelta(seconds=took)))
    return [
        Event(Ref("hub", "event", f"{name}/{status}"), ref, name, when, status, phase, parent=TRAIN)
        for status, phase, when in steps
    ]


def later(name: str, seconds: float, status: str) -> list[Event]:
    at = NOW - timedelta(seconds=seconds)
    ref = Ref("hub", "container", name)
    return [Event(Ref("hub", "event", f"{name}/{status}"), ref, name, at, status, Phase.PENDING, parent=TRAIN)]


@pytest.mark.parametrize(
    "seconds, slow, stuck", [(20, False, False), (59, False, False), (250, True, False), (300, True, True)]
)
def test_a_start_is_slow_by_comparison_with_the_others_of_its_deployment_and_stuck_later(
    seconds: float, slow: bool, stuck: bool
) -> None:
    book = StartupBook()
    for number in range(3):
        book.add(begun(f"old-{number}", 4000, took=30))
    book.add(begun("new", seconds))
    start = starts_under_way([starting("new")], book, at)[Ref("hub", "container", "new")]
    assert (start.usual, start.slow, start.stuck) == (30, slow, stuck)
    assert start.since == NOW - timedelta(seconds=seconds)


def test_a_step_that_takes_clearly_longer_than_usual_makes_a_start_slow_and_is_named() -> None:
    book = StartupBook()
    for number in range(3):
        book.add([*begun(f"old-{number}", 4000, took=100)[:1], *later(f"old-{number}", 3998, "pulling"), *begun(
            f"old-{number}", 4000, took=100
        )[1:]])  # fmt: skip
    book.add(begun("new", 60))
    start = starts_under_way([starting("new")], book, at)[Ref("hub", "container", "new")]
    assert (start.slow, start.step, start.usual_step, start.usual) == (True, "creating", 2, 100)


@pytest.mark.parametrize("seconds, stuck", [(STUCK_SECONDS - 1, False), (STUCK_SECONDS, True), (None, False)])
def test_without_others_it_is_stuck_after_a_fixed_time_if_its_beginning_is_known(
    seconds: float | None, stuck: bool
) -> None:
    row = starting("alone", None, seconds)
    start = starts_under_way([row], StartupBook(), at)[row.ref]
    assert (start.usual, start.slow, start.stuck) == (None, False, stuck)


def test_a_start_becomes_neither_slow_nor_stuck_after_the_last_answer_of_its_account() -> None:
    rows = [starting("here", None, STUCK_SECONDS), replace(starting("away", None, STUCK_SECONDS), ref=AWAY)]
    known = {"hub": NOW, "lab": NOW - timedelta(seconds=40)}
    starts = starts_under_way(rows, StartupBook(), known.__getitem__)
    assert [start.stuck for start in starts.values()] == [True, False]
