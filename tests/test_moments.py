"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gputui.moments import parse_moment

NOW = datetime(2026, 11, 25, 14, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("2 h", NOW - timedelta(hours=2)),
        ("30s", NOW - timedelta(seconds=30)),
        ("3d", NOW - timedelta(days=3)),
        ("9:05", datetime(2026, 11, 25, 9, 5, tzinfo=UTC)),
        ("09:05:07", datetime(2026, 11, 25, 9, 5, 7, tzinfo=UTC)),
        ("2026-11-24 14:05", datetime(2026, 11, 24, 14, 5, tzinfo=UTC)),
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T14:05:00+08:00", datetime(2026, 11, 24, 6, 5, tzinfo=UTC)),
    ],
)
def test_each_way_to_write_one_is_read(text: str, meant: datetime) -> None:
    assert parse_moment(text, NOW, utc=True) == meant


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2026-13-01", "999999999d", "-5m", "1:2:3:4"])
def test_what_is_none_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="must be such as 90m"):
        parse_moment(text, NOW)
