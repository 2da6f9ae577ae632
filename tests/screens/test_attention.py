"""When the user last looked: the end of the session before, or the last key before a long pause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gputui.history.preferences import Preferences
from gputui.screens.base.attention import AWAY, Attention


def test_the_last_look_is_that_of_the_session_before_until_the_user_has_been_away() -> None:
    preferences, now = Preferences(), [datetime(2026, 3, 1, 12, tzinfo=UTC)]
    first = Attention(preferences, lambda: now[0])
    assert first.since is None, "the first session ever"
    now[0] += timedelta(minutes=5)
    first.input_came()
    left = now[0]
    now[0] += timedelta(hours=9)
    first.end()

    again = Attention(preferences, lambda: now[0])
    assert again.since == left, "the last key, not the end of a terminal that was left alone"
    now[0] += AWAY - timedelta(seconds=1)
    again.input_came()
    assert again.since == left
    before = now[0]
    now[0] += AWAY
    again.input_came()
    assert again.since == before
