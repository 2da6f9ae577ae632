"""How far a server's clock is ahead of ours, from dates in whole seconds."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.api.http.server_clock import ServerClock

NOON = 1_764_590_400.0


@given(
    ahead=st.floats(-1e6, 1e6),
    way=st.floats(0, 3),
    back=st.floats(0, 3),
    stale=st.floats(0, 1),
    now=st.floats(NOON, NOON + 10),
)
def test_the_difference_is_right_to_the_second_and_the_way(
    ahead: float, way: float, back: float, stale: float, now: float
) -> None:
    clock = ServerClock()
    date = formatdate(int(now + way + ahead - stale), usegmt=True)
    clock.note(date, sent=now, received=now + way + back)
    assert clock.ahead is not None
    assert abs(clock.ahead - ahead) <= 2 + way + back + 0.01


def test_clocks_that_may_be_the_same_are() -> None:
    clock = ServerClock()
    clock.note(formatdate(NOON, usegmt=True), sent=NOON + 0.4, received=NOON + 0.5)
    assert clock.ahead == 0.0


def test_an_answer_that_agrees_changes_nothing_and_one_that_does_not_is_believed() -> None:
    clock = ServerClock()
    seen = set()
    for second in range(20):
        now = NOON + second * 1.37
        clock.note(formatdate(int(now + 90.25), usegmt=True), sent=now, received=now + 0.01)
        seen.add(clock.ahead)
    assert len(seen) == 1
    clock.note(formatdate(NOON, usegmt=True), sent=NOON, received=NOON + 0.1)
    assert clock.ahead == 0.0


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Dec 2025 19:03:20 GMT", "\x1b[2J"])
def test_what_is_no_date_says_nothing(date: str) -> None:
    clock = ServerClock()
    clock.note(date, sent=NOON, received=NOON)
    assert clock.ahead is None


def test_a_jump_of_our_own_clock_during_the_question_says_nothing() -> None:
    clock = ServerClock()
    clock.note(formatdate(NOON, usegmt=True), sent=NOON + 3600, received=NOON)
    assert clock.ahead is None


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 99999999999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 2025 23:59:59 -9999",
        "Fri, 31 Dec 2025 23:59:59 +99999999999999",
        "Thu, 01 Jan 1066 00:00:00 GMT",
        "Mon, 99 Foo 2025 99:99:99 GMT",
        ", , , ,",
        "9" * 100_000,
        "\x00",
    ],
)
def test_what_is_no_date_is_passed_over(date: str) -> None:
    clock = ServerClock()
    clock.note(date, sent=NOON, received=NOON)
    assert clock.ahead is None
